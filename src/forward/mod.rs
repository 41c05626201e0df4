//! The way out: takes parcels from the spool in order, produces them, and completes them by their delivery reports.
//!
//! - `line`: the one thread that produces, turn by turn; `settle` what it does with failures, `serve` with what has
//!   waited, `rebuild` with a dead producer, `stop` at the end.
//! - `desk`: what is in flight; the reports come in here, on Kafka's thread.
//! - `flow`: a topic's share of what is in flight.
//! - `lane`: a topic that had trouble leaves the main line and has a lane of its own until it has caught up.
//! - `dead`: records that Kafka refuses for ever.
//! - `watch`: are the topics there? In the background, as soon as a broker answers.
//!
//! # What happens to an event
//!
//! | Kafka says | on disk | in memory only |
//! | --- | --- | --- |
//! | retriable | tried for ever, with backoff | given up when librdkafka does; its caller has a deadline of its own |
//! | refuses the record | sent alone, then to the dead-letter topic; refused there too, it stays on disk and is tried each minute | the same, but given up at the end |
//! | refuses the topic | stays on disk; the topic is probed, then drained in order | given up at once |
//! | nothing, of a topic that has its share in flight | stays on disk, and is read back in order as reports come | given up at once |
//! | the producer is dead | sent again by a new one, in the old order | the same |
//!
//! Kafka refuses a whole batch for one record of it. So a refused record is tried once more, alone in its batch and with
//! nothing else of its topic in flight; only then is it known to be the one.
//!
//! # Order
//!
//! Records of one key lie in one partition, and reach it in the order of the spool, as long as librdkafka retries them
//! itself; that it does for ever where the spool has a disk. The order of a key may break, and a record may be there
//! twice, where (1) a batch is refused, or fails with a code that librdkafka does not try again itself (its list is in
//! `tests::codes`), while the next one is already on its way, (2) a producer is replaced while records are in flight,
//! (3) the gateway dies between a delivery and the spool's checkpoint. In each case what is sent again is sent in its own
//! order. Consumers tell copies by `ce_source` and `ce_id`.
//!
//! (4) An event that only memory has, since the disk did not answer its caller in time, does not wait for older ones of
//! its topic that are being read back from disk: it goes ahead of them. Its caller would be refused otherwise.
//!
//! # Invariants
//! 1. A parcel that was taken is completed, set aside or in one of: the batch at hand, flight, a lane, the dead.
//! 2. At most [`IN_FLIGHT_MAX`] records and about [`IN_FLIGHT_BYTES_MAX`] of them are in flight; a full queue stops the taking.
//! 3. Trouble of one topic never holds up another one's records for longer than the second in which it is noticed.

mod backoff;
mod dead;
mod desk;
mod flow;
mod lane;
mod line;
mod rebuild;
mod serve;
mod settle;
mod stop;
mod watch;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use crate::clock::Clock;
use crate::event::EventView;
use crate::kafka::{self, Delivered, Health, Producer, SettingsError};
use crate::metrics::{Metrics, OfTopic};
use crate::name::TopicName;
use crate::spool::Spool;
use crate::units::ByteSize;

pub use line::Stopped;

/// So many records are handed to librdkafka at once: a second of them at full rate.
pub const IN_FLIGHT_MAX: usize = 65_536;
/// So many bytes of them (values, keys and headers), but always one record. librdkafka holds a copy of each.
pub const IN_FLIGHT_BYTES_MAX: ByteSize = ByteSize::mib(64);

