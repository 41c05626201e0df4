//! The ledger: which segments there are, and where each of their records is on its way to Kafka.
//!
//! Segments stand in the order of their records' sequence numbers, which do not overlap. The last one is being written.
//! A record that is not in the ledger (its segment was reclaimed, or it was damaged) counts as delivered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::io::File;
use super::marks::{Mark, Marks, Search};
use super::record::Salt;
use super::segment::{self, DATA_AT, Header, OVERHEAD_BYTES};
use crate::clock::UnixMillis;

/// A record's place is known to within so many bytes; then it is looked for.
const LANDMARK_BYTES: u64 = 256 << 10;

/// All segments.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    segments: VecDeque<Segment>,
}

/// A segment and its records.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
    pub(super) salt: Salt,
    /// No record here has a lower sequence number, and none of an earlier segment has one as high.
    pub(super) base: u64,
    /// Length of the file.
    pub(super) bytes: u64,
    /// Behind the last record that was synced.
    pub(super) end: u64,
    /// Nothing more is written to it.
    pub(super) sealed: bool,
    /// Some of it cannot be read; it is set aside and not recycled.
    pub(super) damaged: bool,
    /// Behind its last synced record there may be others, which were written again elsewhere or given up.
    pub(super) poisoned: bool,
    /// The first record of the last write of an earlier life: from there on nobody knows that it was synced.
    pub(super) in_doubt: Option<Entry>,
    /// The log segment written before it.
    pub(super) follows: u64,
    /// The highest sequence number that was synced when it was made.
    synced: u64,
    /// The latest received-at of its records.
    pub(super) newest: UnixMillis,
    pub(super) marks: Marks,
    /// Stretches of consecutive sequence numbers: the first one and its place.
    runs: Vec<(u64, usize)>,
    landmarks: Vec<Landmark>,
}

#[derive(Debug, Clone, Copy)]
struct Landmark {
    sequence: u64,
    at: u64,
    received_at: UnixMillis,
}

/// A record that lies in a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) at: u64,
    pub(super) end: u64,
    pub(super) received_at: UnixMillis,
}

/// Where to begin to read for a record.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
    pub(super) salt: Salt,
    pub(super) at: u64,
    pub(super) end: u64,
    /// The sequence number of the last record before `end`.
    pub(super) last: u64,
}

impl Segment {
    /// An empty one.
    pub(super) fn new(header: &Header, file: Arc<dyn File>) -> Self {
        Self {
            number: header.number,
            file,
            salt: header.salt,
            base: header.base,
            bytes: header.bytes,
            end: DATA_AT,
            sealed: !header.is_log(),
            damaged: false,
            poisoned: false,
            in_doubt: None,
            follows: header.follows,
            synced: header.synced,
            newest: UnixMillis(0),
            marks: Marks::default(),
            runs: Vec::new(),
            landmarks: Vec::new(),
        }
    }

    /// It says of records of its predecessor that they were given up: they have numbers that nobody has now.
    pub(super) fn disowns(&self) -> bool {
        self.synced + 1 < self.base
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        segment::name(self.number)
    }

    /// Enters the next record; its sequence number is higher than all before.
    pub(super) fn enter(&mut self, entry: Entry, mark: Mark) {
        let place = self.marks.len();
        let expected = self.runs.last().map(|(sequence, first)| sequence + (place - first) as u64);
        if expected != Some(entry.sequence) {
            self.runs.push((entry.sequence, place));
        }
        if self.landmarks.last().is_none_or(|last| entry.at >= last.at + LANDMARK_BYTES) {
            let landmark = Landmark { sequence: entry.sequence, at: entry.at, received_at: entry.received_at };
            self.landmarks.push(landmark);
        }
        self.marks.push(mark);
        self.end = entry.end;
        self.newest = self.newest.max(entry.received_at);
    }

