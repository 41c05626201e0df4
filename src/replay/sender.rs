//! One producer, and what became of what was given to it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use super::Letter;
use crate::clock::UnixMillis;
use crate::event::header;
use crate::kafka::{Class, Delivered, Failure, Health, Producer, Refused, Reports, Settings, SettingsError};
use crate::metrics::Metrics;
use crate::units::ByteSize;

/// So many letters are on their way at once …
const IN_FLIGHT_MAX: usize = 10_000;
/// … and about so many bytes of them, but always one letter.
const IN_FLIGHT_BYTES_MAX: ByteSize = ByteSize::mib(64);
/// A report is waited for so long at a time.
const STEP: Duration = Duration::from_millis(100);
/// So many letters that were not delivered are named; all are counted.
const NAMED_MAX: usize = 20;

/// Why nothing can be sent.
#[derive(Debug, Error)]
pub enum StartError {
    /// See there.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nobody is there.
    #[error("no broker answers; nothing has been sent")]
    Unreachable,
}

/// What has become of all letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kafka has them.
    pub sent: u64,
    /// How many it does not have, by Kafka's name of the reason.
    pub failed: BTreeMap<String, u64>,
    /// The first of these: where it lay, its id and the reason.
    pub named: Vec<(String, String, String)>,
}

impl Tally {
    /// How many Kafka does not have.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Who else was on its way with a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Perhaps others of its batch.
    Many,
    /// Nobody: what Kafka says is about this one.
    None,
}

/// Sends letters. Each one's end is in the tally.
pub struct Sender {
    producer: Producer,
    returns: Arc<Returns>,
    stamp: String,
    on_their_way: HashMap<usize, Letter>,
    bytes: usize,
    next: usize,
    /// Refused for ever together with others of a batch: one of them may have been the one.
    suspects: Vec<Letter>,
    tally: Tally,
}

/// What came back.
#[derive(Debug, Default)]
struct Returns {
    list: Mutex<Vec<(usize, Result<(), Failure>)>>,
    came: Condvar,
}

impl Reports for Returns {
    fn report(&self, opaque: usize, result: Result<Delivered, Failure>) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push((opaque, result.map(drop)));
        self.came.notify_all();
    }
}

