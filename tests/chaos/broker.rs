//! The brokers of a cluster are killed, stopped and continued under load: leaders change, too few replicas are in sync,
//! or nobody answers.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use hookgate::forward::IN_FLIGHT_BYTES_MAX;

use crate::judge::judge;
use crate::ledger::Ledger;
use crate::row::Row;
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::node::Node;
use crate::support::limit::{LIMIT, wait_within};
use crate::support::setup::Setup;

/// The topic of the second is missing at first.
const SOURCES: [&str; 2] = ["orders", "late"];

/// Before each trouble at most.
const PAUSE: Duration = Duration::from_millis(500);
/// It lasts at least.
const TIME: Duration = Duration::from_millis(500);

/// What is done to the cluster in a round.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Other brokers lead what it led; two in sync are enough.
    OneKilled,
    /// One is left, which has everything and may take nothing.
    TwoKilled,
    /// Nobody is left.
    AllKilled,
    /// Its connections stay, and nothing comes back on them.
    OneStopped,
    /// The same of all, the controller too.
    AllStopped,
}

const TROUBLES: [Trouble; 5] =
    [Trouble::OneKilled, Trouble::TwoKilled, Trouble::OneStopped, Trouble::AllKilled, Trouble::AllStopped];

#[test]
fn brokers_killed_and_stopped_at_random_cost_no_event_and_leave_none_behind() {
    let mut row = Row::new("broker");
    let kafka = Kafka::start_three();
    let topics = SOURCES.map(|source| format!("chaos-broker.{source}"));
    kafka.create_topic(&topics[0], 6);
    kafka.create_topic("chaos-broker.dead", 1);
    let setup = Setup::new(&kafka, "chaos-broker").without_topics();
    let setup = setup.spool_with("max_bytes: 1GiB, segment_bytes: 1MiB");
    let with_source = |setup: Setup, source: &&str| setup.source(source, "key: header:X-Sender");
    let gateway = Gateway::start(&SOURCES.iter().fold(setup, with_source).text());

    let ledger = Arc::new(Ledger::open(row.name));
    let interval = Duration::from_millis(40);
    let plan = Plan { address: gateway.public, family: "chaos-broker", sources: &SOURCES, senders: 8, interval };
    let senders = Senders::start(&plan, "broker", &ledger);
    senders.go_on_for(100);
    let (first, mut most, mut done) = (gateway.resident_kib(), 0, 0);
    let longest = row.size(Duration::from_secs(3), Duration::from_secs(40));
    let rounds = row.rounds(10, 200, |random| {
        sleep(random.between(Duration::ZERO, PAUSE));
        let victim = usize::try_from(random.below(3)).expect("three nodes");
        hurt(&kafka, TROUBLES[done % TROUBLES.len()], victim, random.between(TIME, longest));
        most = most.max(gateway.resident_kib());
        done += 1;
        if done == TROUBLES.len() {
            kafka.create_topic(&topics[1], 3);
        }
    });
    senders.go_on_for(100);
    senders.stop();
    wait_within(5 * LIMIT, "everything to be delivered", || {
        (gateway.number("hookgate_spool_records") == 0).then_some(())
    });

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

/// For so long; afterwards all of them are there again.
fn hurt(kafka: &Kafka, trouble: Trouble, victim: usize, time: Duration) {
    let all = [1, 2, 3].map(|number| kafka.node(number));
    let (victims, is_killed) = match trouble {
        Trouble::OneKilled => (&all[victim..=victim], true),
        // The controller stays: it has to say who is in sync.
        Trouble::TwoKilled => (&all[1..], true),
        Trouble::AllKilled => (&all[..], true),
        Trouble::OneStopped => (&all[victim..=victim], false),
        Trouble::AllStopped => (&all[..], false),
    };
    let each = |harm: fn(&Node)| victims.iter().copied().for_each(harm);
    each(if is_killed { Node::kill } else { Node::pause });
    sleep(time);
    each(if is_killed { Node::launch } else { Node::resume });
    kafka.wait_until_there();
}
