//! Segments that lie under a name that is not theirs get their own, so that what is recycled or removed later is what is
//! meant.
//!
//! Their header says it. Names may have changed places, by a hand or by damage to the directory: then each lies in another's
//! way, and all first step aside, durably, under numbers that nobody has. A crash in between leaves what it began with:
//! segments under names that are not theirs.

use std::io;

use super::io::Disk;
use super::segment;

/// Renames files, from a name to its right one, which no other file has. Numbers from `unused` on have no file.
///
/// # Errors
/// The directory cannot be written; each file has one of the names.
pub(super) fn set_right(disk: &dyn Disk, mut misnamed: Vec<(String, String)>, unused: u64) -> io::Result<()> {
    if misnamed.is_empty() {
        return Ok(());
    }
    if misnamed.iter().any(|(_, right)| misnamed.iter().any(|(name, _)| name == right)) {
        for ((name, _), number) in misnamed.iter_mut().zip(unused..) {
            let aside = segment::name(number);
            disk.rename(name, &aside)?;
            *name = aside;
        }
        disk.sync_directory()?;
    }
    for (name, right) in &misnamed {
        disk.rename(name, right)?;
    }
    disk.sync_directory()
}