impl Returns {
    fn take(&self, wait: Duration) -> Vec<(usize, Result<(), Failure>)> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.came.wait_timeout_while(list, wait, |list| list.is_empty());
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl Sender {
    /// Builds the producer, and waits at most `limit` for a broker to answer. What Kafka does not take within 30 s of its
    /// sending has failed: it is in the spool, or on the dead-letter topic, as before.
    ///
    /// # Errors
    /// The settings are such that there is no client, or nobody answers.
    pub fn start(
        mut settings: Settings,
        now: UnixMillis,
        metrics: Arc<Metrics>,
        limit: Duration,
    ) -> Result<Self, StartError> {
        settings.spooled = false;
        settings.someone_waits = false;
        // Of a gateway with a spool it is to be never.
        settings.properties.retain(|(name, _)| !matches!(name.as_str(), "message.timeout.ms" | "delivery.timeout.ms"));
        let returns = Arc::new(Returns::default());
        let reports = Arc::clone(&returns) as Arc<dyn Reports>;
        let producer = Producer::build(&settings, 1, reports, &Health::new(metrics))?;
        if !producer.warm_up(limit) {
            return Err(StartError::Unreachable);
        }
        Ok(Self {
            producer,
            returns,
            stamp: now.to_string(),
            on_their_way: HashMap::new(),
            bytes: 0,
            next: 0,
            suspects: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// Takes a letter; waits while too many are on their way.
    pub fn send(&mut self, letter: Letter) {
        while self.is_full() {
            self.collect(Company::Many);
        }
        if !self.suspects.is_empty() {
            self.settle();
        }
        if let Some((letter, failure)) = self.produce(letter) {
            self.fail(&letter, failure);
        }
    }

    /// What has become of letters so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Waits for all that are on their way.
    #[must_use]
    pub fn finish(mut self) -> Tally {
        self.settle();
        self.tally
    }

    fn is_full(&self) -> bool {
        self.on_their_way.len() >= IN_FLIGHT_MAX || self.bytes >= IN_FLIGHT_BYTES_MAX.as_usize()
    }

    /// Hands it to the client; where that refuses it, it comes back.
    fn produce(&mut self, letter: Letter) -> Option<(Letter, Failure)> {
        loop {
            let extra = [(header::REPLAYED, self.stamp.as_bytes())];
            match self.producer.send(&letter.view(""), &letter.topic, &extra, self.next) {
                Ok(()) => break,
                // There is room again when some of it has come back.
                Err(Refused::QueueFull) if !self.on_their_way.is_empty() => self.collect(Company::Many),
                Err(Refused::QueueFull) => return Some((letter, Failure::queue_full())),
                Err(Refused::Failed(failure)) => return Some((letter, failure)),
            }
        }
        self.bytes += letter.bytes();
        self.on_their_way.insert(self.next, letter);
        self.next += 1;
        None
    }

    /// Sorts what has come back, and waits a little where nothing has.
    fn collect(&mut self, company: Company) {
        for (number, result) in self.returns.take(STEP) {
            let Some(letter) = self.on_their_way.remove(&number) else { continue };
            self.bytes -= letter.bytes();
            match result {
                Ok(()) => self.tally.sent += 1,
                Err(failure) if company == Company::Many && failure.class() == Class::Record => {
                    self.suspects.push(letter);
                }
                Err(failure) => self.fail(&letter, failure),
            }
        }
    }

    /// Waits until nothing is on its way, and sends each suspect alone: Kafka refuses a whole batch for one of it.
    fn settle(&mut self) {
        while !self.on_their_way.is_empty() {
            self.collect(Company::Many);
        }
        for letter in std::mem::take(&mut self.suspects) {
            if let Some((letter, failure)) = self.produce(letter) {
                self.fail(&letter, failure);
            }
            while !self.on_their_way.is_empty() {
                self.collect(Company::None);
            }
        }
    }

    fn fail(&mut self, letter: &Letter, failure: Failure) {
        let reason = failure.name().into_owned();
        if self.tally.named.len() < NAMED_MAX {
            self.tally.named.push((letter.from.clone(), letter.id(), reason.clone()));
        }
        *self.tally.failed.entry(reason).or_default() += 1;
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("tally", &self.tally).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Headers};
    use crate::kafka::{Cluster, tail};
    use crate::metrics::Build;
    use crate::name::TopicName;
    use crate::spool::inspect::Kept;

    const LIMIT: Duration = Duration::from_secs(20);

    fn letter(id: &str, topic: &str) -> Letter {
        let mut headers = Headers::default();
        headers.push("ce_id", id.as_bytes()).expect("short");
        headers.push(header::REPLAYED, b"earlier").expect("short");
        let event = Event {
            source: "orders".parse().expect("a name"),
            topic: topic.parse().expect("a name"),
            key: Some("key".into()),
            headers,
            value: format!("value of {id}").into(),
            received_at: UnixMillis(1_000),
            digests: Vec::new(),
        };
        Letter::of_kept(&Kept { sequence: 1, delivered: true, event: event.view(), bytes: 0 })
    }

    fn sender(brokers: &str, limit: Duration) -> Result<Sender, StartError> {
        let settings = Settings {
            brokers: vec![brokers.to_owned()],
            dead_letter_topic: "dead".parse().expect("a topic"),
            create_topics: None,
            properties: Vec::new(),
            largest_body: ByteSize::mib(1),
            someone_waits: false,
            spooled: true,
        };
        let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
        Sender::start(settings, UnixMillis(2_000), metrics, limit)
    }

    #[test]
    fn letters_arrive_with_the_mark_of_this_replay_and_failures_are_counted_by_reason() {
        let topics: Vec<TopicName> = vec!["there".parse().expect("a topic")];
        let cluster = Cluster::start(&topics, 1).expect("a cluster");
        let mut sender = sender(cluster.bootstrap(), LIMIT).expect("somebody answers");
        for id in ["1", "2"] {
            sender.send(letter(id, "there"));
        }
        sender.send(letter("3", "absent"));
        let tally = sender.finish();
        assert_eq!((tally.sent, tally.failures()), (2, 1), "{tally:?}");
        assert_eq!(tally.named[0].1, "3");
        let mut records = tail(cluster.bootstrap(), &topics, 1).expect("a reader");
        for id in ["1", "2"] {
            let record = records.blocking_recv().expect("a record");
            let mark = "1970-01-01T00:00:02.000Z".to_owned();
            assert_eq!((record.header("ce_id"), record.header(header::REPLAYED)), (Some(id.to_owned()), Some(mark)));
            assert_eq!(record.headers.iter().filter(|(name, _)| name == header::REPLAYED).count(), 1);
            assert_eq!((record.value, record.timestamp), (format!("value of {id}").into_bytes(), Some(1_000)));
        }
    }

    #[test]
    fn nothing_is_sent_where_nobody_answers() {
        let started = sender("127.0.0.1:1", Duration::from_millis(200));
        assert!(matches!(started, Err(StartError::Unreachable)), "{started:?}");
    }
}
