//! The real disk: a directory of the machine.
//!
//! Files are 0600 and the directory 0700, since they hold what senders sent. Names are ours and a symbolic link in their
//! place is not followed, so that who may write to the directory's parent cannot point us elsewhere.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{Access, OFlags};

use super::{Disk, Entry, File};
use crate::spool::hold;

/// The file that is locked.
pub(super) const LOCK: &str = "lock";
/// What is set aside lies in here.
pub(in crate::spool) const DAMAGED: &str = "damaged";

/// A directory of the machine.
#[derive(Debug)]
pub(in crate::spool) struct Directory {
    path: PathBuf,
    handle: fs::File,
    lock: Mutex<Option<fs::File>>,
}

impl Directory {
    /// Makes the directory, and what is missing above it, durably, where it does not exist.
    pub(in crate::spool) fn make(path: &Path) -> io::Result<()> {
        make(path)
    }

    /// Opens the directory. That it cannot be written is an error already here: what is kept beside the events is
    /// written before them.
    pub(in crate::spool) fn open(path: &Path) -> io::Result<Self> {
        let handle = fs::File::open(path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)?;
        Ok(Self { path: path.to_owned(), handle, lock: Mutex::new(None) })
    }

    fn options() -> fs::OpenOptions {
        let mut options = fs::OpenOptions::new();
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        options.read(true).write(true).mode(0o600).custom_flags(flags);
        options
    }
}

/// Makes a directory and its parents, each made durable in the one above: a directory that vanishes at a power cut takes
/// along everything that was synced in it.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make(above)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::File::open(above)?.sync_all(),
    }
}

/// Where a file may lie without taking another's place.
fn free_name(directory: &Path, name: &str) -> PathBuf {
    let mut path = directory.join(name);
    let mut copies = 1u32;
    while path.symlink_metadata().is_ok() {
        copies += 1;
        path = directory.join(format!("{name}.{copies}"));
    }
    path
}

/// The files of a directory, in no order.
pub(super) fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        match entry.metadata() {
            Ok(about) if about.is_file() => entries.push(Entry { name, bytes: about.len() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // One bad inode does not hide the others; what is ours and cannot be used shows when it is opened.
            Err(error) => {
                tracing::warn!(%error, name, "nothing can be learned about a file in the spool's directory");
                entries.push(Entry { name, bytes: 0 });
            }
        }
    }
    Ok(entries)
}

/// How many files have been set aside in a directory.
pub(super) fn count_damaged(path: &Path) -> io::Result<usize> {
    match fs::read_dir(path.join(DAMAGED)) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

impl Disk for Directory {
    fn lock(&self) -> io::Result<bool> {
        let file = Self::options().create(true).truncate(false).open(self.path.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => {
                *hold(&self.lock) = Some(file);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = Self::options().create_new(true).open(self.path.join(name))?;
        Ok(Arc::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = Self::options().open(self.path.join(name))?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn set_aside(&self, name: &str) -> io::Result<()> {
        let aside = self.path.join(DAMAGED);
        make(&aside)?;
        fs::rename(self.path.join(name), free_name(&aside, name))?;
        fs::File::open(&aside)?.sync_all()?;
        self.sync_directory()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        list(&self.path)
    }

    fn count_damaged(&self) -> io::Result<usize> {
        count_damaged(&self.path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let volume = rustix::fs::fstatvfs(&self.handle)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn salt(&self) -> io::Result<[u8; 16]> {
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).map_err(|_| io::Error::other("the machine has no random bytes"))?;
        Ok(salt)
    }
}

impl File for fs::File {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
