//! One record: an event's bytes as they lie in a segment and, behind a `Bytes`, in the forwarder's hands.
//!
//! # Format
//!
//! Version 1. Numbers are little endian. A record begins at a multiple of 8 and never spans two segments.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 4 | CRC32C of the segment's salt, the record's place in the file (8 bytes), and bytes 4 to 56 |
//! | 4 | 4 | CRC32C of the segment's salt and everything from 56 to the end of the padding |
//! | 8 | 4 | length in bytes, from offset 0, without the padding |
//! | 12 | 1 | version: 1 |
//! | 13 | 1 | kind: 1, an event |
//! | 14 | 2 | flags: bit 0, there is a key (perhaps an empty one); the others 0 |
//! | 16 | 8 | sequence number, rising from record to record |
//! | 24 | 8 | sequence number of the first record of the same write |
//! | 32 | 8 | received-at, milliseconds since 1970 |
//! | 40 | 4 | length of the key |
//! | 44 | 4 | length of the headers |
//! | 48 | 1 | length of the source's name |
//! | 49 | 1 | length of the topic |
//! | 50 | 1 | how many idempotency digests: 0 to 2 |
//! | 51 | 5 | 0 |
//! | 56 | 16 each | the digests |
//! | | | the source's name, the topic, the key, the headers (as in [`crate::event::Headers`]), the value |
//! | | 0 to 7 | 0, up to the next multiple of 8 |
//!
//! The head has a checksum of its own, so that after damage its length can be believed before the body has been read:
//! the search for the next intact record looks at 56 bytes an offset and stays linear, whatever senders put into bodies.
//! The salt is random and new in each life of a segment, so that nothing of an earlier life, and nothing that a sender
//! makes up, ever verifies; nor does a record that a disk wrote to the wrong place. A CRC proves integrity against accidents, not against somebody who can write to the disk.
//!
//! All records of one write carry the same offset 24. A write is begun only after the one before it was synced; so a hole
//! inside the last write is a write that a power cut tore, and a hole before it is damage.

use bytes::{BufMut, BytesMut};

use crate::clock::UnixMillis;
use crate::event::{DIGESTS_MAX, Digest, Event, EventView, HeadersView};

/// The part of a record whose size is fixed.
pub(super) const HEAD_BYTES: usize = 56;
/// Records begin at multiples of this.
pub(super) const ALIGN_BYTES: usize = 8;
/// The one version that this program writes and reads.
pub(super) const VERSION: u8 = 1;
/// No record is larger, whatever the segment's size; lengths are 32 bits.
const BYTES_MAX: usize = 1 << 30;

const KIND_EVENT: u8 = 1;
const FLAG_KEY: u16 = 1;
const DIGEST_BYTES: usize = 16;

/// What enters every checksum of one life of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt {
    pub(super) bytes: [u8; 16],
    seed: u32,
}

impl Salt {
    pub(super) fn new(bytes: [u8; 16]) -> Self {
        Self { bytes, seed: crc32c::crc32c(&bytes) }
    }

    fn body(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.seed, bytes)
    }

    fn head(self, at: u64, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.seed, &at.to_le_bytes()), bytes)
    }
}

/// How many bytes the event takes as a record, padding and all; none: more than any segment holds.
pub(super) fn length(event: &Event) -> Option<usize> {
    let key = event.key.as_ref().map_or(0, bytes::Bytes::len);
    let digests = event.digests.len().min(DIGESTS_MAX) * DIGEST_BYTES;
    let names = event.source.as_str().len() + event.topic.as_str().len();
    HEAD_BYTES
        .checked_add(digests + names)?
        .checked_add(key)?
        .checked_add(event.headers.as_bytes().len())?
        .checked_add(event.value.len())?
        .checked_next_multiple_of(ALIGN_BYTES)
        .filter(|length| *length <= BYTES_MAX)
}

/// Appends the event as a record; [`seal`] completes it once the segment is known. The event has passed [`length`], so
/// that all lengths fit.
pub(super) fn encode(event: &Event, sequence: u64, into: &mut BytesMut) {
    let start = into.len();
    let key = event.key.as_deref().unwrap_or_default();
    let digests = event.digests.get(..DIGESTS_MAX).unwrap_or(&event.digests);
    into.put_bytes(0, 12);
    into.put_u8(VERSION);
    into.put_u8(KIND_EVENT);
    into.put_u16_le(if event.key.is_some() { FLAG_KEY } else { 0 });
    into.put_u64_le(sequence);
    into.put_u64_le(0);
    into.put_u64_le(event.received_at.0);
    into.put_u32_le(short(key.len()));
    into.put_u32_le(short(event.headers.as_bytes().len()));
    into.put_u8(tiny(event.source.as_str().len()));
    into.put_u8(tiny(event.topic.as_str().len()));
    into.put_u8(tiny(digests.len()));
    into.put_bytes(0, 5);
    for digest in digests {
        into.put_u128_le(*digest);
    }
    into.extend_from_slice(event.source.as_str().as_bytes());
    into.extend_from_slice(event.topic.as_str().as_bytes());
    into.extend_from_slice(key);
    into.extend_from_slice(event.headers.as_bytes());
    into.extend_from_slice(&event.value);
    let length = into.len() - start;
    into.put_bytes(0, length.next_multiple_of(ALIGN_BYTES) - length);
    put(into, start + 8, &short(length).to_le_bytes());
}

