//! Compaction: what is left of segments held up by a few parked records goes into a small one that replaces them.
//!
//! A topic that cannot be delivered to for days must not keep every segment in which it has a record. The records keep
//! their sequence numbers. The new file gets its name when it is synced and whole, and the keys of the old ones are in a
//! key file; it says which run it replaces. The old ones are removed after that. A crash in between leaves both, and recovery drops the old ones.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use super::core::Storage;
use super::hold;
use super::io::File;
use super::keeper::Keeper;
use super::ledger::{Entry, Ledger, Segment, Spot};
use super::marks::Mark;
use super::record::{self, Salt};
use super::scan::{CHUNK_BYTES, Found, Scan};
use super::segment::{self, DATA_AT, Header, Kind, OVERHEAD_BYTES};
use super::wide;

/// After a failure it is left alone this long: the copy is read and written anew at each try.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Segments that stand next to each other, and what is to become of them.
#[derive(Debug)]
struct Run {
    spots: Vec<Spot>,
    base: u64,
    /// The first sequence number behind it.
    until: u64,
}

impl Keeper {
    /// Compacts one run, if there is one that is worth it.
    pub(super) fn compact(&mut self) {
        let now = self.core.clock.now();
        if self.compact_failed.is_some_and(|failed| now.since(failed) < AGAIN_AFTER) {
            return;
        }
        let run = choose(&hold(&self.core.outlet).ledger, self.core.limits.segment_bytes);
        let Some(run) = run else { return };
        let replaced = self.replace(&run);
        self.compact_failed = replaced.is_err().then_some(now);
        if let Err(error) = replaced {
            tracing::warn!(%error, "segments held up by parked events cannot be compacted now");
        }
    }

    fn replace(&mut self, run: &Run) -> io::Result<()> {
        let numbers: Vec<u64> = run.spots.iter().map(|spot| spot.number).collect();
        let number = self.storage.next_number();
        let unfinished = format!("{number:016x}.{}", segment::NEW);
        let written = self.copy(run, number, &unfinished).and_then(|written| {
            // Only now, when hardly anything can fail any more: at each try they would be appended once more.
            self.remember_keys(&numbers, &written.2)?;
            let Storage { disk, .. } = &*self.storage;
            disk.rename(&unfinished, &segment::name(number))?;
            disk.sync_directory()?;
            Ok(written)
        });
        let (header, file, entries) = written.inspect_err(|_| drop(self.storage.disk.remove(&unfinished)))?;
        let mut outlet = hold(&self.core.outlet);
        let mut compacted = Segment::new(&header, file);
        for entry in entries {
            let mark = outlet.ledger.mark(entry.sequence).unwrap_or(Mark::Delivered);
            compacted.enter(entry, mark);
        }
        let replaced = outlet.ledger.replace(&numbers, compacted);
        drop(outlet);
        for segment in &replaced {
            self.dispose(segment);
        }
        Ok(())
    }

    /// Writes the records of a run that are not delivered to a segment of their own, durably but for its name.
    fn copy(&self, run: &Run, number: u64, unfinished: &str) -> io::Result<(Header, Arc<dyn File>, Vec<Entry>)> {
        let Storage { disk, .. } = &*self.storage;
        let file = disk.create(unfinished)?;
        let mut copy =
            Copy { file: &*file, salt: Salt::new(disk.salt()?), base: run.base, at: DATA_AT, buffer: BytesMut::new() };
        let mut entries = Vec::new();
        for spot in &run.spots {
            let mut scan = Scan::new(&*spot.file, spot.salt, spot.at, spot.end);
            while let Some(found) = scan.next() {
                // What was intact when it was entered must be so now: nothing is removed that was not copied.
                let Found::Record(frame) = found else {
                    self.core.damaged(spot.number);
                    return Err(io::ErrorKind::InvalidData.into());
                };
                let sequence = frame.head.sequence;
                if hold(&self.core.outlet).ledger.mark(sequence).is_some_and(|mark| mark != Mark::Delivered) {
                    let at = copy.add(&frame.bytes)?;
                    let end = at + wide(frame.bytes.len());
                    entries.push(Entry { sequence, at, end, received_at: frame.head.received_at });
                }
            }
        }
        copy.flush()?;
        let header = Header {
            kind: Kind::Compacted { until: run.until },
            number,
            made_at: self.core.clock.wall(),
            base: run.base,
            synced: 0,
            follows: 0,
            salt: copy.salt,
            bytes: copy.at + OVERHEAD_BYTES - DATA_AT,
        };
        header.write(&*file)?;
        file.sync()?;
        Ok((header, file, entries))
    }
}

/// The file that is being filled.
struct Copy<'a> {
    file: &'a dyn File,
    salt: Salt,
    base: u64,
    at: u64,
    buffer: BytesMut,
}

impl Copy<'_> {
    /// Adds a record, and says where it will lie.
    fn add(&mut self, frame: &[u8]) -> io::Result<u64> {
        let at = self.at + wide(self.buffer.len());
        let from = self.buffer.len();
        self.buffer.extend_from_slice(frame);
        record::seal(&mut self.buffer[from..], self.base, self.salt, at);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(at)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.at)?;
        self.at += wide(self.buffer.len());
        self.buffer.clear();
        Ok(())
    }
}

/// The first run whose records would leave at least half a segment free. Runs have no segment between them that stays:
/// recovery takes all that lies in a run's range for replaced.
fn choose(ledger: &Ledger, segment_bytes: u64) -> Option<Run> {
    let mut run = Gathered::default();
    for segment in ledger.segments() {
        let takes = held_up_bytes(ledger, segment);
        match takes {
            Some(bytes) if run.rest + bytes <= segment_bytes => run.add(segment, bytes),
            _ if run.frees(segment_bytes) => return Some(run.until(segment.base)),
            _ => {
                run = Gathered::default();
                if let Some(bytes) = takes {
                    run.add(segment, bytes);
                }
            }
        }
    }
    // The last segment is being written: a run ends before it.
    None
}

/// About what its records would take elsewhere, where nothing but parked ones hold the segment up.
fn held_up_bytes(ledger: &Ledger, segment: &Segment) -> Option<u64> {
    let parked = wide(segment.marks.count(Mark::Parked));
    let all = wide(segment.marks.len());
    let only_parked = parked > 0 && parked == wide(segment.marks.outstanding());
    let held_up = segment.sealed && !segment.damaged && only_parked && !ledger.is_poisoned(segment.follows);
    held_up.then(|| (segment.end - DATA_AT).saturating_mul(parked) / all)
}

#[derive(Debug, Default)]
struct Gathered {
    spots: Vec<Spot>,
    base: u64,
    bytes: u64,
    rest: u64,
}

impl Gathered {
    fn add(&mut self, segment: &Segment, rest: u64) {
        if self.spots.is_empty() {
            self.base = segment.base;
        }
        self.spots.push(segment.whole());
        self.bytes += segment.bytes;
        self.rest += rest;
    }

    fn frees(&self, segment_bytes: u64) -> bool {
        self.bytes.saturating_sub(self.rest + OVERHEAD_BYTES) >= segment_bytes / 2
    }

    fn until(self, until: u64) -> Run {
        Run { spots: self.spots, base: self.base, until }
    }
}
