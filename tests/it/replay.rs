//! `hookgate replay`: the same event once more, and marked.

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::said::Said;
use crate::support::setup::{Setup, body, event, event_of};

const EVENTS: usize = 10;
const MARK: &str = "hookgate-replayed";

/// A gateway that keeps what it has delivered, with all of it in Kafka.
fn keeping(name: &'static str) -> Gateway {
    let setup = Setup::new(Kafka::shared(), name).spool_with("max_bytes: 64MiB, retain: 1h");
    let gateway = Gateway::start(&setup.source("orders", "").source("bills", "").text());
    let mut connection = gateway.connect();
    for id in 0..EVENTS {
        assert_eq!(connection.ask(&event("orders", &id.to_string())).expect("an answer").status, 200, "{id}");
    }
    Kafka::shared().records(&format!("{name}.orders"), EVENTS);
    gateway
}

fn replay(gateway: &Gateway, arguments: &[&str]) -> Said {
    let config = gateway.config();
    Said::hookgate(&[&["replay", "-c", config.to_str().expect("UTF-8")], arguments].concat())
}

fn id(record: &Record) -> &str {
    record.header("ce_id").expect("an id")
}

/// Those that were sent again, each held to what it was the first time.
fn again(topic: &str, count: usize) -> Vec<String> {
    let records = Kafka::shared().records(topic, EVENTS + count);
    let (again, first): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.header(MARK).is_some());
    assert_eq!(first.len(), EVENTS);
    for record in &again {
        let before = first.iter().find(|before| id(before) == id(record)).expect("a first time");
        let headers: Vec<_> = record.headers.iter().filter(|(name, _)| name != MARK).cloned().collect();
        assert_eq!((&headers, &record.value), (&before.headers, &before.value));
        assert_eq!((&record.key, record.timestamp), (&before.key, before.timestamp));
        let (mark, came) = (record.header(MARK).expect("a time"), record.header("ce_time").expect("a time"));
        assert!(mark >= came && mark.len() == came.len() && mark.ends_with('Z'), "{mark}");
    }
    again.iter().map(|record| id(record).to_owned()).collect()
}

#[test]
fn kept_events_are_sent_again_by_number_time_and_id_while_the_gateway_runs() {
    let gateway = keeping("replay");
    let sent = replay(&gateway, &["3..5"]).good().text();
    assert_eq!(sent, "3 sent\n");
    assert_eq!(again("replay.orders", 3), ["2", "3", "4"], "sequence numbers begin with 1");

    let all = Kafka::shared().records("replay.orders", EVENTS);
    let time_of =
        |wanted: &str| all.iter().find(|record| id(record) == wanted).and_then(|record| record.header("ce_time"));
    let (from, to) = (time_of("7").expect("a time"), time_of("8").expect("a time"));
    let between = all.iter().filter(|record| record.header(MARK).is_none());
    let between: Vec<_> =
        between.filter(|record| record.header("ce_time").is_some_and(|at| from <= at && at <= to)).map(id).collect();
    replay(&gateway, &[&format!("{from}..{to}")]).good();
    assert_eq!(again("replay.orders", 3 + between.len())[3..], between);

    let so_far = 3 + between.len();
    let json = replay(&gateway, &["--id", "0", "--id", "9", "--source", "orders", "--json"]).good().json();
    assert_eq!((&json["sent"], &json["failed"]), (&2.into(), &0.into()));
    assert_eq!(again("replay.orders", so_far + 2)[so_far..], ["0", "9"]);

    assert_eq!(gateway.ask(&event("orders", "3")).header("x-duplicate"), Some("true"), "the gateway has gone on");
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_sends_nothing() {
    let gateway = keeping("replay-dry");
    let said = replay(&gateway, &["--dry-run", "9.."]).good();
    let text = said.text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("9  ") && lines[0].contains("  replay-dry.orders  8  "), "{text}");
    assert_eq!((lines.len(), lines[2]), (3, "2 would be sent"));
    assert_eq!(replay(&gateway, &["--dry-run", "--topic", "other", ".."]).good().text(), "0 would be sent\n");
    let objects = replay(&gateway, &["--dry-run", "--json", "--id", "4"]).good();
    assert_eq!(objects.json()["ce_id"], "4");
    assert_eq!(gateway.ask(&event("orders", "last")).status, 200);
    let records = Kafka::shared().records("replay-dry.orders", EVENTS + 1);
    assert_eq!(records.len(), EVENTS + 1);
    assert!(records.iter().all(|record| record.header(MARK).is_none()));
}

