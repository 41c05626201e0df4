//! The keeper: a second thread that does what nobody waits for.
//!
//! About once a second, and whenever the writer has begun a segment: it writes the checkpoint, reclaims segments whose
//! records are all delivered, compacts those held up by parked ones, keeps a spare ready, and measures.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, Storage};
use super::hold;
use super::keys::{KeyFiles, Keys};
use super::ledger::Segment;
use super::room::gauge_of;
use super::scan::{Found, Scan};
use super::segment::{self, DATA_AT};
use crate::clock::{Moment, UnixMillis};
use crate::units::Share;

/// How often it looks around.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// Spares that lie ready.
const SPARES_AHEAD: usize = 1;
/// Key files take at most this part of `max_bytes`.
const KEYS_SHARE: Share = Share::percent(10);

/// The keeper's own state.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) core: Arc<Core>,
    pub(super) storage: Arc<Storage>,
    pub(super) key_files: KeyFiles,
    /// The last spare could not be made; said once.
    short: bool,
    /// Files in `damaged/`.
    aside: usize,
    /// When the last compaction failed, if it did.
    pub(super) compact_failed: Option<Moment>,
    /// When this life began, by both clocks.
    begun: (UnixMillis, Moment),
}

impl Keeper {
    pub(super) fn new(core: Arc<Core>, storage: Arc<Storage>, key_files: KeyFiles) -> Self {
        let aside = storage.disk.count_damaged().unwrap_or(0);
        let begun = (core.clock.wall(), core.clock.now());
        Self { core, storage, key_files, short: false, aside, compact_failed: None, begun }
    }

    /// Works until it is told to end.
    pub(super) fn run(mut self) {
        while self.storage.wait_for_chores(TURN_EVERY) {
            self.turn();
        }
    }

    /// Looks around once.
    pub(super) fn turn(&mut self) {
        self.storage.checkpoint(&self.core.outlet);
        self.reclaim();
        self.compact();
        self.make_spare();
        let limits = &self.core.limits;
        let most = KEYS_SHARE.of(limits.max_bytes);
        self.key_files.expire(&*self.storage.disk, self.sure_time(), limits.horizon, most);
        self.measure();
    }

    /// The wall's time, but no later than it can be: one that has jumped ahead makes no key old.
    fn sure_time(&self) -> UnixMillis {
        let (wall, moment) = self.begun;
        let clock = &self.core.clock;
        clock.wall().min(wall.plus(clock.now().since(moment)))
    }

    /// Recycles or removes segments of which nobody needs anything any more.
    fn reclaim(&mut self) {
        // What is kept for replay only gives way to what comes.
        let pressing = self.storage.level.room() > super::Room::Plenty;
        let retain = if pressing { Duration::ZERO } else { self.core.limits.retain };
        let done = hold(&self.core.outlet).ledger.done(self.core.clock.wall(), retain);
        for number in done {
            match self.remember_keys(&[number]) {
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    // To wait for space that only this segment can give would be to wait for ever.
                    tracing::warn!("no space for the keys of delivered events; duplicates of them are possible");
                }
                Err(error) => {
                    tracing::warn!(%error, "keys of delivered events cannot be written; their segment stays");
                    return;
                }
                Ok(()) => {}
            }
            let removed = hold(&self.core.outlet).ledger.remove(number);
            if let Some(segment) = removed {
                self.dispose(&segment);
            }
        }
    }

    /// Writes the keys of what is delivered in these segments to a key file, durably. Others stay with their records: if
    /// one of those were lost to damage, its sender's next try must not count as a duplicate.
    pub(super) fn remember_keys(&mut self, numbers: &[u64]) -> io::Result<()> {
        if self.core.limits.horizon.is_zero() {
            return Ok(());
        }
        let mut keys = Keys::default();
        for number in numbers {
            let segment = |segment: &mut Segment| (segment.whole(), segment.marks.outstanding() == 0);
            let Some((spot, all)) = hold(&self.core.outlet).ledger.segment_mut(*number).map(segment) else { continue };
            let mut scan = Scan::new(&*spot.file, spot.salt, DATA_AT, spot.end);
            while let Some(found) = scan.next() {
                let Found::Record(frame) = found else { continue };
                if all || hold(&self.core.outlet).ledger.is_delivered(frame.head.sequence) {
                    keys.add(&frame.bytes);
                }
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        let storage = &self.storage;
        self.key_files.add(&*storage.disk, &keys, || storage.next_number())
    }

    /// The file of a segment that has left the ledger: set aside, recycled or removed.
    pub(super) fn dispose(&mut self, segment: &Segment) {
        let storage = &self.storage;
        let name = segment.name();
        // A reader that began before it left the ledger must not meet records of the file's next life.
        let nobody_reads = Arc::strong_count(&segment.file) == 1;
        let wanted = hold(&storage.spares).len() < SPARES_AHEAD;
        let fits = segment.bytes == self.core.limits.segment_bytes;
        let disposed = if segment.damaged {
            self.aside += 1;
            storage.disk.set_aside(&name)
        } else if nobody_reads && wanted && fits {
            let spare = format!("{:016x}.{}", segment.number, segment::SPARE);
            let renamed = storage.disk.rename(&name, &spare).and_then(|()| storage.disk.sync_directory());
            renamed.map(|()| storage.add_spare(spare))
        } else {
            storage.disk.remove(&name).and_then(|()| storage.disk.sync_directory())
        };
        if let Err(error) = disposed {
            tracing::warn!(%error, name, "a delivered segment cannot be removed; it is tried again at the next start");
        }
    }

    fn make_spare(&mut self) {
        if hold(&self.storage.spares).len() >= SPARES_AHEAD {
            return;
        }
        match self.storage.prepare(&self.core, self.core.limits.segment_bytes) {
            Ok(spare) => {
                self.storage.add_spare(spare);
                self.short = false;
            }
            Err(error) if !self.short => {
                self.short = true;
                tracing::warn!(%error, "there is no space for another segment of the spool");
            }
            Err(_) => {}
        }
    }

    /// Sets the gauges, and the level by which senders are turned away.
    pub(super) fn measure(&mut self) {
        let (core, storage) = (&self.core, &self.storage);
        storage.level.set_keys(self.key_files.bytes());
        if let Ok(free) = storage.disk.free_bytes() {
            storage.level.set_free(free, storage.extent(core).files, &core.limits);
        }
        storage.judge(core);
        let outlet = hold(&core.outlet);
        let outstanding = outlet.outstanding();
        let damaged = outlet.ledger.segments().filter(|segment| segment.damaged).count() + self.aside;
        let oldest = outlet.ledger.oldest();
        drop(outlet);
        core.metrics.spool_records.set(gauge_of(outstanding));
        core.metrics.spool_damaged_segments.set(gauge_of(damaged));
        let age = oldest.map_or(Duration::ZERO, |oldest| core.clock.wall().since(oldest));
        core.metrics.spool_oldest_age.set(age.as_secs_f64());
    }
}
