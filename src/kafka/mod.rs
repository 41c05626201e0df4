//! The one room that knows Kafka's client.

use crate::name::TopicName;
use crate::secret::Secret;
use crate::units::ByteSize;

/// What the operator sets under `kafka`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `kafka.brokers`
    pub brokers: Vec<String>,
    /// `kafka.dead_letter_topic`
    pub dead_letter_topic: TopicName,
    /// `kafka.create_topics`; absent: topics must exist.
    pub create_topics: Option<CreateTopics>,
    /// `kafka.properties`: librdkafka's own, passed through; they may be secret.
    pub properties: Vec<(String, Secret)>,
    /// The largest body limit of all sources; records are that large and 64 KiB for headers.
    pub largest_body: ByteSize,
    /// Some source's `ack` waits for Kafka: batches do not linger.
    pub someone_waits: bool,
    /// A spool keeps what is not delivered, so that no record times out in memory.
    pub spooled: bool,
}

/// How missing topics are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateTopics {
    /// Partitions a topic.
    pub partitions: i32,
    /// Replicas a partition.
    pub replication: i32,
}
