//! Key files: the idempotency digests of records that are gone, until nobody will ask for them any more.
//!
//! A segment is recycled only after its digests are here and synced. A key file that is lost or damaged costs duplicates.
//! Kafka has every event whose key is here: one that is only moved by a compaction keeps its key itself.
//!
//! # Format
//!
//! Version 1, in `<number>.keys`: one block after the other, each of what one segment held. Little endian.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | `hookgkey` |
//! | 8 | 4 | version: 1 |
//! | 12 | 4 | minutes since 1970 of the newest entry |
//! | 16 | 8 | length of the block in bytes, with the checksum |
//! | 24 | | for each source: length of its name (1 byte), the name, number of entries (4), the entries |
//! | | 4 | CRC32C of everything before in the block |
//!
//! An entry is the digest (16) and received-at in minutes since 1970 (4).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::io::{Disk, Entry, File};
use super::{Remember, Remembered, record, size, wide};
use crate::clock::UnixMillis;
use crate::event::Digest;

/// A key file's name ends so.
pub(super) const SUFFIX: &str = "keys";
/// A file takes blocks until it has so many bytes.
const FILE_BYTES: u64 = 4 << 20;
const MAGIC: &[u8; 8] = b"hookgkey";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 24;
const CHECKSUM_BYTES: usize = 4;
const ENTRY_BYTES: usize = 20;
const MINUTE_MS: u64 = 60_000;

/// Digests by source, as they are collected from a segment.
#[derive(Debug, Default)]
pub(super) struct Keys {
    sources: BTreeMap<String, Vec<(Digest, u32)>>,
}

impl Keys {
    /// Adds those of a record.
    pub(super) fn add(&mut self, frame: &[u8]) {
        let mut digests = record::digests(frame).peekable();
        if digests.peek().is_none() {
            return;
        }
        let event = record::view(frame);
        let minutes = u32::try_from(event.received_at.0 / MINUTE_MS).unwrap_or(u32::MAX);
        if !self.sources.contains_key(event.source) {
            self.sources.insert(event.source.to_owned(), Vec::new());
        }
        if let Some(entries) = self.sources.get_mut(event.source) {
            entries.extend(digests.map(|digest| (digest, minutes)));
        }
    }

    /// There is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    fn newest(&self) -> u32 {
        self.sources.values().flatten().map(|(_, minutes)| *minutes).max().unwrap_or(0)
    }

    fn encode(&self) -> Vec<u8> {
        let mut block = Vec::new();
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&VERSION.to_le_bytes());
        block.extend_from_slice(&self.newest().to_le_bytes());
        block.extend_from_slice(&[0; 8]);
        for (source, entries) in &self.sources {
            // A source's name has at most 100 bytes, a segment at most 2^30: both lengths fit.
            block.push(u8::try_from(source.len()).unwrap_or(u8::MAX));
            block.extend_from_slice(source.as_bytes());
            block.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
            for (digest, minutes) in entries {
                block.extend_from_slice(&digest.to_le_bytes());
                block.extend_from_slice(&minutes.to_le_bytes());
            }
        }
        let length = wide(block.len() + CHECKSUM_BYTES).to_le_bytes();
        if let Some(place) = block.get_mut(16..FIXED_BYTES) {
            place.copy_from_slice(&length);
        }
        block.extend_from_slice(&crc32c::crc32c(&block).to_le_bytes());
        block
    }
}

/// The key files of a spool, oldest first.
#[derive(Debug, Default)]
pub(super) struct KeyFiles {
    files: Vec<KeyFile>,
    /// The last file, while blocks are added to it.
    open: Option<Arc<dyn File>>,
    /// Files had to go before their time; said once.
    short: bool,
}

#[derive(Debug)]
struct KeyFile {
    name: String,
    bytes: u64,
    newest: u32,
}

impl KeyFiles {
    /// Reads all key files and tells every key that came at `since` or later.
    pub(super) fn recall(
        disk: &dyn Disk,
        mut entries: Vec<Entry>,
        since: UnixMillis,
        remember: &mut Remember<'_>,
    ) -> Self {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let mut files = Vec::new();
        for Entry { name, bytes } in entries {
            // What cannot be read now cannot later: the file is as old as what can.
            let mut newest = 0;
            if let Err(error) = read(disk, &name, bytes, since, remember, &mut newest) {
                tracing::warn!(%error, name, "a key file cannot be read to its end; duplicates are possible");
            }
            files.push(KeyFile { name, bytes, newest });
        }
        Self { files, open: None, short: false }
    }

