//! A segment: one file of records, of a fixed size, written from front to back and recycled.
//!
//! # Format
//!
//! Version 1. Numbers are little endian. 512 bytes for the header, the records, 512 bytes for the header once more, so
//! that a lost sector cannot take the salt, and with it every record, away.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | `hookgseg` |
//! | 8 | 2 | version: 1 |
//! | 10 | 2 | kind: 1 a log, 2 a compacted run of segments |
//! | 12 | 4 | 0 |
//! | 16 | 8 | number, different for every segment that was ever made; also the file's name |
//! | 24 | 8 | made at, milliseconds since 1970 |
//! | 32 | 8 | no record here has a lower sequence number |
//! | 40 | 8 | the highest sequence number that was synced when the segment was made |
//! | 48 | 8 | the log segment that was written before this one; 0: none |
//! | 56 | 8 | of a compacted run: no record of it had this sequence number or a higher one; else 0 |
//! | 64 | 16 | salt |
//! | 80 | 8 | length of the file when it was made |
//! | 88 | 36 | 0 |
//! | 124 | 4 | CRC32C of bytes 0 to 124 |
//!
//! Every version keeps magic, version and checksum in their places, so that a program that does not know a version can
//! tell it from damage.
//!
//! # Life
//!
//! `<number>.new` is filled with zeros and synced, and becomes `<number>.spare`. A spare gets a new header
//! and its first records, is synced,
//! becomes `<number>.seg`, and the directory is synced; more records go in behind. When all its records are delivered it becomes
//! a spare again or is removed. So whatever ends in `.seg` has a header, and its space on the volume is its own: an
//! accepted record cannot meet a full disk. (Zeros are written because space that is only reserved still costs a change
//! of metadata at the first write.)

use std::io;
use std::sync::Arc;

use super::io::{Disk, File};
use super::record::{HEAD_BYTES, Salt};
use super::{size, wide};
use crate::clock::UnixMillis;

/// Header and its copy have a sector each.
const MARGIN_BYTES: u64 = 512;
/// Where the first record lies.
pub(super) const DATA_AT: u64 = MARGIN_BYTES;
/// What header and copy take from a segment.
pub(super) const OVERHEAD_BYTES: u64 = 2 * MARGIN_BYTES;
/// The one version that this program writes and reads.
pub(super) const VERSION: u16 = 1;

const HEADER_BYTES: usize = 128;
const MAGIC: &[u8; 8] = b"hookgseg";
const CHECKSUM_AT: usize = HEADER_BYTES - 4;
/// Written behind the records of each write: here the log ends, whatever an earlier life left behind.
const BLANK: [u8; HEAD_BYTES] = [0; HEAD_BYTES];
/// How much zero is written at once.
const ZEROS_BYTES: usize = 1 << 18;

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records in the order they came.
    Log,
    /// What was left of a run of segments that it replaces.
    Compacted {
        /// No record of the run had this sequence number or a higher one.
        until: u64,
    },
}

/// A segment's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) made_at: UnixMillis,
    /// No record here has a lower sequence number.
    pub(super) base: u64,
    /// The highest sequence number that was synced when it was made.
    pub(super) synced: u64,
    /// The number of the log segment written before it; 0: none.
    pub(super) follows: u64,
    pub(super) salt: Salt,
    /// Length of the file.
    pub(super) bytes: u64,
}

/// Why there is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// Neither copy is intact.
    Damaged,
    /// It is one of a version that this program does not know.
    Alien {
        /// The version it claims.
        version: u16,
    },
}

impl Header {
    /// Records in the order they came, not what was left of a run.
    pub(super) fn is_log(&self) -> bool {
        self.kind == Kind::Log
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let (kind, until) = match self.kind {
            Kind::Log => (1u16, 0),
            Kind::Compacted { until } => (2, until),
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        for field in [self.number, self.made_at.0, self.base, self.synced, self.follows, until] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&self.salt.bytes);
        bytes.extend_from_slice(&self.bytes.to_le_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, NoHeader> {
        let (content, checksum) = bytes.split_at(CHECKSUM_AT);
        if !content.starts_with(MAGIC) || crc32c::crc32c(content).to_le_bytes() != checksum {
            return Err(NoHeader::Damaged);
        }
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| {
            bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |field| u64::from_le_bytes(*field))
        };
        let version = short(8);
        let kind = match (version, short(10)) {
            (VERSION, 1) => Kind::Log,
            (VERSION, 2) => Kind::Compacted { until: long(56) },
            _ => return Err(NoHeader::Alien { version }),
        };
        let mut salt = [0; 16];
        salt.copy_from_slice(&bytes[64..80]);
        Ok(Self {
            kind,
            number: long(16),
            made_at: UnixMillis(long(24)),
            base: long(32),
            synced: long(40),
            follows: long(48),
            salt: Salt::new(salt),
            bytes: long(80),
        })
    }

    /// Reads the header of a file of that length, from either place.
    pub(super) fn read(file: &dyn File, bytes: u64) -> Result<Self, NoHeader> {
        Self::either(Self::copies(file, bytes))
    }

    /// The same of a file with the name of that segment: a copy that says so is believed before one that has been written
    /// over with another segment's.
    pub(super) fn read_named(file: &dyn File, bytes: u64, number: u64) -> Result<Self, NoHeader> {
        let copies = Self::copies(file, bytes);
        let own = copies.into_iter().flatten().find(|header| header.number == number);
        own.map_or_else(|| Self::either(copies), Ok)
    }

    fn copies(file: &dyn File, bytes: u64) -> [Result<Self, NoHeader>; 2] {
        [0, bytes.saturating_sub(MARGIN_BYTES)].map(|at| {
            let mut header = [0; HEADER_BYTES];
            match file.read_full_at(&mut header, at) {
                Ok(HEADER_BYTES) => Self::decode(&header),
                _ => Err(NoHeader::Damaged),
            }
        })
    }

    fn either(copies: [Result<Self, NoHeader>; 2]) -> Result<Self, NoHeader> {
        match copies {
            [Ok(header), _] | [Err(_), Ok(header)] => Ok(header),
            [Err(NoHeader::Damaged), Err(reason)] | [Err(reason), _] => Err(reason),
        }
    }

    /// Writes both copies.
    pub(super) fn write(&self, file: &dyn File) -> io::Result<()> {
        let mut header = self.encode().to_vec();
        header.resize(size(MARGIN_BYTES), 0);
        file.write_all_at(&header, 0)?;
        file.write_all_at(&header, self.bytes.saturating_sub(MARGIN_BYTES))
    }
}

/// The name of a live segment.
pub(super) fn name(number: u64) -> String {
    format!("{number:016x}.{LIVE}")
}

/// The number and the suffix of a name that is ours: exactly 16 hexadecimal digits, a point, and what follows. What has
/// another name is a person's own, whatever its bytes say.
pub(super) fn parse(name: &str) -> Option<(u64, &str)> {
    let (digits, suffix) = name.split_once('.')?;
    let ours = digits.len() == 16 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| ours)?;
    Some((number, suffix))
}

