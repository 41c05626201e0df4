//! Walks over the records of a segment, past damage too.
//!
//! Where no intact record begins, the walk tries every multiple of 8 until one does; each try costs the head's checksum
//! only, so the walk is linear in the bytes. It never yields a record whose checksums do not match, and never panics,
//! whatever the bytes are.

use std::io;

use bytes::{Bytes, BytesMut};

use super::io::File;
use super::record::{self, ALIGN_BYTES, HEAD_BYTES, Head, Salt, Start};
use super::{size, wide};

/// How much is read at once, unless a record is larger.
pub(super) const CHUNK_BYTES: usize = 1 << 20;
/// The piece that is given up where the disk cannot read.
const PAGE_BYTES: usize = 4096;

/// A walk over a part of a segment.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    file: &'a dyn File,
    salt: Salt,
    at: u64,
    end: u64,
    chunk: Bytes,
    chunk_at: u64,
    /// The first error of the disk. What could not be read counts as damage.
    pub(super) failure: Option<io::Error>,
}

/// What the walk met.
#[derive(Debug)]
pub(super) enum Found {
    /// An intact record.
    Record(Frame),
    /// Bytes that are no record, up to the next intact one or the end.
    Hole(Hole),
    /// An intact head of a version or kind that this program does not know.
    Alien {
        /// The version it claims.
        version: u8,
    },
}

/// An intact record and where it lies.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) head: Head,
    pub(super) at: u64,
    pub(super) bytes: Bytes,
}

impl Frame {
    /// Where the next one may begin.
    pub(super) fn end(&self) -> u64 {
        self.at + wide(self.bytes.len())
    }
}

/// A stretch without an intact record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hole {
    /// Nothing was written where it begins: behind the last record that is the regular end.
    pub(super) blank: bool,
    /// It reaches to the end.
    pub(super) last: bool,
    /// Intact heads in it whose bodies are not.
    pub(super) heads: u64,
}

/// What stands at one place.
enum Step {
    Record(Frame),
    Broken(Head),
    Alien(u8),
    Blank,
    Junk,
    End,
}

impl<'a> Scan<'a> {
    /// Begins at `at`, where a record begins, and ends before `end`.
    pub(super) fn new(file: &'a dyn File, salt: Salt, at: u64, end: u64) -> Self {
        Self { file, salt, at, end, chunk: Bytes::new(), chunk_at: at, failure: None }
    }

    /// Where the walk stands.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next record or hole; none at the end.
    pub(super) fn next(&mut self) -> Option<Found> {
        let start = self.at;
        let mut hole = Hole::default();
        loop {
            let begins = self.at == start;
            match self.step() {
                Step::Record(frame) if begins => {
                    self.at = frame.end();
                    return Some(Found::Record(frame));
                }
                Step::Alien(version) if begins => {
                    self.skip(ALIGN_BYTES);
                    return Some(Found::Alien { version });
                }
                Step::Record(_) | Step::Alien(_) => return Some(Found::Hole(hole)),
                Step::Broken(head) => {
                    hole.heads += 1;
                    self.skip(head.bytes);
                }
                Step::Blank => {
                    hole.blank |= begins;
                    self.skip(ALIGN_BYTES);
                }
                Step::Junk => self.skip(ALIGN_BYTES),
                Step::End => {
                    hole.last = true;
                    let rest = self.end.saturating_sub(self.at);
                    let cut_short = self.bytes(self.at, size(rest)).iter().any(|byte| *byte != 0);
                    self.at = self.end;
                    return (!begins || cut_short).then_some(Found::Hole(hole));
                }
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(wide(bytes)).min(self.end);
    }

    fn step(&mut self) -> Step {
        let (at, salt) = (self.at, self.salt);
        let Some(head) = self.bytes(at, HEAD_BYTES).first_chunk::<HEAD_BYTES>() else { return Step::End };
        let head = match record::look(head, salt, at) {
            Start::Record(head) => head,
            Start::Alien { version } => return Step::Alien(version),
            Start::Blank => return Step::Blank,
            Start::Junk => return Step::Junk,
        };
        if !record::is_intact(self.bytes(at, head.bytes), &head, salt) {
            return Step::Broken(head);
        }
        let from = size(at - self.chunk_at);
        Step::Record(Frame { head, at, bytes: self.chunk.slice(from..from + head.bytes) })
    }

    /// So many bytes from there on; none, if there are not so many.
    fn bytes(&mut self, at: u64, count: usize) -> &[u8] {
        if at.saturating_add(wide(count)) > self.end {
            return &[];
        }
        let within = |chunk: &Bytes, chunk_at: u64| {
            let from = size(at.checked_sub(chunk_at)?);
            (from.saturating_add(count) <= chunk.len()).then_some(from)
        };
        let from = within(&self.chunk, self.chunk_at).unwrap_or_else(|| {
            let want = self.end.saturating_sub(at).min(wide(count.max(CHUNK_BYTES)));
            self.chunk = self.read(at, size(want));
            self.chunk_at = at;
            0
        });
        self.chunk.get(from..from + count).unwrap_or_default()
    }

    /// What the disk cannot read is zeros: a hole, and the rest of the segment is found.
    fn read(&mut self, at: u64, bytes: usize) -> Bytes {
        let mut chunk = BytesMut::zeroed(bytes);
        if self.file.read_full_at(&mut chunk, at).is_ok() {
            return chunk.freeze();
        }
        for (index, page) in chunk.chunks_mut(PAGE_BYTES).enumerate() {
            let page_at = at.saturating_add(wide(index * PAGE_BYTES));
            if let Err(error) = self.file.read_full_at(page, page_at) {
                page.fill(0);
                self.failure.get_or_insert(error);
            }
        }
        chunk.freeze()
    }
}
