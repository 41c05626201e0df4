//! What sources need to know about the whole gateway.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::decode::Field;
use crate::config::problem::{At, Problems};
use crate::name::TopicName;
use crate::spool::Ack;
use crate::units::ByteSize;

/// What custody the disk can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    /// There is no `spool.dir`.
    None,
    /// It does not outlive the machine: second custody only.
    Scratch,
    /// It does.
    Durable,
}

/// What sources need to know about the whole.
pub(super) struct Whole<'a> {
    pub(super) public_url: Option<String>,
    /// Secrets are the true ones, and looked at.
    pub(super) check_keys: bool,
    /// A gateway will run with it: what it needs beside its sources is looked at.
    pub(super) check_surroundings: bool,
    pub(super) ack: Ack,
    pub(super) disk: Disk,
    /// `spool.dir`
    pub(super) spool_dir: Option<PathBuf>,
    pub(super) dedupe_window: Duration,
    pub(super) body_budget: ByteSize,
    pub(super) topic: &'a Field<String>,
    /// None where it is wrong.
    pub(super) dead_letter_topic: Option<TopicName>,
    /// Somebody's word about the sender is taken.
    pub(super) trusts_proxies: bool,
}

impl Whole<'_> {
    /// Refuses an `ack` that nothing could ever satisfy.
    pub(super) fn check_ack(&self, ack: Ack, at: &At, problems: &mut Problems) {
        if matches!(ack, Ack::Disk | Ack::Both) && self.disk != Disk::Durable {
            let expected = if self.disk == Disk::Scratch {
                "`kafka`: a scratch directory is second custody only"
            } else {
                "`spool.dir` on a durable volume, or `ack: kafka`"
            };
            problems.error(at, "an `ack` that needs a disk", expected);
        }
        if ack == Ack::Memory {
            let expected = "another `ack`: what is in memory when the process ends is lost, after a 200";
            problems.warn(at, "`memory`", expected);
        }
    }
}
