//! Directories of the tests, all in one place under `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// A new directory, which ends with this value.
pub(crate) fn dir(prefix: &str) -> TempDir {
    TempDir::with_prefix_in(prefix, swept()).expect("a directory under target")
}

/// The place for them, without what earlier runs left behind: what all tests share is never dropped, and a killed test
/// run drops nothing.
fn swept() -> PathBuf {
    static SWEPT: OnceLock<PathBuf> = OnceLock::new();
    let mine = || {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it");
        fs::create_dir_all(&all).expect("target can be written");
        for old in fs::read_dir(&all).expect("a directory").flatten() {
            if !Path::new("/proc").join(old.file_name()).exists() {
                unmount_in(&old.path());
                fs::remove_dir_all(old.path()).ok();
            }
        }
        let mine = all.join(std::process::id().to_string());
        fs::create_dir_all(&mine).expect("target can be written");
        mine
    };
    SWEPT.get_or_init(mine).clone()
}

/// Takes the volumes away that are mounted in a directory; those of images free their loop devices then.
fn unmount_in(dir: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("Linux");
    for volume in mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|at| Path::new(at).starts_with(dir)) {
        Command::new("umount").args(["--lazy", volume]).status().ok();
    }
}
