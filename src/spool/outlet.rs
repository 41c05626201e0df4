//! The way out: what waits for the forwarder, in memory and on disk.
//!
//! Two queues in memory: events that a caller waits for, and records just synced. While the second is within its bound
//! and nothing else waits on disk, synced records go through it. Otherwise they stay on disk, marked as waiting, and the
//! forwarder reads them from there, in order, until none is left; then memory takes over again. Marks decide who has a
//! record, so that none is lost or doubled at the switch.
//!
//! Nothing here tells a slot anything that could run foreign code: that is done by the callers after the lock is free.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::Refusal;
use super::intake::Pending;
use super::ledger::{Entry, Ledger, Segment};
use super::limits::{HANDFUL, Limits, OWED_SLOTS_MAX};
use super::marks::Mark;
use super::scan::{CHUNK_BYTES, Frame};
use super::segment::DATA_AT;
use super::slot::{Handed, Slot};
use super::wide;
use crate::metrics::Custody;

/// Everything under the lock of the way out.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    pub(super) ledger: Ledger,
    /// Those that a caller waits for.
    waited: VecDeque<Item>,
    waited_bytes: usize,
    /// Those just synced, in order.
    synced: VecDeque<Item>,
    synced_bytes: usize,
    /// Slots to be told that Kafka has a record, while its parcel does not carry them.
    owed: HashMap<u64, Arc<Slot>>,
    /// Where the last read from disk ended.
    pub(super) reading: Option<Reading>,
    pub(super) closed: bool,
    /// Somebody sleeps in `take`.
    pub(super) sleepers: usize,
    /// … and would rather have more than be woken for little.
    pub(super) gathering: bool,
    /// The highest sequence number that is synced and in the ledger.
    pub(super) synced_to: u64,
    /// Something was delivered since the last checkpoint.
    pub(super) dirty: bool,
}

/// What becomes a parcel.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) frame: Bytes,
    /// The frame is a slice of so many bytes, all of which it keeps in memory.
    pub(super) keeps: usize,
    pub(super) slot: Option<Arc<Slot>>,
    pub(super) sequence: Option<u64>,
}

impl Item {
    /// A copy of the record alone, where it is a small part of what it keeps: a topic that stands still would otherwise
    /// hold all that was written or read along with its events.
    pub(super) fn own(&mut self) {
        if self.frame.len() * 2 < self.keeps {
            self.frame = Bytes::copy_from_slice(&self.frame);
            self.keeps = self.frame.len();
        }
    }
}

/// A place in a segment where a record begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) number: u64,
    pub(super) at: u64,
    /// No record from there on has a lower sequence number.
    pub(super) sequence: u64,
}

/// How a parcel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    SetAside,
    Dropped,
}

impl Outlet {
    /// One with records from an earlier life, and with the slots of those for which the disk is not enough.
    pub(super) fn new(ledger: Ledger, synced_to: u64, owed: HashMap<u64, Arc<Slot>>) -> Self {
        Self { ledger, owed, synced_to, ..Self::default() }
    }

