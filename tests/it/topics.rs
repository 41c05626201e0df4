//! Topics that are missing, refused or forbidden: their events wait, nobody else's do, and an operator's cure is noticed.

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::kafka::settings::PASSWORD;
use crate::support::limit::wait_for;
use crate::support::setup::{Setup, event};

fn deliver(gateway: &Gateway, source: &str, ids: std::ops::Range<usize>) {
    let mut connection = gateway.connect();
    for id in ids {
        let answer = connection.ask(&event(source, &id.to_string())).expect("an answer");
        assert_eq!(answer.status, 200, "{source} {id}");
    }
}

fn ids(records: &[Record]) -> Vec<usize> {
    records.iter().map(|record| record.header("ce_id").and_then(|id| id.parse().ok()).expect("our id")).collect()
}

fn paused(gateway: &Gateway, topic: &str) -> i64 {
    gateway.number(&format!("hookgate_kafka_topic_paused{{topic=\"{topic}\"}}"))
}

fn wait_for_paused(gateway: &Gateway, topic: &str, value: i64) {
    wait_for("the topic's pause to begin or end", || (paused(gateway, topic) == value).then_some(()));
}

#[test]
fn events_of_a_missing_topic_wait_for_it_and_no_other_topic_does() {
    let kafka = Kafka::shared();
    kafka.create_topic("missing.there", 1);
    kafka.create_topic("missing.dead", 1);
    let setup = Setup::new(kafka, "missing").without_topics().spool();
    let setup = setup.source("absent", "").source("there", "").source("strict", "ack: kafka, topic: missing.absent");
    let gateway = Gateway::start(&setup.text());
    deliver(&gateway, "absent", 0..20);
    wait_for_paused(&gateway, "missing.absent", 1);
    deliver(&gateway, "absent", 20..40);
    deliver(&gateway, "there", 0..20);
    assert_eq!(ids(&kafka.records("missing.there", 20)), (0..20).collect::<Vec<_>>());
    assert_eq!(paused(&gateway, "missing.there"), 0);
    let log = gateway.log();
    let told = |line: &&str| line.contains("ERROR") && line.contains("missing.absent") && line.contains("runbook");
    assert_eq!(log.lines().filter(told).count(), 1, "{log}");
    assert!(gateway.is_ready(), "an event sent now would be kept");
    let refused = gateway.ask(&event("strict", "100"));
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "it waits for Kafka");

    kafka.create_topic("missing.absent", 1);
    deliver(&gateway, "absent", 40..60);
    let records = kafka.records_until("missing.absent", |records| ids(records).contains(&59));
    let kept: Vec<_> = ids(&records).into_iter().filter(|id| *id < 100).collect();
    assert_eq!(kept, (0..60).collect::<Vec<_>>(), "in order, each once");
    wait_for_paused(&gateway, "missing.absent", 0);
    wait_for("a source that waits for Kafka", || (gateway.ask(&event("strict", "100")).status == 200).then_some(()));
    let records = kafka.records_until("missing.absent", |records| ids(records).contains(&100));
    assert_eq!(ids(&records).into_iter().filter(|id| *id == 100).count(), 1);
    gateway.wait_until_delivered();
}

#[test]
fn topics_are_made_as_they_should_be() {
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "made").without_topics().kafka("create_topics: { partitions: 3, replication: 1 }");
    let setup = setup.source("small", "limits: { body: 1KiB }").source("large", "limits: { body: 2MiB }");
    let _gateway = Gateway::start(&setup.text());
    let largest = (2 << 20) + (64 << 10);
    for topic in ["made.small", "made.large", "made.dead"] {
        let size = wait_for("a topic", || kafka.topic_setting(topic, "max.message.bytes"));
        assert_eq!((size, kafka.partitions(topic)), (format!("{largest}"), 3), "{topic}");
    }
}

#[test]
fn a_topic_that_was_there_before_is_left_as_it_is() {
    let kafka = Kafka::shared();
    kafka.create_topic_with("before.orders", 2, &[("max.message.bytes", "30000")]);
    let setup = Setup::new(kafka, "before").source("orders", "");
    let gateway = Gateway::start(&setup.text());
    wait_for("a look at it", || gateway.log().contains("max.message.bytes is 30000").then_some(()));
    let size = kafka.topic_setting("before.orders", "max.message.bytes");
    assert_eq!((size.as_deref(), kafka.partitions("before.orders")), (Some("30000"), 2));
}

