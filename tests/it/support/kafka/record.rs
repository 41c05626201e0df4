//! What arrived in a topic.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};

use super::{ASK, Kafka};
use crate::support::limit::wait_for;

const POLL: Duration = Duration::from_millis(100);

/// So many records are read before anybody asks whether they are enough.
const AT_ONCE: usize = 1000;

/// One record as a consumer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Milliseconds since 1970, where the record has a time.
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    /// In the order of the record.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The header of that name as text, where there is exactly one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(its, _)| its == name);
        let (_, value) = found.next()?;
        found.next().is_none().then(|| std::str::from_utf8(value).ok()).flatten()
    }
}

impl Kafka {
    /// Reads a topic from its beginning until `enough` says so, then on to its present end: what came too much is seen
    /// as well.
    pub(crate) fn records_until(&self, topic: &str, mut enough: impl FnMut(&[Record]) -> bool) -> Vec<Record> {
        let reader = Reader::open(self, topic);
        let mut records = Vec::new();
        wait_for("records in Kafka", || {
            records.extend(std::iter::from_fn(|| reader.poll()).take(AT_ONCE));
            enough(&records).then_some(())
        });
        let ends = reader.ends();
        wait_for("the end of a topic", || {
            if reached(&records, &ends) {
                return Some(());
            }
            records.extend(std::iter::from_fn(|| reader.poll()).take(AT_ONCE));
            None
        });
        records
    }

    /// All that a topic holds, once it holds `count` records.
    pub(crate) fn records(&self, topic: &str, count: usize) -> Vec<Record> {
        self.records_until(topic, |records| records.len() >= count)
    }
}

fn reached(records: &[Record], ends: &HashMap<i32, i64>) -> bool {
    let seen = |partition, end| records.iter().any(|record| record.partition == partition && record.offset + 1 >= end);
    ends.iter().all(|(partition, end)| *end == 0 || seen(*partition, *end))
}

/// Reads a topic from its beginning.
pub(crate) struct Reader {
    consumer: BaseConsumer,
    topic: String,
    partitions: Vec<i32>,
}

impl Reader {
    pub(crate) fn open(kafka: &Kafka, topic: &str) -> Self {
        let mut config = kafka.insider();
        config.set("group.id", "reader").set("enable.auto.commit", "false").set("fetch.wait.max.ms", "50");
        let consumer: BaseConsumer = config.create().expect("a consumer without a broker");
        let partitions = wait_for("the topic's partitions", || {
            let metadata = consumer.fetch_metadata(Some(topic), ASK).ok()?;
            let found = metadata.topics().first()?.partitions().iter().map(MetadataPartition::id);
            Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
        });
        let mut all = TopicPartitionList::new();
        for partition in &partitions {
            all.add_partition_offset(topic, *partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&all).expect("partitions that are there");
        Self { consumer, topic: topic.to_owned(), partitions }
    }

    /// The next record. An error is no record: the broker may be away, which some tests want.
    pub(crate) fn poll(&self) -> Option<Record> {
        self.consumer.poll(POLL)?.ok().as_ref().map(record)
    }

    /// Partition → the offset that its next record will get.
    pub(crate) fn ends(&self) -> HashMap<i32, i64> {
        let end = |partition: &i32| {
            let ask = || self.consumer.fetch_watermarks(&self.topic, *partition, ASK).ok();
            let (_, high) = wait_for("the end of a partition", ask);
            (*partition, high)
        };
        self.partitions.iter().map(end).collect()
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        headers: headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect(),
    }
}
