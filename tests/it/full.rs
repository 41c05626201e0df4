//! A spool that fills: who is turned away when, and that it comes back by itself.

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::setup::{Setup, body, event, event_of};

const BYTES: usize = 60_000;
const SOURCES: [&str; 2] = ["retries", "once"];

/// Events go on until one is refused; the ids of those that were taken.
fn fill(gateway: &Gateway, source: &str, already: usize) -> Vec<String> {
    let mut taken = Vec::new();
    let mut connection = gateway.connect();
    wait_for("the spool to refuse", || {
        let id = format!("{source}-{}", already + taken.len());
        let answer = connection.ask(&event_of(source, &id, BYTES)).expect("an answer");
        match answer.status {
            200 => taken.push(id),
            503 => {
                assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
                return Some(());
            }
            other => panic!("{other}"),
        }
        None
    });
    taken
}

/// Fills it with what senders give who come again, then with what others give; and lets the broker come.
fn fills_and_recovers(kafka: &Kafka, gateway: &Gateway, name: &str) {
    let retries = fill(gateway, "retries", 0);
    assert!(gateway.is_ready(), "it still has room for those who send once");
    let once = fill(gateway, "once", 0);
    assert!(!retries.is_empty() && !once.is_empty());
    wait_for("readiness to go", || (!gateway.is_ready()).then_some(()));
    let verbose = gateway.ask_admin("/readyz?verbose").expect("an answer");
    let said = String::from_utf8_lossy(&verbose.body).into_owned();
    assert_eq!(verbose.status, 503);
    assert!(said.contains("[-]custody failed: the spool is full"), "{said}");
    for source in SOURCES {
        assert_eq!(gateway.ask(&event(source, "refused")).status, 503, "{source}");
    }
    let [used, capacity] =
        ["hookgate_spool_bytes", "hookgate_spool_capacity_bytes"].map(|series| gateway.number(series));
    assert!(used <= capacity, "{used} bytes of {capacity}");
    let known = gateway.ask(&event_of("retries", &retries[0], BYTES));
    assert_eq!((known.status, known.header("x-duplicate")), (200, Some("true")), "what is known costs nothing");

    kafka.restart();
    for (source, ids) in [("retries", &retries), ("once", &once)] {
        let records = kafka.records(&format!("{name}.{source}"), ids.len());
        let arrived: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).collect();
        assert_eq!(arrived, ids.iter().map(String::as_str).collect::<Vec<_>>(), "all that was taken, each once");
        assert!(records.iter().zip(ids).all(|(record, id)| record.value == body(id, BYTES)));
    }
    wait_for("it to be ready again", || gateway.is_ready().then_some(()));
    for source in SOURCES {
        wait_for("it to take events again", || (gateway.ask(&event(source, "refused")).status == 200).then_some(()));
        let arrived = |record: &crate::support::kafka::record::Record| record.header("ce_id") == Some("refused");
        kafka.records_until(&format!("{name}.{source}"), |records| records.iter().any(arrived));
    }
    gateway.wait_until_delivered();
}

fn setup(kafka: &Kafka, name: &'static str) -> Setup {
    Setup::new(kafka, name).source("retries", "").source("once", "retries: false")
}

#[test]
fn a_spool_at_its_bound_turns_senders_away_by_whether_they_come_again_and_recovers() {
    let kafka = Kafka::start();
    kafka.kill();
    let setup = setup(&kafka, "full").spool_with("max_bytes: 16MiB, segment_bytes: 1MiB");
    let gateway = Gateway::start(&setup.text());
    fills_and_recovers(&kafka, &gateway, "full");
}

#[test]
fn a_volume_that_fills_before_the_bound_does_the_same() {
    let kafka = Kafka::start();
    kafka.kill();
    let setup = setup(&kafka, "volume").spool_with("max_bytes: 1GiB, segment_bytes: 1MiB");
    let script = "mkdir \"$DIR/spool\"; mount -t tmpfs -o size=24m none \"$DIR/spool\"";
    let mut gateway = Gateway::launch_behind(script, &setup.text());
    gateway.wait_until_ready();
    fills_and_recovers(&kafka, &gateway, "volume");
    assert!(!gateway.log().contains("No space left"), "it is never met: {}", gateway.log());
}
