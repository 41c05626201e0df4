//! Senders that go on whatever happens, and come again as webhook senders do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hookgate::clock::Clock;

use crate::ledger::{Entry, Hash, Ledger, hash};
use crate::support::client::{Connection, Request};
use crate::support::setup::{body, event_of};

/// Between a refusal, or a connection that ended, and the next try.
const PAUSE: Duration = Duration::from_millis(10);
/// A body is so long, and some noise that follows from its id.
const BYTES: usize = 200;
/// The same where the id begins with [`LARGE`].
const LARGE_BYTES: usize = 60_000;

/// What ids begin with whose events are to fill a volume soon.
pub(crate) const LARGE: &str = "large";

/// Who sends what, and how fast.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Of the gateway.
    pub(crate) address: SocketAddr,
    /// As in `Setup::new`: topics are `<family>.<source>`.
    pub(crate) family: &'static str,
    pub(crate) sources: &'static [&'static str],
    /// One after another, they take a source each.
    pub(crate) senders: usize,
    /// From one event of a sender to its next; what is late is not caught up.
    pub(crate) interval: Duration,
}

/// The event that a sender sends under an id. Its key is the sender.
pub(crate) fn event(source: &str, id: &str) -> Request {
    let (sender, _) = id.rsplit_once('-').expect("<prefix>-<sender>-<number>");
    event_of(source, id, bytes(id)).header("x-sender", sender)
}

/// What its body is.
pub(crate) fn body_of(id: &str) -> Vec<u8> {
    body(id, bytes(id))
}

fn bytes(id: &str) -> usize {
    if id.starts_with(LARGE) { LARGE_BYTES } else { BYTES }
}

/// Senders at work.
pub(crate) struct Senders {
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Each sends its events one after another, and one again until it is taken. Ids begin with `prefix`.
    pub(crate) fn start(plan: &Plan, prefix: &str, ledger: &Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |number: usize| {
            let source = plan.sources[number % plan.sources.len()];
            let sender = Sender {
                address: plan.address,
                topic: format!("{}.{source}", plan.family),
                source,
                interval: plan.interval,
                ledger: Arc::clone(ledger),
                stop: Arc::clone(&stop),
            };
            let prefix = format!("{prefix}-{number}");
            // One after another, not all at once.
            let first = plan.interval * u32::try_from(number).expect("few") / u32::try_from(plan.senders).expect("few");
            thread::spawn(move || {
                thread::sleep(first);
                sender.run(&prefix);
            })
        };
        let threads = (0..plan.senders).map(start).collect();
        Self { ledger: Arc::clone(ledger), stop, threads }
    }

    /// Waits until so many more events were promised.
    pub(crate) fn go_on_for(&self, events: usize) {
        let before = self.ledger.promises();
        crate::support::limit::wait_for("senders to be answered", || {
            (self.ledger.promises() >= before + events).then_some(())
        });
    }

    /// The end of the work; what is on its way is waited for.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("a sender"));
    }
}

struct Sender {
    address: SocketAddr,
    source: &'static str,
    topic: String,
    interval: Duration,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
}

impl Sender {
    fn run(self, prefix: &str) {
        let clock = Clock::system();
        let mut connection = None;
        for number in 0.. {
            let begun = clock.now();
            let id = format!("{prefix}-{number}");
            let (request, hash) = (event(self.source, &id), hash(&body_of(&id)));
            loop {
                if self.stop.load(Ordering::Relaxed) {
                    return;
                }
                if self.is_taken(&mut connection, &id, &request, hash) {
                    break;
                }
                thread::sleep(PAUSE);
            }
            thread::sleep(self.interval.saturating_sub(clock.now().since(begun)));
        }
    }

    fn is_taken(&self, connection: &mut Option<Connection>, id: &str, request: &Request, hash: Hash) -> bool {
        if connection.is_none() {
            *connection = Connection::open(self.address);
        }
        let Some(open) = connection else { return false };
        let asked = self.ledger.now();
        let Some(answer) = open.ask(request) else {
            self.ledger.unanswered();
            *connection = None;
            return false;
        };
        if answer.header("connection") == Some("close") {
            *connection = None;
        }
        let at = self.ledger.now();
        let entry = Entry {
            topic: self.topic.clone(),
            id: id.to_owned(),
            status: answer.status,
            duplicate: answer.header("x-duplicate").is_some(),
            at,
            took: at.saturating_sub(asked),
            hash,
        };
        let is_promise = entry.is_promise();
        self.ledger.enter(entry);
        is_promise
    }
}
