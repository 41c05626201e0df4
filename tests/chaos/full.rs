//! The volume is full: of events that nobody fetches, or of a file that is not the gateway's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::{Entry, Ledger, hash};
use crate::row::{Row, Times};
use crate::senders::{LARGE, Plan, Senders, body_of, event};
use crate::support::client::{Answer, Connection};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::setup::Setup;
use crate::volume::{Kind, Volume};

const MIB: u64 = 64;
/// What a foreign file leaves to the events, where it leaves anything.
const LEFT_BYTES: u64 = 4 << 20;
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
    let volume = Volume::new(kind, MIB);
    let kafka = Kafka::start();
    let topics = SOURCES.map(|source| format!("{family}.{source}"));
    for topic in &topics {
        kafka.create_topic(topic, 4);
    }
    let spool =
        format!("spool: {{ dir: \"{}/spool\", max_bytes: 1GiB, segment_bytes: 1MiB }}", volume.path().display());
    let setup = Setup::new(&kafka, family).with(&spool).source("again", "ack: disk").source("once", "retries: false");
    let mut gateway = Gateway::start(&setup.text());

    let ledger = Arc::new(Ledger::open(family));
    let interval = Duration::from_millis(2);
    let plan = Plan { address: gateway.public, family, sources: &SOURCES, senders: 8, interval };
    let mut probe = Probe { address: gateway.public, topic: topics[0].clone(), ledger: Arc::clone(&ledger), asked: 0 };
    let (mut refused, mut back, mut restarts) = (Times::default(), [Times::default(), Times::default()], 0);
    // Events alone take long to fill it.
    let all_by_events = row.size(false, true);
    let (mut cycle, clock) = (0, row.clock.clone());
    let cycles = row.rounds(3, 100, |random| {
        let foreign = cycle % 2 == 1;
        cycle += 1;
        kafka.kill();
        if foreign || !all_by_events {
            volume.fill(if random.below(2) == 0 { 0 } else { LEFT_BYTES });
        }
        let senders = Senders::start(&plan, &format!("{LARGE}-{cycle}"), &ledger);
        refused.add(probe.wait_for_refusal());
        wait_for("readiness to go", || (!gateway.is_ready()).then_some(()));
        senders.stop();
        if cycle % 3 == 0 {
            restarts += 1;
            gateway.kill();
            gateway.relaunch();
            gateway.wait_until_alive();
        }
        if !foreign {
            kafka.restart();
        }
        let begun = clock.now();
        if foreign {
            volume.empty();
        }
        wait_for("it to be ready again", || gateway.is_ready().then_some(()));
        wait_for("it to take events again", || (probe.ask().status == 200).then_some(()));
        back[usize::from(foreign)].add(clock.now().since(begun));
        if foreign {
            kafka.restart();
        } else if !all_by_events {
            volume.empty();
        }
        gateway.wait_until_delivered();
    });

    assert_eq!(gateway.number("hookgate_spool_poisoned_segments_total"), 0, "what was accepted met a full disk");
    let (log, met) = (gateway.log(), "the spool cannot be written");
    let met = log.lines().filter(|line| line.contains(met)).count();
    assert!(met <= restarts, "{met} times a full disk was written to, with {restarts} starts on one:\n{log}");
    let entries = ledger.entries();
    let verdict = judge(&kafka, &topics, &entries, |_| true);
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    let refusal = |entry: &Entry| entry.is_promise() || entry.status == 503;
    assert!(entries.iter().all(refusal), "the ledger: {}", ledger.path().display());
    let (most, [drained, freed]) = (refused.quantile(100), back.map(|times| times.quantile(100) / 1000.0));
    row.found(
        &format!("{cycles} times full, {}", kind.name()),
        &format!(
            "{verdict}; the first refusal took at most {most:.0} ms; ready again at most {freed:.1} s after space \
             came back, {drained:.1} s after the broker did"
        ),
    );
}

/// One more sender, that looks at its answers. It comes again, and so is refused first.
struct Probe {
    address: SocketAddr,
    topic: String,
    ledger: Arc<Ledger>,
    asked: usize,
}

impl Probe {
    /// Asks until it is refused; how long that answer took.
    fn wait_for_refusal(&mut self) -> Duration {
        let limit = Duration::from_mins(3);
        crate::support::limit::wait_within(limit, "a refusal", || {
            let before = self.ledger.now();
            let answer = self.ask();
            let took = self.ledger.now().saturating_sub(before);
            (answer.status != 200).then(|| {
                assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true), "{answer:?}");
                took
            })
        })
    }

    fn ask(&mut self) -> Answer {
        self.asked += 1;
        let id = format!("probe-{}", self.asked);
        let asked = self.ledger.now();
        let mut connection = Connection::open(self.address).expect("the gateway listens");
        let answer = connection.ask(&event("again", &id)).expect("an answer");
        let (at, hash) = (self.ledger.now(), hash(&body_of(&id)));
        let (topic, took) = (self.topic.clone(), at.saturating_sub(asked));
        let duplicate = answer.header("x-duplicate").is_some();
        self.ledger.enter(Entry { topic, id, status: answer.status, duplicate, at, took, hash });
        answer
    }
}
