//! What the way in, the way out, the writer and the keeper share.
//!
//! Two locks, never held together with I/O: `intake` for callers and the writer, `outlet` for the writer and the
//! forwarder. Where both are needed, `intake` is taken first. Slots are told of anything after `outlet` is free.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::BytesMut;

use super::checkpoint::Checkpoints;
use super::intake::Intake;
use super::io::Disk;
use super::limits::Limits;
use super::outlet::{End, Outlet};
use super::room::Level;
use super::slot::Slot;
use super::{Refusal, Room, hold, record, segment, wide};
use crate::clock::Clock;
use crate::event::Event;
use crate::metrics::{Custody, Metrics};

/// The spool without its threads.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    pub(super) outlet: Mutex<Outlet>,
    /// Something came for the forwarder, or it is to end.
    pub(super) ready: Condvar,
    pub(super) storage: Option<Arc<Storage>>,
}

/// What there is only with a directory.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) intake: Mutex<Intake>,
    /// Something came for the writer, or it is to end.
    pub(super) work: Condvar,
    /// Names of segments that lie ready.
    pub(super) spares: Mutex<Vec<String>>,
    pub(super) level: Level,
    pub(super) checkpoints: Mutex<Checkpoints>,
    /// The number of the newest segment, live or spare.
    newest: AtomicU64,
    chores: Mutex<Chores>,
    call: Condvar,
}

/// How much there is on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    used: u64,
    pub(super) files: u64,
}

/// What the keeper is asked for.
#[derive(Debug, Default)]
struct Chores {
    asked: bool,
    stop: bool,
}

impl Core {
    /// Gives events to the disk.
    pub(super) fn keep(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        let storage = self.storage.as_ref().ok_or(Refusal::NoDisk)?;
        match storage.level.room() {
            Room::Plenty | Room::High => {}
            Room::Full => return Err(Refusal::Full),
            Room::None => return Err(Refusal::NoDisk),
        }
        if events.iter().any(|(_, slot)| slot.needs_both()) && hold(&self.outlet).owes_most(&self.limits) {
            return Err(Refusal::Full);
        }
        let wake = hold(&storage.intake).accept(events, &self.limits)?;
        if wake {
            storage.work.notify_one();
        }
        Ok(())
    }

    /// Gives events to the forwarder.
    pub(super) fn hand_over(&self, events: &[(&Event, &Arc<Slot>)]) -> Result<(), Refusal> {
        let mut lengths = Vec::with_capacity(events.len());
        for (event, _) in events {
            lengths.push(record::length(event).ok_or(Refusal::TooLarge)?);
        }
        let mut bytes = BytesMut::with_capacity(lengths.iter().sum());
        let mut frames = Vec::with_capacity(events.len());
        for (event, slot) in events {
            record::encode(event, 0, &mut bytes);
            frames.push((bytes.split().freeze(), *slot));
        }
        let mut outlet = hold(&self.outlet);
        let delivered = outlet.offer(frames, &self.limits)?;
        let wake = outlet.wakes();
        drop(outlet);
        if wake {
            self.ready.notify_one();
        }
        for slot in delivered {
            slot.done(Custody::Kafka);
        }
        for (_, slot) in events {
            slot.queued();
        }
        Ok(())
    }

    /// A parcel has ended.
    pub(super) fn finish(&self, sequence: Option<u64>, slot: Option<&Arc<Slot>>, end: End) {
        let mut outlet = hold(&self.outlet);
        let owed = outlet.finish(sequence, slot, end);
        let wake = outlet.sleepers > 0 && end != End::Delivered;
        drop(outlet);
        if wake {
            self.ready.notify_one();
        }
        if end == End::Delivered {
            for slot in slot.into_iter().chain(&owed) {
                slot.done(Custody::Kafka);
            }
        } else if let (None, Some(slot)) = (sequence, slot) {
            slot.gave_up(Custody::Kafka);
        }
    }

    /// Some of a segment turned out to be unreadable.
    pub(super) fn damaged(&self, number: u64) {
        if let Some(segment) = hold(&self.outlet).ledger.segment_mut(number) {
            segment.damaged = true;
        }
    }

    /// No more is taken from callers; the forwarder gets what is in memory.
    pub(super) fn close(&self) {
        if let Some(storage) = &self.storage {
            hold(&storage.intake).closed = true;
            storage.work.notify_all();
        }
    }

