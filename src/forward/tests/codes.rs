//! Every error that the table of `kafka` names, said once by a broker.
//!
//! The broker is librdkafka's mock: it says what it is told to say to the next request, and appends nothing of it. The
//! names that begin with an underscore are librdkafka's own; it passes them on as if it had come upon them itself.

use rdkafka::error::RDKafkaErrorCode as Code;

use super::*;
use crate::kafka::{Class, known};

/// So many worlds at once.
const AT_ONCE: usize = 8;

/// A thread that ends itself says nothing about its records.
const SILENT: Code = Code::BrokerDestroy;

/// librdkafka tries these again by itself, and nobody hears of them.
const HEALED: &[Code] = &[
    Code::LeaderNotAvailable,
    Code::NotLeaderForPartition,
    Code::BrokerNotAvailable,
    Code::ReplicaNotAvailable,
    Code::RequestTimedOut,
    Code::NotEnoughReplicas,
    Code::NotEnoughReplicasAfterAppend,
    Code::KafkaStorageError,
    Code::InvalidMessage,
    Code::BrokerTransportFailure,
    Code::SSL,
    Code::OperationTimedOut,
    Code::TimedOutQueue,
    Code::Retry,
    Code::DestroyBroker,
    // It asks for the topic, and finds it.
    Code::UnknownTopicOrPartition,
];

/// For each code of a class, a world of its own, where topic `a` has had its first record.
fn each(class: Class, check: impl Fn(&World, Code, &str) + Sync) {
    let codes: Vec<_> = known().filter(|(code, _, its)| *its == class && *code != SILENT).collect();
    for some in codes.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for (code, name, _) in some {
                let check = &check;
                scope.spawn(move || {
                    let world = world(true, |_| ());
                    world.keep("a", &["0"]);
                    assert_eq!(world.values("a", 1), ["0"]);
                    check(&world, *code, name);
                    eventually(&format!("{name}: the spool is empty"), || world.metrics.spool_records.get() == 0);
                });
            }
        });
    }
}

fn error(code: Code) -> Error {
    Error::try_from(code as i32).expect("librdkafka knows it")
}

impl World {
    /// So many records failed by this name.
    fn failed(&self, name: &str) -> bool {
        self.metrics.encode().contains(&format!("produce_errors_total{{code=\"{name}\"}}"))
    }

    /// Each came once, in order, and nothing else did.
    fn has(&self, topic: &str, values: &[&str], name: &str) {
        assert_eq!(self.values(topic, values.len()), values, "{name}");
        let produced = self.metrics.events_produced.get_or_create(&OfTopic { topic: topic.to_owned() }).get();
        assert_eq!(produced, values.len() as u64, "{name}");
    }
}

#[test]
fn a_record_that_failed_for_a_time_is_delivered_once_whatever_the_code() {
    each(Class::Retriable, |world, code, name| {
        world.fail(&[error(code)]);
        world.keep("a", &["1", "2", "3"]);
        world.has("a", &["0", "1", "2", "3"], name);
        assert_eq!(world.metrics.kafka_rebuilds.get(), 0, "{name}");
        assert_eq!(world.failed(name), !HEALED.contains(&code), "{name}");
    });
}

#[test]
fn a_record_that_is_refused_alone_is_a_dead_letter_whatever_the_code() {
    each(Class::Record, |world, code, name| {
        world.fail(&[error(code); 2]);
        world.keep("a", &["bad"]);
        let record = world.consume("dead", 1).remove(0);
        assert_eq!((record.payload(), header(&record, "hookgate-dead-reason")), (Some(&b"bad"[..]), Some(name)));
        world.keep("a", &["1"]);
        world.has("a", &["0", "1"], name);
        assert_eq!(world.dead_letters(name), 1);
    });
}

#[test]
fn a_topic_that_is_refused_waits_whatever_the_code() {
    each(Class::Topic, |world, code, name| {
        world.fail(&[error(code)]);
        world.keep("a", &["1", "2", "3"]);
        if !HEALED.contains(&code) {
            eventually(&format!("{name}: it is refused"), || world.failed(name));
        }
        world.keep("b", &["x"]);
        world.has("b", &["x"], name);
        world.has("a", &["0", "1", "2", "3"], name);
        eventually(&format!("{name}: it is well"), || world.paused("a") == 0);
        assert_eq!(world.dead_letters(name), 0);
    });
}

#[test]
fn a_producer_that_is_no_good_any_more_is_replaced_whatever_the_code() {
    each(Class::Fatal, |world, code, name| {
        world.fail(&[error(code)]);
        world.keep("a", &["1", "2", "3"]);
        match code {
            // What librdkafka sends is a copy of what the broker has already, it says.
            Code::DuplicateSequenceNumber => return,
            // The broker has forgotten the producer, and no record is in doubt: librdkafka begins a new epoch.
            Code::UnknownProducerId => assert_eq!(world.metrics.kafka_rebuilds.get(), 0),
            _ => eventually(&format!("{name}: it is replaced"), || world.metrics.kafka_rebuilds.get() == 1),
        }
        world.has("a", &["0", "1", "2", "3"], name);
    });
}
