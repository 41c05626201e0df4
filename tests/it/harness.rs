//! The tests' own tools: a harness that lies makes every other test worthless.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::support::kafka::{Kafka, block_on, settings::PASSWORD};
use crate::support::limit::{LIMIT, wait_for};
use crate::support::process::Process;

const VALUE: &[u8] = b"{\"id\": 7,\r\n \"bytes\": \"\x00\xff\"}";

fn producer(kafka: &Kafka, timeout: Duration, more: &[(&str, &str)]) -> FutureProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("message.timeout.ms", timeout.as_millis().to_string());
    config.set("reconnect.backoff.max.ms", "500").extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    config.create().expect("a producer without a broker")
}

fn produce(producer: &FutureProducer, topic: &str) -> Result<(), KafkaError> {
    let headers = OwnedHeaders::new().insert(Header { key: "ce_id", value: Some("7") });
    let record = FutureRecord::to(topic).payload(VALUE).key("customer").headers(headers).timestamp(1_700_000_000_123);
    block_on(producer.send(record, LIMIT)).map(|_| ()).map_err(|(error, _)| error)
}

#[test]
fn a_record_comes_out_as_it_went_in() {
    let kafka = Kafka::shared();
    kafka.create_topic("harness.same", 3);
    produce(&producer(kafka, LIMIT, &[]), "harness.same").expect("delivered");
    let records = kafka.records("harness.same", 1);
    let [record] = records.as_slice() else { panic!("one record, not {records:?}") };
    assert_eq!(record.value, VALUE);
    assert_eq!(record.key.as_deref(), Some(b"customer".as_slice()));
    assert_eq!((record.header("ce_id"), record.header("ce_type")), (Some("7"), None));
    assert_eq!((record.timestamp, record.offset), (Some(1_700_000_000_123), 0));
}

#[test]
fn a_stranger_to_our_library_reads_the_same_record() {
    let kafka = Kafka::shared();
    kafka.create_topic("harness.kcat", 1);
    produce(&producer(kafka, LIMIT, &[]), "harness.kcat").expect("delivered");
    let read = Command::new("kcat")
        .args(["-b", &kafka.bootstrap(), "-C", "-t", "harness.kcat", "-c", "1", "-q", "-f", "%k|%h|%T|%S|%s"])
        .output()
        .expect("`kcat` can be run: tests/run.sh installs it");
    let expected = [format!("customer|ce_id=7|1700000000123|{}|", VALUE.len()).as_bytes(), VALUE].concat();
    assert_eq!(read.stdout, expected, "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn a_broker_forgets_nothing_when_it_is_paused_or_killed() {
    let kafka = Kafka::start();
    kafka.create_topic("harness.outage", 1);
    let patient = producer(&kafka, LIMIT, &[]);
    produce(&patient, "harness.outage").expect("delivered");

    kafka.pause();
    let hasty = producer(&kafka, Duration::from_secs(1), &[]);
    let timed_out = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
    assert_eq!(produce(&hasty, "harness.outage"), Err(timed_out));
    kafka.resume();
    produce(&patient, "harness.outage").expect("delivered");

    kafka.kill();
    kafka.restart();
    produce(&patient, "harness.outage").expect("delivered");
    let offsets = kafka.records("harness.outage", 3).into_iter().map(|record| record.offset);
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_guarded_broker_takes_only_what_was_granted() {
    let kafka = Kafka::start_guarded();
    kafka.create_topic("harness.guarded", 1);
    let login = [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "gateway"),
        ("sasl.password", PASSWORD),
    ];
    let gateway = producer(&kafka, LIMIT, &login);
    let refused = KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed);
    assert_eq!(produce(&gateway, "harness.guarded"), Err(refused));
    kafka.allow("Write", "harness.guarded");
    wait_for("the right to reach the broker", || produce(&gateway, "harness.guarded").ok());
    assert_eq!(kafka.records("harness.guarded", 1).len(), 1);
}

#[test]
fn a_server_dies_with_the_one_who_started_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(Command::new("sleep").arg("1000"), &dir.path().join("log"));
    let proc = Path::new("/proc").join(process.id().to_string());
    wait_for("the server's start", || fs::read_to_string(proc.join("comm")).ok().filter(|name| name == "sleep\n"));
    process.signal("STOP");
    process.untie();
    assert!(!process.wait().success(), "not killed");
}