    /// The forwarder's end: [`Core::close`] has run and the writer has ended.
    pub(super) fn close_outlet(&self) {
        hold(&self.outlet).closed = true;
        self.ready.notify_all();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let abandoned = hold(&self.outlet).abandon();
        for slot in abandoned {
            slot.gave_up(Custody::Kafka);
        }
        if let Some(storage) = &self.storage {
            // What was delivered after `close` is not sent once more at the next start.
            storage.checkpoint(&self.outlet);
        }
    }
}

impl Storage {
    pub(super) fn new(disk: Arc<dyn Disk>, intake: Intake, checkpoints: Checkpoints, newest: u64) -> Self {
        Self {
            disk,
            intake: Mutex::new(intake),
            work: Condvar::new(),
            spares: Mutex::new(Vec::new()),
            level: Level::default(),
            checkpoints: Mutex::new(checkpoints),
            newest: AtomicU64::new(newest),
            chores: Mutex::new(Chores::default()),
            call: Condvar::new(),
        }
    }

    /// A number that no segment has had.
    pub(super) fn next_number(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes a spare of that size, if the bounds and the volume have space for one.
    ///
    /// # Errors
    /// There is no space, or the disk fails.
    pub(super) fn prepare(&self, core: &Core, bytes: u64) -> io::Result<String> {
        let files = self.extent(core).files;
        // To fill the volume with zeros only to learn that they do not fit would take it from others for nothing.
        if files + bytes > core.limits.max_bytes || self.disk.free_bytes()? < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        segment::prepare(&*self.disk, self.next_number(), bytes)
    }

    /// Bytes of all segments, live and spare, and those of them that records take.
    pub(super) fn extent(&self, core: &Core) -> Extent {
        let outlet = hold(&core.outlet);
        let (used, files) = (outlet.ledger.used_bytes(), outlet.ledger.file_bytes());
        drop(outlet);
        Extent { used, files: files + wide(hold(&self.spares).len()) * core.limits.segment_bytes }
    }

    /// Judges by which level senders are turned away; the writer and the keeper by one measure, so that it does not jump
    /// from one to the other and back.
    pub(super) fn judge(&self, core: &Core) {
        let Extent { used, files } = self.extent(core);
        self.level.judge(used, files, &core.limits, &core.metrics);
    }

    /// A spare lies ready; what is taken from now on may count on it.
    pub(super) fn add_spare(&self, name: String) {
        let mut intake = hold(&self.intake);
        hold(&self.spares).push(name);
        intake.place.spares += 1;
    }

    /// Wakes the keeper.
    pub(super) fn ask_keeper(&self) {
        hold(&self.chores).asked = true;
        self.call.notify_one();
    }

    /// Ends the keeper.
    pub(super) fn stop_keeper(&self) {
        hold(&self.chores).stop = true;
        self.call.notify_one();
    }

    /// Waits until the keeper is asked for something, at most so long. False: it is to end.
    pub(super) fn wait_for_chores(&self, at_most: Duration) -> bool {
        let idle = |chores: &mut Chores| !chores.asked && !chores.stop;
        let mut chores = match self.call.wait_timeout_while(hold(&self.chores), at_most, idle) {
            Ok((chores, _)) => chores,
            Err(poisoned) => poisoned.into_inner().0,
        };
        chores.asked = false;
        !chores.stop
    }

    /// Writes down what is delivered, if that has changed.
    pub(super) fn checkpoint(&self, outlet: &Mutex<Outlet>) {
        let mut checkpoints = hold(&self.checkpoints);
        let next_sequence = hold(&self.intake).next_sequence;
        let mut locked = hold(outlet);
        if checkpoints.hushed || !std::mem::take(&mut locked.dirty) {
            return;
        }
        let newest = self.newest.load(Ordering::Relaxed);
        let checkpoint = checkpoints.next(&locked.ledger, newest, locked.synced_to, next_sequence);
        drop(locked);
        if let Err(error) = checkpoints.write(&*self.disk, &checkpoint) {
            hold(outlet).dirty = true;
            tracing::warn!(%error, "the spool's checkpoint cannot be written; a restart will deliver more events twice");
        }
    }
}
