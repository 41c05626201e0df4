//! The volume is full: of events that nobody fetches, or of a file that is not the gateway's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate::clock::Clock;

use crate::judge::judge;
use crate::ledger::{Entry, Ledger, hash};
use crate::row::{Row, Times};
use crate::senders::{LARGE, Plan, Senders, body_of, event};
use crate::support::client::{Answer, Connection};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::{wait_for, wait_within};
use crate::support::setup::Setup;
use crate::volume::{Kind, Volume};

const MIB: u64 = 64;
/// What a foreign file leaves to the events, where it leaves anything.
const LEFT_BYTES: u64 = 4 << 20;
/// For the events that fill it.
const FILLING: Duration = Duration::from_mins(3);
const SOURCES: [&str; 2] = ["again", "once"];

#[test]
fn on_a_full_tmpfs_it_turns_senders_away_and_comes_back_by_itself() {
    fill_and_free(Kind::Tmpfs, "chaos-full-tmpfs");
}

#[test]
fn on_a_full_ext4_it_turns_senders_away_and_comes_back_by_itself() {
    fill_and_free(Kind::Ext4, "chaos-full-ext4");
}

fn fill_and_free(kind: Kind, family: &'static str) {
    let mut row = Row::new("full");
    let kafka = Kafka::start();
    let topics = SOURCES.map(|source| format!("{family}.{source}"));
    for topic in &topics {
        kafka.create_topic(topic, 4);
    }
    let ledger = Arc::new(Ledger::open(family));
    let mut filled = Filled::new(&row, &kafka, Volume::new(kind, MIB), family, &ledger);
    // Events alone take long to fill it.
    let all_by_events = row.size(false, true);
    let mut cycle = 0;
    let cycles = row.rounds(3, 100, |random| {
        cycle += 1;
        let left = if random.below(2) == 0 { 0 } else { LEFT_BYTES };
        let foreign = cycle % 2 == 0;
        filled.fill(cycle, (foreign || !all_by_events).then_some(left));
        if cycle % 3 == 0 {
            filled.restart();
        }
        if foreign {
            filled.volume.empty();
            let took = filled.comes_back();
            filled.freed.add(took);
            kafka.restart();
        } else {
            kafka.restart();
            let took = filled.comes_back();
            filled.drained.add(took);
            if !all_by_events {
                filled.volume.empty();
            }
        }
        filled.gateway.wait_until_delivered();
    });

    filled.never_wrote_to_a_full_disk();
    let entries = ledger.entries();
    let verdict = judge(&kafka, &topics, &entries, |_| true);
    assert!(verdict.holds(), "{verdict}\n{verdict:#?}\nthe ledger: {}", ledger.path().display());
    let known = |entry: &Entry| entry.is_promise() || entry.status == 503;
    assert!(entries.iter().all(known), "the ledger: {}", ledger.path().display());
    let most = filled.refused.quantile(100);
    let [freed, drained] = [&filled.freed, &filled.drained].map(|times| times.quantile(100) / 1000.0);
    row.found(
        &format!("{cycles} times full, {}", kind.name()),
        &format!(
            "{verdict}; the first refusal took at most {most:.0} ms; ready again at most {freed:.1} s after space \
             came back, {drained:.1} s after the broker did"
        ),
    );
}

/// A gateway, its volume, and how it took that to be full.
struct Filled<'a> {
    gateway: Gateway,
    kafka: &'a Kafka,
    volume: Volume,
    clock: Clock,
    plan: Plan,
    ledger: Arc<Ledger>,
    probe: Probe,
    /// Starts on a full volume.
    restarts: usize,
    refused: Times,
    freed: Times,
    drained: Times,
}

impl<'a> Filled<'a> {
    fn new(row: &Row, kafka: &'a Kafka, volume: Volume, family: &'static str, ledger: &Arc<Ledger>) -> Self {
        let bounds = "max_bytes: 1GiB, segment_bytes: 1MiB";
        let setup = Setup::new(kafka, family)
            .with(&format!("spool: {{ dir: \"{}/spool\", {bounds} }}", volume.path().display()))
            .source("again", "ack: disk")
            .source("once", "ack: disk, retries: false");
        let gateway = Gateway::start(&setup.text());
        let (address, interval) = (gateway.public, Duration::from_millis(2));
        Self {
            gateway,
            kafka,
            volume,
            clock: row.clock.clone(),
            plan: Plan { address, family, sources: &SOURCES, senders: 8, interval },
            ledger: Arc::clone(ledger),
            probe: Probe { address, family, ledger: Arc::clone(ledger), asked: 0 },
            restarts: 0,
            refused: Times::default(),
            freed: Times::default(),
            drained: Times::default(),
        }
    }

    /// Takes the broker away and lets events come until none is taken; a foreign file may leave them so many bytes.
    fn fill(&mut self, cycle: usize, left: Option<u64>) {
        self.kafka.kill();
        if let Some(left) = left {
            self.volume.fill(left);
        }
        let senders = Senders::start(&self.plan, &format!("{LARGE}-{cycle}"), &self.ledger);
        self.refused.add(self.probe.wait_for_refusal());
        // New events, since one that was left to Kafka is left to it until it comes, however often it is sent.
        wait_within(FILLING, "readiness to go", || {
            self.probe.ask("once", LARGE);
            (!self.gateway.is_ready()).then_some(())
        });
        senders.stop();
    }

    fn restart(&mut self) {
        self.restarts += 1;
        self.gateway.kill();
        self.gateway.relaunch();
        self.gateway.wait_until_alive();
    }

    /// How long it takes from now on until it is ready and takes an event.
    fn comes_back(&mut self) -> Duration {
        let begun = self.clock.now();
        wait_for("it to be ready again", || self.gateway.is_ready().then_some(()));
        wait_for("it to take events again", || (self.probe.ask("again", "small").status == 200).then_some(()));
        self.clock.now().since(begun)
    }

    /// What it took had its place. Only a start may find out that there is none for a first segment.
    fn never_wrote_to_a_full_disk(&self) {
        let log = self.gateway.log();
        let met = log.lines().filter(|line| line.contains("spool-broken")).count();
        assert!(met <= self.restarts, "{met} writes failed, with {} starts on a full volume:\n{log}", self.restarts);
    }
}

/// One more sender, that looks at its answers.
struct Probe {
    address: SocketAddr,
    family: &'static str,
    ledger: Arc<Ledger>,
    asked: usize,
}

impl Probe {
    /// Asks as one that comes again, and so is refused first, until it is; how long that answer took.
    fn wait_for_refusal(&mut self) -> Duration {
        wait_within(FILLING, "a refusal", || {
            let before = self.ledger.now();
            let answer = self.ask("again", "small");
            let took = self.ledger.now().saturating_sub(before);
            (answer.status != 200).then(|| {
                assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true), "{answer:?}");
                took
            })
        })
    }

    fn ask(&mut self, source: &str, size: &str) -> Answer {
        self.asked += 1;
        let id = format!("{size}-probe-{}", self.asked);
        let asked = self.ledger.now();
        let mut connection = Connection::open(self.address).expect("the gateway listens");
        let answer = connection.ask(&event(source, &id)).expect("an answer");
        let (at, hash) = (self.ledger.now(), hash(&body_of(&id)));
        let (topic, took) = (format!("{}.{source}", self.family), at.saturating_sub(asked));
        let duplicate = answer.header("x-duplicate").is_some();
        self.ledger.enter(Entry { topic, id, status: answer.status, duplicate, at, took, hash });
        answer
    }
}
