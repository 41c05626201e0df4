//! A slot: what the caller of one event waits on, and what its custodies report to.
//!
//! Two completion bits, *on disk* and *in Kafka*; the source's `ack` says which of them wake the caller. Whatever made
//! the event safe settles its claim, also when nobody waits any more. A custody that gave the event up may still get it
//! later (Kafka reads it from disk), so *done* overrides *gave up*, never the other way round. *Safe* is for ever; *lost*
//! only until another custody takes the event: the claim is dropped with the slot, when nobody is left who could.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::hold;
use crate::event::Claim;
use crate::metrics::Custody;

/// `ack`: when a 200 may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the configuration")]
pub enum Ack {
    Disk,
    Kafka,
    Both,
    Memory,
}

impl Ack {
    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Kafka => "kafka",
            Self::Both => "both",
            Self::Memory => "memory",
        }
    }
}

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Safe in the sense of the slot's `ack`; this custody came last.
    Safe(Custody),
    /// Every custody that had the event has given it up. The caller may try another.
    Lost,
}

/// One event's state. The caller and each custody hold a clone. Dropped by all of them before the event is safe, it drops
/// its claim.
#[derive(Debug)]
pub struct Slot {
    state: Mutex<State>,
    decided: Notify,
    pub(super) link: Link,
}

struct State {
    ack: Ack,
    either: bool,
    disk: Stage,
    kafka: Stage,
    safe: Option<Custody>,
    claim: Option<Box<dyn Claim>>,
}

/// How far one custody has come with the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Never,
    Holding,
    Done,
    GaveUp,
}

impl Slot {
    /// A slot for an event that is safe in the sense of `ack`; then `claim` is settled, and rolled back (dropped) when
    /// all custodies have given the event up.
    #[must_use]
    pub fn new(ack: Ack, claim: Option<Box<dyn Claim>>) -> Arc<Self> {
        let state = State { ack, either: false, disk: Stage::Never, kafka: Stage::Never, safe: None, claim };
        Arc::new(Self { state: Mutex::new(state), decided: Notify::new(), link: Link::default() })
    }

    /// A slot for an event that the disk kept in an earlier life of the process, and that is safe once Kafka has it too.
    pub(super) fn recovered(claim: Box<dyn Claim>) -> Arc<Self> {
        let slot = Self::new(Ack::Both, Some(claim));
        slot.done(Custody::Disk);
        slot.begins(Custody::Kafka);
        slot
    }

    /// Whether it is safe already.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        hold(&self.state).safe.is_some()
    }

    /// From now on any one custody is enough: the first choice has not answered in time, or cannot.
    pub fn either_will_do(&self) {
        self.change(|state| {
            state.either = true;
            if state.kafka == Stage::Done { Custody::Kafka } else { Custody::Disk }
        });
    }

    /// Waits until the event is safe or lost. May be called again, and dropped at any time.
    pub async fn outcome(&self) -> Outcome {
        loop {
            let mut decided = pin!(self.decided.notified());
            // From here on a decision wakes us, so that none is missed between the look and the wait.
            decided.as_mut().enable();
            if let Some(outcome) = hold(&self.state).outcome() {
                return outcome;
            }
            decided.await;
        }
    }

    /// Nothing is decided: somebody may still wait for Kafka to have it.
    pub(super) fn is_open(&self) -> bool {
        hold(&self.state).outcome().is_none()
    }

    /// One custody is not enough, and never will be.
    pub(super) fn needs_both(&self) -> bool {
        let state = hold(&self.state);
        state.ack == Ack::Both && !state.either
    }

    /// The custody has taken the event and not yet done anything with it.
    pub(super) fn begins(&self, custody: Custody) {
        let mut state = hold(&self.state);
        let progress = state.progress(custody);
        if *progress != Stage::Done {
            *progress = Stage::Holding;
        }
    }

    /// The custody has the event for good.
    pub(super) fn done(&self, custody: Custody) {
        self.change(|state| {
            *state.progress(custody) = Stage::Done;
            custody
        });
    }

    /// The event waits in memory for Kafka: enough for those who asked for no more.
    pub(super) fn queued(&self) {
        let wanted = hold(&self.state).ack == Ack::Memory;
        if wanted {
            self.change(|state| {
                state.either = true;
                Custody::Memory
            });
        }
    }

    /// The custody will not have it, as far as it knows.
    pub(super) fn gave_up(&self, custody: Custody) {
        self.change(|state| {
            let progress = state.progress(custody);
            if *progress != Stage::Done {
                *progress = Stage::GaveUp;
            }
            // Where that decides the event, it is the other one that has it.
            if state.kafka == Stage::Done { Custody::Kafka } else { Custody::Disk }
        });
    }

    /// Applies a change, and where it decides the event, tells the claim and the caller, after the lock is released.
    fn change(&self, apply: impl FnOnce(&mut State) -> Custody) {
        let mut state = hold(&self.state);
        let last = apply(&mut state);
        if state.safe.is_some() {
            return;
        }
        if state.is_enough(last) {
            state.safe = Some(last);
        } else if !state.is_lost() {
            return;
        }
        let claim = state.safe.and_then(|_| state.claim.take());
        drop(state);
        if let Some(claim) = claim {
            claim.settle();
        }
        self.decided.notify_waiters();
    }
}

