//! Is every event that was answered 200 in Kafka, and once?

use std::time::Duration;

use hookgate::clock::Clock;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::traffic::ID;

/// Kafka is given up on when nothing has come for so long.
const SILENCE: Duration = Duration::from_secs(20);

/// After the last that was missing, so long for what might be there twice.
const AFTER: Duration = Duration::from_secs(1);

/// What the topic holds, held against the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audit {
    /// Answered 200.
    pub(crate) promised: usize,
    /// Of these not in Kafka.
    pub(crate) missing: usize,
    /// In Kafka more than once.
    pub(crate) twice: usize,
}

impl Audit {
    pub(crate) fn is_clean(&self) -> bool {
        self.missing == 0 && self.twice == 0
    }
}

/// Reads the topic from its beginning.
pub(crate) fn topic(brokers: &str, topic: &str, partitions: i32, acknowledged: &[usize]) -> Audit {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "audit").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&all).expect("the partitions are there");

    let mut copies = vec![0_u8; acknowledged.iter().max().map_or(0, |last| last + 1)];
    let mut promised = vec![false; copies.len()];
    for number in acknowledged {
        promised[*number] = true;
    }
    let mut missing = acknowledged.len();
    let clock = Clock::system();
    let mut last = clock.now();
    while clock.now().since(last) < if missing == 0 { AFTER } else { SILENCE } {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        last = clock.now();
        let digits = message.payload().and_then(|value| std::str::from_utf8(value.get(ID)?).ok());
        let number: usize = digits.and_then(|digits| digits.parse().ok()).expect("a body of ours");
        // One that was sent and not answered may be there as well.
        let Some(count) = copies.get_mut(number) else { continue };
        *count = count.saturating_add(1);
        missing -= usize::from(*count == 1 && promised[number]);
    }
    let twice = copies.iter().filter(|count| **count > 1).count();
    Audit { promised: acknowledged.len(), missing, twice }
}