/// Told of every delivery, on Kafka's thread: the event, the topic where it lies, and where in it. It must not block: no
/// other report comes while it runs.
pub type Observer = Arc<dyn Fn(&EventView<'_>, &str, Delivered) + Send + Sync>;

/// What a forwarder is made of.
pub struct Parts {
    /// Where the parcels come from.
    pub spool: Spool,
    /// `kafka`
    pub settings: kafka::Settings,
    /// The topics of all sources; the dead-letter topic need not be among them.
    pub topics: Vec<TopicName>,
    /// For timestamps, ages and backoffs.
    pub clock: Clock,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Wants to know of each delivery; costs nothing where there is none.
    pub observer: Option<Observer>,
}

/// Why there is no way out.
#[derive(Debug, Error)]
pub enum StartError {
    /// No client can be built from the settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The system has no thread left.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// The running way out. It ends when it is stopped.
pub struct Forwarder {
    shared: Arc<Shared>,
    line: Mutex<Option<JoinHandle<Stopped>>>,
}

/// What the threads and the handle share.
struct Shared {
    health: Arc<Health>,
    /// The producer has its id, or does not need it in a hurry.
    warm: AtomicBool,
    stop: Mutex<Option<Duration>>,
    stopped: Condvar,
    words: Mutex<Vec<watch::Word>>,
    topics: Mutex<Vec<TopicName>>,
    /// Topics that have refused a record: to be looked at.
    doubts: Mutex<Vec<String>>,
}

impl Forwarder {
    /// Starts producing. It does not matter whether a broker answers yet: topics are looked at as soon as one does.
    ///
    /// # Errors
    /// No client can be built from the settings, or there is no thread.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let health = Health::new(Arc::clone(&parts.metrics));
        let mut topics = parts.topics;
        if !topics.contains(&parts.settings.dead_letter_topic) {
            topics.push(parts.settings.dead_letter_topic.clone());
        }
        for topic in &topics {
            show(&parts.metrics, topic);
        }
        let shared = Arc::new(Shared {
            health: Arc::clone(&health),
            warm: AtomicBool::new(!parts.settings.someone_waits),
            stop: Mutex::new(None),
            stopped: Condvar::new(),
            words: Mutex::new(Vec::new()),
            topics: Mutex::new(topics),
            doubts: Mutex::new(Vec::new()),
        });
        let metrics = Arc::clone(&parts.metrics);
        let desk = desk::Desk::new(parts.clock.clone(), Arc::clone(&parts.metrics), parts.observer);
        let reports = Arc::clone(&desk) as Arc<dyn kafka::Reports>;
        let producer = Arc::new(Producer::build(&parts.settings, 1, reports, &health)?);
        let watch = watch::Watch::new(parts.settings.clone(), Arc::clone(&shared), &producer);
        let line = line::Line::new(line::Setup {
            spool: parts.spool,
            settings: parts.settings,
            clock: parts.clock,
            metrics: parts.metrics,
            shared: Arc::clone(&shared),
            desk,
            producer,
        });
        let line = start("forward", &metrics, move || line.run())?;
        // Not waited for at the end: it holds nothing, and may be asking a broker that does not answer.
        drop(start("forward-watch", &metrics, move || watch.run())?);
        Ok(Self { shared, line: Mutex::new(Some(line)) })
    }

    /// An event handed over now would reach Kafka soon: a broker answers, and where some source's `ack` waits for Kafka,
    /// the producer has its id. It says nothing about the disk.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.shared.health.is_connected() && self.shared.warm.load(Ordering::Relaxed)
    }

    /// Looks at these topics too, from now on: those of sources that a reload has added.
    pub fn watch_topics(&self, topics: impl IntoIterator<Item = TopicName>) {
        let mut watched = hold(&self.shared.topics);
        for topic in topics {
            if !watched.contains(&topic) {
                watched.push(topic);
            }
        }
        drop(watched);
        self.shared.stopped.notify_all();
    }

    /// Stops taking what lies on disk, waits at most `limit` for what is in flight and for what only memory holds, and
    /// ends. What is unconfirmed then stays in the spool. Blocks; a second call finds nothing to stop.
    pub fn stop(&self, limit: Duration) -> Stopped {
        *hold(&self.shared.stop) = Some(limit);
        self.shared.stopped.notify_all();
        let line = hold(&self.line).take();
        line.map_or_else(Stopped::default, |line| {
            line.join().unwrap_or_else(|_| {
                tracing::error!(
                    runbook = "panics",
                    "the forwarder ended in a panic; what it had in hand stays in the spool"
                );
                Stopped::default()
            })
        })
    }
}

/// A thread without which the gateway is of no use.
fn start<T: Send + 'static>(
    name: &str,
    metrics: &Arc<Metrics>,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    let metrics = Arc::clone(metrics);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _guard = metrics.guard();
        work()
    })
}

/// A topic's series are there before its first event, so that their first change can be seen.
fn show(metrics: &Metrics, topic: &TopicName) {
    let topic = OfTopic { topic: topic.as_str().to_owned() };
    drop(metrics.kafka_topic_paused.get_or_create(&topic));
    drop(metrics.events_produced.get_or_create(&topic));
}

impl Shared {
    /// The watch is to look at this topic.
    fn doubt(&self, topic: &str) {
        let mut doubts = hold(&self.doubts);
        if !doubts.iter().any(|doubt| doubt == topic) {
            doubts.push(topic.to_owned());
        }
        drop(doubts);
        self.stopped.notify_all();
    }

    fn stop_limit(&self) -> Option<Duration> {
        *hold(&self.stop)
    }

    /// Waits so long, or until the end. True: it is over.
    fn stops_within(&self, wait: Duration) -> bool {
        let stop = hold(&self.stop);
        if stop.is_some() {
            return true;
        }
        let (stop, _) = self.stopped.wait_timeout(stop, wait).unwrap_or_else(PoisonError::into_inner);
        stop.is_some()
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("topics", &self.topics).finish_non_exhaustive()
    }
}

/// A lock whose holder panicked is still a lock: what it guards is whole after every statement.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
