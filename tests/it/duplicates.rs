//! Senders send again; consumers see it once.

use std::thread;

use crate::support::client::{Answer, Request};
use crate::support::front::Front;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::limit::wait_for;

const KEY: &str = "a-key-of-the-duplicates-test";

fn source(name: &str, more: &str) -> String {
    format!("{name}: {{ auth: {{ header: X-Api-Key }}, secret: {KEY}, {more} }}\n")
}

fn post(source: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(&format!("/in/{source}")).header("x-api-key", KEY).body(body)
}

fn is_duplicate(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"status":"accepted"}"#);
    answer.header("x-duplicate") == Some("true")
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().filter_map(|record| record.header("ce_id")).collect()
}

#[test]
fn a_hundred_copies_at_once_are_one_event() {
    let front = Front::open("duplicates-at-once", &source("orders", "id: json:/id"));
    let mut connections: Vec<_> = (0..100).map(|_| front.connect()).collect();
    for round in 0..3 {
        let id = format!("order-{round}");
        let answers: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> = connections
                .iter_mut()
                .map(|connection| {
                    let request = post("orders", format!(r#"{{"id":"{id}"}}"#));
                    scope.spawn(move || connection.ask(&request).expect("an answer"))
                })
                .collect();
            asked.into_iter().map(|asked| asked.join().expect("an answer")).collect()
        });
        assert_eq!(answers.iter().filter(|answer| is_duplicate(answer)).count(), 99);
        let first = answers.iter().find(|answer| !is_duplicate(answer)).expect("the first");
        let records = front.records_until("orders", |records| ids(records).contains(&id.as_str()));
        let of_this: Vec<_> = records.iter().filter(|record| record.header("ce_id") == Some(&id)).collect();
        assert_eq!(of_this.len(), 1);
        assert_eq!(of_this[0].header("hookgate-request-id"), first.header("x-request-id"));
    }
}

