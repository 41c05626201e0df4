//! Against librdkafka's mock cluster and a spool of its own; real Apache Kafka is tested from `tests/it`.

use std::sync::mpsc::{Receiver, sync_channel};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers as _, Message, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey::Produce, RDKafkaRespErr as Error};
use tempfile::TempDir;

use super::*;
use crate::clock::UnixMillis;
use crate::event::{Event, Headers};
use crate::metrics::{Build, OfReason, OfTopic};
use crate::secret::Secret;
use crate::spool::{Ack, Outcome, Slot};
use crate::units::Share;

mod codes;
mod share;
mod stopping;

/// No test asserts a time; this ends one that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

struct World {
    cluster: MockCluster<'static, DefaultProducerContext>,
    spool: Spool,
    forwarder: Option<Forwarder>,
    metrics: Arc<Metrics>,
    settings: kafka::Settings,
    delivered: Receiver<(String, Delivered)>,
    _dir: Option<TempDir>,
}

/// Topics `a` and `b` of one partition, and `dead`; brokers that forget a topic's absence within moments.
fn world(on_disk: bool, adjust: impl FnOnce(&mut kafka::Settings)) -> World {
    world_of(1, on_disk, adjust)
}

/// The same on so many brokers; the last one leads `a`, the first one all others.
fn world_of(brokers: i32, on_disk: bool, adjust: impl FnOnce(&mut kafka::Settings)) -> World {
    let cluster = MockCluster::new(brokers).expect("a cluster");
    for topic in ["a", "b", "dead"] {
        cluster.create_topic(topic, 1, 1).expect("created");
        let leader = if topic == "a" { brokers } else { 1 };
        cluster.partition_leader(topic, 0, Some(leader)).expect("led");
    }
    let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
    let (spool, dir) = spool(on_disk, &metrics);
    let quick = |name: &str| (name.to_owned(), Secret::new("200"));
    let mut settings = kafka::Settings {
        brokers: vec![cluster.bootstrap_servers()],
        dead_letter_topic: "dead".parse().expect("a topic"),
        create_topics: None,
        properties: vec![quick("topic.metadata.propagation.max.ms"), quick("topic.metadata.refresh.interval.ms")],
        largest_body: ByteSize::mib(1),
        someone_waits: true,
        spooled: on_disk,
    };
    adjust(&mut settings);
    let (forwarder, delivered) = start(&spool, &settings, &metrics);
    World { cluster, spool, forwarder: Some(forwarder), metrics, settings, delivered, _dir: dir }
}