    /// Queues events that a caller waits for. Returns the slots of those that Kafka has already.
    pub(super) fn offer(
        &mut self,
        events: Vec<(Bytes, &Arc<Slot>)>,
        limits: &Limits,
    ) -> Result<Vec<Arc<Slot>>, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        let bytes: usize = events.iter().map(|(frame, _)| frame.len()).sum();
        if !self.waited.is_empty() && self.waited_bytes.saturating_add(bytes) > limits.handed_over_bytes {
            return Err(Refusal::QueueFull);
        }
        let mut delivered = Vec::new();
        for (frame, slot) in events {
            let item = |sequence| Item { frame, keeps: bytes, slot: Some(Arc::clone(slot)), sequence };
            let sequence = slot.link.sequence();
            match sequence.map(|sequence| (sequence, self.ledger.mark(sequence))) {
                None if slot.link.handed() == Handed::Alive => {}
                None if slot.link.handed() == Handed::Delivered => delivered.push(Arc::clone(slot)),
                None => {
                    slot.link.set_handed(Handed::Alive);
                    self.queue(item(None), slot);
                }
                Some((sequence, Some(Mark::InHand))) => {
                    slot.begins(Custody::Kafka);
                    self.owe(sequence, slot);
                }
                Some((sequence, Some(Mark::Waiting | Mark::Parked))) => {
                    self.ledger.set(sequence, Mark::InHand);
                    self.queue(item(Some(sequence)), slot);
                }
                Some((_, Some(Mark::Delivered) | None)) => delivered.push(Arc::clone(slot)),
            }
        }
        Ok(delivered)
    }

    fn queue(&mut self, item: Item, slot: &Slot) {
        slot.begins(Custody::Kafka);
        self.waited_bytes += item.frame.len();
        self.waited.push_back(item);
    }

    /// Begins a segment with these records, which are synced. Those that were in doubt in the one before are entered.
    pub(super) fn begin(&mut self, segment: Segment, records: &[Pending]) {
        let (number, mut at) = (segment.number, DATA_AT);
        let moved = self.ledger.begin(segment);
        // Of this segment no checkpoint speaks yet.
        self.dirty |= moved.contains(&Mark::Delivered);
        let Some(segment) = self.ledger.segment_mut(number) else { return };
        for (record, mark) in records.iter().zip(moved) {
            let end = at + wide(record.bytes);
            segment.enter(Entry { sequence: record.sequence, at, end, received_at: record.received_at }, mark);
            self.synced_to = record.sequence;
            at = end;
        }
    }

    /// Enters records that were just synced at a place of a segment, and queues what the forwarder does not have.
    pub(super) fn publish(&mut self, number: u64, mut at: u64, frames: &Bytes, records: &[Pending], limits: &Limits) {
        let follows = self.ledger.count(Mark::Waiting) == 0
            && self.synced_bytes.saturating_add(frames.len()) <= limits.window_bytes;
        let mut from = 0;
        for record in records {
            let frame = frames.slice(from..from + record.bytes);
            let end = at + wide(record.bytes);
            let entry = Entry { sequence: record.sequence, at, end, received_at: record.received_at };
            (from, at) = (from + record.bytes, end);
            let mark = self.arrive(frame, frames.len(), record, follows);
            if let Some(segment) = self.ledger.segment_mut(number) {
                segment.enter(entry, mark);
            }
            self.synced_to = record.sequence;
        }
    }

    fn arrive(&mut self, frame: Bytes, keeps: usize, record: &Pending, follows: bool) -> Mark {
        let handed = record.slot.as_ref().map_or(Handed::Never, |slot| {
            slot.link.set_sequence(record.sequence);
            slot.link.handed()
        });
        match handed {
            Handed::Alive => return Mark::InHand,
            Handed::Delivered => {
                self.dirty = true;
                return Mark::Delivered;
            }
            Handed::Never | Handed::Ended => {}
        }
        let open = record.slot.as_ref().filter(|slot| slot.is_open());
        if let Some(slot) = open {
            slot.begins(Custody::Kafka);
        }
        if follows {
            self.synced_bytes += frame.len();
            let (slot, sequence) = (open.cloned(), Some(record.sequence));
            self.synced.push_back(Item { frame, keeps, slot, sequence });
            return Mark::InHand;
        }
        if let Some(slot) = open {
            self.owe(record.sequence, slot);
        }
        Mark::Waiting
    }

    /// Something is there for the forwarder.
    pub(super) fn has_any(&self) -> bool {
        self.has_in_memory() || self.ledger.count(Mark::Waiting) > 0
    }

    /// All that is there is safe on disk, and little: the forwarder may wait for more.
    pub(super) fn may_gather(&self) -> bool {
        !self.closed && self.waited.is_empty() && !self.synced.is_empty() && self.synced.len() < HANDFUL
    }

    /// Whether a sleeper in `take` is to be woken for what is there.
    pub(super) fn wakes(&self) -> bool {
        self.sleepers > 0 && !(self.gathering && self.may_gather())
    }

    /// How many records Kafka does not have.
    pub(super) fn outstanding(&self) -> usize {
        [Mark::Waiting, Mark::InHand, Mark::Parked].map(|mark| self.ledger.count(mark)).iter().sum()
    }

    /// Something is there for the forwarder without the disk.
    pub(super) fn has_in_memory(&self) -> bool {
        !self.waited.is_empty() || !self.synced.is_empty()
    }

    /// Takes what is in memory, those that a caller waits for first. A quarter of a full hand is kept for the others,
    /// so that they are not starved.
    pub(super) fn pick(&mut self, max: usize, into: &mut Vec<Item>) {
        let share = max - (max / 4).min(self.synced.len());
        let waited = self.waited.len().min(share);
        for item in self.waited.drain(..waited) {
            self.waited_bytes -= item.frame.len();
            into.push(item);
        }
        let synced = self.synced.len().min(max - waited);
        for item in self.synced.drain(..synced) {
            self.synced_bytes -= item.frame.len();
            into.push(item);
        }
    }

    /// Takes a record that was read from disk, if the mark it has is one of those that were read for.
    pub(super) fn claim(&mut self, frame: &Frame, from: &[Mark]) -> Option<Item> {
        let sequence = frame.head.sequence;
        self.ledger.mark(sequence).filter(|mark| from.contains(mark))?;
        self.ledger.set(sequence, Mark::InHand);
        let (frame, slot) = (frame.bytes.clone(), self.owed.remove(&sequence));
        Some(Item { keeps: frame.len().max(CHUNK_BYTES), frame, slot, sequence: Some(sequence) })
    }

    /// A parcel has ended. Returns a slot that waited for the same record elsewhere and is to be told that Kafka has it.
    pub(super) fn finish(&mut self, sequence: Option<u64>, slot: Option<&Arc<Slot>>, end: End) -> Option<Arc<Slot>> {
        let from_memory = sequence.is_none();
        if let Some(slot) = slot.filter(|_| from_memory) {
            slot.link.set_handed(if end == End::Delivered { Handed::Delivered } else { Handed::Ended });
        }
        // It may have reached the disk while it was in the forwarder's hands.
        let sequence = sequence.or_else(|| slot?.link.sequence())?;
        match end {
            End::Delivered => {
                self.dirty = true;
                self.ledger.set(sequence, Mark::Delivered);
                return self.owed.remove(&sequence);
            }
            // The forwarder does not know its number and could not ask for it again.
            End::SetAside if from_memory => self.return_to_disk(sequence, slot),
            End::SetAside => {
                self.return_to_disk(sequence, slot);
                self.ledger.set(sequence, Mark::Parked);
            }
            End::Dropped => {
                self.return_to_disk(sequence, slot);
                self.rewind();
            }
        }
        None
    }

    fn return_to_disk(&mut self, sequence: u64, slot: Option<&Arc<Slot>>) {
        if let Some(slot) = slot {
            self.owe(sequence, slot);
        }
        self.ledger.set(sequence, Mark::Waiting);
    }

    /// What is queued behind a record that must be read from disk is read again after it, so that order is kept.
    fn rewind(&mut self) {
        self.synced_bytes = 0;
        for item in std::mem::take(&mut self.synced) {
            if let Some(sequence) = item.sequence {
                self.return_to_disk(sequence, item.slot.as_ref());
            }
        }
    }

    /// The slot is told when Kafka has the record.
    pub(super) fn owe(&mut self, sequence: u64, slot: &Arc<Slot>) {
        // Those that need both are bounded where they are accepted.
        if slot.is_open() && (slot.needs_both() || self.owed.len() < OWED_SLOTS_MAX) {
            self.owed.insert(sequence, Arc::clone(slot));
        }
    }

    /// No more can be promised that Kafka is to have as well.
    pub(super) fn owes_most(&self, limits: &Limits) -> bool {
        self.owed.len() >= limits.owed_slots
    }

    /// Slots of events that were handed over and will not be taken any more.
    pub(super) fn abandon(&mut self) -> Vec<Arc<Slot>> {
        self.waited.drain(..).filter_map(|item| item.slot).collect()
    }
}
