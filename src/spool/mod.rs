//! Where events are safe until Kafka has them.
//!
//! ```text
//! keep ──────► intake ─► writer: one write, one sync ─► slots are told ─► outlet ─► take ─► the forwarder
//! hand_over ───────────────────────────────────────────────────────────────┘  ▲
//!                                          segments on disk ─► reader ────────┘  (when the forwarder is behind)
//! ```
//!
//! # What holds
//!
//! - Nobody is told that an event is on disk before its bytes, and the directory entry of its segment, are synced.
//! - The records are the only truth. What else is on disk (checkpoint, key files) is advice: to lose it costs duplicates.
//! - A record is removed only when Kafka has it, or its damage has been counted and its segment set aside for a person.
//! - A sync that failed is never tried again on the same file.
//! - No record is delivered whose checksums do not match, and no damage keeps the spool from opening or an intact record
//!   from being delivered.
//! - What was accepted has its place on disk: a batch does not meet a full volume.
//! - Every queue, buffer and file has a bound, named in `limits`.
//!
//! # What lies in the directory
//!
//! | file | what | format |
//! | --- | --- | --- |
//! | `lock` | held (`flock`) by the process that uses the directory | empty |
//! | `<number>.seg` | a live segment | `segment`, of `record`s |
//! | `<number>.spare`, `.new` | a segment that lies ready, or is being made | zeros, or an earlier life |
//! | `<number>.keys` | keys of records whose segment is gone | `keys` |
//! | `checkpoint.0`, `checkpoint.1` | what Kafka has | `checkpoint` |
//! | `damaged/<number>.seg` | a segment some of which could not be read; for a person to look at | |
//!
//! Numbers in names are 16 hexadecimal digits. Other files are not ours and are left alone. Everything is little endian.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::{Clock, UnixMillis};
use crate::event::{Claim, Digest, Event};
use crate::metrics::Metrics;
use crate::units::{ByteSize, Share};

// What callers and the forwarder hold.
mod parcel;
mod slot;
mod take;

// The bytes, and the disk under them.
mod io;
mod record;
mod scan;
mod segment;

// The way in.
mod intake;
mod writer;

// The way out.
mod ledger;
mod marks;
mod outlet;
mod reader;

// What they share, and its bounds.
mod core;
mod limits;
mod room;

// What nobody waits for.
mod checkpoint;
mod compact;
mod keeper;
mod keys;

// The start, and who only looks.
pub mod inspect;
mod lineage;
mod naming;
mod opening;
mod recover;
mod survey;

pub use opening::OpenError;
pub use parcel::Parcel;
pub use slot::{Ack, Outcome, Slot};

use self::core::Core;
use self::io::{Directory, Disk};
use self::limits::Limits;
use self::opening::Opened;
use self::outlet::Outlet;

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

/// The spool, with a directory or (then only its hand-over queue) without. Clones are the same spool; when the last one
/// is dropped it is closed.
#[derive(Debug, Clone)]
pub struct Spool {
    core: Arc<Core>,
    threads: Arc<Threads>,
}

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

/// What the spool remembers of one event, for the dedupe to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The event's keys; of a key file one at a time.
    pub digests: &'a [Digest],
    /// When it came.
    pub received_at: UnixMillis,
    /// Kafka has it, as far as is known. If not, the disk alone does.
    pub delivered: bool,
}

/// Who is told what the spool remembers. Where the disk alone is not enough for an event it returns a claim, which is
/// settled once Kafka has the event too.
pub type Remember<'a> = dyn FnMut(Remembered<'_>) -> Option<Box<dyn Claim>> + 'a;

/// Makes the directory (0700) where it does not exist, as [`Spool::open`] does: for what is kept beside the events.
///
/// # Errors
/// It cannot be made or written, or something else is in its place.
pub fn create_directory(settings: &Settings) -> Result<(), OpenError> {
    open_directory(&settings.dir).map(drop)
}

fn open_directory(path: &Path) -> Result<Directory, OpenError> {
    Directory::make(path).map_err(|error| OpenError::missing(path, error))?;
    Directory::open(path).map_err(|error| OpenError::of(path, error))
}

impl Spool {
    /// Opens the directory, recovers what is in it, and starts the writer. `remember` gets every key of every record and
    /// key file that is not older than `horizon`, and of what is not known to be delivered, however old.
    ///
    /// # Errors
    /// The directory cannot be used. One that is full can: what was kept is delivered, and `room` says that it is full.
    pub fn open(
        settings: &Settings,
        horizon: Duration,
        clock: Clock,
        metrics: Arc<Metrics>,
        remember: &mut Remember<'_>,
    ) -> Result<Self, OpenError> {
        let disk = open_directory(&settings.dir)?;
        Self::open_on(Arc::new(disk), settings, horizon, clock, metrics, remember)
    }

