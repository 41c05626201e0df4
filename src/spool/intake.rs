//! The way in: the batch that forms while the one before is being synced.
//!
//! An event is taken only if its place on disk is certain: in the segment that is being written or in a spare that lies
//! ready. The intake keeps the account by the same rule by which the writer fills segments, so that what was taken never
//! meets a full disk.

use std::sync::Arc;

use bytes::BytesMut;

use super::limits::Limits;
use super::record;
use super::slot::Slot;
use super::{Refusal, wide};
use crate::clock::UnixMillis;
use crate::event::Event;
use crate::metrics::Custody;

/// What callers add to, under one short lock.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) batch: Batch,
    /// What the next record is called. A number is given once and never again.
    pub(super) next_sequence: u64,
    pub(super) place: Place,
    pub(super) closed: bool,
    /// The writer sleeps and wants to be woken.
    pub(super) idle: bool,
}

/// Records that will be written at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: BytesMut,
    pub(super) records: Vec<Pending>,
}

/// A record of a batch, and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) sequence: u64,
    pub(super) received_at: UnixMillis,
    /// In the batch's bytes.
    pub(super) bytes: usize,
    /// None: nobody waits, since it was recovered.
    pub(super) slot: Option<Arc<Slot>>,
}

/// Where records that were taken will lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes left in the last segment.
    pub(super) room: u64,
    /// Segments that lie ready behind it.
    pub(super) spares: usize,
    /// What an empty segment holds.
    pub(super) capacity: u64,
}

impl Place {
    /// Puts a record behind the others, as the writer will. False: there is no place for it.
    pub(super) fn put(&mut self, bytes: u64) -> bool {
        if bytes > self.room {
            if self.spares == 0 || bytes > self.capacity {
                return false;
            }
            self.spares -= 1;
            self.room = self.capacity;
        }
        self.room -= bytes;
        true
    }
}

impl Intake {
    /// Takes all of the events or none. True: the writer is to be woken.
    pub(super) fn accept(&mut self, events: &[(&Event, &Arc<Slot>)], limits: &Limits) -> Result<bool, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        let mut place = self.place;
        let mut total = 0usize;
        for (event, _) in events {
            let bytes =
                record::length(event).filter(|bytes| wide(*bytes) <= place.capacity).ok_or(Refusal::TooLarge)?;
            total = total.saturating_add(bytes);
            if !place.put(wide(bytes)) {
                return Err(Refusal::Full);
            }
        }
        // One that is larger than the bound goes alone: it must be possible to keep it.
        if !self.batch.records.is_empty() && self.batch.bytes.len().saturating_add(total) > limits.waiting_bytes {
            return Err(Refusal::Full);
        }
        self.place = place;
        self.batch.bytes.reserve(total);
        for (event, slot) in events {
            let before = self.batch.bytes.len();
            slot.begins(Custody::Disk);
            record::encode(event, self.next_sequence, &mut self.batch.bytes);
            self.batch.records.push(Pending {
                sequence: self.next_sequence,
                received_at: event.received_at,
                bytes: self.batch.bytes.len() - before,
                slot: Some(Arc::clone(slot)),
            });
            self.next_sequence += 1;
        }
        Ok(std::mem::take(&mut self.idle))
    }
}

impl Batch {
    /// Cuts off the first records that together have at most so many bytes.
    pub(super) fn split(&mut self, room: u64) -> Self {
        let mut bytes = 0;
        let mut count = 0;
        for record in &self.records {
            if wide(bytes + record.bytes) > room {
                break;
            }
            bytes += record.bytes;
            count += 1;
        }
        let rest = self.records.split_off(count);
        Self { bytes: self.bytes.split_to(bytes), records: std::mem::replace(&mut self.records, rest) }
    }

    /// The sequence number of its first record.
    pub(super) fn first(&self) -> Option<u64> {
        self.records.first().map(|record| record.sequence)
    }

    /// Completes all records as one write to a place in a segment.
    pub(super) fn seal(&mut self, salt: record::Salt, mut at: u64) {
        let write = self.first().unwrap_or_default();
        let mut rest = &mut self.bytes[..];
        for record in &self.records {
            let (bytes, after) = rest.split_at_mut(record.bytes);
            record::seal(bytes, write, salt, at);
            at += wide(record.bytes);
            rest = after;
        }
    }
}