/// Completes a record for its place in a segment: names the write that it belongs to, and computes the checksums.
/// `record` is all of it, with the padding. May be done again for another place.
pub(super) fn seal(record: &mut [u8], write: u64, salt: Salt, at: u64) {
    put(record, 24, &write.to_le_bytes());
    let body = salt.body(record.get(HEAD_BYTES..).unwrap_or_default());
    put(record, 4, &body.to_le_bytes());
    let head = salt.head(at, record.get(4..HEAD_BYTES).unwrap_or_default());
    put(record, 0, &head.to_le_bytes());
}

/// A head whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    /// The first sequence number of the same write.
    pub(super) write: u64,
    pub(super) received_at: UnixMillis,
    /// With the padding.
    pub(super) bytes: usize,
    body_checksum: u32,
}

/// What stands where a record should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A record, if its body is right too.
    Record(Head),
    /// Nothing was written here in this life.
    Blank,
    /// Something else.
    Junk,
    /// A record of a version or kind that this program does not know.
    Alien {
        /// The version it claims.
        version: u8,
    },
}

/// Looks at the [`HEAD_BYTES`] where a record may begin.
pub(super) fn look(head: &[u8; HEAD_BYTES], salt: Salt, at: u64) -> Start {
    let length = number(head, 8);
    // The cheap question first: it turns away nearly every offset of a search through a body.
    if !(HEAD_BYTES..=BYTES_MAX).contains(&length) || word(head, 0) != salt.head(at, &head[4..]) {
        return if head.iter().all(|byte| *byte == 0) { Start::Blank } else { Start::Junk };
    }
    let version = head[12];
    if version != VERSION || head[13] != KIND_EVENT {
        return Start::Alien { version };
    }
    if Parts::of(head).head() > length {
        return Start::Junk;
    }
    Start::Record(Head {
        sequence: long(head, 16),
        write: long(head, 24),
        received_at: UnixMillis(long(head, 32)),
        bytes: length.next_multiple_of(ALIGN_BYTES),
        body_checksum: word(head, 4),
    })
}

/// The whole record is as it was written.
pub(super) fn is_intact(record: &[u8], head: &Head, salt: Salt) -> bool {
    record.len() == head.bytes && salt.body(record.get(HEAD_BYTES..).unwrap_or_default()) == head.body_checksum
}

/// The event inside a record that was encoded here or found intact.
pub(super) fn view(record: &[u8]) -> EventView<'_> {
    let head = record.first_chunk::<HEAD_BYTES>().unwrap_or(&[0; HEAD_BYTES]);
    let parts = Parts::of(head);
    let end = number(head, 8);
    let mut rest = record.get(HEAD_BYTES + parts.digests..end).unwrap_or_default();
    let mut cut = |bytes: usize| {
        let (part, after) = rest.split_at_checked(bytes).unwrap_or_default();
        rest = after;
        part
    };
    let source = cut(parts.source);
    let topic = cut(parts.topic);
    let key = cut(parts.key);
    let headers = cut(parts.headers);
    EventView {
        source: std::str::from_utf8(source).unwrap_or_default(),
        topic: std::str::from_utf8(topic).unwrap_or_default(),
        key: (u16::from_le_bytes([head[14], head[15]]) & FLAG_KEY != 0).then_some(key),
        headers: HeadersView(headers),
        value: rest,
        received_at: UnixMillis(long(head, 32)),
    }
}

/// The idempotency digests of a record that was encoded here or found intact.
pub(super) fn digests(record: &[u8]) -> impl Iterator<Item = Digest> + '_ {
    let count = record.get(50).map_or(0, |count| usize::from(*count));
    let bytes = record.get(HEAD_BYTES..HEAD_BYTES + count * DIGEST_BYTES).unwrap_or_default();
    bytes.as_chunks::<DIGEST_BYTES>().0.iter().map(|digest| Digest::from_le_bytes(*digest))
}

/// How long the parts are that lie between the head and the value.
struct Parts {
    digests: usize,
    source: usize,
    topic: usize,
    key: usize,
    headers: usize,
}

impl Parts {
    fn of(head: &[u8; HEAD_BYTES]) -> Self {
        Self {
            digests: usize::from(head[50]) * DIGEST_BYTES,
            source: usize::from(head[48]),
            topic: usize::from(head[49]),
            key: number(head, 40),
            headers: number(head, 44),
        }
    }

    /// Where the value begins.
    fn head(&self) -> usize {
        [self.digests, self.source, self.topic, self.key, self.headers]
            .iter()
            .fold(HEAD_BYTES, |sum, part| sum.saturating_add(*part))
    }
}

fn put(into: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = into.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn word(head: &[u8; HEAD_BYTES], at: usize) -> u32 {
    head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn long(head: &[u8; HEAD_BYTES], at: usize) -> u64 {
    head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn number(head: &[u8; HEAD_BYTES], at: usize) -> usize {
    usize::try_from(word(head, at)).unwrap_or(usize::MAX)
}

/// A length that [`length`] has bounded.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A length that the types of names and digests bound.
fn tiny(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}
