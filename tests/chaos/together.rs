//! The gateway and the broker are killed at random, one at a time or both at once.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::Ledger;
use crate::row::Row;
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::setup::Setup;

const LIFE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(3)];

#[test]
fn gateway_and_broker_killed_at_random_lose_nothing_that_was_acknowledged() {
    let mut row = Row::new("together");
    let kafka = Kafka::start();
    let topics = ["chaos-together.orders".to_owned()];
    kafka.create_topic(&topics[0], 4);
    let setup = Setup::new(&kafka, "chaos-together").spool_with("max_bytes: 64MiB, segment_bytes: 512KiB");
    let mut gateway = Gateway::start(&setup.source("orders", "key: header:X-Sender").text());

    let ledger = Arc::new(Ledger::open(row.name));
    let interval = Duration::from_millis(8);
    let sources = &["orders"];
    let plan = Plan { address: gateway.public, family: "chaos-together", sources, senders: 4, interval };
    let senders = Senders::start(&plan, "together", &ledger);
    let rounds = row.rounds(5, 200, |random| {
        sleep(random.between(LIFE[0], LIFE[1]));
        let victims = random.below(3);
        if victims != 0 {
            kafka.kill();
        }
        if victims != 1 {
            gateway.kill();
            gateway.restart();
        }
        if victims != 0 {
            sleep(random.between(Duration::ZERO, LIFE[1]));
            kafka.restart();
        }
    });
    senders.go_on_for(100);
    senders.stop();
    gateway.wait_until_delivered();

    let verdict = judge(&kafka, &topics, &ledger.entries(), |_| true);
    // What a dead gateway had on its way to a dying broker may overtake: order is not promised there.
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    assert!(ledger.cut_off() > 0, "nobody was cut off: nothing was shown");
    row.found(&format!("{rounds} rounds"), &verdict.to_string());
}