    /// The place of the first record that has this sequence number or a higher one.
    fn place_from(&self, sequence: u64) -> usize {
        let after = self.runs.partition_point(|(first, _)| *first <= sequence);
        let next = self.runs.get(after).map_or(self.marks.len(), |(_, place)| *place);
        let Some((first, place)) = after.checked_sub(1).and_then(|run| self.runs.get(run)) else { return 0 };
        usize::try_from(sequence - first).map_or(next, |distance| place.saturating_add(distance).min(next))
    }

    /// Takes out the records that are in doubt. They lie in another segment from now on, and what lies here does not count.
    fn cut(&mut self) -> Vec<Mark> {
        let Some(Entry { sequence, at, .. }) = self.in_doubt.take() else { return Vec::new() };
        let place = self.place_from(sequence);
        self.runs.retain(|(_, first)| *first < place);
        self.landmarks.retain(|landmark| landmark.at < at);
        self.end = at;
        self.poisoned = true;
        self.marks.split_off(place)
    }

    fn place(&self, sequence: u64) -> Option<usize> {
        let place = self.place_from(sequence);
        (self.sequence(place) == Some(sequence)).then_some(place)
    }

    fn sequence(&self, place: usize) -> Option<u64> {
        let run = self.runs.partition_point(|(_, first)| *first <= place).checked_sub(1)?;
        let (sequence, first) = self.runs.get(run)?;
        (place < self.marks.len()).then(|| sequence + (place - first) as u64)
    }

    /// The mark of a record.
    pub(super) fn mark(&self, sequence: u64) -> Option<Mark> {
        self.marks.get(self.place(sequence)?)
    }

    fn find(&self, from: u64, search: Search) -> Option<u64> {
        let place = self.marks.find(self.place_from(from), search)?;
        self.sequence(place)
    }

    fn landmark(&self, sequence: u64) -> Option<&Landmark> {
        let after = self.landmarks.partition_point(|landmark| landmark.sequence <= sequence);
        self.landmarks.get(after.saturating_sub(1))
    }

    /// Where to read for all of its records.
    pub(super) fn whole(&self) -> Spot {
        let (file, salt) = (Arc::clone(&self.file), self.salt);
        Spot { number: self.number, file, salt, at: DATA_AT, end: self.end, last: self.last().unwrap_or(self.base) }
    }

    /// The sequence number of its last record.
    pub(super) fn last(&self) -> Option<u64> {
        self.sequence(self.marks.len().checked_sub(1)?)
    }
}

impl Ledger {
    /// Adds a segment behind all others; they are sealed by that. What was in doubt in one of them is to lie in the new one:
    /// its marks.
    pub(super) fn begin(&mut self, segment: Segment) -> Vec<Mark> {
        let moved = self.segments.iter_mut().flat_map(Segment::cut).collect();
        for earlier in self.segments.iter_mut().rev().take_while(|earlier| !earlier.sealed) {
            earlier.sealed = true;
        }
        debug_assert!(
            self.segments.iter().all(|earlier| earlier.last().is_none_or(|last| last < segment.base)),
            "records of earlier segments from {} on",
            segment.base
        );
        self.segments.push_back(segment);
        moved
    }

