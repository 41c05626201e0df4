//! Which files there are, and what each is for. Nothing but headers is read.

use std::collections::HashSet;
use std::io;

use super::pass::About;
use super::report::State;
use crate::spool::checkpoint::Checkpoint;
use crate::spool::io::{DAMAGED, Disk, Entry, Glass};
use crate::spool::lineage;
use crate::spool::segment::{self, Header, NoHeader};

/// A segment's file.
#[derive(Debug, Clone)]
pub struct Segment {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) number: Option<u64>,
    pub(super) role: Role,
}

/// What it is for.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// It counts.
    Live(About),
    /// It lies in a place where nobody looks for it at a start.
    Apart,
    Spare,
    LeftOver,
    /// It has the name of a live one and cannot be one.
    Stray(State, String),
}

impl Segment {
    /// Its records are among those that the next start would find.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(self.role, Role::Live(_))
    }

    /// No record in it has a number in the range.
    #[must_use]
    pub fn is_outside(&self, from: u64, to: u64) -> bool {
        match &self.role {
            Role::Live(about) => about.header.base >= to || about.bounds.before <= from,
            _ => false,
        }
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What is said of a file without a header.
pub(super) fn no_header(why: NoHeader) -> (State, String) {
    match why {
        NoHeader::Damaged => (State::Damaged, "neither of its headers can be read".to_owned()),
        NoHeader::Alien { version } => {
            (State::Alien, format!("it has format version {version}; this program knows {}", segment::VERSION))
        }
    }
}

/// Those that a start would read, in the order of their records; then those that it would pass over.
pub(super) fn live(glass: &Glass, listed: &[Entry], checkpoint: &Checkpoint) -> Vec<Segment> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    let names: HashSet<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    for Entry { name, bytes } in listed {
        let Some((number, segment::LIVE)) = segment::parse(name) else { continue };
        let mut stray = |state, what| {
            let role = Role::Stray(state, what);
            others.push(Segment { name: name.clone(), bytes: *bytes, number: Some(number), role });
        };
        match glass.open(name).map(|file| Header::read_named(&*file, *bytes, number)) {
            Ok(Ok(header)) if header.number != number && names.contains(segment::name(header.number).as_str()) => {
                stray(State::Damaged, "it says that it is another one, which is there too".to_owned());
            }
            Ok(Ok(header)) => found.push((header, name.clone(), *bytes)),
            Ok(Err(why)) => {
                let (state, what) = no_header(why);
                stray(state, what);
            }
            // Recycled since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => stray(State::Damaged, format!("it cannot be opened: {error}")),
        }
    }
    found.sort_by_key(|(header, ..)| (header.base, header.number));
    let left_over = left_over(glass, &found);
    let (gone, stay): (Vec<_>, Vec<_>) = found.into_iter().partition(|(header, ..)| left_over.contains(&header.number));
    let headers: Vec<Header> = stay.iter().map(|(header, ..)| *header).collect();
    let last_log = lineage::last_log(headers.iter());
    let live = stay.into_iter().zip(lineage::bounds(&headers)).map(|((header, name, bytes), bounds)| {
        let is_last = header.is_log() && header.number == last_log;
        let known = checkpoint.synced_in(header.number).filter(|_| is_last);
        let about = About { header, bounds, known, alone: false };
        Segment { name, bytes, number: Some(header.number), role: Role::Live(about) }
    });
    let gone = gone.into_iter().map(|(header, name, bytes)| Segment {
        name,
        bytes,
        number: Some(header.number),
        role: Role::LeftOver,
    });
    live.chain(gone).chain(others).collect()
}

/// The numbers of segments whose records are in a compacted one, or were written again.
fn left_over(glass: &Glass, found: &[(Header, String, u64)]) -> HashSet<u64> {
    let mut left = HashSet::new();
    for (run, name, bytes) in found {
        let replaced =
            |other: &&(Header, String, u64)| lineage::replaces(run, &other.0) && !left.contains(&other.0.number);
        let numbers: Vec<u64> = found.iter().filter(replaced).map(|(header, ..)| header.number).collect();
        if numbers.is_empty() || left.contains(&run.number) {
            continue;
        }
        let whole = glass.open(name).is_ok_and(|file| lineage::is_whole(run, &*file, *bytes));
        // Damaged, it gives way to what it replaced, if that is still there.
        let sequences = |(header, name, bytes): &(Header, String, u64)| {
            glass.open(name).map(|file| lineage::sequences(header, &*file, *bytes)).unwrap_or_default()
        };
        let has_more = || {
            let old: HashSet<u64> = found.iter().filter(replaced).flat_map(sequences).collect();
            sequences(&(*run, name.clone(), *bytes)).iter().any(|sequence| !old.contains(sequence))
        };
        left.extend(if whole || has_more() { numbers } else { vec![run.number] });
    }
    let latest =
        lineage::latest(found.iter().map(|(header, ..)| header).filter(|header| !left.contains(&header.number)));
    left.extend(
        found
            .iter()
            .map(|(header, ..)| header)
            .filter(|header| !left.contains(&header.number))
            .filter(|header| lineage::is_attempt(header, &latest))
            .map(|header| header.number)
            .collect::<Vec<_>>(),
    );
    left
}

/// Those that lie ready, and those that have been set aside.
pub(super) fn others(listed: &[Entry], aside: Vec<Entry>) -> impl Iterator<Item = Segment> {
    let spare = |entry: &&Entry| segment::parse(&entry.name).is_some_and(|(_, suffix)| suffix == segment::SPARE);
    let number = |name: &str| segment::parse(name).map(|(number, _)| number);
    let spares = listed.iter().filter(spare).map(move |Entry { name, bytes }| Segment {
        name: name.clone(),
        bytes: *bytes,
        number: number(name),
        role: Role::Spare,
    });
    spares.chain(aside.into_iter().map(move |Entry { name, bytes }| Segment {
        name: format!("{DAMAGED}/{name}"),
        bytes,
        number: number(&name),
        role: Role::Apart,
    }))
}
