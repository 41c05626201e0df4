//! How much room is left: the watermarks.
//!
//! What is measured is what records take (whole segments but for the one that is being written), against `max_bytes` or
//! what the volume can hold for us, whichever is less. Above the high-water mark it stays high until it is below the
//! low one, so that senders are not turned away and called back at every record.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::limits::Limits;
use super::{Room, wide};
use crate::metrics::Metrics;

/// The present level. Written by the writer and the keeper, read by everybody.
#[derive(Debug, Default)]
pub(super) struct Level {
    room: AtomicU8,
    health: AtomicU8,
    volume_bytes: AtomicU64,
    key_bytes: AtomicU64,
}

/// Whether the disk takes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Health {
    Good,
    /// No segment can be made for want of space.
    Full,
    /// A write failed, and so did the second try in another file.
    Broken,
}

impl Level {
    /// How much room there is, if the disk takes anything.
    pub(super) fn room(&self) -> Room {
        match self.health() {
            Health::Good => self.level(),
            Health::Full => Room::Full,
            Health::Broken => Room::None,
        }
    }

    pub(super) fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            0 => Health::Good,
            1 => Health::Full,
            _ => Health::Broken,
        }
    }

    pub(super) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Relaxed);
    }

    fn level(&self) -> Room {
        match self.room.load(Ordering::Relaxed) {
            0 => Room::Plenty,
            1 => Room::High,
            _ => Room::Full,
        }
    }

    /// What key files take.
    pub(super) fn set_keys(&self, bytes: u64) {
        self.key_bytes.store(bytes, Ordering::Relaxed);
    }

    /// What the volume could hold beside `files` bytes of segments and the keys. The sum is kept: it stays the same as
    /// files come and go, until the volume is looked at again.
    pub(super) fn set_free(&self, bytes: u64, files: u64, limits: &Limits) {
        // Space that is too small for a segment is of no use.
        let segment = limits.segment_bytes.max(1);
        let all =
            files.saturating_add(self.key_bytes.load(Ordering::Relaxed)).saturating_add(bytes / segment * segment);
        self.volume_bytes.store(all, Ordering::Relaxed);
    }

    /// Judges anew: `used` bytes by records, `files` bytes by all segments. Keys take room too, whoever judges.
    pub(super) fn judge(&self, used: u64, files: u64, limits: &Limits, metrics: &Metrics) {
        let segment = limits.segment_bytes.max(1);
        let keys = self.key_bytes.load(Ordering::Relaxed);
        let (used, files) = (used.saturating_add(keys), files.saturating_add(keys));
        let volume = self.volume_bytes.load(Ordering::Relaxed).max(files);
        let capacity = (limits.max_bytes / segment * segment).min(volume);
        let room = judge(self.level(), used, capacity, limits);
        self.room.store(room as u8, Ordering::Relaxed);
        metrics.spool_bytes.set(gauge(files));
        metrics.spool_capacity.set(gauge(capacity));
    }
}

fn judge(before: Room, used: u64, capacity: u64, limits: &Limits) -> Room {
    let was_high = before >= Room::High;
    if used > limits.full.of(capacity) {
        Room::Full
    } else if used > limits.high_water.of(capacity) || (was_high && used >= limits.low_water.of(capacity)) {
        Room::High
    } else {
        Room::Plenty
    }
}

/// A count as a gauge takes it.
pub(super) fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A length as a gauge takes it.
pub(super) fn gauge_of(value: usize) -> i64 {
    gauge(wide(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn room_is_high_from_the_high_mark_until_below_the_low_one() {
        let limits = Limits { high_water: Share::percent(80), low_water: Share::percent(70), ..Limits::of_memory() };
        let mut room = Room::Plenty;
        for (used, expected) in [
            (0, Room::Plenty),
            (80, Room::Plenty),
            (81, Room::High),
            (75, Room::High),
            (70, Room::High),
            (69, Room::Plenty),
            (75, Room::Plenty),
            (96, Room::Full),
            (95, Room::High),
            (71, Room::High),
            (1, Room::Plenty),
        ] {
            room = judge(room, used, 100, &limits);
            assert_eq!(room, expected, "{used}");
        }
    }

    #[test]
    fn nothing_fits_a_volume_that_has_nothing() {
        assert_eq!(judge(Room::Plenty, 1, 0, &Limits::of_memory()), Room::Full);
    }
}
