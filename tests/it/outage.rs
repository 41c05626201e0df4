//! Kafka is away, the gateway is killed, and nothing that was promised is lost.

use crate::support::client::{Connection, Request};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;

fn config(kafka: &Kafka) -> String {
    format!(
        "kafka: {{ brokers: [\"{}\"], topic: outage }}\n\
         spool: {{ dir: \"{{dir}}/spool\", max_bytes: 256MiB, segment_bytes: 8MiB }}\n\
         shutdown: {{ drain_delay: 0s }}\n\
         sources:\n  orders:\n    auth: {{ header: X-Api-Key }}\n    secret: a-key-of-the-outage-test\n    \
         id: header:X-Event-Id\n",
        kafka.bootstrap()
    )
}

fn order(id: usize) -> Request {
    let id = format!("order-{id}");
    Request::post("/in/orders")
        .header("x-api-key", "a-key-of-the-outage-test")
        .header("x-event-id", &id)
        .header("content-type", "application/json")
        .body(format!("{{\"order\": \"{id}\"}}"))
}

fn deliver(connection: &mut Connection, ids: std::ops::Range<usize>) {
    for id in ids {
        let answer = connection.ask(&order(id)).expect("an answer");
        assert_eq!(answer.status, 200, "order {id}");
    }
}

#[test]
fn what_was_accepted_while_kafka_was_away_arrives_once_even_if_the_gateway_is_killed() {
    let kafka = Kafka::start();
    kafka.create_topic("outage", 3);
    kafka.create_topic("webhooks.dead-letter", 1);
    let mut gateway = Gateway::start(&config(&kafka));
    deliver(&mut gateway.connect(), 0..10);
    assert_eq!(kafka.records("outage", 10).len(), 10);

    kafka.pause();
    deliver(&mut gateway.connect(), 10..100);
    kafka.kill();
    deliver(&mut gateway.connect(), 100..200);
    gateway.kill();
    gateway.restart();
    let again = gateway.ask(&order(150));
    assert_eq!((again.status, again.header("x-duplicate")), (200, Some("true")));

    kafka.restart();
    let distinct = |records: &[Record]| {
        let mut ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let records = kafka.records_until("outage", |records| distinct(records).len() == 200);
    let mut sent: Vec<_> = (0..200).map(|id| format!("order-{id}")).collect();
    sent.sort_unstable();
    assert_eq!(distinct(&records), sent);
    // Kafka's receipts are written down about once a second: what was sent by then, and no more, may come again.
    let again = records.len() - 200;
    assert!(again <= 100, "{again} records came again");
    let record = records.iter().find(|record| record.header("ce_id") == Some("order-7")).expect("order 7");
    assert_eq!(record.value, br#"{"order": "order-7"}"#);

    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
}