#[test]
fn what_is_not_there_and_what_cannot_be_meant_is_said() {
    let gateway = keeping("replay-none");
    let said = replay(&gateway, &["--id", "no such"]);
    assert_eq!((said.code, said.messages.as_str()), (Some(1), "no event that is kept has this id\n"));
    assert_eq!(replay(&gateway, &["100.."]).good().text(), "0 sent\n");
    for wrong in [&[][..], &["--dead-letter", "1..2"], &["yesterday"]] {
        assert_eq!(replay(&gateway, wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn dead_letters_go_where_they_were_meant_to_once_it_takes_them_and_are_counted_until_then() {
    let kafka = Kafka::shared();
    kafka.create_topic_with("replay-dead.orders", 1, &[("max.message.bytes", "10000")]);
    let gateway =
        Gateway::start(&Setup::new(kafka, "replay-dead").spool().source("orders", "").source("bills", "").text());
    for (id, bytes) in [("1", 10), ("2", 20_000), ("3", 20_000)] {
        assert_eq!(gateway.ask(&event_of("orders", id, bytes)).status, 200, "{id}");
    }
    let dead = kafka.records("replay-dead.dead", 2);
    let refused = replay(&gateway, &["--dead-letter"]);
    assert_eq!((refused.code, refused.text().as_str()), (Some(1), "0 sent, 2 not: 2 MESSAGE_TOO_LARGE\n"));
    assert!(refused.messages.contains("  2: MESSAGE_TOO_LARGE\n"), "{}", refused.messages);

    kafka.records("replay-dead.orders", 1);
    kafka.delete_topic("replay-dead.orders");
    kafka.create_topic("replay-dead.orders", 1);
    let listed = replay(&gateway, &["--dead-letter", "--dry-run", "--source", "orders"]).good().text();
    assert!(listed.contains("  replay-dead.orders  2  ") && listed.ends_with("2 would be sent\n"), "{listed}");
    assert_eq!(replay(&gateway, &["--dead-letter", "--source", "bills"]).good().text(), "0 sent\n");
    assert_eq!(replay(&gateway, &["--dead-letter"]).good().text(), "2 sent\n");
    let records = kafka.records("replay-dead.orders", 2);
    assert_eq!(records.iter().map(id).collect::<Vec<_>>(), ["2", "3"]);
    for (record, dead) in records.iter().zip(&dead) {
        assert!(record.value == body(id(record), 20_000));
        assert!(record.header(MARK).is_some());
        let own = |(name, _): &&(String, Vec<u8>)| name != MARK && !name.starts_with("hookgate-dead-");
        let headers = |record: &Record| record.headers.iter().filter(own).cloned().collect::<Vec<_>>();
        assert_eq!(headers(record), headers(dead));
        assert!(!record.headers.iter().any(|(name, _)| name.starts_with("hookgate-dead-")));
    }
    assert_eq!(kafka.records("replay-dead.dead", 2).len(), 2, "they stay where they are");
}

#[test]
fn one_that_is_refused_does_not_take_others_of_its_batch_along() {
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "replay-batch").spool_with("max_bytes: 64MiB, retain: 1h").source("orders", "");
    let gateway = Gateway::start(&setup.text());
    for (id, bytes) in [("1", 10), ("2", 20_000), ("3", 10)] {
        assert_eq!(gateway.ask(&event_of("orders", id, bytes)).status, 200, "{id}");
    }
    kafka.records("replay-batch.orders", 3);
    kafka.delete_topic("replay-batch.orders");
    kafka.create_topic_with("replay-batch.orders", 1, &[("max.message.bytes", "10000")]);
    let said = replay(&gateway, &[".."]);
    assert_eq!((said.code, said.text().as_str()), (Some(1), "2 sent, 1 not: 1 MESSAGE_TOO_LARGE\n"));
    let mut ids: Vec<_> = kafka.records("replay-batch.orders", 2).iter().map(|record| id(record).to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["1", "3"]);
}
