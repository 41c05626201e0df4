//! One client of one generation.
//!
//! A producer that failed for good is not repaired: a new one of the next generation takes its place, and the old one
//! hands back what it did not deliver. Sending costs one copy of the record, one small allocation a header and one for
//! the topic's name, which is the least that rdkafka's safe interface asks for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};

use super::context::{Context, Health};
use super::properties::creation_error;
use super::reports::Reports;
use super::{Class, Failure, Settings, SettingsError};
use crate::event::EventView;

/// librdkafka asks for a producer id by a timer of 500 ms after it has connected; so long is waited for it at most.
const PRODUCER_ID_WAIT: Duration = Duration::from_millis(600);
/// Ours on each record (experience.md section 5), and a few of the request's: the list of headers is rarely grown.
const HEADERS_EXPECTED: usize = 16;

/// Why a record was not even taken. There will be no report of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The queue has reached its bound: there is room again shortly after a report (of a whole batch) has come.
    QueueFull,
    /// It would not be delivered.
    Failed(Failure),
}

/// A producer with a thread of its own that polls.
pub struct Producer {
    client: ThreadedProducer<Context>,
    generation: u32,
    health: Arc<Health>,
    /// For its metadata, which also refreshes what the client knows of that topic.
    any_topic: String,
}

impl Producer {
    /// Builds the client. It connects by itself, and again and again where nobody answers.
    ///
    /// # Errors
    /// The settings are such that there is no client.
    pub fn build(
        settings: &Settings,
        generation: u32,
        reports: Arc<dyn Reports>,
        health: &Arc<Health>,
    ) -> Result<Self, SettingsError> {
        let config = settings.client_config()?;
        health.forget_producer_id();
        let context = Context::new(reports, Arc::clone(health));
        let client = ThreadedProducer::from_config_and_context(&config, context)
            .map_err(|error| SettingsError::Together(creation_error(&error)))?;
        let any_topic = settings.dead_letter_topic.as_str().to_owned();
        Ok(Self { client, generation, health: Arc::clone(health), any_topic })
    }

    /// Which of the producers that followed one another.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes a record for `topic` (the event's own, or the dead-letter topic) with the event's headers and `extra` ones
    /// after them; `opaque` comes back in the report.
    ///
    /// # Errors
    /// It was not taken.
    pub fn send(
        &self,
        event: &EventView<'_>,
        topic: &str,
        extra: &[(&str, &[u8])],
        opaque: usize,
    ) -> Result<(), Refused> {
        let mut headers = OwnedHeaders::new_with_capacity(HEADERS_EXPECTED);
        for (key, value) in event.headers.iter().chain(extra.iter().copied()) {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord {
            topic,
            partition: None,
            payload: Some(event.value),
            key: event.key,
            timestamp: Some(i64::try_from(event.received_at.0).unwrap_or(i64::MAX)),
            headers: Some(headers),
            delivery_opaque: opaque,
        };
        self.client.send(record).map_err(|(error, _)| self.refused(&error))
    }

    fn refused(&self, error: &KafkaError) -> Refused {
        if error.rdkafka_error_code() == Some(rdkafka::error::RDKafkaErrorCode::QueueFull) {
            return Refused::QueueFull;
        }
        let failure = Failure::new(error);
        self.client.context().count(failure);
        Refused::Failed(failure)
    }

    /// It refuses everything from now on.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.client.context().is_fatal() || self.client.client().fatal_error().is_some()
    }

    /// The fatal error's name and librdkafka's words for it, where there is one.
    #[must_use]
    pub fn fatal_error(&self) -> Option<(Failure, String)> {
        self.client.client().fatal_error().map(|(code, words)| (Failure::from(code), words))
    }

    /// Waits at most `limit` until a broker answers, and then at most 600 ms until the producer has its id; sends no
    /// record for it. True: a broker answers. Blocks.
    #[must_use]
    pub fn warm_up(&self, limit: Duration) -> bool {
        // Metadata of a topic: it makes the client connect, and creates nothing (`allow.auto.create.topics`).
        let answered = self.client.client().fetch_metadata(Some(&self.any_topic), limit).is_ok();
        if answered {
            self.health.set_connected(true);
            self.health.wait_for_producer_id(limit.min(PRODUCER_ID_WAIT));
        }
        answered
    }

    /// Hands back at once, as failed, what has not been delivered. What is on its way to a broker may arrive all the same.
    pub fn purge(&self) {
        self.client.purge(PurgeConfig::default().queue().inflight());
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Refused {
    /// How to go on; a full queue is a matter of time.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::QueueFull => Class::Retriable,
            Self::Failed(failure) => failure.class(),
        }
    }
}

#[cfg(test)]
mod tests;
