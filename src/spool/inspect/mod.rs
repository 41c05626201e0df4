//! A spool's directory for who only looks: a copy, a read-only mount, one that a gateway is using.
//!
//! Nothing is written and no lock is taken. Segments are read one after the other, so that memory does not grow with
//! them. What a running gateway recycles meanwhile cannot be taken for records: the salt of its next life is another. A
//! file whose header has changed by the time something in it looks wrong is [`State::Gone`], not damaged.
//!
//! Which segments and records count is decided by the same code as at a start (`lineage`, `survey`); what it would do
//! about it is only told.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::io::{DAMAGED, Disk, Entry, Glass};
use super::segment::{self, Header};
use super::{Remembered, keys};
use crate::clock::UnixMillis;

mod listing;
mod pass;
mod report;
mod selection;

pub use listing::Segment;
pub use report::{Damage, Kept, Report, State};
pub use selection::{Point, Range, RangeError, Selection};

use listing::{Role, no_header};
use pass::About;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be read ({error}); name a spool's directory, or a segment's file")]
pub struct InspectError {
    /// What was to be looked at.
    pub path: PathBuf,
    /// What the machine said.
    pub error: io::Error,
}

/// A directory, or one file of it, as it was when it was opened.
#[derive(Debug)]
pub struct Inspection {
    glass: Glass,
    path: PathBuf,
    checkpoint: Checkpoint,
    has_checkpoint: bool,
    segments: Vec<Segment>,
    key_files: Vec<Entry>,
}

/// A file with keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// How many keys it holds, as far as it can be read.
    pub keys: u64,
    /// Why it cannot be read to its end.
    pub damage: Option<String>,
}

/// What the checkpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// All records below this sequence number are delivered.
    pub watermark: u64,
    /// The next sequence number.
    pub next_sequence: u64,
}

