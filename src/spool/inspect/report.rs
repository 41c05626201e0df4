//! What an inspection says of one file.

use crate::clock::UnixMillis;
use crate::event::EventView;

/// So many places of damage are told of one file; the others are counted.
pub(super) const DAMAGE_MAX: usize = 100;

/// An intact record where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Its number.
    pub sequence: u64,
    /// Kafka has it, as far as the checkpoint knows.
    pub delivered: bool,
    /// What it carries.
    pub event: EventView<'a>,
    /// What it takes on disk.
    pub bytes: u64,
}

/// What becomes of a file at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its records are delivered, unless they are.
    Live,
    /// The same, and some of it cannot be read.
    Damaged,
    /// It has been set aside, for a person.
    Aside,
    /// It lies ready for records.
    Spare,
    /// What it holds is elsewhere too, or was given up; it goes.
    LeftOver,
    /// A newer program has written it, or some of it.
    Alien,
    /// It was recycled or removed while it was looked at: what it held has been delivered, or moved on.
    Gone,
}

impl State {
    /// As it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Damaged => "damaged",
            Self::Aside => "aside",
            Self::Spare => "spare",
            Self::LeftOver => "left-over",
            Self::Alien => "alien",
            Self::Gone => "gone",
        }
    }

    /// A person is needed.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Damaged | Self::Aside | Self::Alien)
    }
}

/// A place that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where in the file it begins.
    pub at: u64,
    /// How long it is; 0 where that is not known.
    pub bytes: u64,
    /// What is so about it.
    pub what: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name, below the spool's directory.
    pub name: String,
    /// The segment's number; none: it does not say.
    pub number: Option<u64>,
    /// What becomes of it.
    pub state: State,
    /// Its length.
    pub bytes: u64,
    /// Intact records that count.
    pub records: u64,
    /// Those that Kafka does not have, as far as the checkpoint knows.
    pub undelivered: u64,
    /// The first sequence number and the last.
    pub sequences: Option<(u64, u64)>,
    /// When the oldest was received, and the newest.
    pub received: Option<(UnixMillis, UnixMillis)>,
    /// The first places that cannot be read.
    pub damage: Vec<Damage>,
    /// Further places.
    pub more_damage: u64,
    /// Where a write begins that was not finished; nobody was told that it was safe.
    pub torn_at: Option<u64>,
}

impl Report {
    pub(super) fn new(name: &str, number: Option<u64>, bytes: u64, state: State) -> Self {
        Self {
            name: name.to_owned(),
            number,
            state,
            bytes,
            records: 0,
            undelivered: 0,
            sequences: None,
            received: None,
            damage: Vec::new(),
            more_damage: 0,
            torn_at: None,
        }
    }

    pub(super) fn add(&mut self, kept: &Kept<'_>) {
        let (sequence, at) = (kept.sequence, kept.event.received_at);
        self.records += 1;
        self.undelivered += u64::from(!kept.delivered);
        self.sequences = Some(self.sequences.map_or((sequence, sequence), |(first, _)| (first, sequence)));
        self.received = Some(self.received.map_or((at, at), |(oldest, newest)| (oldest.min(at), newest.max(at))));
    }

    pub(super) fn add_damage(&mut self, damage: Damage) {
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(damage);
        } else {
            self.more_damage += 1;
        }
    }

    /// How many places cannot be read.
    #[must_use]
    pub fn places(&self) -> u64 {
        crate::spool::wide(self.damage.len()) + self.more_damage
    }
}
