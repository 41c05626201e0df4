//! The brokers of a cluster are killed, stopped and continued under load: leaders change, too few replicas are in sync,
//! or nobody answers.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use hookgate::forward::IN_FLIGHT_BYTES_MAX;

use self::Trouble::{AllKilled, AllStopped, OneKilled, OneStopped, TwoKilled, TwoStopped};
use crate::judge::judge;
use crate::ledger::Ledger;
use crate::row::Row;
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::node::Node;
use crate::support::limit::{LIMIT, wait_within};
use crate::support::setup::Setup;

/// The topic of the last one is missing at first.
const SOURCES: [&str; 4] = ["disk", "kafka", "both", "late"];

const RECORDS: &str = "hookgate_spool_records";
/// Before each trouble at most.
const PAUSE: Duration = Duration::from_millis(500);
/// It lasts at least.
const TIME: Duration = Duration::from_millis(500);

/// What is done to the cluster in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Its connections stay, and nothing comes back on them. Others lead what it led; two in sync are enough.
    OneStopped,
    OneKilled,
    /// One is left, which has everything and may take nothing.
    TwoStopped,
    TwoKilled,
    /// Nobody is left.
    AllStopped,
    AllKilled,
}

/// In turn. Ten rounds begin with what costs the fewest starts of a broker.
const TROUBLES: [Trouble; 6] = [OneStopped, OneKilled, TwoStopped, AllStopped, TwoKilled, AllKilled];

#[test]
fn brokers_killed_and_stopped_at_random_cost_no_event_and_leave_none_behind() {
    let mut row = Row::new("broker");
    let kafka = Kafka::start_three();
    let topics = SOURCES.map(|source| format!("chaos-broker.{source}"));
    let [there @ .., late] = &topics;
    for topic in there {
        kafka.create_topic(topic, 4);
    }
    kafka.create_topic("chaos-broker.dead", 1);
    let setup = Setup::new(&kafka, "chaos-broker").without_topics();
    let setup = setup.spool_with("max_bytes: 1GiB, segment_bytes: 1MiB");
    let with_source = |setup: Setup, source: &&str| {
        // What a slow disk sends to the second custody goes ahead of the backlog: see `forward`.
        let ack = if matches!(*source, "disk" | "late") { "disk, deadline: 60s" } else { source };
        setup.source(source, &format!("ack: {ack}, key: header:X-Sender"))
    };
    let gateway = Gateway::start(&SOURCES.iter().fold(setup, with_source).text());

    let ledger = Arc::new(Ledger::open(row.name));
    let interval = Duration::from_millis(40);
    let plan = Plan { address: gateway.public, family: "chaos-broker", sources: &SOURCES, senders: 12, interval };
    let senders = Senders::start(&plan, "broker", &ledger);
    senders.go_on_for(100);
    let (first, mut most, mut done) = (gateway.resident_kib(), 0, 0);
    let longest = row.size(Duration::from_secs(3), Duration::from_secs(40));
    let rounds = row.rounds(10, 200, |random| {
        sleep(random.between(Duration::ZERO, PAUSE));
        let victim = usize::try_from(random.below(3)).expect("three nodes");
        let trouble = TROUBLES[done % TROUBLES.len()];
        // Sometimes nobody answers for two minutes.
        let is_long = trouble == AllStopped && done / TROUBLES.len() % 4 == 3;
        let time = if is_long { 3 * longest } else { random.between(TIME, longest) };
        let waiting = hurt(&kafka, &gateway, trouble, victim, time);
        let is_shown = !matches!(trouble, OneStopped | OneKilled) && done > TROUBLES.len();
        assert!(!is_shown || waiting > 0, "{trouble:?} kept nothing back");
        most = most.max(gateway.resident_kib());
        done += 1;
        if done == TROUBLES.len() {
            create_late(&kafka, &gateway, &there[0], late);
        }
    });
    // The time was too short for all of them.
    if rounds < TROUBLES.len() {
        create_late(&kafka, &gateway, &there[0], late);
    }
    senders.go_on_for(100);
    senders.stop();
    wait_within(5 * LIMIT, "everything to be delivered", || (gateway.number(RECORDS) == 0).then_some(()));

    let entries = ledger.entries();
    let verdict = judge(&kafka, &topics, &entries, |_| true);
    let rebuilds = gateway.number("hookgate_kafka_producer_rebuilds_total");
    // A producer that is replaced while records are in flight may send them twice, behind later ones.
    if rebuilds == 0 {
        verdict.assert(ledger.path());
    }
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    // What is in flight is held by us and, as a copy, by librdkafka; beside that there is a key an event.
    let bound = first + (2 * IN_FLIGHT_BYTES_MAX.0 + 64 * u64::try_from(entries.len()).expect("few")) / 1024;
    assert!(most < bound, "{most} KiB resident, {first} before the first trouble");
    let found = format!("{verdict}; {rebuilds} producers replaced; {} MiB resident at most", most / 1024);
    row.found(&format!("{rounds} rounds"), &found);
}

/// Makes the missing topic. Its events have been waiting for that, and nobody else's have.
fn create_late(kafka: &Kafka, gateway: &Gateway, other: &str, late: &str) {
    gateway.wait_for_number(&format!("hookgate_kafka_topic_paused{{topic=\"{late}\"}}"), |paused| paused == 1);
    let produced = format!("hookgate_events_produced_total{{topic=\"{other}\"}}");
    let before = gateway.number(&produced);
    gateway.wait_for_number(&produced, |events| events > before);
    kafka.create_topic(late, 3);
}

/// For so long; afterwards all of them are there again. So many events waited at its end.
fn hurt(kafka: &Kafka, gateway: &Gateway, trouble: Trouble, victim: usize, time: Duration) -> i64 {
    let all = [1, 2, 3].map(|number| kafka.node(number));
    let victims = match trouble {
        OneStopped | OneKilled => &all[victim..=victim],
        // The controller stays: it has to say who is in sync.
        TwoStopped | TwoKilled => &all[1..],
        AllStopped | AllKilled => &all[..],
    };
    let is_killed = matches!(trouble, OneKilled | TwoKilled | AllKilled);
    let each = |harm: fn(&Node)| victims.iter().copied().for_each(harm);
    each(if is_killed { Node::kill } else { Node::pause });
    sleep(time);
    let waiting = gateway.number(RECORDS);
    each(if is_killed { Node::launch } else { Node::resume });
    kafka.wait_until_there();
    waiting
}