/// A live segment's file ends so.
pub(super) const LIVE: &str = "seg";
/// A prepared segment's.
pub(super) const SPARE: &str = "spare";
/// One that is being made.
pub(super) const NEW: &str = "new";

/// Prepares a spare of that size, durable but for its entry in the directory, and says its name.
///
/// # Errors
/// The volume has no space for it, or fails; what was begun is removed.
pub(super) fn prepare(disk: &dyn Disk, number: u64, bytes: u64) -> io::Result<String> {
    let unfinished = format!("{number:016x}.{NEW}");
    let made = disk.create(&unfinished).and_then(|file| fill(&*file, bytes));
    let spare = format!("{number:016x}.{SPARE}");
    match made.and_then(|()| disk.rename(&unfinished, &spare)) {
        Ok(()) => Ok(spare),
        Err(error) => {
            drop(disk.remove(&unfinished));
            Err(error)
        }
    }
}

fn fill(file: &dyn File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = 0;
    while at < bytes {
        let piece = usize::try_from(bytes - at).unwrap_or(ZEROS_BYTES).min(ZEROS_BYTES);
        file.write_all_at(zeros.get(..piece).unwrap_or_default(), at)?;
        at += wide(piece);
    }
    file.sync()
}

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) header: Header,
    pub(super) file: Arc<dyn File>,
    /// Where the next record goes; all before it is synced.
    pub(super) end: u64,
}

impl Active {
    /// Turns a spare into a live segment that holds these sealed records, durably. The segment gets its name only when
    /// the records are synced: a live segment says that what its predecessor holds beyond `synced` does not count, and
    /// that must not be said before it counts here.
    ///
    /// # Errors
    /// The disk failed; the file is removed if that is possible.
    pub(super) fn begin(
        disk: &dyn Disk,
        spare: &str,
        header: Header,
        records: &[u8],
        sync: impl FnOnce(&dyn File) -> io::Result<()>,
    ) -> io::Result<Self> {
        let live = name(header.number);
        let made = disk.open(spare).and_then(|file| {
            let mut active = Self { header, file, end: DATA_AT };
            header.write(&*active.file)?;
            active.append(records, sync)?;
            disk.rename(spare, &live)?;
            disk.sync_directory()?;
            Ok(active)
        });
        made.inspect_err(|_| {
            drop(disk.remove(&live).or_else(|_| disk.remove(spare)));
        })
    }

    /// How many bytes of records still fit.
    pub(super) fn room(&self) -> u64 {
        data_end(self.header.bytes).saturating_sub(self.end)
    }

    /// Writes sealed records behind the others and syncs them. `synced` brackets the sync, to measure it.
    ///
    /// # Errors
    /// Nothing of them may be relied on, and nothing more may be written to this segment.
    pub(super) fn append(&mut self, records: &[u8], sync: impl FnOnce(&dyn File) -> io::Result<()>) -> io::Result<()> {
        // Behind the end they would lie on the header's copy, where recovery does not look for records.
        if wide(records.len()) > self.room() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let end = self.end + wide(records.len());
        let blank =
            usize::try_from(data_end(self.header.bytes).saturating_sub(end)).unwrap_or(HEAD_BYTES).min(HEAD_BYTES);
        self.file.write_all_at(records, self.end)?;
        self.file.write_all_at(BLANK.get(..blank).unwrap_or_default(), end)?;
        sync(&*self.file)?;
        self.end = end;
        Ok(())
    }
}

/// Where the records of a segment of that length must end.
pub(super) fn data_end(bytes: u64) -> u64 {
    bytes.saturating_sub(MARGIN_BYTES)
}