    /// The segments in order.
    pub(super) fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter()
    }

    /// The segment of that number.
    pub(super) fn segment_mut(&mut self, number: u64) -> Option<&mut Segment> {
        // Nearly always the one that is being written.
        self.segments.iter_mut().rev().find(|segment| segment.number == number)
    }

    /// Takes a segment out; what is left of its records counts as delivered.
    pub(super) fn remove(&mut self, number: u64) -> Option<Segment> {
        let index = self.segments.iter().position(|segment| segment.number == number)?;
        self.segments.remove(index)
    }

    /// The segment of that number is here and may hold records that do not count.
    pub(super) fn is_poisoned(&self, number: u64) -> bool {
        self.segments.iter().any(|segment| segment.number == number && segment.poisoned)
    }

    /// Segments that nobody needs any more: all delivered, and kept for long enough. One that says what does not count
    /// in its predecessor stays as long as that one.
    pub(super) fn done(&self, now: UnixMillis, retain: Duration) -> Vec<u64> {
        let done = |segment: &&Segment| {
            segment.sealed
                && segment.marks.outstanding() == 0
                && (retain.is_zero() || segment.newest.plus(retain) <= now)
                && !self.is_poisoned(segment.follows)
        };
        self.segments.iter().filter(done).map(|segment| segment.number).collect()
    }

    /// Puts a compacted segment in the place of those that it was made of.
    pub(super) fn replace(&mut self, numbers: &[u64], compacted: Segment) -> Vec<Segment> {
        let index = self.segments.partition_point(|segment| segment.base < compacted.base);
        let (replaced, kept): (Vec<_>, Vec<_>) =
            self.segments.drain(..).partition(|segment| numbers.contains(&segment.number));
        self.segments = kept.into();
        self.segments.insert(index.min(self.segments.len()), compacted);
        replaced
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        self.segments.partition_point(|segment| segment.base <= sequence).checked_sub(1)
    }

    /// The mark of a record.
    pub(super) fn mark(&self, sequence: u64) -> Option<Mark> {
        self.segments.get(self.index(sequence)?)?.mark(sequence)
    }

    /// Kafka has the record, as far as is known.
    pub(super) fn is_delivered(&self, sequence: u64) -> bool {
        self.mark(sequence).is_none_or(|mark| mark == Mark::Delivered)
    }

    /// The number of the segment that holds a record.
    pub(super) fn holder(&self, sequence: u64) -> Option<u64> {
        let segment = self.segments.get(self.index(sequence)?)?;
        segment.place(sequence).map(|_| segment.number)
    }

    /// Changes the mark of a record, and says which it was.
    pub(super) fn set(&mut self, sequence: u64, mark: Mark) -> Option<Mark> {
        let index = self.index(sequence)?;
        let segment = self.segments.get_mut(index)?;
        let place = segment.place(sequence)?;
        segment.marks.set(place, mark)
    }

    /// How many records have that mark.
    pub(super) fn count(&self, mark: Mark) -> usize {
        self.segments.iter().map(|segment| segment.marks.count(mark)).sum()
    }

    /// The first record at or behind `from` that is looked for.
    pub(super) fn find(&self, from: u64, search: Search) -> Option<u64> {
        let first = self.index(from).unwrap_or(0);
        self.segments.iter().skip(first).find_map(|segment| segment.find(from, search))
    }

    /// Where to read for a record.
    pub(super) fn spot(&self, sequence: u64) -> Option<Spot> {
        let segment = self.segments.get(self.index(sequence)?)?;
        let at = segment.landmark(sequence)?.at;
        let (file, salt) = (Arc::clone(&segment.file), segment.salt);
        Some(Spot { number: segment.number, file, salt, at, end: segment.end, last: segment.last()? })
    }

    /// About when the oldest record was received that Kafka does not have.
    pub(super) fn oldest(&self) -> Option<UnixMillis> {
        let sequence = self.find(0, Search::Outstanding)?;
        let segment = self.segments.get(self.index(sequence)?)?;
        Some(segment.landmark(sequence)?.received_at)
    }

    /// Stretches `from..to` of sequence numbers at or behind `from` that are delivered, at most so many.
    pub(super) fn delivered_runs(&self, from: u64, max: usize) -> Vec<(u64, u64)> {
        let mut runs = Vec::new();
        let mut next = from;
        while let Some(first) = self.find(next, Search::Delivered).filter(|_| runs.len() < max) {
            let Some(end) = self.find(first, Search::Outstanding) else {
                let end = self.segments.iter().rev().find_map(Segment::last).unwrap_or(first);
                runs.push((first, end + 1));
                break;
            };
            runs.push((first, end));
            next = end;
        }
        runs
    }

    /// Bytes that records take, with whole segments where nothing more is written to them.
    pub(super) fn used_bytes(&self) -> u64 {
        let used =
            |segment: &Segment| if segment.sealed { segment.bytes } else { segment.end + OVERHEAD_BYTES - DATA_AT };
        self.segments.iter().map(used).sum()
    }

    /// Bytes of all files.
    pub(super) fn file_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}
