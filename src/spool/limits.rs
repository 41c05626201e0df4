//! The bounds that the spool keeps to, in bytes and counts. What the operator does not set is a constant here.

use std::time::Duration;

use super::Settings;
use super::segment::OVERHEAD_BYTES;
use crate::units::{ByteSize, Share};

/// A segment takes at most this part of `max_bytes`, so that space comes back in pieces that matter little.
const SEGMENTS_MIN: u64 = 8;
/// A segment has at least 4 KiB and at most 1 GiB, the largest length that fits a record's head with room to spare.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// What callers may add while the write before is being synced: ten thousand connections' usual events.
const WAITING_BYTES_MAX: usize = 16 << 20;
/// Synced records that are kept in memory for the forwarder. Beyond it the forwarder reads from disk.
const WINDOW_BYTES_MAX: usize = 64 << 20;
/// Handed over and not yet taken.
const HANDED_OVER_BYTES_MAX: usize = 32 << 20;
/// Slots that wait for Kafka while their record is on disk only. One that is safe on one custody already is not told
/// beyond it that Kafka has it too. With `ack: both` none is accepted beyond it: its key would be forgotten while the
/// record stays, and each retry of the sender would be kept once more.
pub(super) const OWED_SLOTS_MAX: usize = 65_536;
/// Recovered slots of events that Kafka is to have as well, about 300 bytes each: what one life leaves behind (those above,
/// and what was in memory for the forwarder), a few times over. The key of an event beyond it is not known until it is
/// delivered: its next copy is kept once more, and its sender is promised nothing that does not hold.
const RECOVERED_SLOTS_MAX: usize = 262_144;
/// Parcels that one `take` yields.
const TAKE_PARCELS_MAX: usize = 1024;
/// The forwarder is not woken for less than so many records that are safe on disk …
pub(super) const HANDFUL: usize = 256;
/// … unless it has been waiting for more this long.
pub(super) const GATHER: Duration = Duration::from_millis(5);
/// Above this share of the capacity nobody's event is taken.
const FULL: Share = Share::percent(95);

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Length of a segment's file.
    pub(super) segment_bytes: u64,
    /// Of all segments.
    pub(super) max_bytes: u64,
    pub(super) high_water: Share,
    pub(super) low_water: Share,
    pub(super) full: Share,
    /// How long delivered records are kept.
    pub(super) retain: Duration,
    /// How long keys are remembered.
    pub(super) horizon: Duration,
    pub(super) waiting_bytes: usize,
    pub(super) window_bytes: usize,
    pub(super) handed_over_bytes: usize,
    pub(super) take_parcels: usize,
    pub(super) owed_slots: usize,
    pub(super) recovered_slots: usize,
}

impl Limits {
    /// What follows from the settings.
    pub(super) fn of(settings: &Settings, horizon: Duration) -> Self {
        let ByteSize(max_bytes) = settings.max_bytes;
        let largest = (max_bytes / SEGMENTS_MIN).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        Self {
            segment_bytes: settings.segment_bytes.0.clamp(SEGMENT_BYTES_MIN, largest) / 8 * 8,
            max_bytes,
            high_water: settings.high_water,
            low_water: settings.low_water.min(settings.high_water),
            full: FULL,
            retain: settings.retain,
            horizon,
            ..Self::of_memory()
        }
    }

    /// Of a spool without a directory.
    pub(super) fn of_memory() -> Self {
        Self {
            segment_bytes: 0,
            max_bytes: 0,
            high_water: FULL,
            low_water: FULL,
            full: FULL,
            retain: Duration::ZERO,
            horizon: Duration::ZERO,
            waiting_bytes: WAITING_BYTES_MAX,
            window_bytes: WINDOW_BYTES_MAX,
            handed_over_bytes: HANDED_OVER_BYTES_MAX,
            take_parcels: TAKE_PARCELS_MAX,
            owed_slots: OWED_SLOTS_MAX,
            recovered_slots: RECOVERED_SLOTS_MAX,
        }
    }

    /// Bytes of records that a segment holds.
    pub(super) fn segment_capacity(&self) -> u64 {
        self.segment_bytes.saturating_sub(OVERHEAD_BYTES)
    }
}