impl State {
    fn progress(&mut self, custody: Custody) -> &mut Stage {
        match custody {
            Custody::Disk => &mut self.disk,
            Custody::Kafka | Custody::Memory => &mut self.kafka,
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.safe {
            Some(custody) => Some(Outcome::Safe(custody)),
            None => self.is_lost().then_some(Outcome::Lost),
        }
    }

    fn is_enough(&self, last: Custody) -> bool {
        let on_disk = self.disk == Stage::Done;
        let in_kafka = self.kafka == Stage::Done;
        let enough = match self.ack {
            // The writer itself hands an event to Kafka that the disk has given up; there it is as safe as it can be.
            Ack::Disk => on_disk || (in_kafka && self.disk == Stage::GaveUp),
            Ack::Kafka => in_kafka,
            Ack::Both => in_kafka && (on_disk || self.disk == Stage::GaveUp),
            Ack::Memory => on_disk || in_kafka || last == Custody::Memory,
        };
        enough || (self.either && (on_disk || in_kafka))
    }

    fn is_lost(&self) -> bool {
        let stages = [self.disk, self.kafka];
        stages.contains(&Stage::GaveUp) && stages.iter().all(|stage| matches!(stage, Stage::Never | Stage::GaveUp))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("ack", &self.ack)
            .field("either", &self.either)
            .field("disk", &self.disk)
            .field("kafka", &self.kafka)
            .field("safe", &self.safe)
            .finish_non_exhaustive()
    }
}

/// Ties an event's two ways through the spool together, so that the forwarder does not get it twice: by `hand_over` and
/// by the batch that was synced. Read and written only under the lock of the way out.
#[derive(Debug, Default)]
pub(super) struct Link {
    sequence: AtomicU64,
    parcel: AtomicU8,
}

/// What became of the parcel that `hand_over` made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Handed {
    /// There was none.
    Never = 0,
    /// It is in the queue or in the forwarder's hands.
    Alive = 1,
    /// Kafka has the event.
    Delivered = 2,
    /// It ended without Kafka having the event.
    Ended = 3,
}

impl Link {
    /// The event's sequence number, once it is synced.
    pub(super) fn sequence(&self) -> Option<u64> {
        Some(self.sequence.load(Ordering::Relaxed)).filter(|sequence| *sequence != 0)
    }

    pub(super) fn set_sequence(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    pub(super) fn handed(&self) -> Handed {
        match self.parcel.load(Ordering::Relaxed) {
            0 => Handed::Never,
            1 => Handed::Alive,
            2 => Handed::Delivered,
            _ => Handed::Ended,
        }
    }

    pub(super) fn set_handed(&self, handed: Handed) {
        self.parcel.store(handed as u8, Ordering::Relaxed);
    }
}
