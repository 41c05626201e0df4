//! Reads what a topic holds now, from its beginning to its present end, and commits nothing: for `replay --dead-letter`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use thiserror::Error;

use super::context;
use super::{Class, Failure, Record, Settings, SettingsError};
use crate::name::TopicName;

const POLL: Duration = Duration::from_millis(100);
/// librdkafka's own bound of what a broker answers; a larger record needs a larger one.
const RECEIVE_BYTES_MIN: u64 = 100_000_000;
/// Around the records of an answer.
const FRAMING_BYTES: u64 = 1024;

/// Why a topic cannot be read to its end.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// See there.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No broker answered in time.
    #[error("no broker answered ({0}); see kafka.properties where they need TLS or a password")]
    Unreachable(String),
    /// There is no such topic.
    #[error("{0}: does not exist")]
    Missing(TopicName),
    /// The broker does not let us read it.
    #[error("{0}: the broker answers {name}; grant Read and Describe on it", name = .1.name())]
    Refused(TopicName, Failure),
}

/// Tells every record that the topic holds now, partition by partition in order, until it is told to stop. What comes
/// while it reads is not waited for; nothing more for so long as `limit` is an error. Blocks.
///
/// # Errors
/// It was not read to its end.
pub fn history(
    settings: &Settings,
    topic: &TopicName,
    limit: Duration,
    each: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<(), HistoryError> {
    let consumer = consumer(settings)?;
    let mut ends = ends(&consumer, topic, limit)?;
    let mut assignment = TopicPartitionList::new();
    for partition in ends.keys() {
        let added = assignment.add_partition_offset(topic.as_str(), *partition, Offset::Beginning);
        added.map_err(|error| unreachable(&error))?;
    }
    consumer.assign(&assignment).map_err(|error| unreachable(&error))?;
    let mut waited = Duration::ZERO;
    while !ends.is_empty() {
        let (partition, next) = match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let record = Record::of(&message);
                let (partition, offset) = (record.partition, record.offset);
                if ends.get(&partition).is_some_and(|end| offset < *end) && each(record).is_break() {
                    return Ok(());
                }
                (partition, offset + 1)
            }
            // Behind the last record there may be marks that are none.
            Some(Err(KafkaError::PartitionEOF(partition))) => (partition, i64::MAX),
            Some(Err(error)) if Failure::new(&error).class() == Class::Topic => {
                return Err(HistoryError::Refused(topic.clone(), Failure::new(&error)));
            }
            other => {
                if let Some(Err(error)) = other {
                    tracing::debug!(%error, "reading from kafka");
                }
                waited += POLL;
                if waited >= limit {
                    return Err(HistoryError::Unreachable("nothing came for too long".to_owned()));
                }
                continue;
            }
        };
        waited = Duration::ZERO;
        if ends.get(&partition).is_some_and(|end| next >= *end) {
            ends.remove(&partition);
        }
    }
    Ok(())
}

fn consumer(settings: &Settings) -> Result<BaseConsumer<Quiet>, SettingsError> {
    let mut config = settings.client_config()?;
    let receive = RECEIVE_BYTES_MIN.max(settings.record_bytes_max().saturating_add(FRAMING_BYTES));
    config
        // The client wants a group's name; the group is never joined, since the partitions are assigned here.
        .set("group.id", "hookgate-replay")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("receive.message.max.bytes", receive.to_string())
        .set("statistics.interval.ms", "0");
    config.create_with_context(Quiet).map_err(|error| SettingsError::Together(error.to_string()))
}

/// Partition → where it ends now; without those that hold nothing.
fn ends(
    consumer: &BaseConsumer<Quiet>,
    topic: &TopicName,
    limit: Duration,
) -> Result<BTreeMap<i32, i64>, HistoryError> {
    let metadata = consumer.fetch_metadata(Some(topic.as_str()), limit).map_err(|error| unreachable(&error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic.as_str());
    let partitions = found.map(rdkafka::metadata::MetadataTopic::partitions).unwrap_or_default();
    if partitions.is_empty() {
        return Err(HistoryError::Missing(topic.clone()));
    }
    let mut ends = BTreeMap::new();
    for partition in partitions.iter().map(MetadataPartition::id) {
        let marks = consumer.fetch_watermarks(topic.as_str(), partition, limit);
        let (first, end) = marks.map_err(|error| unreachable(&error))?;
        if first < end {
            ends.insert(partition, end);
        }
    }
    Ok(ends)
}

fn unreachable(error: &KafkaError) -> HistoryError {
    HistoryError::Unreachable(error.to_string())
}

/// What matters of a consumer's troubles is in what it returns.
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer");
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // The producer's properties are of no use to it, and it says so of each.
        if facility != "CONFWARN" {
            context::log(level, facility, message);
        }
    }
}

impl ConsumerContext for Quiet {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::properties::tests::settings;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    const LIMIT: Duration = Duration::from_secs(20);

    fn told(settings: &Settings, topic: &str, max: usize) -> Result<Vec<Vec<u8>>, HistoryError> {
        let mut values = Vec::new();
        history(settings, &topic.parse().expect("a topic"), LIMIT, &mut |record| {
            values.push(record.value);
            if values.len() < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        values.sort();
        Ok(values)
    }

    #[test]
    fn a_topic_is_told_from_its_beginning_to_its_end_over_all_partitions() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("full", 3, 1).expect("created");
        cluster.create_topic("empty", 2, 1).expect("created");
        let producer: BaseProducer =
            rdkafka::ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().expect("one");
        for index in 0..20 {
            let value = vec![index];
            let record = BaseRecord::<(), _>::to("full").payload(&value).partition(i32::from(index % 2));
            producer.send(record).expect("taken");
        }
        producer.flush(LIMIT).expect("delivered");
        let settings = settings(&cluster.bootstrap_servers());
        let all: Vec<Vec<u8>> = (0..20).map(|index| vec![index]).collect();
        for _ in 0..2 {
            assert_eq!(told(&settings, "full", usize::MAX).expect("read"), all, "nothing is committed");
        }
        assert_eq!(told(&settings, "full", 3).expect("read").len(), 3);
        assert!(told(&settings, "empty", 1).expect("read").is_empty());
    }

    #[test]
    fn nobody_there_is_an_error_and_so_is_no_topic() {
        let cluster = MockCluster::new(1).expect("a cluster");
        let error = told(&settings(&cluster.bootstrap_servers()), "absent", 1).expect_err("not there");
        assert!(matches!(error, HistoryError::Missing(_)), "{error}");
        let nobody = history(
            &settings("127.0.0.1:1"),
            &"any".parse().expect("a topic"),
            Duration::from_millis(300),
            &mut |_| ControlFlow::Continue(()),
        );
        assert!(matches!(nobody, Err(HistoryError::Unreachable(_))), "{nobody:?}");
    }
}
