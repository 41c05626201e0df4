//! Recovery: what is in the directory when the spool is opened.
//!
//! One pass over the live segments, in the order of their records; nothing but marks and the last write stays in memory.
//! Every record whose checksums match is found, also behind damage. What is no record is one of three things:
//!
//! - behind the last record, nothing was ever written: the regular end;
//! - in the last write of the log, which nobody has been told of: a torn tail, cut off;
//! - anywhere else: damage. The segment is set aside once its intact records are delivered.
//!
//! The last write may be in the page cache only, so that it is not yet known to be durable: it is handed back to be
//! written again, and counts only then. The keys of a record are told with it: as those of an event that Kafka has, if
//! the checkpoint knows so. Of another the gateway may say that the disk alone is not enough; its slot is recovered too,
//! so that its key is pending until Kafka has it. Records that a segment holds beyond what its successor says was synced were
//! written again elsewhere, or were given up, when that segment failed; they are left out.
//!
//! A segment that can neither be read nor set aside may be read by a later start. So its sequence numbers are left to it,
//! and nothing is said that could be taken to be said of it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use rustix::io::Errno;

use super::checkpoint::{Checkpoint, Checkpoints};
use super::io::{Disk, Entry as Listed, File};
use super::keys::{self, KeyFiles};
use super::ledger::{Entry, Ledger, Segment};
use super::limits::Limits;
use super::marks::Mark;
use super::naming;
use super::record::Head;
use super::scan::{Found, Frame, Scan};
use super::segment::{self, DATA_AT, Header, NoHeader, data_end};
use super::slot::Slot;
use super::survey::{Bounds, Survey};
use super::{Remember, Remembered, lineage, record};
use crate::clock::UnixMillis;
use crate::event::Digest;
use crate::metrics::Metrics;

/// No segment holds as many records.
const RECORDS_PER_SEGMENT: u64 = 1 << 32;
/// So many segments at most are taken to have been there that cannot be read.
const SEGMENTS_AHEAD: u64 = 1 << 16;

/// What was found.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) ledger: Ledger,
    /// Slots of records that Kafka is to have before their keys count.
    pub(super) owed: HashMap<u64, Arc<Slot>>,
    /// The last write of the log, to be written again.
    pub(super) tail: Vec<Frame>,
    /// The log segment that was written last; 0: none.
    pub(super) last_log: u64,
    /// A later segment is there and was passed over: what it holds, and what it says of the last log segment, is not known.
    pub(super) apart: bool,
    /// The highest sequence number that is in the ledger.
    pub(super) synced_to: u64,
    pub(super) next_sequence: u64,
    /// The highest number of a segment or key file.
    pub(super) newest: u64,
    pub(super) spares: Vec<String>,
    pub(super) key_files: KeyFiles,
    pub(super) checkpoints: Checkpoints,
    pub(super) checkpoint: Checkpoint,
}

