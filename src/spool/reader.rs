//! Reads records back from disk: for a forwarder that is behind, and for a topic that had to wait.
//!
//! The disk is read without a lock; afterwards the marks decide which of the records read are still to be had. A record
//! that should be there and is not intact is parked, so that it is neither delivered nor deleted: the next start, which
//! reads everything anew, decides about it.

use std::iter;
use std::ops::Range;

use super::core::Core;
use super::ledger::Spot;
use super::marks::{Mark, Search};
use super::outlet::{Item, Outlet, Reading};
use super::scan::{CHUNK_BYTES, Found, Frame, Scan};
use super::{hold, record};

/// A topic's records are looked for among so many bytes at once, so that nothing else waits long for the line.
pub(super) const LOOK_BYTES: u64 = 4 << 20;

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
            into.extend(outlet.claim(frame, &[Mark::Waiting]));
        }
        outlet.reading = Some(Reading { number: spot.number, at: piece.at, sequence: piece.until });
        park_missing(core, &mut outlet, spot.number, iter::once(first..piece.until), Search::Waiting);
        seen = piece.until;
    }
}

/// Reads records of one topic that are on disk only, and says where to go on; none: all before that number were seen.
pub(super) fn read_topic(core: &Core, topic: &str, from: u64, before: u64, max: usize) -> (Vec<Item>, Option<u64>) {
    let mut items = Vec::new();
    let mut next = from;
    let mut passed = 0;
    while items.len() < max && passed < LOOK_BYTES {
        let outlet = hold(&core.outlet);
        let first = outlet.ledger.find(next, Search::OnDiskOnly).filter(|first| *first < before);
        let Some((first, spot)) = first.and_then(|first| Some((first, outlet.ledger.spot(first)?))) else {
            next = before;
            break;
        };
        drop(outlet);

        let wanted = |frame: &Frame| frame.head.sequence < before && record::view(&frame.bytes).topic == topic;
        let piece = read(&spot, first, max - items.len(), wanted);

        let mut outlet = hold(&core.outlet);
        items.extend(piece.frames.iter().filter_map(|frame| outlet.claim(frame, &[Mark::Waiting, Mark::Parked])));
        park_missing(core, &mut outlet, spot.number, piece.gaps.into_iter(), Search::OnDiskOnly);
        next = piece.until;
        passed += piece.at - spot.at;
    }
    items.iter_mut().for_each(Item::own);
    (items, (next < before).then_some(next))
}

/// What was read at once.
struct Piece {
    frames: Vec<Frame>,
    /// All records below this sequence number have been seen.
    until: u64,
    /// Where the next record begins.
    at: u64,
    /// Sequence numbers below `until` that were not found: records that are not intact, or are gone.
    gaps: Vec<Range<u64>>,
}

/// Reads from the spot on about a chunk's worth of records that have at least that number, at most `max` wanted ones.
fn read(spot: &Spot, first: u64, max: usize, wanted: impl Fn(&Frame) -> bool) -> Piece {
    let mut scan = Scan::new(&*spot.file, spot.salt, spot.at, spot.end);
    let mut piece = Piece { frames: Vec::new(), until: spot.last + 1, at: spot.at, gaps: Vec::new() };
    let (mut expected, mut passed) = (first, 0);
    while let Some(found) = scan.next() {
        let Found::Record(frame) = found else { continue };
        let sequence = frame.head.sequence;
        if sequence < first {
            continue;
        }
        if sequence > expected {
            piece.gaps.push(expected..sequence);
        }
        expected = sequence + 1;
        passed += frame.bytes.len();
        if wanted(&frame) {
            piece.frames.push(frame);
        }
        if piece.frames.len() >= max || passed >= CHUNK_BYTES {
            piece.until = expected;
            break;
        }
    }
    if expected < piece.until {
        piece.gaps.push(expected..piece.until);
    }
    piece.at = scan.at();
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

/// What was to be read and was not there. Those that are parked already may have been told before.
fn park_missing(core: &Core, outlet: &mut Outlet, number: u64, gaps: impl Iterator<Item = Range<u64>>, search: Search) {
    let mut missing = 0u64;
    for gap in gaps {
        let mut next = gap.start;
        while let Some(sequence) = outlet.ledger.find(next, search).filter(|found| gap.contains(found)) {
            if outlet.ledger.set(sequence, Mark::Parked).is_none() {
                break;
            }
            missing += 1;
            next = sequence + 1;
        }
    }
    let segment = outlet.ledger.segment_mut(number).filter(|_| missing > 0);
    let Some(known) = segment.map(|segment| std::mem::replace(&mut segment.damaged, true)) else { return };
    if known && search != Search::Waiting {
        tracing::warn!(segment = number, records = missing, "records of a damaged segment are left out");
        return;
    }
    core.metrics.spool_corrupt_records.inc_by(missing);
    tracing::error!(
        segment = number,
        records = missing,
        runbook = "spool-damaged",
        "records of the spool cannot be read"
    );
}
