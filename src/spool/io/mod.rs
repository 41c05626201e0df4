//! The seam between the spool and the world: everything that the spool does to a disk, and nothing else does.
//!
//! [`directory`] is the real thing, `glass` the same for who only looks. `twin`, in tests, is a disk in memory that forgets at a crash what was not synced,
//! tears sectors, loses directory entries and fails on demand.
//!
//! What is promised by a disk, and no more: bytes written are there after a crash once `sync` of that file has returned;
//! a file that was made, renamed or removed is so after a crash once `sync_directory` has returned. In between anything
//! may be there, in any order. After a failed `sync` nothing of that file may be trusted but what an earlier one wrote.

use std::fmt;
use std::io;
use std::sync::Arc;

mod directory;
mod glass;
#[cfg(test)]
pub(super) mod twin;

pub(super) use directory::{DAMAGED, Directory};
pub(super) use glass::Glass;

/// A spool's directory.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Takes the directory for this process, for as long as the disk lives. False: another has it.
    ///
    /// # Errors
    /// The lock file cannot be made or opened.
    fn lock(&self) -> io::Result<bool>;

    /// Makes a new, empty file.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    /// It does not exist, or cannot be opened.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, in place of a file that may have that name.
    ///
    /// # Errors
    /// It does not exist, or the directory cannot be written.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Moves a file to `damaged/`, in nobody's place, and makes that durable.
    ///
    /// # Errors
    /// As of `rename`.
    fn set_aside(&self, name: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// It does not exist, or the directory cannot be written.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The files of the directory, in no order.
    ///
    /// # Errors
    /// It cannot be read.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// How many files lie in `damaged/`.
    ///
    /// # Errors
    /// It cannot be read.
    fn count_damaged(&self) -> io::Result<usize>;

    /// Makes what was made, renamed and removed durable.
    ///
    /// # Errors
    /// None of it may be relied on.
    fn sync_directory(&self) -> io::Result<()>;

    /// How many bytes the volume could still hold for us.
    ///
    /// # Errors
    /// The volume does not say.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Sixteen bytes that nobody can foretell.
    ///
    /// # Errors
    /// The machine has none.
    fn salt(&self) -> io::Result<[u8; 16]>;
}

/// One file of the directory.
pub(super) trait File: fmt::Debug + Send + Sync {
    /// Reads at an offset; 0: there is nothing.
    ///
    /// # Errors
    /// The bytes cannot be read.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset, perhaps not all.
    ///
    /// # Errors
    /// Any part of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes what was written, and the length, durable: `fdatasync`.
    ///
    /// # Errors
    /// What was written since the last one is in doubt for ever; to ask again proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Writes all at an offset.
    ///
    /// # Errors
    /// Any part of the bytes may have been written.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    offset += super::wide(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until the buffer or the file ends, and says how much that was.
    ///
    /// # Errors
    /// The bytes cannot be read.
    fn read_full_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + super::wide(filled)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// A file as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
}