/// Why recovery stopped before it had changed anything.
#[derive(Debug)]
pub(super) enum Stop {
    /// The disk does not let us list, rename or remove.
    Disk(io::Error),
    /// A file of a version that this program does not know.
    Alien {
        /// Its name.
        name: String,
        /// The version it claims.
        version: u16,
    },
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A live segment before its records are read.
struct Candidate {
    header: Header,
    file: Arc<dyn File>,
    bytes: u64,
}

/// A file that has a live segment's name and cannot be one.
struct Stray {
    name: String,
    why: String,
}

/// Whom the recovered keys are told to.
pub(super) struct Memory<'a, 'b> {
    /// Older keys are of no use, once Kafka has the event.
    pub(super) since: UnixMillis,
    pub(super) remember: &'a mut Remember<'b>,
    /// So many more slots may be recovered.
    pub(super) slots: usize,
    /// How many were not.
    pub(super) beyond: usize,
}

impl Memory<'_, '_> {
    /// Tells the keys of a record. A slot: Kafka is to have it before they count.
    pub(super) fn add(&mut self, frame: &[u8], delivered: bool) -> Option<Arc<Slot>> {
        let event = record::view(frame);
        let digests: Vec<Digest> = record::digests(frame).collect();
        if digests.is_empty() || (delivered && event.received_at < self.since) {
            return None;
        }
        let (source, received_at) = (event.source, event.received_at);
        let claim = (self.remember)(Remembered { source, digests: &digests, received_at, delivered })?;
        let Some(rest) = self.slots.checked_sub(1) else {
            // The claim is dropped, and so its key is not known at all.
            self.beyond += 1;
            return None;
        };
        self.slots = rest;
        Some(Slot::recovered(claim))
    }
}

/// Reads the directory.
///
/// # Errors
/// Nothing of what was kept has been touched.
pub(super) fn recover(
    disk: &dyn Disk,
    limits: &Limits,
    metrics: &Metrics,
    memory: &mut Memory<'_, '_>,
) -> Result<Recovered, Stop> {
    let listed = disk.list()?;
    // What is seen may be in memory only; removals below rely on it.
    disk.sync_directory()?;
    let newest = listed.iter().filter_map(|entry| number(&entry.name)).max().unwrap_or(0);
    let (checkpoints, checkpoint) = Checkpoints::load(disk);
    let (candidates, stuck) = candidates(disk, &listed, newest, metrics)?;
    let candidates = without_attempts(disk, without_replaced(disk, metrics, candidates)?)?;
    let spares = spares(disk, &listed, limits);
    let key_files = listed.into_iter().filter(|entry| has(&entry.name, keys::SUFFIX)).collect();
    let key_files = KeyFiles::recall(disk, key_files, memory.since, memory.remember);

    let last_log = lineage::last_log(candidates.iter().map(|candidate| &candidate.header));
    let mut recovered = Recovered {
        ledger: Ledger::default(),
        owed: HashMap::new(),
        tail: Vec::new(),
        last_log,
        apart: stuck.iter().filter_map(|name| number(name)).any(|number| number > last_log),
        synced_to: 0,
        next_sequence: checkpoint.next_sequence.max(1),
        newest: newest.max(candidates.iter().map(|candidate| candidate.header.number).max().unwrap_or(0)),
        spares,
        key_files,
        checkpoints,
        checkpoint,
    };
    let headers: Vec<Header> = candidates.iter().map(|candidate| candidate.header).collect();
    for (candidate, bounds) in candidates.iter().zip(lineage::bounds(&headers)) {
        recovered.add(disk, candidate, bounds, limits, metrics, memory)?;
    }
    if !stuck.is_empty() {
        recovered.checkpoints.hush();
    }
    recovered.enter_tail();
    if recovered.apart {
        recovered.step_over();
    }
    // A spare is written to at once. Under its old name, with the header of its next life, it would be taken for a segment
    // that was given up while it was made, or for one that says what its predecessor holds.
    disk.sync_directory()?;
    Ok(recovered)
}

fn number(name: &str) -> Option<u64> {
    let (number, suffix) = segment::parse(name)?;
    matches!(suffix, segment::LIVE | segment::SPARE | segment::NEW | keys::SUFFIX).then_some(number)
}

fn has(name: &str, wanted: &str) -> bool {
    segment::parse(name).is_some_and(|(_, suffix)| suffix == wanted)
}

/// The live segments in the order of their records; what has the name of one and is none is set aside. Nothing is changed
/// before every header has been looked at. And the names of those that cannot even be set aside.
fn candidates(
    disk: &dyn Disk,
    listed: &[Listed],
    newest: u64,
    metrics: &Metrics,
) -> Result<(Vec<Candidate>, Vec<String>), Stop> {
    let mut strays = Vec::new();
    let mut named = Vec::new();
    for Listed { name, bytes } in listed {
        let Some((number, segment::LIVE)) = segment::parse(name) else { continue };
        let mut stray = |why| strays.push(Stray { name: name.clone(), why });
        let file = match disk.open(name) {
            Ok(file) => file,
            Err(error) if is_general(&error) => return Err(error.into()),
            Err(error) => {
                stray(format!("a segment cannot be opened ({error})"));
                continue;
            }
        };
        match Header::read_named(&*file, *bytes, number) {
            Ok(header) => named.push((name.clone(), Candidate { header, file, bytes: *bytes })),
            Err(NoHeader::Alien { version }) => return Err(Stop::Alien { name: name.clone(), version }),
            Err(NoHeader::Damaged) => stray("neither header of a segment can be read".into()),
        }
    }
    let (rightful, mut misnamed): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(name, candidate)| *name == segment::name(candidate.header.number));
    // The one that has the name is the live one; the others are copies, and perhaps older ones.
    let mut taken: HashSet<u64> = rightful.iter().map(|(_, candidate)| candidate.header.number).collect();
    misnamed.retain(|(name, candidate)| {
        let first = taken.insert(candidate.header.number);
        if !first {
            strays.push(Stray {
                name: name.clone(),
                why: "a segment says that it is another one, which is there too".into(),
            });
        }
        first
    });
    let stuck = set_aside(disk, strays, metrics);
    misnamed.retain(|(_, candidate)| !stuck.contains(&segment::name(candidate.header.number)));
    let highest = taken.iter().copied().max().unwrap_or(0).max(newest);
    let moves = misnamed.iter().map(|(name, candidate)| (name.clone(), segment::name(candidate.header.number)));
    naming::set_right(disk, moves.collect(), highest + 1)?;

    let mut candidates: Vec<_> = rightful.into_iter().chain(misnamed).map(|(_, candidate)| candidate).collect();
    candidates.sort_by_key(|candidate| (candidate.header.base, candidate.header.number));
    Ok((candidates, stuck))
}

