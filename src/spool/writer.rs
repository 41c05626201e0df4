//! The writer: one thread that writes what callers have added, syncs it, and tells them.
//!
//! It takes the whole batch that formed while it was busy, writes it at once and syncs once. Nothing of a batch is told
//! to anybody before its sync has returned. When a write or a sync fails, that segment is poisoned: it is sealed at the
//! last good sync and never written again, and the batch goes to a new one. When that fails too the disk has given the
//! batch up: its events are offered to Kafka, no more are taken, and a new segment is tried from time to time.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::BytesMut;

use super::core::{Core, Storage};
use super::hold;
use super::intake::{Batch, Intake, Place};
use super::io::File;
use super::ledger::Segment;
use super::record::Salt;
use super::room::Health;
use super::segment::{Active, DATA_AT, Header, Kind, OVERHEAD_BYTES};
use super::wide;
use crate::metrics::{self, Custody};

/// How long a disk that failed is left alone before a new segment is tried.
const REVIVE_AFTER: Duration = Duration::from_secs(1);

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    core: Arc<Core>,
    storage: Arc<Storage>,
    active: Option<Active>,
    /// The last write of an earlier life, until it is written again. Nothing is taken before that.
    tail: Batch,
    /// The log segment that was begun last.
    follows: u64,
}

impl Drop for Writer {
    /// A writer that died takes nothing any more, and says so.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.storage.level.set_health(Health::Broken);
        }
    }
}

impl Writer {
    /// A writer that has no segment yet; the next one follows that number.
    pub(super) fn new(core: Arc<Core>, storage: Arc<Storage>, follows: u64) -> Self {
        Self { core, storage, active: None, tail: Batch::default(), follows }
    }

    /// Works until the spool is closed and everything is written.
    pub(super) fn run(mut self) {
        while self.turn(REVIVE_AFTER) {}
    }

    /// Writes what there is; waits for it where there is nothing. False: closed, and nothing is left.
    pub(super) fn turn(&mut self, patience: Duration) -> bool {
        let (batch, closed) = self.next_batch(patience);
        if batch.records.is_empty() {
            if self.storage.level.health() != Health::Good && !closed {
                self.revive();
            }
            return !closed;
        }
        self.commit(batch);
        true
    }

    fn next_batch(&self, patience: Duration) -> (Batch, bool) {
        let mut intake = hold(&self.storage.intake);
        if intake.batch.records.is_empty() && !intake.closed {
            intake.idle = true;
            let nothing = |intake: &mut Intake| intake.batch.records.is_empty() && !intake.closed;
            let waited = self.storage.work.wait_timeout_while(intake, patience, nothing);
            intake = waited.unwrap_or_else(PoisonError::into_inner).0;
            intake.idle = false;
        }
        if !intake.batch.records.is_empty() {
            drop(intake);
            std::thread::yield_now();
            intake = hold(&self.storage.intake);
        }
        let next = Batch {
            bytes: BytesMut::with_capacity(intake.batch.bytes.len().clamp(1024, 1 << 16)),
            records: Vec::with_capacity(intake.batch.records.len()),
        };
        (std::mem::replace(&mut intake.batch, next), intake.closed)
    }

    /// Writes what recovery found in the last write of the log, in a first segment of this life.
    ///
    /// # Errors
    /// The disk does not take a segment now; the writer tries again later.
    pub(super) fn adopt(&mut self, tail: Batch) -> io::Result<()> {
        self.tail = tail;
        self.begin().inspect_err(|error| self.fail(error))
    }

    /// Begins a segment with what is to be written again, if anything is.
    fn begin(&mut self) -> io::Result<()> {
        let next = hold(&self.storage.intake).next_sequence;
        let mut tail = std::mem::take(&mut self.tail);
        let begun = self.roll(tail.first().unwrap_or(next), &mut tail);
        match begun {
            Ok(()) => self.judge(),
            Err(_) => self.tail = tail,
        }
        begun
    }

    /// Makes a batch durable, segment by segment.
    fn commit(&mut self, mut rest: Batch) {
        while let Some(first) = rest.first() {
            let room = self.active.as_ref().map_or(0, Active::room);
            let mut part = rest.split(room);
            let fits = !part.records.is_empty();
            if !fits {
                part = rest.split(self.core.limits.segment_capacity());
            }
            let kept = if fits { self.append(&mut part) } else { self.roll(first, &mut part) };
            let kept = kept.or_else(|error| {
                self.seal(&error, fits);
                self.roll(first, &mut part)
            });
            if let Err(error) = kept {
                self.give_up(part);
                self.give_up(rest);
                self.fail(&error);
                return;
            }
            self.publish(part);
        }
        self.judge();
    }

    /// Writes and syncs records that fit the segment.
    fn append(&mut self, part: &mut Batch) -> io::Result<()> {
        let active = self.active.as_mut().ok_or(io::ErrorKind::NotFound)?;
        part.seal(active.header.salt, active.end);
        active.append(&part.bytes, timed(&self.core))
    }

