//! What the holes of a segment mean: the regular end, a torn tail, or damage.
//!
//! A write is begun only after the one before it was synced. So what is missing before the last write of the log had been
//! synced, and is damage; what is missing inside it nobody has been told of, unless a successor or the checkpoint knows
//! that it was synced.

use super::ledger::Segment;
use super::scan::{Frame, Hole};
use super::segment::Header;
use crate::metrics::Metrics;

/// What the segments behind it say about a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The highest sequence number here that was synced.
    pub(super) successor: Option<u64>,
    /// From this sequence number on the records are elsewhere.
    pub(super) before: u64,
}

/// What one segment's holes mean.
pub(super) struct Survey {
    header: Header,
    bounds: Bounds,
    /// At least so far it was synced, as the checkpoint says.
    known: Option<u64>,
    last: Option<u64>,
    write: u64,
    hole: Option<Hole>,
    /// Holes before the last write so far, and inside it: the number of records that lay there.
    lost: u64,
    torn: u64,
    beyond: bool,
}

/// The outcome.
pub(super) struct Verdict {
    /// Records that had been synced and are not there.
    pub(super) lost: u64,
    pub(super) damaged: bool,
    pub(super) torn: bool,
    /// There is something behind the last record that counts.
    pub(super) beyond: bool,
}

impl Survey {
    pub(super) fn new(header: Header, bounds: Bounds, known: Option<u64>) -> Self {
        Self { header, bounds, known, last: None, write: 0, hole: None, lost: 0, torn: 0, beyond: false }
    }

    pub(super) fn hole(&mut self, hole: Hole) {
        self.hole = Some(hole);
    }

    /// Whether the record counts.
    pub(super) fn record(&mut self, frame: &Frame) -> bool {
        let sequence = frame.head.sequence;
        let Bounds { successor, before } = self.bounds;
        if sequence >= before || successor.is_some_and(|synced| sequence > synced) {
            self.beyond = true;
            return false;
        }
        if self.last.is_some_and(|last| sequence <= last) || sequence < self.header.base {
            return false;
        }
        if frame.head.write != self.write {
            // Another write came after it: it had been synced.
            self.lost += std::mem::take(&mut self.torn);
            self.write = frame.head.write;
        }
        if let Some(hole) = self.hole.take() {
            let before = self.before();
            let missing = (sequence - before - 1).max(hole.heads).max(1);
            // Up to there the records of earlier writes would have reached.
            if before + 1 >= self.write && self.header.is_log() && self.bounds.successor.is_none() {
                self.torn += missing;
            } else {
                self.lost += missing;
            }
        }
        self.last = Some(sequence);
        true
    }

    /// The last record, or the one before the first.
    fn before(&self) -> u64 {
        self.last.unwrap_or(self.header.base.saturating_sub(1))
    }

    pub(super) fn close(mut self, cut: bool, unreadable: bool) -> Verdict {
        let open = self.hole.take();
        let rest = cut || open.is_some_and(|hole| !hole.blank);
        if !self.header.is_log() {
            self.lost += u64::from(rest || open.is_some());
        } else if let Some(synced) = self.bounds.successor.or(self.known) {
            let missing = synced.saturating_sub(self.before());
            self.lost += missing;
            if missing > 0 {
                self.torn = 0;
            }
        }
        let is_last = self.header.is_log() && self.bounds.successor.is_none();
        Verdict {
            lost: self.lost,
            damaged: self.lost > 0 || unreadable,
            torn: is_last && (self.torn > 0 || rest) && self.lost == 0,
            beyond: self.beyond || (rest && !is_last),
        }
    }
}

impl Verdict {
    pub(super) fn report(&self, segment: &Segment, metrics: &Metrics) {
        let number = segment.number;
        if self.torn {
            metrics.spool_torn_tails.inc();
            tracing::warn!(segment = number, "cut off a write that was not finished; nobody was told that it was safe");
        }
        if self.damaged {
            metrics.spool_corrupt_records.inc_by(self.lost);
            let records = self.lost;
            tracing::error!(
                segment = number,
                records,
                runbook = "spool-damaged",
                "a segment of the spool is damaged; what is intact is delivered"
            );
        }
    }
}