/// Sets files aside; returns the names of those that cannot even be moved. A later start may read them again.
fn set_aside(disk: &dyn Disk, strays: Vec<Stray>, metrics: &Metrics) -> Vec<String> {
    let mut stuck = Vec::new();
    for Stray { name, why } in strays {
        tracing::error!(name, runbook = "spool-damaged", "{why}; it is set aside");
        metrics.spool_corrupt_records.inc();
        if let Err(error) = disk.set_aside(&name) {
            tracing::error!(%error, name, runbook = "spool-damaged", "a segment that cannot be used cannot be set aside: it is passed over");
            stuck.push(name);
        }
    }
    stuck
}

/// The error would meet every other file too, and an operator can cure it: nothing is set aside for it.
fn is_general(error: &io::Error) -> bool {
    let kind = matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::OutOfMemory
    );
    kind || matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Finishes a compaction that was cut off between the new segment's coming and the old ones' going.
fn without_replaced(
    disk: &dyn Disk,
    metrics: &Metrics,
    mut candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, Stop> {
    let runs: Vec<Header> = candidates.iter().map(|candidate| candidate.header).collect();
    for run in runs {
        let replaced = |candidate: &Candidate| lineage::replaces(&run, &candidate.header);
        if !candidates.iter().any(replaced) {
            continue;
        }
        let (mut old, stay): (Vec<_>, Vec<_>) = candidates.into_iter().partition(replaced);
        let (new, mut stay): (Vec<_>, Vec<_>) = stay.into_iter().partition(|candidate| candidate.header == run);
        let gone = if new.iter().all(is_whole) {
            stay.extend(new);
            old
        } else {
            // Damaged, it gives way to what it replaced, if that is still there; some of it may have gone long ago.
            let kept: HashSet<u64> = old.iter().flat_map(sequences).collect();
            let spare_it = new.iter().flat_map(sequences).any(|sequence| !kept.contains(&sequence));
            let (aside, keep) = if spare_it { (std::mem::take(&mut old), new) } else { (new, old) };
            stay.extend(keep);
            let why = "a compacted segment is damaged, and some of what it replaced is there too".to_owned();
            let strays = aside.iter().map(|candidate| segment::name(candidate.header.number));
            set_aside(disk, strays.map(|name| Stray { name, why: why.clone() }).collect(), metrics);
            Vec::new()
        };
        for candidate in gone {
            disk.remove(&segment::name(candidate.header.number))?;
        }
        stay.sort_by_key(|candidate| (candidate.header.base, candidate.header.number));
        candidates = stay;
    }
    Ok(candidates)
}

fn sequences(candidate: &Candidate) -> Vec<u64> {
    lineage::sequences(&candidate.header, &*candidate.file, candidate.bytes)
}

/// Sets aside segments that were given up while they were made.
fn without_attempts(disk: &dyn Disk, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Stop> {
    let latest = lineage::latest(candidates.iter().map(|candidate| &candidate.header));
    let (attempts, stay): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| lineage::is_attempt(&candidate.header, &latest));
    for attempt in attempts {
        let name = segment::name(attempt.header.number);
        tracing::warn!(name, "set aside a segment that was given up while it was made");
        disk.set_aside(&name)?;
    }
    Ok(stay)
}

fn is_whole(candidate: &Candidate) -> bool {
    lineage::is_whole(&candidate.header, &*candidate.file, candidate.bytes)
}

/// Spares of the right size; what else was being made, or does not fit the settings any more, is removed.
fn spares(disk: &dyn Disk, listed: &[Listed], limits: &Limits) -> Vec<String> {
    let mut spares = Vec::new();
    for Listed { name, bytes } in listed {
        match segment::parse(name) {
            Some((number, segment::SPARE))
                if *bytes == limits.segment_bytes && is_free(disk, listed, number, name, *bytes) =>
            {
                spares.push(name.clone());
            }
            Some((_, segment::SPARE | segment::NEW)) => drop(disk.remove(name)),
            _ => {}
        }
    }
    spares
}

/// A rename that a power cut has left half done gives one file two names, of which one is a live segment's. Then the spare
/// has that one's number, or its header.
fn is_free(disk: &dyn Disk, listed: &[Listed], number: u64, name: &str, bytes: u64) -> bool {
    // The first sector may be of its next life already, and is what a power cut has left of that: it is read first.
    let is_live = listed.iter().any(|entry| entry.name == segment::name(number));
    let Ok(file) = disk.open(name) else { return false };
    !is_live && Header::read(&*file, bytes).ok().is_none_or(|header| header.number == number)
}

impl Recovered {
    /// Enters the last write where it lies. It is in doubt until it is written again, and its keys are not told before.
    fn enter_tail(&mut self) {
        let Some(segment) = self.ledger.segment_mut(self.last_log) else { return };
        for frame in &self.tail {
            let Head { sequence, received_at, .. } = frame.head;
            let covered = self.checkpoint.covers(self.last_log, sequence);
            let entry = Entry { sequence, at: frame.at, end: frame.end(), received_at };
            segment.enter(entry, if covered { Mark::Delivered } else { Mark::Waiting });
            segment.in_doubt.get_or_insert(entry);
        }
    }

    /// Leaves the sequence numbers to the later segments that they may have been given to, and the last write where it is:
    /// it may be in one of those once more.
    fn step_over(&mut self) {
        self.tail.clear();
        if let Some(segment) = self.ledger.segment_mut(self.last_log) {
            segment.in_doubt = None;
        }
        // A number that is far beyond was given by a hand.
        let segments = self.newest.saturating_sub(self.last_log).min(SEGMENTS_AHEAD);
        self.next_sequence = self.next_sequence.saturating_add(segments * RECORDS_PER_SEGMENT);
    }

    /// Enters a segment and its records.
    fn add(
        &mut self,
        disk: &dyn Disk,
        candidate: &Candidate,
        bounds: Bounds,
        limits: &Limits,
        metrics: &Metrics,
        memory: &mut Memory<'_, '_>,
    ) -> Result<(), Stop> {
        let header = candidate.header;
        let is_last = header.is_log() && header.number == self.last_log;
        let known = self.checkpoint.synced_in(header.number).filter(|_| is_last);
        let mut survey = Survey::new(header, bounds, known);
        let mut segment = Segment::new(&header, Arc::clone(&candidate.file));
        segment.sealed = true;
        segment.bytes = candidate.bytes;
        let end = candidate.bytes.min(data_end(header.bytes));
        let mut scan = Scan::new(&*candidate.file, header.salt, DATA_AT, end);
        while let Some(found) = scan.next() {
            match found {
                Found::Alien { version } => {
                    return Err(Stop::Alien { name: segment.name(), version: u16::from(version) });
                }
                Found::Hole(hole) => survey.hole(hole),
                Found::Record(frame) if !survey.record(&frame) => {}
                Found::Record(frame) => {
                    if self.tail.first().is_some_and(|first| first.head.write != frame.head.write) {
                        self.settle_tail(&mut segment, memory);
                    }
                    self.next_sequence = self.next_sequence.max(frame.head.sequence + 1);
                    self.tail.push(frame);
                    if !is_last {
                        self.settle_tail(&mut segment, memory);
                    }
                }
            }
        }
        let cut = candidate.bytes < header.bytes;
        let verdict = survey.close(cut, scan.failure.is_some());
        verdict.report(&segment, metrics);
        segment.damaged = verdict.damaged;
        segment.poisoned = verdict.beyond;
        self.next_sequence = self.next_sequence.max(header.base);
        self.keep(disk, segment, limits)
    }

    /// What was held back is not the last write.
    fn settle_tail(&mut self, segment: &mut Segment, memory: &mut Memory<'_, '_>) {
        for frame in std::mem::take(&mut self.tail) {
            self.enter(segment, &frame, memory);
        }
    }

    /// Enters a record where it lies, and tells its keys.
    fn enter(&mut self, segment: &mut Segment, frame: &Frame, memory: &mut Memory<'_, '_>) {
        let sequence = frame.head.sequence;
        let covered = self.checkpoint.covers(segment.number, sequence);
        if let Some(slot) = memory.add(&frame.bytes, covered) {
            self.owed.insert(sequence, slot);
        }
        let mark = if covered { Mark::Delivered } else { Mark::Waiting };
        segment.enter(Entry { sequence, at: frame.at, end: frame.end(), received_at: frame.head.received_at }, mark);
        self.synced_to = self.synced_to.max(sequence);
    }

    /// Adds the segment to the ledger; one without a record is a spare.
    fn keep(&mut self, disk: &dyn Disk, segment: Segment, limits: &Limits) -> Result<(), Stop> {
        let name = segment.name();
        // The last write may have to stay where it is.
        let holds_tail = segment.number == self.last_log && !self.tail.is_empty();
        // It says of what its predecessor holds that it was given up.
        let disowns = segment.disowns() && self.ledger.is_poisoned(segment.follows);
        if segment.marks.len() > 0 || holds_tail || disowns {
            self.ledger.begin(segment);
        } else if segment.damaged {
            disk.set_aside(&name)?;
        } else if segment.bytes == limits.segment_bytes && self.spares.is_empty() {
            let spare = format!("{:016x}.{}", segment.number, segment::SPARE);
            disk.rename(&name, &spare)?;
            self.spares.push(spare);
        } else {
            disk.remove(&name)?;
        }
        Ok(())
    }
}