impl Inspection {
    /// Looks into a directory, or at a single segment, which is judged by what lies beside it.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub fn open(path: &Path) -> Result<Self, InspectError> {
        let failed = |error| InspectError { path: path.to_owned(), error };
        match Glass::over(path) {
            Ok(glass) => Self::of(glass, path).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Self::of_file(path).map_err(failed),
            Err(error) => Err(failed(error)),
        }
    }

    fn of_file(path: &Path) -> io::Result<Self> {
        let above = |path: &Path| path.parent().filter(|above| !above.as_os_str().is_empty()).map(Path::to_owned);
        let beside = above(path).unwrap_or_else(|| PathBuf::from("."));
        let home = if beside.ends_with(DAMAGED) { above(&beside) } else { None }.unwrap_or_else(|| beside.clone());
        let name = path.strip_prefix(&home).unwrap_or(path).to_string_lossy().into_owned();
        let mut whole = Self::of(Glass::over(&home)?, &home)?;
        whole.segments.retain(|segment| segment.name == name);
        if whole.segments.is_empty() {
            let listed = Glass::over(&beside)?.list()?;
            let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
            let entry = listed.into_iter().find(|entry| entry.name == file).ok_or(io::ErrorKind::NotFound)?;
            whole.segments.push(Segment { name, bytes: entry.bytes, number: None, role: Role::Apart });
        }
        whole.key_files.clear();
        Ok(whole)
    }

    fn of(glass: Glass, path: &Path) -> io::Result<Self> {
        // Before the files: what it says of them is then no more than they hold.
        let (_, checkpoint) = Checkpoints::load(&glass);
        let has_checkpoint = checkpoint != Checkpoint::default();
        let mut listed = glass.list()?;
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        let mut aside = Glass::over(&path.join(DAMAGED)).and_then(|aside| aside.list()).unwrap_or_default();
        aside.sort_by(|one, other| one.name.cmp(&other.name));
        let mut segments = listing::live(&glass, &listed, &checkpoint);
        segments.extend(listing::others(&listed, aside));
        let is_keys = |entry: &Entry| segment::parse(&entry.name).is_some_and(|(_, suffix)| suffix == keys::SUFFIX);
        let key_files = listed.into_iter().filter(is_keys).collect();
        Ok(Self { glass, path: path.to_owned(), checkpoint, has_checkpoint, segments, key_files })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// There is something that a spool has left here.
    #[must_use]
    pub fn is_spool(&self) -> bool {
        !self.segments.is_empty() || self.has_checkpoint || !self.key_files.is_empty()
    }

    /// Some process of this machine is using it now, as far as can be seen: figures may be moving.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.glass.is_locked()
    }

    /// There is a checkpoint that cannot be read: everything counts as undelivered.
    #[must_use]
    pub fn has_lost_its_checkpoint(&self) -> bool {
        !self.has_checkpoint && Checkpoints::are_there(&self.glass)
    }

    /// What the checkpoint says; none: there is none that can be read.
    #[must_use]
    pub fn reached(&self) -> Option<Reached> {
        let Checkpoint { watermark, next_sequence, .. } = self.checkpoint;
        self.has_checkpoint.then_some(Reached { watermark, next_sequence })
    }

    /// The segments: those that count in the order of their records, then the others.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The key files, oldest first.
    #[must_use]
    pub fn key_files(&self) -> Vec<KeyFile> {
        let read = |Entry { name, bytes }: &Entry| {
            let (mut count, mut newest) = (0, 0);
            let mut tell = |_: Remembered<'_>| {
                count += 1;
                None
            };
            let read = keys::read(&self.glass, name, *bytes, UnixMillis(0), &mut tell, &mut newest);
            // One that is gone since it was listed has done its time. The keys of a block that is not finished are in
            // their segment as well.
            let harmless =
                |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof);
            let damage = read.err().filter(|error| !harmless(error));
            KeyFile { name: name.clone(), bytes: *bytes, keys: count, damage: damage.map(|error| error.to_string()) }
        };
        self.key_files.iter().map(read).collect()
    }

    /// Reads a segment, tells each record, and reports. It stops when it is told to.
    pub fn read(&self, segment: &Segment, each: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>) -> Report {
        let report = |state| Report::new(&segment.name, segment.number, segment.bytes, state);
        match &segment.role {
            Role::Spare => report(State::Spare),
            Role::LeftOver => report(State::LeftOver),
            Role::Stray(state, what) => {
                let mut report = report(*state);
                report.add_damage(Damage { at: 0, bytes: 0, what: what.clone() });
                report
            }
            Role::Live(about) => self.read_live(segment, about, each),
            Role::Apart => self.read_apart(segment, each),
        }
    }

    fn read_live(&self, segment: &Segment, about: &About, each: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>) -> Report {
        let fresh = || Report::new(&segment.name, segment.number, segment.bytes, State::Live);
        let mut report = fresh();
        let file = match self.glass.open(&segment.name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Report { state: State::Gone, ..report },
            Err(error) => {
                report.state = State::Damaged;
                report.add_damage(Damage { at: 0, bytes: 0, what: format!("cannot be opened: {error}") });
                return report;
            }
        };
        if !pass::run(&*file, about, &self.checkpoint, &mut report, each) {
            return report;
        }
        if report.places() == 0 && report.torn_at.is_none() {
            return report;
        }
        // Its records may have been on their way while they were read, or the file may have begun another life.
        let is_same = Header::read_named(&*file, segment.bytes, about.header.number) == Ok(about.header);
        if !is_same || self.glass.open(&segment.name).is_err() {
            return Report { state: State::Gone, damage: Vec::new(), more_damage: 0, torn_at: None, ..report };
        }
        let mut again = fresh();
        pass::run(&*file, about, &self.checkpoint, &mut again, &mut |_| ControlFlow::Continue(()));
        Report {
            state: again.state,
            damage: again.damage,
            more_damage: again.more_damage,
            torn_at: again.torn_at,
            ..report
        }
    }

    fn read_apart(&self, segment: &Segment, each: &mut dyn FnMut(Kept<'_>) -> ControlFlow<()>) -> Report {
        let mut report = Report::new(&segment.name, segment.number, segment.bytes, State::Aside);
        let file = match self.glass.open(&segment.name) {
            Ok(file) => file,
            Err(error) => {
                report.add_damage(Damage { at: 0, bytes: 0, what: format!("cannot be opened: {error}") });
                return report;
            }
        };
        match Header::read_named(&*file, segment.bytes, segment.number.unwrap_or_default()) {
            Ok(header) => {
                report.number = Some(header.number);
                pass::run(&*file, &About::alone(header), &self.checkpoint, &mut report, each);
            }
            Err(why) => report.add_damage(Damage { at: 0, bytes: 0, what: no_header(why).1 }),
        }
        report
    }
}
