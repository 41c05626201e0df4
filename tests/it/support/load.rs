//! Senders that go on, come again as webhook senders do, and keep a ledger of what they were promised.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::support::client::{Connection, Request};
use crate::support::limit::wait_for;

/// Between a refusal, or a connection that ended, and the next try.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two events of a sender: brokers and gateways that start beside us need a processor too.
const PACE: Duration = Duration::from_millis(5);

/// What the senders were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Ids whose 2xx was read, in the order of each sender.
    pub(crate) promised: Vec<String>,
    /// Those of them that were said to be duplicates.
    pub(crate) duplicates: Vec<String>,
    /// Answers other than 2xx.
    pub(crate) refusals: Vec<u16>,
    /// Requests that got no answer: their connection ended.
    pub(crate) unanswered: usize,
}

/// Senders at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    promised: Arc<AtomicUsize>,
    senders: Vec<JoinHandle<Ledger>>,
}

impl Load {
    /// So many senders, one connection each. Each sends its events one after another, and one again until it is taken;
    /// ids are `<prefix>-<sender>-<number>`.
    pub(crate) fn start(
        address: SocketAddr,
        senders: usize,
        prefix: &str,
        make: impl Fn(&str) -> Request + Copy + Send + 'static,
    ) -> Self {
        let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let sender = |number| {
            let sender = Sender {
                address,
                prefix: format!("{prefix}-{number}"),
                stop: Arc::clone(&stop),
                promised: Arc::clone(&promised),
            };
            thread::spawn(move || sender.run(make))
        };
        let senders = (0..senders).map(sender).collect();
        Self { stop, promised, senders }
    }

    /// Waits until so many more events were promised.
    pub(crate) fn go_on_for(&self, events: usize) {
        let before = self.promised.load(Ordering::Relaxed);
        wait_for("senders to be answered", || (self.promised.load(Ordering::Relaxed) >= before + events).then_some(()));
    }

    /// The end of the work.
    pub(crate) fn stop(self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Ledger::default();
        for sender in self.senders {
            let one = sender.join().expect("a sender's ledger");
            all.promised.extend(one.promised);
            all.duplicates.extend(one.duplicates);
            all.refusals.extend(one.refusals);
            all.unanswered += one.unanswered;
        }
        all
    }
}

struct Sender {
    address: SocketAddr,
    prefix: String,
    stop: Arc<AtomicBool>,
    promised: Arc<AtomicUsize>,
}

impl Sender {
    fn run(self, make: impl Fn(&str) -> Request) -> Ledger {
        let mut ledger = Ledger::default();
        let mut connection = None;
        for number in 0.. {
            let id = format!("{}-{number}", self.prefix);
            let request = make(&id);
            while !self.try_once(&mut connection, &id, &request, &mut ledger) {
                if self.stop.load(Ordering::Relaxed) {
                    return ledger;
                }
                thread::sleep(PAUSE);
            }
            thread::sleep(PACE);
        }
        ledger
    }

    /// True: it was taken, and is in the ledger.
    fn try_once(&self, connection: &mut Option<Connection>, id: &str, request: &Request, ledger: &mut Ledger) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return false;
        }
        if connection.is_none() {
            *connection = Connection::open(self.address);
        }
        let Some(open) = connection else { return false };
        let Some(answer) = open.ask(request) else {
            ledger.unanswered += 1;
            *connection = None;
            return false;
        };
        if answer.header("connection") == Some("close") {
            *connection = None;
        }
        if !(200..300).contains(&answer.status) {
            ledger.refusals.push(answer.status);
            return false;
        }
        if answer.header("x-duplicate").is_some() {
            ledger.duplicates.push(id.to_owned());
        }
        ledger.promised.push(id.to_owned());
        self.promised.fetch_add(1, Ordering::Relaxed);
        true
    }
}