    /// Tells everybody that the records are safe: first those who wait, then the forwarder.
    fn publish(&self, part: Batch) {
        let Some(active) = self.active.as_ref().filter(|_| !part.records.is_empty()) else { return };
        for slot in part.records.iter().filter_map(|record| record.slot.as_ref()) {
            slot.done(Custody::Disk);
        }
        let at = active.end - wide(part.bytes.len());
        let frames = part.bytes.freeze();
        let mut outlet = hold(&self.core.outlet);
        outlet.publish(active.header.number, at, &frames, &part.records, &self.core.limits);
        let wake = outlet.wakes();
        drop(outlet);
        if wake {
            self.core.ready.notify_one();
        }
    }

    /// Begins a new segment with these records; `base` is the first of them or the next. They fit an empty one, unless
    /// an earlier life with larger segments wrote them; then it is as large as they need.
    fn roll(&mut self, base: u64, part: &mut Batch) -> io::Result<()> {
        let storage = &self.storage;
        let usual = self.core.limits.segment_bytes;
        let bytes = usual.max(wide(part.bytes.len()) + OVERHEAD_BYTES);
        let ready = if bytes == usual { hold(&storage.spares).pop() } else { None };
        let spare = match ready {
            Some(spare) => spare,
            None => storage.prepare(&self.core, bytes)?,
        };
        let header = Header {
            kind: Kind::Log,
            number: storage.next_number(),
            made_at: self.core.clock.wall(),
            base,
            synced: hold(&self.core.outlet).synced_to,
            follows: self.follows,
            salt: Salt::new(storage.disk.salt()?),
            bytes,
        };
        part.seal(header.salt, DATA_AT);
        let active = Active::begin(&*storage.disk, &spare, header, &part.bytes, timed(&self.core))?;
        hold(&self.core.outlet).begin(Segment::new(&header, Arc::clone(&active.file)), &part.records);
        self.follows = header.number;
        self.active = Some(active);
        storage.ask_keeper();
        Ok(())
    }

    /// Nothing more is written to the segment: a write to it failed and it is poisoned, or else its successor could not be
    /// begun. That one may be there all the same after a crash, and would disown what came here later.
    fn seal(&mut self, error: &io::Error, poisoned: bool) {
        let Some(active) = self.active.take() else { return };
        let number = active.header.number;
        if poisoned {
            self.core.metrics.spool_poisoned_segments.inc();
            tracing::error!(
                %error, segment = number, runbook = "spool-broken",
                "a write to the spool failed; the segment is given up"
            );
        } else {
            tracing::error!(
                %error, follows = number, runbook = "spool-broken",
                "a segment of the spool could not be begun; another is tried"
            );
        }
        if let Some(segment) = hold(&self.core.outlet).ledger.segment_mut(number) {
            segment.sealed = true;
            segment.poisoned |= poisoned;
        }
    }

    /// The disk will not have these: Kafka is asked, and whom it cannot help learns so at once.
    fn give_up(&self, batch: Batch) {
        let mut frames = batch.bytes.freeze();
        for record in batch.records {
            let frame = frames.split_to(record.bytes);
            let Some(slot) = record.slot else { continue };
            let offered = hold(&self.core.outlet).offer(vec![(frame, &slot)], &self.core.limits);
            for slot in offered.into_iter().flatten() {
                slot.done(Custody::Kafka);
            }
            slot.gave_up(Custody::Disk);
        }
        self.core.ready.notify_one();
    }

    fn fail(&self, error: &io::Error) {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        self.storage.level.set_health(if full { Health::Full } else { Health::Broken });
        tracing::error!(%error, runbook = "spool-broken", "the spool cannot be written; it is tried again every second");
    }

    /// Tries whether the disk takes a new segment again.
    fn revive(&mut self) {
        if self.begin().is_ok() {
            tracing::info!("the spool can be written again");
        }
    }

    /// Accounts for what has just been written, and where a segment was lost, anew for what has been taken since.
    pub(super) fn judge(&mut self) {
        let mut intake = hold(&self.storage.intake);
        let spares = hold(&self.storage.spares).len();
        let capacity = self.core.limits.segment_capacity();
        let mut place = Place { room: self.active.as_ref().map_or(0, Active::room), spares, capacity };
        let placed = intake.batch.records.iter().all(|record| place.put(wide(record.bytes)));
        intake.place = if placed { place } else { Place { room: 0, spares: 0, capacity } };
        drop(intake);
        self.storage.level.set_health(Health::Good);
        self.storage.judge(&self.core);
    }
}

/// Syncs a file and observes how long that took.
fn timed(core: &Core) -> impl FnOnce(&dyn File) -> io::Result<()> {
    |file| {
        let before = core.clock.now();
        let synced = file.sync();
        metrics::observe(&core.metrics.spool_fsync, core.clock.now().since(before));
        synced
    }
}
