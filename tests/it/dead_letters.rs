//! Events that Kafka refuses for ever go to the dead-letter topic, and hold up nobody.

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::limit::wait_for;
use crate::support::setup::{Setup, body, event, event_of};

/// More than the topics here take.
const TOO_LARGE: usize = 20_000;
const SMALL_TOPIC: [(&str, &str); 1] = [("max.message.bytes", "10000")];

fn send(gateway: &Gateway, id: &str, bytes: usize) -> u16 {
    gateway.ask(&event_of("orders", id, bytes)).status
}

/// In no order of their coming: a batch that is refused for one of its records is overtaken by the next one, where that
/// is on its way already.
fn ids(records: &[Record]) -> Vec<&str> {
    let mut ids: Vec<_> = records.iter().map(|record| record.header("ce_id").expect("an id")).collect();
    ids.sort_by_key(|id| (id.len(), *id));
    ids
}

#[test]
fn what_is_too_large_for_its_topic_is_found_whole_on_the_dead_letter_topic() {
    let kafka = Kafka::shared();
    kafka.create_topic_with("dead.orders", 1, &SMALL_TOPIC);
    let gateway = Gateway::start(&Setup::new(kafka, "dead").spool().source("orders", "headers: [X-Tenant]").text());
    let mut connection = gateway.connect();
    for id in 0..60 {
        let bytes = if id % 20 == 7 { TOO_LARGE } else { 10 };
        let request = event_of("orders", &id.to_string(), bytes).header("x-tenant", "acme");
        assert_eq!(connection.ask(&request).expect("an answer").status, 200, "{id}");
    }
    let expected: Vec<_> = (0..60).filter(|id| id % 20 != 7).map(|id| id.to_string()).collect();
    assert_eq!(ids(&kafka.records("dead.orders", 57)), expected, "the others came, each once");

    let dead = kafka.records("dead.dead", 3);
    assert_eq!(ids(&dead), ["7", "27", "47"]);
    let alive = kafka.records("dead.orders", 57).remove(0);
    for record in &dead {
        let id = record.header("ce_id").expect("just seen");
        assert!(record.value == body(id, TOO_LARGE), "{id} is not what was sent");
        assert_eq!(record.header("hookgate-dead-reason"), Some("MESSAGE_TOO_LARGE"));
        assert_eq!(record.header("hookgate-dead-topic"), Some("dead.orders"));
        let at = record.header("hookgate-dead-at").expect("a time");
        assert!(at >= record.header("ce_time").expect("a time") && at.ends_with('Z'), "{at}");
        // All that the others have.
        let names = |record: &Record| record.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let own: Vec<_> = names(record).into_iter().filter(|name| !name.starts_with("hookgate-dead-")).collect();
        assert_eq!(own, names(&alive));
        assert_eq!(record.header("http-x-tenant"), Some("acme"));
    }
    let count = "hookgate_kafka_dead_letters_total{reason=\"MESSAGE_TOO_LARGE\"}";
    gateway.wait_for_number(count, |dead| dead == 3);
    assert_eq!(gateway.number("hookgate_kafka_topic_paused{topic=\"dead.orders\"}"), 0);
    gateway.wait_until_delivered();
    assert_eq!(send(&gateway, "27", TOO_LARGE), 200, "a duplicate, also of a dead letter");
    assert_eq!(send(&gateway, "last", TOO_LARGE), 200);
    assert_eq!(ids(&kafka.records("dead.dead", 4)), ["7", "27", "47", "last"]);
}

#[test]
fn a_source_that_waits_for_kafka_is_answered_when_the_dead_letter_topic_has_its_event() {
    let kafka = Kafka::shared();
    kafka.create_topic_with("dead-wait.orders", 1, &SMALL_TOPIC);
    let setup = Setup::new(kafka, "dead-wait").source("orders", "ack: kafka, deadline: 60s");
    let gateway = Gateway::start(&setup.text());
    for (id, bytes) in [("1", 10), ("2", TOO_LARGE), ("3", 10)] {
        assert_eq!(send(&gateway, id, bytes), 200, "{id}");
    }
    assert_eq!(ids(&kafka.records("dead-wait.orders", 2)), ["1", "3"]);
    assert_eq!(ids(&kafka.records("dead-wait.dead", 1)), ["2"]);
}

mod slow {
    use super::*;
    use crate::support::limit::{LIMIT, wait_within};

    fn alarms(gateway: &Gateway) -> usize {
        let log = gateway.log();
        log.lines().filter(|line| line.contains("ERROR") && line.contains("dead-letter-refused")).count()
    }

    #[test]
    fn without_a_dead_letter_topic_it_stays_in_the_spool_is_told_and_arrives_once_there_is_one() {
        let kafka = Kafka::shared();
        kafka.create_topic_with("parked.orders", 1, &SMALL_TOPIC);
        let setup = Setup::new(kafka, "parked").without_topics().spool().source("orders", "");
        let mut gateway = Gateway::start(&setup.text());
        for (id, bytes) in [("1", 10), ("2", TOO_LARGE), ("3", 10)] {
            assert_eq!(send(&gateway, id, bytes), 200, "{id}");
        }
        assert_eq!(ids(&kafka.records("parked.orders", 2)), ["1", "3"]);
        wait_for("the alarm", || (alarms(&gateway) == 1).then_some(()));
        gateway.wait_for_number("hookgate_spool_records", |records| records == 1);
        gateway.wait_for_number("hookgate_kafka_topic_paused{topic=\"parked.dead\"}", |paused| paused == 1);
        // Neither a crash nor an orderly end loses it.
        gateway.kill();
        gateway.restart();
        assert_eq!(gateway.stop(), Some(0));
        let before = alarms(&gateway);
        gateway.restart();
        gateway.wait_for_number("hookgate_spool_records", |records| records == 1);
        assert_eq!(gateway.ask(&event("orders", "4")).status, 200);
        kafka.records_until("parked.orders", |records| ids(records).contains(&"4"));
        wait_for("the alarm of this life", || (alarms(&gateway) > before).then_some(()));

        kafka.create_topic("parked.dead", 1);
        // It is tried again each minute.
        let spooled = || gateway.number("hookgate_spool_records");
        wait_within(3 * LIMIT, "the next try", || (spooled() == 0).then_some(()));
        let dead = kafka.records("parked.dead", 1);
        assert_eq!(ids(&dead), ["2"]);
        assert!(dead[0].value == body("2", TOO_LARGE));
        gateway.wait_until_delivered();
        gateway.wait_for_number("hookgate_kafka_topic_paused{topic=\"parked.dead\"}", |paused| paused == 0);
    }
}
