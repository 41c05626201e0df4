//! The gateway is told to stop under load: once, twice, and while the broker is away.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::Ledger;
use crate::row::{Row, Times};
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::setup::Setup;

const SOURCES: [&str; 3] = ["disk", "kafka", "both"];

#[test]
fn told_to_stop_under_load_it_ends_in_order_and_loses_nothing() {
    let mut row = Row::new("stop");
    let kafka = Kafka::start();
    let topics = SOURCES.map(|source| format!("chaos-stop.{source}"));
    for topic in &topics {
        kafka.create_topic(topic, 4);
    }
    let setup = Setup::new(&kafka, "chaos-stop").with("shutdown: { drain_delay: 200ms, timeout: 5s }");
    let setup = setup.spool_with("max_bytes: 64MiB, segment_bytes: 512KiB");
    let with_source =
        |setup: Setup, source: &&str| setup.source(source, &format!("ack: {source}, key: header:X-Sender"));
    let mut gateway = Gateway::start(&SOURCES.iter().fold(setup, with_source).text());

    let ledger = Arc::new(Ledger::open(row.name));
    let interval = Duration::from_millis(10);
    let plan = Plan { address: gateway.public, family: "chaos-stop", sources: &SOURCES, senders: 6, interval };
    let senders = Senders::start(&plan, "stop", &ledger);
    let (mut ends, mut kind, clock) = (Times::default(), 0, row.clock.clone());
    let rounds = row.rounds(10, 200, |random| {
        sleep(random.between(Duration::from_millis(100), Duration::from_secs(1)));
        // The broker is away in one round of five: it takes seconds to come back.
        let (twice, away) = (kind % 2 == 1, kind % 5 == 4);
        kind += 1;
        if away {
            kafka.kill();
        }
        let begun = clock.now();
        gateway.signal("TERM");
        if twice {
            sleep(random.between(Duration::ZERO, Duration::from_millis(300)));
            if gateway.is_running() {
                gateway.signal("TERM");
            }
        }
        let code = gateway.end();
        ends.add(clock.now().since(begun));
        assert!(code == Some(0) || (twice && code.is_some()), "{code:?}\n{}", gateway.log());
        gateway.restart();
        if away {
            kafka.restart();
        }
    });
    senders.go_on_for(50);
    senders.stop();
    gateway.wait_until_delivered();

    let verdict = judge(&kafka, &topics, &ledger.entries(), |_| true);
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    let slowest = ends.quantile(100) / 1000.0;
    row.found(&format!("{rounds} stops"), &format!("{verdict}; the slowest took {slowest:.1} s of its 5 s"));
}
