//! The one room that knows Kafka's client.
//!
//! - `properties`: the operator's settings and ours, as librdkafka's properties.
//! - `producer`: one client of one generation; `context` is what it calls back, `statistics` what it says of itself.
//! - `errors`: what each of Kafka's errors means for a record.
//! - [`admin`]: are the topics there, and large enough?
//! - `mock`: the embedded cluster of `hookgate dev`; `tail` reads what is in it, `history` what any topic holds.
//!
//! # Invariants
//! 1. Every record is acknowledged by all in-sync replicas, by an idempotent producer: no property can change that.
//! 2. Every record that was taken is reported exactly once, on whichever thread polls.
//! 3. Nothing in here retries a record: librdkafka does, within what its properties say, and the caller after that.
//! 4. No property's value is ever printed: any of them may be a secret.

pub mod admin;
mod context;
mod errors;
mod history;
mod mock;
mod producer;
mod properties;
mod reports;
mod statistics;
mod tail;

pub use context::Health;
#[cfg(test)]
pub(crate) use errors::known;
pub use errors::{Class, Failure};
pub use history::{HistoryError, history};
pub use mock::{Cluster, MockError};
pub use producer::{Producer, Refused};
pub use properties::{HEADROOM, SettingsError};
pub use reports::{Delivered, Reports};
pub use tail::{Record, tail};

use crate::name::TopicName;
use crate::secret::Secret;
use crate::units::ByteSize;

/// The version of librdkafka that is linked, such as `2.12.1`.
#[must_use]
pub fn client_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

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