fn spool(on_disk: bool, metrics: &Arc<Metrics>) -> (Spool, Option<TempDir>) {
    if !on_disk {
        return (Spool::without_directory(Clock::system(), Arc::clone(metrics)), None);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let settings = crate::spool::Settings {
        dir: dir.path().to_owned(),
        scratch: false,
        max_bytes: ByteSize::mib(64),
        segment_bytes: ByteSize::mib(4),
        high_water: Share::percent(80),
        low_water: Share::percent(70),
        retain: Duration::ZERO,
    };
    let spool = Spool::open(&settings, Duration::ZERO, Clock::system(), Arc::clone(metrics), &mut |_| None);
    (spool.expect("opened"), Some(dir))
}

fn start(
    spool: &Spool,
    settings: &kafka::Settings,
    metrics: &Arc<Metrics>,
) -> (Forwarder, Receiver<(String, Delivered)>) {
    let (tell, delivered) = sync_channel(100_000);
    let observer: Observer = Arc::new(move |_, topic, where_to| {
        drop(tell.try_send((topic.to_owned(), where_to)));
    });
    (start_with(spool, settings, metrics, observer), delivered)
}

fn start_with(spool: &Spool, settings: &kafka::Settings, metrics: &Arc<Metrics>, observer: Observer) -> Forwarder {
    let topic = |name: &str| name.parse::<TopicName>().expect("a topic");
    let forwarder = Forwarder::start(Parts {
        spool: spool.clone(),
        settings: settings.clone(),
        topics: vec![topic("a"), topic("b")],
        clock: Clock::system(),
        metrics: Arc::clone(metrics),
        observer: Some(observer),
    });
    forwarder.expect("started")
}

fn event(topic: &str, value: &str) -> Event {
    let mut headers = Headers::default();
    headers.push("ce_id", value.as_bytes()).expect("short");
    Event {
        source: "source".parse().expect("a source"),
        topic: topic.parse().expect("a topic"),
        key: Some("key".into()),
        headers,
        value: value.to_owned().into(),
        received_at: UnixMillis(1_614_265_330_007),
        digests: Vec::new(),
    }
}

impl World {
    /// Keeps the events on disk, in one batch.
    fn keep(&self, topic: &str, values: &[&str]) {
        let events: Vec<_> = values.iter().map(|value| (event(topic, value), Slot::new(Ack::Disk, None))).collect();
        let events: Vec<_> = events.iter().map(|(event, slot)| (event, slot)).collect();
        self.spool.keep(&events).expect("room");
    }

    /// Hands an event to Kafka alone.
    fn hand_over(&self, topic: &str, value: &str) -> Arc<Slot> {
        let slot = Slot::new(Ack::Kafka, None);
        self.spool.hand_over(&[(&event(topic, value), &slot)]).expect("room");
        slot
    }

    fn fail(&self, errors: &[Error]) {
        self.cluster.request_errors(Produce, errors);
    }

    fn paused(&self, topic: &str) -> i64 {
        self.metrics.kafka_topic_paused.get_or_create(&OfTopic { topic: topic.to_owned() }).get()
    }

    fn dead_letters(&self, reason: &str) -> u64 {
        self.metrics.kafka_dead_letters.get_or_create(&OfReason { reason: reason.to_owned() }).get()
    }

    /// The first records of a topic, from its beginning.
    fn consume(&self, topic: &str, count: usize) -> Vec<OwnedMessage> {
        self.consume_partition(topic, 0, count)
    }

    fn consume_partition(&self, topic: &str, partition: i32, count: usize) -> Vec<OwnedMessage> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers()).set("group.id", "tests");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut partitions = rdkafka::TopicPartitionList::new();
        partitions.add_partition_offset(topic, partition, rdkafka::Offset::Beginning).expect("added");
        consumer.assign(&partitions).expect("assigned");
        let (clock, begin) = now();
        let mut records = Vec::new();
        while records.len() < count {
            assert!(clock.now().since(begin) < PATIENCE, "{count} records expected on {topic}, {} came", records.len());
            if let Some(Ok(record)) = consumer.poll(Duration::from_millis(200)) {
                records.push(record.detach());
            }
        }
        records
    }

    fn values(&self, topic: &str, count: usize) -> Vec<String> {
        let text = |record: &OwnedMessage| String::from_utf8(record.payload().expect("a value").to_vec());
        self.consume(topic, count).iter().map(|record| text(record).expect("text")).collect()
    }

    fn stop(&mut self) -> Stopped {
        self.forwarder.take().expect("running").stop(Duration::from_secs(20))
    }
}

fn now() -> (Clock, crate::clock::Moment) {
    let clock = Clock::system();
    let now = clock.now();
    (clock, now)
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let (clock, begin) = now();
    while !condition() {
        assert!(clock.now().since(begin) < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn outcome(slot: &Slot) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, slot.outcome()).await }).expect("decided in time")
}

fn header<'a>(record: &'a OwnedMessage, name: &str) -> Option<&'a str> {
    let found = record.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}

