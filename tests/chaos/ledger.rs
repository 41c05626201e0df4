//! What senders were told, written down after each answer was read.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hookgate::clock::{Clock, Moment};
use sha2::{Digest, Sha256};

/// Of a body.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its topic, then `<prefix>-<sender>-<number>`.
    pub(crate) topic: String,
    pub(crate) id: String,
    pub(crate) status: u16,
    /// It was said to be one that had come before.
    pub(crate) duplicate: bool,
    /// Since the ledger was opened; when the answer had been read.
    pub(crate) at: Duration,
    /// Of what was sent.
    pub(crate) hash: Hash,
}

impl Entry {
    pub(crate) fn is_promise(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// All answers, in memory and in a file that outlives a failed test.
pub(crate) struct Ledger {
    clock: Clock,
    start: Moment,
    path: PathBuf,
    pages: Mutex<(BufWriter<File>, Vec<Entry>)>,
    promises: AtomicUsize,
    unanswered: AtomicUsize,
}

impl Ledger {
    /// A new one, instead of the last one of that name.
    pub(crate) fn open(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledgers");
        fs::create_dir_all(&dir).expect("target can be written");
        let path = dir.join(format!("{name}.tsv"));
        let file = BufWriter::new(File::create(&path).expect("target can be written"));
        let clock = Clock::system();
        Self {
            start: clock.now(),
            clock,
            path,
            pages: Mutex::new((file, Vec::new())),
            promises: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        }
    }

    /// Since it was opened.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// Writes an answer down.
    pub(crate) fn enter(&self, topic: &str, id: &str, status: u16, duplicate: bool, hash: Hash) {
        let entry = Entry { topic: topic.into(), id: id.into(), status, duplicate, at: self.now(), hash };
        let mut hex = String::new();
        hash.iter().for_each(|byte| write!(hex, "{byte:02x}").expect("a string"));
        if entry.is_promise() {
            self.promises.fetch_add(1, Ordering::Relaxed);
        }
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pages.0, "{topic}\t{id}\t{status}\t{}\t{hex}", entry.at.as_micros()).expect("target can be written");
        pages.1.push(entry);
    }

    /// A request whose connection ended before its answer.
    pub(crate) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// So many answers were 2xx so far.
    pub(crate) fn promises(&self) -> usize {
        self.promises.load(Ordering::Relaxed)
    }

    /// So many requests were cut off.
    pub(crate) fn cut_off(&self) -> usize {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// All of it, in the order in which answers were read.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.0.flush().expect("target can be written");
        pages.1.clone()
    }

    /// Where it can be read afterwards.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
