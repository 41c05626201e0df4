//! The disk stops taking writes while the gateway runs, and takes them again.
//!
//! A limit on the length of files stands for a disk that fails: `EFBIG` comes back from a write that was fine before.

use std::process::Command;

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::load::Load;
use crate::support::port;
use crate::support::setup::{Setup, event, event_of};

/// Header and first record of a segment fit; hardly more.
const NO_MORE: &str = "2000";

fn limit(gateway: &Gateway, bytes: &str) {
    let set = Command::new("prlimit").args(["--pid", &gateway.id().to_string(), &format!("--fsize={bytes}:")]).status();
    assert!(set.expect("prlimit of util-linux").success());
}

/// The signal that comes with the error would end it.
fn start(setup: &Setup) -> Gateway {
    let mut gateway = Gateway::launch_behind("trap '' XFSZ", &setup.text());
    gateway.wait_until_ready();
    gateway
}

fn acks(gateway: &Gateway, custody: &str) -> i64 {
    gateway.number(&format!("hookgate_acks_total{{source=\"orders\",custody=\"{custody}\"}}"))
}

#[test]
fn where_a_broker_answers_kafka_stands_in_for_a_disk_that_fails_and_nothing_is_lost() {
    let kafka = Kafka::shared();
    let gateway = start(&Setup::new(kafka, "disk").spool().source("orders", "deadline: 20s"));
    let load = Load::start(gateway.public, 8, "orders", |id| event_of("orders", id, 3000));
    load.go_on_for(200);
    let by_kafka = acks(&gateway, "kafka");
    limit(&gateway, NO_MORE);
    gateway.wait_for_number("hookgate_spool_poisoned_segments_total", |segments| segments > 0);
    wait_for("Kafka's custody", || (acks(&gateway, "kafka") > by_kafka).then_some(()));
    load.go_on_for(200);
    assert!(gateway.is_ready(), "an event sent now would be kept");
    limit(&gateway, "unlimited");
    let by_disk = acks(&gateway, "disk");
    wait_for("the disk's custody", || (acks(&gateway, "disk") > by_disk).then_some(()));
    load.go_on_for(200);
    let ledger = load.stop();
    kafka.delivered("disk.orders", &ledger).is_whole(3000);
    gateway.wait_until_delivered();
}

#[test]
fn without_a_broker_nothing_is_promised_until_the_disk_is_well_again() {
    let nobody = format!("127.0.0.1:{}", port::free());
    let setup = Setup::before(&nobody, "disk-alone").spool().source("orders", "").source("once", "retries: false");
    let mut gateway = start(&setup);
    let ask = |source: &str, id: &str| gateway.ask(&event_of(source, id, 3000));
    for id in ["1", "2", "3"] {
        assert_eq!(ask("orders", id).status, 200);
    }
    limit(&gateway, NO_MORE);
    for source in ["orders", "once", "orders"] {
        let refused = ask(source, "4");
        assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{source}");
    }
    assert!(!gateway.is_ready());
    limit(&gateway, "unlimited");
    wait_for("it to be ready", || gateway.is_ready().then_some(()));
    assert_eq!(ask("orders", "5").status, 200);
    assert_eq!(ask("once", "5").status, 200);
    assert_eq!(ask("orders", "1").header("x-duplicate"), Some("true"));

    // What was promised outlives a crash; what was refused was never settled.
    gateway.kill();
    gateway.restart_with(&nobody, &Kafka::shared().bootstrap());
    let again = gateway.ask(&event("orders", "4"));
    assert_eq!((again.status, again.header("x-duplicate")), (200, None));
    for (topic, expected) in [("disk-alone.orders", vec!["1", "2", "3", "5", "4"]), ("disk-alone.once", vec!["5"])] {
        let records = Kafka::shared().records(topic, expected.len());
        assert_eq!(records.iter().filter_map(|record| record.header("ce_id")).collect::<Vec<_>>(), expected);
    }
}
