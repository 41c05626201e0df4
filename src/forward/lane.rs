//! A topic that had trouble leaves the main line: its lane.
//!
//! While a topic has a lane, new parcels of it that lie on disk are put aside there, so that they stay behind the older
//! ones, and are read back in order once the trouble is over; parcels that only memory has are held where they need not
//! wait for an operator. A lane ends when it has caught up.
//!
//! # Invariants
//! 1. What is held was taken before anything that was put aside since the lane began.
//! 2. The disk is read only when nothing is held.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::Backoff;
use crate::clock::Moment;
use crate::spool::Parcel;

/// A lane holds so many parcels that only memory has; what comes beyond that is given up, so that its caller may turn
/// to the disk or send again.
pub(super) const HELD_MAX: usize = 10_000;

const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
const PROBE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What the lane does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Reads back what was put aside.
    Drain,
    /// Sends what failed for a time, once its wait is over.
    Retry,
    /// Sends what was refused one by one, to find the one.
    Alone,
    /// Waits for an operator, and tries with one parcel from time to time.
    Paused,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) mode: Mode,
    /// By their number in the line.
    pub(super) held: BTreeMap<u64, Parcel>,
    aside: Option<Aside>,
    pub(super) backoff: Backoff,
    /// One parcel is on its way to see whether the topic is well again.
    pub(super) probing: bool,
}

/// A stretch of sequence numbers; other topics' lie in it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) from: u64,
    pub(super) before: u64,
}

/// What becomes of a new parcel.
#[derive(Debug)]
pub(super) enum Admission {
    /// The lane has it, or it is given up.
    Settled,
    /// It may be sent at once.
    Send(Parcel),
    /// It may be sent to see whether the topic is well again.
    Probe(Parcel),
}

impl Lane {
    pub(super) fn new(mode: Mode, now: Moment) -> Self {
        Self { mode, held: BTreeMap::new(), aside: None, backoff: Self::waits(mode, now), probing: false }
    }

    fn waits(mode: Mode, now: Moment) -> Backoff {
        let (first, longest) = if mode == Mode::Paused { PROBE } else { RETRY };
        let mut backoff = Backoff::starting(first, longest, now);
        if matches!(mode, Mode::Alone | Mode::Drain) {
            backoff.at_once();
        }
        backoff
    }

    /// Graver trouble takes over; lesser trouble changes nothing.
    pub(super) fn worsen(&mut self, mode: Mode, now: Moment) {
        if mode > self.mode {
            self.set_mode(mode, now);
        }
    }

    /// The topic is not well yet, where it was being probed.
    pub(super) fn probe_failed(&mut self, now: Moment) {
        if std::mem::take(&mut self.probing) {
            self.backoff.again(now);
        }
    }

    /// The trouble is over, or another one.
    pub(super) fn set_mode(&mut self, mode: Mode, now: Moment) {
        self.mode = mode;
        self.probing = false;
        self.backoff = Self::waits(mode, now);
    }

    /// A parcel from the main line, where the topic is quiet or not.
    pub(super) fn admit(&mut self, number: u64, parcel: Parcel, quiet: bool, now: Moment) -> Admission {
        if parcel.sequence().is_some() {
            self.put_aside(parcel);
            return Admission::Settled;
        }
        match self.mode {
            Mode::Drain => return Admission::Send(parcel),
            Mode::Retry | Mode::Alone if self.held.len() < HELD_MAX => {
                self.held.insert(number, parcel);
            }
            Mode::Paused if self.aside.is_none() && quiet && self.backoff.is_due(now) => {
                return Admission::Probe(parcel);
            }
            _ => parcel.set_aside(),
        }
        Admission::Settled
    }

    /// Leaves it on disk, to be read back; what only memory has is given up.
    pub(super) fn put_aside(&mut self, parcel: Parcel) {
        if let Some(sequence) = parcel.sequence() {
            let aside = self.aside.get_or_insert(Aside { from: sequence, before: sequence });
            aside.from = aside.from.min(sequence);
            aside.before = aside.before.max(sequence.saturating_add(1));
        }
        parcel.set_aside();
    }

    /// Puts aside whatever is held.
    pub(super) fn put_all_aside(&mut self) {
        for parcel in std::mem::take(&mut self.held).into_values() {
            self.put_aside(parcel);
        }
    }

    /// What to read back next.
    pub(super) fn aside(&self) -> Option<Aside> {
        self.aside
    }

    /// Everything before this sequence number has been read back; all of it where there is none.
    pub(super) fn read_up_to(&mut self, next: Option<u64>) {
        match (next, &mut self.aside) {
            (Some(next), Some(aside)) => aside.from = next,
            _ => self.aside = None,
        }
    }

    /// It has something to do as soon as a report has come.
    pub(super) fn is_eager(&self, now: Moment) -> bool {
        self.mode == Mode::Drain || self.probing || (self.mode != Mode::Paused && self.backoff.is_due(now))
    }

    /// Nothing is left in it.
    pub(super) fn is_done(&self) -> bool {
        self.held.is_empty() && self.aside.is_none() && self.mode != Mode::Paused
    }
}
