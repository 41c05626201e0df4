//! Against librdkafka's mock cluster; real Apache Kafka is tested from `tests/it`.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::{Headers as _, Message, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as Error};

use super::*;
use crate::clock::UnixMillis;
use crate::event::{Event, Headers};
use crate::kafka::Delivered;
use crate::kafka::properties::tests::settings;
use crate::metrics::{Build, Metrics};

const PATIENCE: Duration = Duration::from_secs(20);

type Report = (usize, Result<Delivered, Failure>);

#[derive(Default)]
struct Reported {
    list: Mutex<Vec<Report>>,
    came: Condvar,
}

impl Reports for Reported {
    fn report(&self, opaque: usize, result: Result<Delivered, Failure>) {
        self.list.lock().expect("whole").push((opaque, result));
        self.came.notify_all();
    }
}

impl Reported {
    fn wait_for(&self, count: usize) -> Vec<Report> {
        let list = self.list.lock().expect("whole");
        let (list, timeout) = self.came.wait_timeout_while(list, PATIENCE, |list| list.len() < count).expect("whole");
        assert!(!timeout.timed_out(), "{count} reports expected, only {list:?} came");
        list.clone()
    }
}

struct World {
    cluster: MockCluster<'static, DefaultProducerContext>,
    reported: Arc<Reported>,
    producer: Producer,
    metrics: Arc<Metrics>,
}

fn world(adjust: impl FnOnce(&mut Settings)) -> World {
    let cluster = MockCluster::new(1).expect("a cluster");
    cluster.create_topic("webhooks.a", 1, 1).expect("created");
    let mut settings = settings(&cluster.bootstrap_servers());
    adjust(&mut settings);
    let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
    let reported = Arc::new(Reported::default());
    let health = Health::new(Arc::clone(&metrics));
    let producer = Producer::build(&settings, 1, Arc::clone(&reported) as Arc<dyn Reports>, &health).expect("built");
    World { cluster, reported, producer, metrics }
}

fn event(value: impl Into<Vec<u8>>) -> Event {
    let mut headers = Headers::default();
    headers.push("ce_id", b"1").expect("short");
    headers.push("http-x-empty", b"").expect("short");
    headers.push("http-x-bytes", b"\xff\0\x01").expect("short");
    Event {
        source: "a".parse().expect("a source"),
        topic: "webhooks.a".parse().expect("a topic"),
        key: None,
        headers,
        value: value.into().into(),
        received_at: UnixMillis(1_614_265_330_007),
        digests: Vec::new(),
    }
}

fn send(world: &World, event: &Event, opaque: usize) -> Result<(), Refused> {
    world.producer.send(&event.view(), event.topic.as_str(), &[], opaque)
}

fn consume(world: &World, count: usize) -> Vec<OwnedMessage> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", world.cluster.bootstrap_servers());
    config.set("group.id", "tests").set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut partitions = rdkafka::TopicPartitionList::new();
    partitions.add_partition_offset("webhooks.a", 0, rdkafka::Offset::Beginning).expect("added");
    consumer.assign(&partitions).expect("assigned");
    (0..count).map(|_| consumer.poll(PATIENCE).expect("a record in time").expect("no error").detach()).collect()
}

#[test]
fn a_record_is_what_came_byte_for_byte() {
    let world = world(|_| ());
    let mut keyed = event(vec![0, 159, 146, 150]);
    keyed.key = Some(vec![7, 0, 255].into());
    send(&world, &keyed, 5).expect("taken");
    send(&world, &event("{\"a\": 1}"), usize::MAX).expect("taken");
    let reports = world.reported.wait_for(2);
    assert_eq!(reports[0], (5, Ok(Delivered { partition: 0, offset: 0 })));
    assert_eq!(reports[1], (usize::MAX, Ok(Delivered { partition: 0, offset: 1 })));
    let records = consume(&world, 2);
    assert_eq!((records[0].payload(), records[0].key()), (Some(&[0, 159, 146, 150][..]), Some(&[7, 0, 255][..])));
    assert_eq!((records[1].payload(), records[1].key()), (Some(&b"{\"a\": 1}"[..]), None));
    assert_eq!(records[0].timestamp().to_millis(), Some(1_614_265_330_007));
    let headers: Vec<_> =
        records[0].headers().expect("headers").iter().map(|header| (header.key, header.value)).collect();
    let expected: [(&str, Option<&[u8]>); 3] =
        [("ce_id", Some(b"1")), ("http-x-empty", Some(b"")), ("http-x-bytes", Some(b"\xff\0\x01"))];
    assert_eq!(headers, expected);
}

#[test]
fn an_empty_body_is_an_empty_value_and_not_a_tombstone() {
    let world = world(|_| ());
    let mut empty = event("");
    empty.key = Some(Vec::new().into());
    send(&world, &empty, 1).expect("taken");
    let records = consume(&world, 1);
    assert_eq!((records[0].payload(), records[0].key()), (Some(&[][..]), Some(&[][..])));
}

#[test]
fn extra_headers_follow_the_events_own() {
    let world = world(|_| ());
    let event = event("x");
    world.producer.send(&event.view(), "webhooks.a", &[("hookgate-dead-reason", b"X")], 1).expect("taken");
    let record = consume(&world, 1).remove(0);
    let headers = record.headers().expect("headers");
    assert_eq!(
        (headers.count(), headers.get(3).key, headers.get(3).value),
        (4, "hookgate-dead-reason", Some(&b"X"[..]))
    );
}

