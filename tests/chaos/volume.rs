//! Volumes that may be hurt, each mounted in a scratch directory. Only root may mount.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::limit::wait_for;
use crate::support::scratch;

/// What is written at once to fill one.
const PIECE_BYTES: usize = 1 << 16;

/// What kind of file system it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext4,
    /// From 300 MiB on.
    Xfs,
    Tmpfs,
}

/// A mounted volume. It ends with this value; after a killed run the next one takes it away.
pub(crate) struct Volume {
    kind: Kind,
    dir: TempDir,
    mib: u64,
}

impl Kind {
    /// As `mount` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Tmpfs => "tmpfs",
        }
    }
}

impl Volume {
    /// A new, empty one.
    ///
    /// # Panics
    /// Where this machine does not let us mount: what was not tried must not look as if it had held.
    pub(crate) fn new(kind: Kind, mib: u64) -> Self {
        let volume = Self { kind, dir: scratch::dir("volume-"), mib };
        fs::create_dir(volume.path()).expect("a directory under target");
        let image = volume.image();
        let made = match kind {
            Kind::Ext4 => Some(vec!["mkfs.ext4", "-q", "-F", "-m", "0"]),
            Kind::Xfs => Some(vec!["mkfs.xfs", "-q", "-f"]),
            Kind::Tmpfs => None,
        };
        if let Some(command) = made {
            let file = File::create(&image).expect("target can be written");
            file.set_len(mib << 20).expect("a sparse file");
            run(&command, &[&image]);
        }
        volume.mount();
        volume
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("mount")
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Cuts the power: nothing that was not synced reaches the image, and all later calls fail.
    pub(crate) fn cut(&self) {
        run(&["xfs_io", "-x", "-c", "shutdown"], &[&self.path()]);
    }

    /// The power comes back. Whoever used the volume must have ended.
    pub(crate) fn come_back(&self) {
        // What was killed may still be on its way out.
        wait_for("the volume to be free", || unmount(&self.path(), &[]).then_some(()));
        self.mount();
    }

    /// Fills what is left of it with a file that is not the gateway's, all but so many bytes.
    pub(crate) fn fill(&self, but: u64) {
        let mut ballast = File::create(self.ballast()).expect("the volume can be written");
        let piece = vec![1; PIECE_BYTES];
        while self.free_bytes() > but {
            // Of the last piece a part may fit.
            if ballast.write_all(&piece).is_err() {
                break;
            }
        }
        ballast.sync_all().expect("what was written has its place");
    }

    /// Takes that file away.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    /// What others could still write to it.
    pub(crate) fn free_bytes(&self) -> u64 {
        let volume = rustix::fs::statvfs(self.path()).expect("it is mounted");
        volume.f_bavail * volume.f_frsize
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    fn mount(&self) {
        let (size, path) = (format!("size={}m", self.mib), self.path());
        match self.kind {
            Kind::Tmpfs => run(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs"], &[&path]),
            kind => run(&["mount", "-t", kind.name(), "-o", "loop"], &[&self.image(), &path]),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        unmount(&self.path(), &["--lazy"]);
    }
}

fn unmount(path: &Path, options: &[&str]) -> bool {
    let ran = Command::new("umount").args(options).arg(path).output();
    ran.is_ok_and(|output| output.status.success())
}

fn run(command: &[&str], paths: &[&Path]) {
    let (program, arguments) = command.split_first().expect("a program");
    let ran = Command::new(program).args(arguments).args(paths).output();
    let ran = ran.expect("mkfs, mount and xfs_io can be run: tests/run.sh installs them");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?} failed; volumes need root and loop devices: {said}");
}
