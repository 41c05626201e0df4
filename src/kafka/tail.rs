//! Reads records as they arrive: what `dev --demo` shows. The gateway itself never consumes.

use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::name::TopicName;

/// So many records wait for their reader; then reading stops until there is room.
const RECORDS_MAX: usize = 1024;
/// How long the thread is blind for the reader's end.
const POLL: Duration = Duration::from_millis(100);

/// A record as it lies in Kafka.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the record's own part of that name")]
pub struct Record {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub value: Vec<u8>,
}

/// Reads these topics from their beginning, partition 0 to `partitions`, until the receiver is dropped.
///
/// # Errors
/// There is no client, or no thread.
pub fn tail(bootstrap: &str, topics: &[TopicName], partitions: i32) -> Result<mpsc::Receiver<Record>, KafkaError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // The client wants a group's name; the group is never joined, since the partitions are assigned here.
        .set("group.id", "hookgate-tail")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut assignment = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..partitions {
            assignment.add_partition_offset(topic.as_str(), partition, Offset::Beginning)?;
        }
    }
    consumer.assign(&assignment)?;
    let (sender, receiver) = mpsc::channel(RECORDS_MAX);
    thread::spawn(move || {
        while !sender.is_closed() {
            match consumer.poll(POLL) {
                Some(Ok(message)) => drop(sender.blocking_send(Record::of(&message))),
                Some(Err(error)) => tracing::debug!(%error, "reading from Kafka"),
                None => {}
            }
        }
    });
    Ok(receiver)
}

impl Record {
    pub(super) fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            headers: headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect(),
            value: message.payload().unwrap_or_default().to_vec(),
        }
    }

    /// The value of the first header of that name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}