#[test]
fn a_record_larger_than_the_largest_event_is_refused_at_once() {
    let world = world(|settings| settings.largest_body = crate::units::ByteSize::kib(1));
    assert!(send(&world, &event(vec![b'x'; 60 * 1024]), 1).is_ok());
    let refused = send(&world, &event(vec![b'x'; 66 * 1024]), 2).expect_err("too large");
    assert_eq!(refused, Refused::Failed(Code::MessageSizeTooLarge.into()));
    assert_eq!(refused.class(), Class::Record);
    assert!(world.metrics.encode().contains("hookgate_kafka_produce_errors_total{code=\"MESSAGE_TOO_LARGE\"} 1"));
}

#[test]
fn a_full_queue_is_told_apart_and_has_room_again_after_a_report() {
    let world = world(|settings| {
        settings.properties.push(("queue.buffering.max.messages".to_owned(), crate::secret::Secret::new("2")));
        settings.properties.push(("linger.ms".to_owned(), crate::secret::Secret::new("200")));
    });
    let taken = (0..3).map(|opaque| send(&world, &event("x"), opaque)).collect::<Vec<_>>();
    assert_eq!(taken, [Ok(()), Ok(()), Err(Refused::QueueFull)]);
    world.reported.wait_for(2);
    while send(&world, &event("x"), 3) == Err(Refused::QueueFull) {
        std::thread::yield_now();
    }
    world.reported.wait_for(3);
}

#[test]
fn what_the_cluster_gets_over_is_no_failure() {
    let world = world(|_| ());
    world.cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[
            Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            Error::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            Error::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    send(&world, &event("x"), 1).expect("taken");
    assert_eq!(world.reported.wait_for(1), [(1, Ok(Delivered { partition: 0, offset: 0 }))]);
}

#[test]
fn a_broker_that_refuses_is_reported_by_kafkas_name_and_class() {
    for (error, name, class) in [
        (Error::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "MESSAGE_TOO_LARGE", Class::Record),
        (Error::RD_KAFKA_RESP_ERR_INVALID_RECORD, "INVALID_RECORD", Class::Record),
        (Error::RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "POLICY_VIOLATION", Class::Topic),
        (Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "TOPIC_AUTHORIZATION_FAILED", Class::Topic),
        (Error::RD_KAFKA_RESP_ERR_UNKNOWN, "UNKNOWN_SERVER_ERROR", Class::Retriable),
    ] {
        let world = world(|_| ());
        world.cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        send(&world, &event("x"), 1).expect("taken");
        let (_, result) = world.reported.wait_for(1).remove(0);
        let failure = result.expect_err(name);
        assert_eq!((failure.name().as_ref(), failure.class()), (name, class));
    }
}

#[test]
fn a_missing_topic_is_reported_and_then_refused_at_once() {
    let world = world(|settings| {
        let wait = ("topic.metadata.propagation.max.ms".to_owned(), crate::secret::Secret::new("200"));
        settings.properties.push(wait);
    });
    let missing = event("x");
    world.producer.send(&missing.view(), "webhooks.absent", &[], 1).expect("taken");
    let (_, result) = world.reported.wait_for(1).remove(0);
    assert_eq!(result.expect_err("missing").class(), Class::Topic);
    let refused = world.producer.send(&missing.view(), "webhooks.absent", &[], 2).expect_err("known to be missing");
    assert_eq!(refused.class(), Class::Topic);
}

#[test]
fn sequence_numbers_out_of_order_are_fatal_and_every_record_is_reported() {
    let world = world(|_| ());
    send(&world, &event("x"), 1).expect("taken");
    world.reported.wait_for(1);
    let error = Error::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    world.cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    for opaque in 2..12 {
        send(&world, &event("x"), opaque).expect("taken");
    }
    let reports = world.reported.wait_for(11);
    let failures: Vec<_> = reports[1..].iter().map(|(_, result)| result.expect_err("failed")).collect();
    assert!(failures.iter().any(|failure| failure.class() == Class::Fatal), "{failures:?}");
    assert!(world.producer.is_fatal() || world.producer.fatal_error().is_some());
    let refused = send(&world, &event("x"), 12).expect_err("refused from now on");
    assert_eq!(refused.class(), Class::Fatal);
}

#[test]
fn warming_up_finds_the_broker_and_sends_nothing() {
    let world = world(|_| ());
    assert!(world.producer.warm_up(PATIENCE));
    assert_eq!(world.metrics.kafka_up.get(), 1);
    send(&world, &event("x"), 1).expect("taken");
    assert_eq!(world.reported.wait_for(1), [(1, Ok(Delivered { partition: 0, offset: 0 }))]);
}

#[test]
fn warming_up_ends_where_nobody_answers() {
    let world = world(|settings| settings.brokers = vec!["127.0.0.1:1".to_owned()]);
    assert!(!world.producer.warm_up(Duration::from_millis(200)));
    assert_eq!(world.metrics.kafka_up.get(), 0);
}

#[test]
fn a_purged_producer_hands_every_record_back() {
    let world = world(|_| ());
    world.cluster.broker_down(-1).expect("down");
    for opaque in 0..3 {
        send(&world, &event("x"), opaque).expect("taken");
    }
    world.producer.purge();
    let reports = world.reported.wait_for(3);
    assert!(reports.iter().all(|(_, result)| result.is_err_and(|failure| failure.class() == Class::Retriable)));
}