    /// Adds a block, durably.
    ///
    /// # Errors
    /// It is not there; the next one goes to a new file.
    pub(super) fn add(&mut self, disk: &dyn Disk, keys: &Keys, next_number: impl FnOnce() -> u64) -> io::Result<()> {
        if self.open.is_none() || self.files.last().is_none_or(|file| file.bytes >= FILE_BYTES) {
            let name = format!("{:016x}.{SUFFIX}", next_number());
            self.open = Some(disk.create(&name)?);
            self.files.push(KeyFile { name, bytes: 0, newest: 0 });
            disk.sync_directory().inspect_err(|_| self.drop_failed(disk))?;
        }
        let (Some(file), Some(about)) = (&self.open, self.files.last_mut()) else { return Ok(()) };
        let block = keys.encode();
        let written = file.write_all_at(&block, about.bytes).and_then(|()| file.sync());
        if written.is_ok() {
            about.bytes += wide(block.len());
            about.newest = about.newest.max(keys.newest());
        }
        written.inspect_err(|_| self.drop_failed(disk))
    }

    /// After a failed sync nothing may be added to the last file: what it holds behind the synced blocks is in doubt.
    /// Without one it is of no use, and goes.
    fn drop_failed(&mut self, disk: &dyn Disk) {
        self.open = None;
        if let Some(failed) = self.files.pop_if(|file| file.bytes == 0) {
            drop(disk.remove(&failed.name));
        }
    }

    /// Removes files of which nobody will ask any more, and the oldest beyond `max_bytes`. A clock that has jumped ahead
    /// would make all of them old: it counts only as far as keys have come.
    pub(super) fn expire(&mut self, disk: &dyn Disk, now: UnixMillis, horizon: Duration, max_bytes: u64) {
        let horizon = u64::try_from(horizon.as_millis()).unwrap_or(u64::MAX) / MINUTE_MS;
        let known = self.files.iter().map(|file| file.newest).max();
        let reached = (now.0 / MINUTE_MS).min(u64::from(known.unwrap_or(0)));
        let oldest = reached.saturating_sub(horizon);
        let mut total = self.bytes();
        let last = self.files.len().saturating_sub(usize::from(self.open.is_some()));
        let mut index = 0;
        let mut early = 0;
        self.files.retain(|file| {
            let old = index < last && u64::from(file.newest) < oldest;
            let beyond = index < last && !old && total > max_bytes;
            index += 1;
            early += usize::from(beyond);
            if old || beyond {
                total -= file.bytes;
                drop(disk.remove(&file.name));
            }
            !(old || beyond)
        });
        if early > 0 && !std::mem::replace(&mut self.short, true) {
            tracing::warn!(
                files = early,
                "keys are forgotten before their time, since key files have reached a tenth of spool.max_bytes; \
                 duplicates of delivered events are possible after a restart"
            );
        }
    }

    /// What they take.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Tells the keys of a file that came at `since` or later, and how new the newest is, as far as it can be read.
///
/// # Errors
/// It cannot be read to its end; [`io::ErrorKind::UnexpectedEof`]: the last block has not been written to its own end.
pub(super) fn read(
    disk: &dyn Disk,
    name: &str,
    bytes: u64,
    since: UnixMillis,
    remember: &mut Remember<'_>,
    newest: &mut u32,
) -> io::Result<()> {
    let file = disk.open(name)?;
    let mut at = 0;
    while at < bytes {
        let mut fixed = [0; FIXED_BYTES];
        file.read_full_at(&mut fixed, at)?;
        let length = u64::from_le_bytes(*fixed.last_chunk::<8>().unwrap_or(&[0; 8]));
        let is_short = bytes - at < wide(FIXED_BYTES);
        if !is_short && !fixed.starts_with(MAGIC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if is_short || length > bytes - at {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut block = vec![0; size(length)];
        file.read_full_at(&mut block, at)?;
        *newest = (*newest).max(decode(&block, since, remember).ok_or(io::ErrorKind::InvalidData)?);
        at += length;
    }
    Ok(())
}

/// Tells the keys of a block; none: it is damaged, cut short, or of another version.
fn decode(block: &[u8], since: UnixMillis, remember: &mut Remember<'_>) -> Option<u32> {
    let (content, checksum) = block.split_last_chunk::<CHECKSUM_BYTES>()?;
    (crc32c::crc32c(content).to_le_bytes() == *checksum).then_some(())?;
    let (version, rest) = content.get(8..)?.split_first_chunk::<4>()?;
    let (newest, rest) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*version) == VERSION).then_some(())?;
    let mut rest = rest.get(8..)?;
    while let Some((length, after)) = rest.split_first() {
        let (source, after) = after.split_at_checked(usize::from(*length))?;
        let (count, after) = after.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (entries, after) = after.split_at_checked(count.checked_mul(ENTRY_BYTES)?)?;
        let source = std::str::from_utf8(source).ok()?;
        for entry in entries.as_chunks::<ENTRY_BYTES>().0 {
            let digest = Digest::from_le_bytes(*entry.first_chunk()?);
            let minutes = u32::from_le_bytes(*entry.last_chunk()?);
            // The end of that minute: better a minute too long than one too short.
            let received_at = UnixMillis((u64::from(minutes) + 1) * MINUTE_MS);
            if received_at > since {
                // Kafka has it: there is nothing to claim.
                drop(remember(Remembered { source, digests: &[digest], received_at, delivered: true }));
            }
        }
        rest = after;
    }
    Some(u32::from_le_bytes(*newest))
}