#[test]
fn what_is_kept_on_disk_reaches_kafka_in_order() {
    let mut world = world(true, |_| ());
    let values: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    for batch in values.chunks(50) {
        world.keep("a", &batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert_eq!(world.values("a", 500), values);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
    assert_eq!(world.stop(), Stopped::default());
}

#[test]
fn the_observer_is_told_where_each_event_lies() {
    let world = world(true, |_| ());
    world.keep("b", &["x", "y"]);
    for offset in 0..2 {
        let told = world.delivered.recv_timeout(PATIENCE).expect("told");
        assert_eq!(told, ("b".to_owned(), Delivered { partition: 0, offset }));
    }
}

#[test]
fn a_caller_that_waits_for_kafka_is_woken_by_the_report() {
    let world = world(false, |_| ());
    let slot = world.hand_over("a", "x");
    assert_eq!(outcome(&slot), Outcome::Safe(crate::metrics::Custody::Kafka));
    assert_eq!(world.values("a", 1), ["x"]);
}

#[test]
fn a_batch_refused_for_one_record_is_no_dead_letter() {
    let world = world(true, |_| ());
    world.fail(&[Error::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    world.keep("a", &["1", "2", "3", "4", "5"]);
    assert_eq!(world.values("a", 5), ["1", "2", "3", "4", "5"]);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
    assert_eq!(world.dead_letters("MESSAGE_TOO_LARGE"), 0);
}

#[test]
fn a_record_refused_alone_goes_to_the_dead_letters_and_the_line_moves_on() {
    let world = world(true, |_| ());
    world.fail(&[Error::RD_KAFKA_RESP_ERR_INVALID_RECORD; 2]);
    world.keep("a", &["bad"]);
    let record = world.consume("dead", 1).remove(0);
    assert_eq!((record.payload(), record.key()), (Some(&b"bad"[..]), Some(&b"key"[..])));
    assert_eq!(record.timestamp().to_millis(), Some(1_614_265_330_007));
    assert_eq!(header(&record, "ce_id"), Some("bad"));
    assert_eq!(header(&record, "hookgate-dead-reason"), Some("INVALID_RECORD"));
    assert_eq!(header(&record, "hookgate-dead-topic"), Some("a"));
    assert!(header(&record, "hookgate-dead-at").is_some_and(|at| at.ends_with('Z') && at.len() == 24));
    world.keep("a", &["good"]);
    assert_eq!(world.values("a", 1), ["good"]);
    eventually("it is counted", || world.dead_letters("INVALID_RECORD") == 1);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
}

#[test]
fn a_record_larger_than_any_may_be_is_a_dead_letter_without_being_sent() {
    let world = world(true, |settings| settings.largest_body = ByteSize::kib(1));
    let large = "x".repeat(70 * 1024);
    world.keep("a", &["before", &large, "after"]);
    assert_eq!(world.values("a", 2), ["before", "after"]);
    // The dead-letter topic cannot take it either: it stays in the spool.
    eventually("it is parked", || world.metrics.spool_records.get() == 1);
}

#[test]
fn what_the_dead_letter_topic_refuses_too_stays_on_disk_and_the_line_moves_on() {
    let mut world = world(true, |_| ());
    world.fail(&[Error::RD_KAFKA_RESP_ERR_INVALID_RECORD; 3]);
    world.keep("a", &["bad"]);
    let refused = || world.metrics.encode().contains("produce_errors_total{code=\"INVALID_RECORD\"} 3");
    eventually("it is refused three times", refused);
    world.keep("a", &["good"]);
    assert_eq!(world.values("a", 1), ["good"]);
    eventually("only the bad one is left", || world.metrics.spool_records.get() == 1);
    world.stop();
    // It is tried from the beginning by the next life, and nothing is the matter any more.
    let (forwarder, _delivered) = start(&world.spool, &world.settings, &world.metrics);
    assert_eq!(world.values("a", 1), ["good"]);
    forwarder.stop(Duration::from_secs(1));
}

#[test]
fn a_missing_topic_waits_and_the_others_move_on() {
    let world = world(true, |_| ());
    world.keep("absent", &["1", "2"]);
    eventually("it is paused", || world.paused("absent") == 1);
    world.keep("absent", &["3"]);
    world.keep("a", &["x"]);
    assert_eq!(world.values("a", 1), ["x"]);
    eventually("all of it waits", || world.metrics.spool_records.get() == 3);
    world.cluster.create_topic("absent", 1, 1).expect("created");
    assert_eq!(world.values("absent", 3), ["1", "2", "3"]);
    eventually("it is well", || world.paused("absent") == 0);
    world.keep("absent", &["4"]);
    assert_eq!(world.values("absent", 4), ["1", "2", "3", "4"]);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
}

#[test]
fn a_forbidden_topic_waits_until_it_is_allowed() {
    let world = world(true, |_| ());
    world.keep("a", &["0"]);
    assert_eq!(world.values("a", 1), ["0"]);
    world.fail(&[Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    world.keep("a", &["1", "2", "3"]);
    eventually("it was paused", || {
        world.metrics.encode().contains("produce_errors_total{code=\"TOPIC_AUTHORIZATION_FAILED\"}")
    });
    assert_eq!(world.values("a", 4), ["0", "1", "2", "3"]);
    eventually("it is well", || world.paused("a") == 0);
}

#[test]
fn the_caller_of_a_paused_topic_is_told_at_once() {
    let world = world(false, |_| ());
    let slot = world.hand_over("absent", "x");
    assert_eq!(outcome(&slot), Outcome::Lost);
    assert_eq!(world.paused("absent"), 1);
    assert_eq!(outcome(&world.hand_over("absent", "y")), Outcome::Lost);
    assert_eq!(outcome(&world.hand_over("a", "z")), Outcome::Safe(crate::metrics::Custody::Kafka));
}

#[test]
fn an_outage_costs_nothing_that_is_on_disk_and_no_order() {
    let world = world(true, |_| ());
    world.keep("a", &["1"]);
    assert_eq!(world.values("a", 1), ["1"]);
    world.cluster.broker_down(-1).expect("down");
    for value in ["2", "3", "4"] {
        world.keep("a", &[value]);
    }
    let forwarder = world.forwarder.as_ref().expect("running");
    eventually("it is noticed", || !forwarder.ready());
    eventually("they wait", || world.metrics.spool_records.get() == 3);
    world.cluster.broker_up(-1).expect("up");
    assert_eq!(world.values("a", 4), ["1", "2", "3", "4"]);
    eventually("it is ready again", || forwarder.ready());
}

#[test]
fn errors_that_pass_are_tried_again_in_order() {
    let world = world(true, |_| ());
    world.fail(&[Error::RD_KAFKA_RESP_ERR_UNKNOWN; 3]);
    world.keep("a", &["1", "2", "3"]);
    assert_eq!(world.values("a", 3), ["1", "2", "3"]);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
}

#[test]
fn an_event_that_only_memory_has_is_given_up_when_librdkafka_does() {
    let world = world(false, |_| ());
    world.fail(&[Error::RD_KAFKA_RESP_ERR_UNKNOWN]);
    assert_eq!(outcome(&world.hand_over("a", "x")), Outcome::Lost);
    assert_eq!(outcome(&world.hand_over("a", "y")), Outcome::Safe(crate::metrics::Custody::Kafka));
}

#[test]
fn a_dead_producer_is_replaced_and_everything_unconfirmed_is_sent_again() {
    let world = world(true, |_| ());
    world.keep("a", &["1"]);
    assert_eq!(world.values("a", 1), ["1"]);
    world.fail(&[Error::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
    world.keep("a", &["2", "3", "4"]);
    let slot = world.hand_over("b", "waited for");
    assert_eq!(world.values("a", 4), ["1", "2", "3", "4"]);
    assert_eq!(outcome(&slot), Outcome::Safe(crate::metrics::Custody::Kafka));
    assert_eq!(world.metrics.kafka_rebuilds.get(), 1);
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
}

#[test]
fn a_full_queue_slows_the_line_and_loses_nothing() {
    let world = world(true, |settings| {
        settings.properties.push(("queue.buffering.max.messages".to_owned(), Secret::new("3")));
    });
    let values: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    world.keep("a", &values.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(world.values("a", 40), values);
}

#[test]
fn a_topic_that_is_missing_at_the_start_is_told_without_any_event() {
    let world = world(true, |settings| settings.dead_letter_topic = "late".parse().expect("a topic"));
    eventually("it is told", || world.paused("late") == 1);
    assert_eq!((world.paused("a"), world.paused("b")), (0, 0));
    world.cluster.create_topic("late", 1, 1).expect("created");
    eventually("it is well", || world.paused("late") == 0);
}

#[test]
fn the_order_of_a_key_survives_what_the_cluster_gets_over() {
    const PARTITIONS: i32 = 4;
    let world = world(true, |_| ());
    world.cluster.create_topic("many", PARTITIONS, 1).expect("created");
    let errors = [
        Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        Error::RD_KAFKA_RESP_ERR_NO_ERROR,
        Error::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        Error::RD_KAFKA_RESP_ERR_NO_ERROR,
        Error::RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    for round in 0..20 {
        if round % 5 == 2 {
            world.fail(&errors);
        }
        let events: Vec<_> = (0..20)
            .map(|number| Event {
                key: Some(format!("k{}", number % 7).into()),
                ..event("many", &format!("{}", round * 20 + number))
            })
            .map(|event| (event, Slot::new(Ack::Disk, None)))
            .collect();
        world.spool.keep(&events.iter().map(|(event, slot)| (event, slot)).collect::<Vec<_>>()).expect("room");
    }
    eventually("all are delivered", || world.metrics.encode().contains("events_produced_total{topic=\"many\"} 400"));
    let mut last = std::collections::HashMap::new();
    let told: Vec<_> = world.delivered.try_iter().filter(|(topic, _)| topic == "many").collect();
    for partition in 0..PARTITIONS {
        let count = told.iter().filter(|(_, lies)| lies.partition == partition).count();
        for record in world.consume_partition("many", partition, count) {
            let number: i32 = String::from_utf8_lossy(record.payload().expect("a value")).parse().expect("a number");
            let before = last.insert(record.key().expect("a key").to_vec(), number);
            assert!(before.is_none_or(|before| before < number), "{number} after {before:?}");
        }
    }
}

#[test]
fn a_failure_while_a_topic_drains_loses_and_doubles_nothing() {
    let world = world(true, |_| ());
    let values: Vec<_> = (0..600).map(|number| number.to_string()).collect();
    for batch in values.chunks(30) {
        world.keep("absent", &batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    eventually("it is paused", || world.paused("absent") == 1);
    world.fail(&[
        Error::RD_KAFKA_RESP_ERR_NO_ERROR,
        Error::RD_KAFKA_RESP_ERR_UNKNOWN,
        Error::RD_KAFKA_RESP_ERR_NO_ERROR,
    ]);
    world.cluster.create_topic("absent", 1, 1).expect("created");
    eventually("all are delivered", || world.metrics.encode().contains("events_produced_total{topic=\"absent\"} 600"));
    let mut seen: Vec<_> = world.values("absent", 600);
    seen.sort_by_key(|value| value.parse::<u32>().expect("a number"));
    assert_eq!(seen, values);
}