    /// As [`Spool::open`], on any disk.
    fn open_on(
        disk: Arc<dyn Disk>,
        settings: &Settings,
        horizon: Duration,
        clock: Clock,
        metrics: Arc<Metrics>,
        remember: &mut Remember<'_>,
    ) -> Result<Self, OpenError> {
        let path = &settings.dir;
        let limits = Limits::of(settings, horizon);
        let Opened { core, writer, keeper } = opening::open(disk, path, limits, clock, metrics, remember)?;
        let spool = Self { threads: Arc::new(Threads::new(Arc::clone(&core))), core };
        let started = spool.threads.start("spool-writer", || writer.run());
        let started = started.and_then(|()| spool.threads.start("spool-keeper", || keeper.run()));
        started.map_err(|error| OpenError::Unusable { path: path.clone(), error })?;
        Ok(spool)
    }

    /// A spool without a directory: nothing but the hand-over queue.
    #[must_use]
    pub fn without_directory(clock: Clock, metrics: Arc<Metrics>) -> Self {
        let core = Arc::new(Core {
            clock,
            metrics,
            limits: Limits::of_memory(),
            outlet: Mutex::new(Outlet::default()),
            ready: Condvar::new(),
            storage: None,
        });
        Self { threads: Arc::new(Threads::new(Arc::clone(&core))), core }
    }

    /// How much room is left on disk.
    #[must_use]
    pub fn room(&self) -> Room {
        self.core.storage.as_ref().map_or(Room::None, |storage| storage.level.room())
    }

    /// Gives the events to the disk, in one write and one sync, and afterwards to the forwarder, unless it has them.
    /// (In two, where they do not fit the rest of a segment.)
    ///
    /// # Errors
    /// None of them has been taken.
    pub fn keep(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        self.core.keep(events)
    }

    /// Gives the events straight to the forwarder.
    ///
    /// # Errors
    /// None of them has been taken.
    pub fn hand_over(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        self.core.hand_over(events)
    }

    /// The forwarder's side: appends the next parcels in order to `into`, those that a caller waits for first; waits up
    /// to `wait` for the first. False: the spool is closed and nothing is left in memory.
    pub fn take(&self, into: &mut Vec<Parcel>, wait: Duration) -> bool {
        let mut items = Vec::new();
        let more = self.core.take(&mut items, wait);
        into.extend(items.into_iter().map(|item| Parcel::new(Arc::clone(&self.core), item)));
        more
    }

    /// Reads what is kept for a topic and not delivered, from a sequence number on and before another, for a topic that
    /// had to wait, and says where to go on: it looks at some megabytes at once. None: all of it has been seen. Damaged
    /// records are left out, and those that are in the forwarder's hands or on their way there.
    #[must_use]
    pub fn read_topic(&self, topic: &str, from: u64, before: u64, max: usize) -> (Vec<Parcel>, Option<u64>) {
        let (items, next) = reader::read_topic(&self.core, topic, from, before, max);
        (items.into_iter().map(|item| Parcel::new(Arc::clone(&self.core), item)).collect(), next)
    }

    /// How many events are on disk that Kafka does not have.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        hold(&self.core.outlet).outstanding()
    }

    /// Takes no more events, syncs what was taken, and writes the checkpoint; the writer ends. [`Spool::take`] still
    /// yields what is in memory. What is delivered after that is in the checkpoint too once the last parcel and clone
    /// of the spool are gone; they also keep the directory's lock.
    pub fn close(&self) {
        self.threads.stop();
    }
}

/// The threads behind a spool; dropped, they end.
#[derive(Debug)]
struct Threads {
    core: Arc<Core>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    fn new(core: Arc<Core>) -> Self {
        Self { core, running: Mutex::new(Vec::new()) }
    }

    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let metrics = Arc::clone(&self.core.metrics);
        let guarded = move || {
            let _guard = metrics.guard();
            work();
        };
        let handle = thread::Builder::new().name(name.to_owned()).spawn(guarded)?;
        hold(&self.running).push(handle);
        Ok(())
    }

    /// First the writer, so that all it took is safe; then the rest.
    fn stop(&self) {
        let mut running = hold(&self.running);
        self.core.close();
        for handle in running.drain(..) {
            if handle.join().is_err() {
                tracing::error!(runbook = "panics", "a thread of the spool had ended by a panic");
            }
            if let Some(storage) = &self.core.storage {
                storage.stop_keeper();
            }
        }
        if let Some(storage) = &self.core.storage {
            storage.checkpoint(&self.core.outlet);
        }
        self.core.close_outlet();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Takes a lock. A thread that died with it has left the state as it was between two of its own steps, and the panic has
/// been counted; to lose what the others hold would be worse.
fn hold<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A length in memory as a length on disk.
fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on disk as a length in memory; what a machine cannot address counts as the most it can.
fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