#[test]
fn copies_are_known_after_a_restart_however_the_gateway_ended() {
    let mut front = Front::open(
        "duplicates-restart",
        &(source("plain", "id: json:/id")
            + &source("batch", "batch: json:/, id: item:/id")
            + &source("also", "id: json:/id, dedupe: { also: json:/token }")),
    );
    let known = |front: &Front| {
        assert!(is_duplicate(&front.ask(&post("plain", r#"{"id":"1"}"#))));
        assert!(is_duplicate(&front.ask(&post("batch", r#"[{"id":2},{"id":1}]"#))));
        assert!(is_duplicate(&front.ask(&post("also", r#"{"id":"other","token":"t"}"#))));
    };
    for (source, body) in
        [("plain", r#"{"id":"1"}"#), ("batch", r#"[{"id":1},{"id":2}]"#), ("also", r#"{"id":"1","token":"t"}"#)]
    {
        assert!(!is_duplicate(&front.ask(&post(source, body))));
    }
    front.gateway.kill();
    front.gateway.restart();
    known(&front);
    assert_eq!(front.gateway.stop(), Some(0), "{}", front.gateway.log());
    front.gateway.restart();
    known(&front);
    assert!(!is_duplicate(&front.ask(&post("plain", r#"{"id":"2"}"#))));
    // What Kafka had may come again after a kill; what was never new may not come at all.
    let records = front.records_until("plain", |records| ids(records).contains(&"2"));
    assert_eq!(ids(&records).iter().filter(|id| **id == "2").count(), 1);
    assert!(ids(&records).iter().filter(|id| **id == "1").count() <= 2, "{records:?}");
}

#[test]
fn of_a_batch_only_what_is_new_is_kept() {
    let front = Front::open("duplicates-batch", &source("batch", "batch: json:/, id: item:/id"));
    let batch = |body: &str| is_duplicate(&front.ask(&post("batch", body)));
    assert!(!batch(r#"[{"id":1},{"id":2}]"#));
    assert!(!batch(r#"[{"id":2},{"id":3},{"id":1}]"#), "one of them was new");
    assert!(batch(r#"[{"id":3},{"id":1}]"#));
    assert!(!batch(r#"[{"id":4,"n":1},{"id":4,"n":2},{"id":4,"n":1}]"#), "the first of its own copies was new");
    assert!(batch(r#"[{"id":4}]"#));
    assert!(!batch(r#"[{"id":5}]"#));
    let records = front.records("batch", 5);
    assert_eq!(ids(&records), ["1", "2", "3", "4", "5"]);
    assert_eq!(records[2].header("hookgate-batch"), Some("2/3"));
    assert_eq!(records[3].value, br#"{"id":4,"n":1}"#);
}

#[test]
fn batches_that_hold_each_others_events_do_not_wait_for_each_other() {
    let front = Front::open("duplicates-crossed", &source("batch", "batch: json:/, id: item:/"));
    let numbers: Vec<_> = (0..500).collect();
    let text = |numbers: &mut dyn Iterator<Item = &i32>| {
        format!("[{}]", numbers.map(i32::to_string).collect::<Vec<_>>().join(","))
    };
    let (forth, back) = (text(&mut numbers.iter()), text(&mut numbers.iter().rev()));
    thread::scope(|scope| {
        for body in [&forth, &back, &forth, &back] {
            scope.spawn(|| is_duplicate(&front.ask(&post("batch", body.as_str()))));
        }
    });
    let records = front.records("batch", 500);
    let mut found = ids(&records);
    found.sort_unstable();
    found.dedup();
    assert_eq!((records.len(), found.len()), (500, 500));
}

#[test]
fn sources_do_not_share_their_ids() {
    let front = Front::open(
        "duplicates-apart",
        &(source("one", "id: json:/id") + &source("two", "id: json:/id") + &source("off", "id: json:/id, dedupe: off")),
    );
    for (source, duplicate) in
        [("one", false), ("two", false), ("one", true), ("two", true), ("off", false), ("off", false)]
    {
        assert_eq!(is_duplicate(&front.ask(&post(source, r#"{"id":"1"}"#))), duplicate, "{source}");
    }
    assert_eq!(ids(&front.records("off", 2)), ["1", "1"]);
    assert_eq!((front.records("one", 1).len(), front.records("two", 1).len()), (1, 1));
}

#[test]
fn a_second_key_makes_a_duplicate_too_and_is_no_id() {
    let front = Front::open("duplicates-also", &source("mail", "id: json:/id, dedupe: { also: json:/token }"));
    let ask = |id: &str, token: &str| {
        is_duplicate(&front.ask(&post("mail", format!(r#"{{"id":"{id}","token":"{token}"}}"#))))
    };
    assert!(!ask("1", "a"));
    assert!(ask("1", "b"), "the id is known");
    assert!(ask("2", "a"), "the token is known");
    assert!(!ask("2", "b"), "neither was kept");
    assert!(!ask("a", "1"), "an id is no token, though it is written as one");
    assert!(!ask("same", "same"));
    assert!(ask("same", "c"));
    assert_eq!(ids(&front.records("mail", 4)), ["1", "2", "a", "same"]);
}

#[test]
fn each_source_forgets_after_its_own_window() {
    let front = Front::open(
        "duplicates-window",
        &(source("short", "id: json:/id, dedupe: { window: 1s }") + &source("long", "id: json:/id")),
    );
    for source in ["short", "long"] {
        assert!(!is_duplicate(&front.ask(&post(source, r#"{"id":"1"}"#))));
    }
    wait_for("the short window's end", || (!is_duplicate(&front.ask(&post("short", r#"{"id":"1"}"#)))).then_some(()));
    assert!(is_duplicate(&front.ask(&post("long", r#"{"id":"1"}"#))));
}

#[test]
fn a_copy_shares_the_fate_of_the_first() {
    let kafka = Kafka::start();
    kafka.create_topic("fate", 1);
    kafka.create_topic("webhooks.dead-letter", 1);
    let config = format!(
        "kafka: {{ brokers: [\"{}\"], topic: fate }}\nack: kafka\nshutdown: {{ drain_delay: 0s, timeout: 2s }}\nsources:\n  {}",
        kafka.bootstrap(),
        source("orders", "id: json:/id, deadline: 1s")
    );
    let gateway = crate::support::gateway::Gateway::start(&config);
    let both = || {
        let mut connections = [gateway.connect(), gateway.connect()];
        for connection in &mut connections {
            connection.send(&post("orders", r#"{"id":"1"}"#).bytes());
        }
        connections.map(|mut connection| connection.receive().expect("an answer"))
    };
    kafka.pause();
    for answer in both() {
        assert_eq!((answer.status, answer.header("x-duplicate")), (503, None));
    }
    kafka.resume();
    // What Kafka had in hand may become safe after its sender was told to come again: it is a duplicate then.
    let answers = wait_for("Kafka to answer again", || {
        Some(both()).filter(|answers| answers.iter().all(|one| one.status == 200))
    });
    assert!(answers.iter().any(is_duplicate));
    assert_eq!(ids(&kafka.records("fate", 1)), ["1"]);
}
