//! A directory behind glass: it can be looked at, and nothing of it changed, on a read-only mount as well. Whoever uses
//! it does not notice: not even the lock is tried, since to try it is to hold it for a moment.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::directory::{self, LOCK};
use super::{Disk, Entry, File};

/// The kernel's list of who has locked what.
const LOCKS: &str = "/proc/locks";

/// A directory that is only read. What would change it is an error.
#[derive(Debug)]
pub(in crate::spool) struct Glass {
    path: PathBuf,
}

impl Glass {
    /// A directory that is there.
    pub(in crate::spool) fn over(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Some process of this machine has the directory's lock, as far as the kernel lets us see.
    pub(in crate::spool) fn is_locked(&self) -> bool {
        let Ok(lock) = fs::symlink_metadata(self.path.join(LOCK)) else { return false };
        let held = fs::read_to_string(LOCKS).unwrap_or_default();
        held.lines().any(|line| is_held(line, &lock).unwrap_or(false))
    }
}

/// A line is `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`: the process, then device and inode. The device may be
/// the one beneath, as it is on overlays: then the process has the file open under its own name.
fn is_held(line: &str, lock: &fs::Metadata) -> Option<bool> {
    let mut words = line.split_whitespace().skip(1).skip_while(|word| *word == "->");
    let kind = words.next()?;
    let mut words = words.skip(2);
    let (process, file) = (words.next()?, words.next()?);
    let (device, inode) = file.rsplit_once(':')?;
    if kind != "FLOCK" || inode.parse() != Ok(lock.ino()) {
        return Some(false);
    }
    let (major, minor) = device.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    let device = rustix::fs::makedev(number(major)?, number(minor)?);
    Some(device == lock.dev() || has_open(process, lock))
}

fn has_open(process: &str, lock: &fs::Metadata) -> bool {
    let files = fs::read_dir(Path::new("/proc").join(process).join("fd")).into_iter().flatten().flatten();
    let is_it = |file: fs::Metadata| (file.dev(), file.ino()) == (lock.dev(), lock.ino());
    files.filter_map(|file| fs::metadata(file.path()).ok()).any(is_it)
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for Glass {
    fn lock(&self) -> io::Result<bool> {
        refused()
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn File>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = options.read(true).custom_flags(flags).open(self.path.join(name))?;
        Ok(Arc::new(file))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn set_aside(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        directory::list(&self.path)
    }

    fn count_damaged(&self) -> io::Result<usize> {
        directory::count_damaged(&self.path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        refused()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let volume = rustix::fs::statvfs(&self.path)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn salt(&self) -> io::Result<[u8; 16]> {
        refused()
    }
}
