//! Where events are safe until Kafka has them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Clock, UnixMillis};
use crate::event::{Digest, Event, EventView};
use crate::metrics::Metrics;
use crate::units::{ByteSize, Share};

mod slot;

pub use slot::{Ack, Outcome, Slot};

/// What the operator sets under `spool`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `spool.dir`
    pub dir: PathBuf,
    /// `spool.scratch`: the directory does not outlive the machine; second custody only.
    pub scratch: bool,
    /// `spool.max_bytes`
    pub max_bytes: ByteSize,
    /// `spool.segment_bytes`, at most an eighth of `max_bytes`.
    pub segment_bytes: ByteSize,
    /// `spool.high_water`
    pub high_water: Share,
    /// `spool.low_water`
    pub low_water: Share,
    /// `spool.retain`: how long delivered events are kept.
    pub retain: Duration,
}

/// The spool, with a directory or (then only its hand-over queue) without. Clones are the same spool.
#[derive(Debug, Clone)]
pub struct Spool {}

/// How much room is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Below the high-water mark.
    Plenty,
    /// Above it: senders that retry are asked to come again.
    High,
    /// Above 95 %, or the disk is full: nobody's event is taken.
    Full,
    /// There is no directory, or it cannot be written.
    None,
}

/// Why a custody did not take an event. Nothing of it has been kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No directory, or one that cannot be written any more.
    #[error("there is no disk that can keep it")]
    NoDisk,
    /// The spool has reached its bound.
    #[error("the spool is full")]
    Full,
    /// The hand-over queue to the forwarder has reached its bound.
    #[error("the queue to Kafka is full")]
    QueueFull,
    /// Larger than a segment.
    #[error("the event is larger than a segment of the spool")]
    TooLarge,
    /// The spool is being closed.
    #[error("the gateway is stopping")]
    Closed,
}

/// Why the spool's directory cannot be used; says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0}: the spool is in use by another process")]
    InUse(PathBuf),
}

/// A key that the spool remembers, for the dedupe to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// The source's name.
    pub source: &'a str,
    /// Its key.
    pub digest: Digest,
    /// When it came.
    pub received_at: UnixMillis,
}

/// An event on its way to Kafka, in the forwarder's hands. Dropped without a word, it is in nobody's hands: then it is
/// read from disk again after the next start, or lost where it was in memory only.
#[derive(Debug)]
pub struct Parcel {
    frame: Bytes,
    slot: Option<Arc<Slot>>,
    sequence: Option<u64>,
}

impl Spool {
    /// Opens the directory, recovers what is in it, and starts the writer. `remember` gets every key of every record and
    /// key file that is not older than `horizon`.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn open(
        settings: &Settings,
        horizon: Duration,
        clock: Clock,
        metrics: Arc<Metrics>,
        remember: &mut dyn FnMut(Remembered<'_>),
    ) -> Result<Self, OpenError> {
        let _ = (settings, horizon, clock, metrics, remember);
        todo!()
    }

    /// A spool without a directory: nothing but the hand-over queue.
    #[must_use]
    pub fn without_directory(clock: Clock, metrics: Arc<Metrics>) -> Self {
        let _ = (clock, metrics);
        todo!()
    }

    /// How much room is left on disk.
    #[must_use]
    pub fn room(&self) -> Room {
        todo!()
    }

    /// Gives the events to the disk, in one write and one sync, and afterwards to the forwarder, unless it has them.
    ///
    /// # Errors
    /// None of them has been taken.
    pub fn keep(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        let _ = events;
        todo!()
    }

    /// Gives the events straight to the forwarder.
    ///
    /// # Errors
    /// None of them has been taken.
    pub fn hand_over(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        let _ = events;
        todo!()
    }

    /// The forwarder's side: appends the next parcels in order to `into`, those that a caller waits for first; waits up
    /// to `wait` for the first. False: the spool is closed and nothing is left in memory.
    pub fn take(&self, into: &mut Vec<Parcel>, wait: Duration) -> bool {
        let _ = (into, wait);
        todo!()
    }

    /// Reads what is kept for a topic and not delivered, from a sequence number on and before another, for a topic that
    /// had to wait. Damaged records are left out.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn read_topic(&self, topic: &str, from: u64, before: u64, max: usize) -> std::io::Result<Vec<Parcel>> {
        let _ = (topic, from, before, max);
        todo!()
    }

    /// Syncs and writes the checkpoint; the writer ends.
    pub fn close(&self) {
        todo!()
    }
}

impl Parcel {
    /// The event.
    #[must_use]
    pub fn event(&self) -> EventView<'_> {
        todo!()
    }

    /// Its sequence number on disk; none: only memory has it so far.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// Kafka has it.
    pub fn delivered(self) {
        let _ = (self.frame, self.slot);
        todo!()
    }

    /// Kafka will not have it from this parcel: what is on disk stays there, undelivered; a caller that waits for Kafka
    /// alone gets [`Outcome::Lost`].
    pub fn set_aside(self) {
        todo!()
    }
}
