//! Opening a spool: lock, recovery, the first segment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use super::core::{Core, Storage};
use super::intake::{Batch, Intake, Pending, Place};
use super::io::Disk;
use super::keeper::Keeper;
use super::limits::Limits;
use super::outlet::Outlet;
use super::recover::{self, Memory, Stop};
use super::scan::Frame;
use super::writer::Writer;
use super::{Remember, hold, segment};
use crate::clock::{Clock, UnixMillis};
use crate::metrics::Metrics;

/// Why the spool's directory cannot be used; says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{0}: the spool is in use by another process; give every process a directory of its own, or stop the other"
    )]
    InUse(PathBuf),
    /// It does not exist and cannot be made.
    #[error("{path}: the spool's directory does not exist and cannot be made ({error}); make it, owned by this user")]
    Missing {
        /// The directory.
        path: PathBuf,
        /// What the machine said.
        error: io::Error,
    },
    /// It is something else.
    #[error("{0}: the spool's directory is not a directory; name another, or move what is there away")]
    NotADirectory(PathBuf),
    /// Nothing can be written there.
    #[error("{path}: the spool's directory cannot be written ({error}); mount it writable and let this user own it")]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the machine said.
        error: io::Error,
    },
    /// A newer program has written it. Nothing has been changed.
    #[error(
        "{path}: has format version {found}, this program knows {known}; start the version that wrote it, or let that \
         one deliver everything first"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// Ours.
        known: u16,
    },
    /// The disk fails.
    #[error("{path}: the spool's directory cannot be used ({error}); look after the volume")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the machine said.
        error: io::Error,
    },
}

impl OpenError {
    /// What an error at the making of the directory means.
    pub(super) fn missing(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotADirectory => Self::NotADirectory(path),
            _ => Self::Missing { path, error },
        }
    }

    /// What an error of the disk means.
    pub(super) fn of(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotADirectory => Self::NotADirectory(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path, error },
            _ => Self::Unusable { path, error },
        }
    }
}

/// A spool whose threads have not been started.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) core: Arc<Core>,
    pub(super) writer: Writer,
    pub(super) keeper: Keeper,
}

/// Opens what is on the disk.
///
/// # Errors
/// The directory cannot be used. A volume that is full, or fails at the first write, can: what was kept is delivered.
pub(super) fn open(
    disk: Arc<dyn Disk>,
    path: &Path,
    limits: Limits,
    clock: Clock,
    metrics: Arc<Metrics>,
    remember: &mut Remember<'_>,
) -> Result<Opened, OpenError> {
    match disk.lock() {
        Ok(true) => {}
        Ok(false) => return Err(OpenError::InUse(path.to_owned())),
        Err(error) => return Err(OpenError::of(path, error)),
    }
    let horizon = u64::try_from(limits.horizon.as_millis()).unwrap_or(u64::MAX);
    let since = UnixMillis(clock.wall().0.saturating_sub(horizon));
    let mut memory = Memory { since, remember, slots: limits.recovered_slots, beyond: 0 };
    let recovered = recover::recover(&*disk, &limits, &metrics, &mut memory).map_err(|stop| match stop {
        Stop::Disk(error) => OpenError::of(path, error),
        Stop::Alien { name, version } => {
            OpenError::Version { path: path.join(name), found: version, known: segment::VERSION }
        }
    })?;

    let intake = Intake {
        batch: Batch::default(),
        next_sequence: recovered.next_sequence,
        place: Place { room: 0, spares: 0, capacity: limits.segment_capacity() },
        closed: false,
        idle: false,
    };
    let storage = Arc::new(Storage::new(disk, intake, recovered.checkpoints, recovered.newest));
    *hold(&storage.spares) = recovered.spares;
    let outlet = Outlet::new(recovered.ledger, recovered.synced_to, recovered.owed);
    let core = Arc::new(Core {
        clock,
        metrics,
        limits,
        outlet: Mutex::new(outlet),
        ready: Condvar::new(),
        storage: Some(Arc::clone(&storage)),
    });
    // What the segment says that was passed over must stay the last word on the one before it.
    let follows = if recovered.apart { storage.next_number() } else { recovered.last_log };
    let mut writer = Writer::new(Arc::clone(&core), Arc::clone(&storage), follows);
    let mut keeper = Keeper::new(Arc::clone(&core), storage, recovered.key_files);
    keeper.measure();
    let covered = |frame: &Frame| recovered.checkpoint.covers(recovered.last_log, frame.head.sequence);
    match writer.adopt(rewritten(&recovered.tail)) {
        Ok(()) => {
            for frame in &recovered.tail {
                if let Some(slot) = memory.add(&frame.bytes, covered(frame)) {
                    hold(&core.outlet).owe(frame.head.sequence, &slot);
                }
            }
        }
        Err(error) if is_no_permission(&error) => return Err(OpenError::of(path, error)),
        // They are not known to be durable, so their keys are not told; they are delivered all the same.
        Err(_) => {}
    }
    if memory.beyond > 0 {
        tracing::warn!(
            events = memory.beyond,
            "too many events wait on disk for Kafka to have them as well: the keys of these are not known until they are \
             delivered, and a copy that comes before is kept once more"
        );
    }
    keeper.measure();
    Ok(Opened { core, writer, keeper })
}

fn is_no_permission(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The last write as a batch of its own.
fn rewritten(tail: &[Frame]) -> Batch {
    let mut batch = Batch::default();
    for frame in tail {
        batch.bytes.extend_from_slice(&frame.bytes);
        let (sequence, received_at) = (frame.head.sequence, frame.head.received_at);
        batch.records.push(Pending { sequence, received_at, bytes: frame.bytes.len(), slot: None });
    }
    batch
}
