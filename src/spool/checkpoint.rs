//! The checkpoint: which records Kafka has, so that a restart does not send them once more.
//!
//! It is advice. Without it, or with an old one, events are delivered twice, and none is lost: it says nothing about a
//! record in a segment that was made after it, so that a sequence number can never be taken for an earlier record's.
//!
//! # Format
//!
//! Version 1, in `checkpoint.0` and `checkpoint.1` by turns; the one with the higher generation holds. Little endian.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | `hookgchk` |
//! | 8 | 8 | version: 1 |
//! | 16 | 8 | generation |
//! | 24 | 8 | number of the newest segment |
//! | 32 | 8 | the highest sequence number that was synced |
//! | 40 | 8 | number of the segment that holds that record; 0: none does any more |
//! | 48 | 8 | the next sequence number |
//! | 56 | 8 | watermark: all records below it are delivered |
//! | 64 | 8 | how many stretches follow |
//! | 72 | 16 each | first sequence number of a delivered stretch, and the first behind it |
//! | | 4 | CRC32C of everything before |

use std::io;

use super::io::Disk;
use super::ledger::Ledger;
use super::marks::Search;

const NAMES: [&str; 2] = ["checkpoint.0", "checkpoint.1"];
const MAGIC: &[u8; 8] = b"hookgchk";
const VERSION: u64 = 1;
const FIXED_BYTES: usize = 72;
/// Delivered stretches above the watermark that are written down; those beyond it are sent once more.
const RUNS_MAX: usize = 4096;
/// No checkpoint is larger.
const BYTES_MAX: usize = FIXED_BYTES + RUNS_MAX * 16 + 4;

/// What Kafka has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    generation: u64,
    /// It says nothing about segments with a higher number.
    pub(super) newest: u64,
    synced: u64,
    synced_in: u64,
    pub(super) next_sequence: u64,
    /// All records below it are delivered.
    pub(super) watermark: u64,
    runs: Vec<(u64, u64)>,
}

impl Checkpoint {
    /// Kafka has the record of that number in that segment.
    pub(super) fn covers(&self, segment: u64, sequence: u64) -> bool {
        let run = self.runs.partition_point(|(_, end)| *end <= sequence);
        let in_run = || self.runs.get(run).is_some_and(|(first, _)| *first <= sequence);
        segment <= self.newest && (sequence < self.watermark || in_run())
    }

    /// The segment held records up to this sequence number at least.
    pub(super) fn synced_in(&self, segment: u64) -> Option<u64> {
        (self.synced_in == segment).then_some(self.synced)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.runs.len() * 16 + 4);
        bytes.extend_from_slice(MAGIC);
        let count = super::wide(self.runs.len());
        let fixed = [
            VERSION,
            self.generation,
            self.newest,
            self.synced,
            self.synced_in,
            self.next_sequence,
            self.watermark,
            count,
        ];
        for field in fixed.into_iter().chain(self.runs.iter().flat_map(|(first, end)| [*first, *end])) {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// None: not one of ours, of another version, or damaged.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.strip_prefix(MAGIC)?.as_chunks::<8>().0;
        let mut fields = fields.iter().map(|field| u64::from_le_bytes(*field));
        let mut next = || fields.next();
        (next()? == VERSION).then_some(())?;
        let mut checkpoint = Self {
            generation: next()?,
            newest: next()?,
            synced: next()?,
            synced_in: next()?,
            next_sequence: next()?,
            watermark: next()?,
            runs: Vec::new(),
        };
        let count = usize::try_from(next()?).ok().filter(|count| *count <= RUNS_MAX)?;
        let (content, rest) = bytes.split_at_checked(FIXED_BYTES + count * 16)?;
        (*rest.first_chunk::<4>()? == crc32c::crc32c(content).to_le_bytes()).then_some(())?;
        for _ in 0..count {
            checkpoint.runs.push((next()?, next()?));
        }
        Some(checkpoint)
    }
}

/// Writes checkpoints by turns.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    generation: u64,
    /// None is written in this life.
    pub(super) hushed: bool,
}

impl Checkpoints {
    /// Reads the newer of the two that are intact; an empty one where there is none.
    pub(super) fn load(disk: &dyn Disk) -> (Self, Checkpoint) {
        let read = |name: &&str| {
            let file = disk.open(name).ok()?;
            let mut bytes = vec![0; BYTES_MAX];
            let length = file.read_full_at(&mut bytes, 0).ok()?;
            Checkpoint::decode(bytes.get(..length)?)
        };
        let newer = NAMES.iter().filter_map(read).max_by_key(|checkpoint| checkpoint.generation).unwrap_or_default();
        (Self { generation: newer.generation, hushed: false }, newer)
    }

    /// A segment is there that is not in the ledger. What would be said of numbers now would be said of its records too,
    /// which Kafka may not have.
    pub(super) fn hush(&mut self) {
        self.hushed = true;
    }

    /// Some copy is there, whatever is in it.
    pub(super) fn are_there(disk: &dyn Disk) -> bool {
        NAMES.iter().any(|name| disk.open(name).is_ok())
    }

    /// What is to be written now.
    pub(super) fn next(&self, ledger: &Ledger, newest: u64, synced: u64, next_sequence: u64) -> Checkpoint {
        let generation = self.generation + 1;
        let watermark = ledger.find(0, Search::Outstanding).unwrap_or(synced + 1);
        let runs = ledger.delivered_runs(watermark, RUNS_MAX);
        let synced_in = ledger.holder(synced).unwrap_or(0);
        Checkpoint { generation, newest, synced, synced_in, next_sequence, watermark, runs }
    }

    /// Writes it over the older one.
    ///
    /// # Errors
    /// The newer one is as it was; the next one takes the same place, in a new file.
    pub(super) fn write(&mut self, disk: &dyn Disk, checkpoint: &Checkpoint) -> io::Result<()> {
        let name = NAMES[usize::from(!checkpoint.generation.is_multiple_of(2))];
        let written = overwrite(disk, name, &checkpoint.encode());
        match &written {
            Ok(()) => self.generation = checkpoint.generation,
            // A file whose sync failed is not synced again.
            Err(_) => drop(disk.remove(name)),
        }
        written
    }
}

fn overwrite(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = match disk.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = disk.create(name)?;
            disk.sync_directory()?;
            file
        }
        other => other?,
    };
    file.write_all_at(bytes, 0)?;
    file.sync()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            generation: 3,
            newest: 5,
            synced: 30,
            synced_in: 4,
            next_sequence: 31,
            watermark: 10,
            runs: vec![(12, 15), (20, 21)],
        }
    }

    #[test]
    fn a_record_is_covered_below_the_watermark_and_in_a_run() {
        let checkpoint = checkpoint();
        let covered: Vec<u64> = (0..40).filter(|sequence| checkpoint.covers(5, *sequence)).collect();
        let expected: Vec<u64> = (0..10).chain(12..15).chain(20..21).collect();
        assert_eq!(covered, expected);
    }

    #[test]
    fn a_segment_made_later_is_not_spoken_of() {
        assert!((0..40).all(|sequence| !checkpoint().covers(6, sequence)));
    }

    #[test]
    fn what_is_cut_short_changed_or_of_another_version_is_none() {
        let good = checkpoint().encode();
        assert_eq!(Checkpoint::decode(&good), Some(checkpoint()));
        for end in 0..good.len() {
            assert_eq!(Checkpoint::decode(&good[..end]), None, "cut at {end}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(Checkpoint::decode(&bad), None, "changed at {at}");
        }
    }
}
