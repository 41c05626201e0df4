//! Opening a spool: lock, recovery, the first segment.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use bytes::BytesMut;

use super::core::{Core, Storage};
use super::intake::{Batch, Intake, Pending, Place};
use super::io::Disk;
use super::keeper::Keeper;
use super::ledger::Entry;
use super::limits::Limits;
use super::marks::Mark;
use super::outlet::Outlet;
use super::recover::{self, Memory, Stop};
use super::scan::Frame;
use super::writer::Writer;
use super::{OpenError, Remembered, hold, segment, wide};
use crate::clock::{Clock, UnixMillis};
use crate::metrics::Metrics;

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
    remember: &mut dyn FnMut(Remembered<'_>),
) -> Result<Opened, OpenError> {
    match disk.lock() {
        Ok(true) => {}
        Ok(false) => return Err(OpenError::InUse(path.to_owned())),
        Err(error) => return Err(OpenError::of(path, error)),
    }
    let horizon = u64::try_from(limits.horizon.as_millis()).unwrap_or(u64::MAX);
    let since = UnixMillis(clock.wall().0.saturating_sub(horizon));
    let mut memory = Memory { since, remember };
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
    let outlet = Outlet::new(recovered.ledger, recovered.synced_to);
    let core = Arc::new(Core {
        clock,
        metrics,
        limits,
        outlet: Mutex::new(outlet),
        ready: Condvar::new(),
        storage: Some(Arc::clone(&storage)),
    });
    let mut writer = Writer::new(Arc::clone(&core), Arc::clone(&storage), recovered.last_log);
    let mut keeper = Keeper::new(Arc::clone(&core), storage, recovered.key_files);
    keeper.measure();
    let tail = rewritten(&recovered.tail, |frame| recovered.checkpoint.covers(recovered.last_log, frame.head.sequence));
    match writer.adopt(tail) {
        Ok(()) => recovered.tail.iter().for_each(|frame| memory.add(&frame.bytes)),
        Err(error) if is_no_permission(&error) => return Err(OpenError::of(path, error)),
        // They are not known to be durable, so their keys are not told; they are delivered all the same.
        Err(_) => leave(&core, recovered.last_log, &recovered.tail),
    }
    keeper.measure();
    Ok(Opened { core, writer, keeper })
}

fn is_no_permission(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The last write as a batch of its own.
fn rewritten(tail: &[Frame], delivered: impl Fn(&Frame) -> bool) -> Batch {
    let mut batch = Batch { bytes: BytesMut::new(), records: Vec::new() };
    for frame in tail {
        batch.bytes.extend_from_slice(&frame.bytes);
        batch.records.push(Pending {
            sequence: frame.head.sequence,
            received_at: frame.head.received_at,
            bytes: frame.bytes.len(),
            slot: None,
            delivered: delivered(frame),
        });
    }
    batch
}

/// The last write stays where it is.
fn leave(core: &Core, number: u64, tail: &[Frame]) {
    let mut outlet = hold(&core.outlet);
    for frame in tail {
        let sequence = frame.head.sequence;
        let end = frame.at + wide(frame.bytes.len());
        let entry = Entry { sequence, at: frame.at, end, received_at: frame.head.received_at };
        if let Some(segment) = outlet.ledger.segment_mut(number) {
            segment.enter(entry, Mark::Waiting);
        }
        outlet.synced_to = outlet.synced_to.max(sequence);
    }
}
