//! Reads records back from disk: for a forwarder that is behind, and for a topic that had to wait.
//!
//! The disk is read without a lock; afterwards the marks decide which of the records read are still to be had. A record
//! that should be there and is not intact is parked, so that it is neither delivered nor deleted: the next start, which
//! reads everything anew, decides about it.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::core::Core;
use super::ledger::Spot;
use super::marks::{Mark, Search};
use super::outlet::{Item, Outlet, Reading};
use super::scan::{CHUNK_BYTES, Found, Frame, Scan};
use super::{hold, record};

/// Appends records that wait on disk, in order, until `into` has `max`; at least one if there is any that can be read.
pub(super) fn read_waiting(core: &Core, max: usize, into: &mut Vec<Item>) {
    let before = into.len();
    let mut seen = 0;
    while into.len() == before {
        let outlet = hold(&core.outlet);
        let Some(first) = outlet.ledger.find(0, Search::Waiting).filter(|first| *first >= seen) else { return };
        let Some(spot) = resume(&outlet, first) else { return };
        drop(outlet);

        let piece = read(&spot, first, max - before, |_| true);

        let mut outlet = hold(&core.outlet);
        for frame in &piece.frames {
            into.extend(outlet.claim(frame.head.sequence, piece.own(frame), &[Mark::Waiting]));
        }
        outlet.reading = Some(Reading { number: spot.number, at: piece.at, sequence: piece.until });
        park_missing(core, &mut outlet, spot.number, first..piece.until);
        seen = piece.until;
    }
}

/// Reads records of one topic that are on disk only.
pub(super) fn read_topic(core: &Core, topic: &str, from: u64, before: u64, max: usize) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut next = from;
    while items.len() < max {
        let outlet = hold(&core.outlet);
        let Some(first) = outlet.ledger.find(next, Search::OnDiskOnly).filter(|first| *first < before) else { break };
        let Some(spot) = outlet.ledger.spot(first) else { break };
        drop(outlet);

        let wanted = |frame: &Frame| frame.head.sequence < before && record::view(&frame.bytes).topic == topic;
        let mut piece = read(&spot, first, max - items.len(), wanted);
        if let Some(error) = piece.failure.take() {
            return if items.is_empty() { Err(error) } else { Ok(items) };
        }

        let mut outlet = hold(&core.outlet);
        for frame in &piece.frames {
            // Its neighbours are of other topics: a slice would keep them in memory.
            let own = Bytes::copy_from_slice(&frame.bytes);
            items.extend(outlet.claim(frame.head.sequence, own, &[Mark::Waiting, Mark::Parked]));
        }
        next = piece.until;
    }
    Ok(items)
}

/// What was read at once.
struct Piece {
    frames: Vec<Frame>,
    /// All records below this sequence number have been seen.
    until: u64,
    /// Where the next record begins.
    at: u64,
    failure: Option<io::Error>,
    /// Bytes of wanted records, and of all.
    taken: usize,
    passed: usize,
}

impl Piece {
    /// The record's bytes; a copy where a slice would keep much else in memory.
    fn own(&self, frame: &Frame) -> Bytes {
        if self.taken * 2 < self.passed { Bytes::copy_from_slice(&frame.bytes) } else { frame.bytes.clone() }
    }
}

/// Reads from the spot on about a chunk's worth of records that have at least that number, at most `max` wanted ones.
fn read(spot: &Spot, first: u64, max: usize, wanted: impl Fn(&Frame) -> bool) -> Piece {
    let mut scan = Scan::new(&*spot.file, spot.salt, spot.at, spot.end);
    let mut piece = Piece { frames: Vec::new(), until: spot.last + 1, at: spot.at, failure: None, taken: 0, passed: 0 };
    while let Some(found) = scan.next() {
        let Found::Record(frame) = found else { continue };
        let sequence = frame.head.sequence;
        if sequence < first {
            continue;
        }
        piece.passed += frame.bytes.len();
        if wanted(&frame) {
            piece.taken += frame.bytes.len();
            piece.frames.push(frame);
        }
        if piece.frames.len() >= max || piece.passed >= CHUNK_BYTES {
            piece.until = sequence + 1;
            break;
        }
    }
    piece.at = scan.at();
    piece.failure = scan.failure.take();
    piece
}

/// Goes on where the last read ended, if that is on the way.
fn resume(outlet: &Outlet, first: u64) -> Option<Spot> {
    let spot = outlet.ledger.spot(first)?;
    let further = |reading: &Reading| {
        reading.number == spot.number && reading.sequence <= first && reading.at > spot.at && reading.at < spot.end
    };
    let at = outlet.reading.filter(further).map_or(spot.at, |reading| reading.at);
    Some(Spot { at, ..spot })
}

/// What was to be read and was not there.
fn park_missing(core: &Core, outlet: &mut Outlet, number: u64, range: Range<u64>) {
    let mut missing = 0u64;
    while let Some(sequence) = outlet.ledger.find(range.start, Search::Waiting).filter(|found| range.contains(found)) {
        if outlet.ledger.set(sequence, Mark::Parked).is_none() {
            break;
        }
        missing += 1;
    }
    if missing > 0 {
        if let Some(segment) = outlet.ledger.segment_mut(number) {
            segment.damaged = true;
        }
        core.metrics.spool_corrupt_records.inc_by(missing);
        tracing::error!(
            segment = number,
            records = missing,
            "records of the spool cannot be read; runbook spool-damaged"
        );
    }
}