#[test]
fn a_name_that_kafka_would_refuse_is_a_mistake_in_the_configuration() {
    for topic in ["two words", "a/b", "..", &"x".repeat(250)] {
        let setup = Setup::before("127.0.0.1:1", "refused").source("orders", &format!("topic: \"{topic}\""));
        let mut gateway = Gateway::launch(&setup.text());
        assert_eq!(gateway.end(), Some(78), "{topic}");
        assert!(gateway.log().contains("topic"), "{}", gateway.log());
    }
}

#[test]
fn events_of_a_forbidden_topic_wait_for_the_right_and_then_arrive_in_order() {
    let kafka = Kafka::start_guarded();
    for topic in ["rights.granted", "rights.forbidden", "rights.dead"] {
        kafka.create_topic(topic, 1);
    }
    for topic in ["rights.granted", "rights.dead"] {
        kafka.allow("Write", topic);
    }
    let login = format!(
        "properties: {{ security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: gateway, \
         sasl.password: {PASSWORD} }}"
    );
    let setup = Setup::new(&kafka, "rights").without_topics().kafka(&login).spool();
    let gateway = Gateway::start(&setup.source("granted", "").source("forbidden", "").text());
    deliver(&gateway, "forbidden", 0..30);
    wait_for_paused(&gateway, "rights.forbidden", 1);
    deliver(&gateway, "granted", 0..30);
    assert_eq!(ids(&kafka.records("rights.granted", 30)), (0..30).collect::<Vec<_>>());
    assert_eq!(paused(&gateway, "rights.granted"), 0);
    assert!(gateway.log().contains("TOPIC_AUTHORIZATION_FAILED"), "{}", gateway.log());

    kafka.allow("Write", "rights.forbidden");
    deliver(&gateway, "forbidden", 30..40);
    assert_eq!(ids(&kafka.records("rights.forbidden", 40)), (0..40).collect::<Vec<_>>());
    wait_for_paused(&gateway, "rights.forbidden", 0);
    assert!(!gateway.log().contains(PASSWORD));
    gateway.wait_until_delivered();
}

#[test]
fn a_topic_that_is_deleted_under_way_and_made_again_gets_everything_that_came_since() {
    let kafka = Kafka::shared();
    kafka.create_topic("deleted.dead", 1);
    kafka.create_topic("deleted.orders", 2);
    let setup = Setup::new(kafka, "deleted").without_topics().spool().source("orders", "");
    let gateway = Gateway::start(&setup.text());
    deliver(&gateway, "orders", 0..20);
    assert_eq!(kafka.records("deleted.orders", 20).len(), 20);
    gateway.wait_until_delivered();

    kafka.delete_topic("deleted.orders");
    deliver(&gateway, "orders", 20..60);
    wait_for_paused(&gateway, "deleted.orders", 1);
    kafka.create_topic("deleted.orders", 1);
    deliver(&gateway, "orders", 60..80);
    let records = kafka.records_until("deleted.orders", |records| (20..80).all(|id| ids(records).contains(&id)));
    // Without keys they were on their way to two partitions, between which there is no order.
    let mut ids = ids(&records);
    ids.sort_unstable();
    assert_eq!(ids, (20..80).collect::<Vec<_>>());
    wait_for_paused(&gateway, "deleted.orders", 0);
    gateway.wait_until_delivered();
}

#[test]
fn a_source_that_waits_for_kafka_recovers_from_a_missing_topic_without_any_disk() {
    let kafka = Kafka::shared();
    kafka.create_topic("bare.dead", 1);
    let setup = Setup::new(kafka, "bare").without_topics().source("orders", "deadline: 1s");
    let gateway = Gateway::start(&setup.text());
    let ask = |id: &str| gateway.ask(&event("orders", id)).status;
    wait_for("the topic's absence to be known", || {
        assert_eq!(ask("1"), 503);
        (paused(&gateway, "bare.orders") == 1).then_some(())
    });
    kafka.create_topic("bare.orders", 1);
    wait_for("the topic to be found", || (ask("1") == 200).then_some(()));
    assert_eq!(ask("2"), 200);
    let records = kafka.records_until("bare.orders", |records| ids(records).contains(&2));
    // The first try may have been on its way when it was refused; it is the same event.
    assert_eq!(ids(&records).iter().rev().take(2).collect::<Vec<_>>(), [&2, &1]);
    wait_for_paused(&gateway, "bare.orders", 0);
}
