//! Records that Kafka refuses for ever: they go to the dead-letter topic, and where that refuses them too, they are
//! parked: they stay on disk, undelivered, and are tried again each minute from the beginning.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::flow::Flow;
use crate::clock::Moment;
use crate::kafka::Failure;
use crate::spool::Parcel;

/// So many dead letters wait in memory for a dead-letter topic that has trouble for a time; more of them are parked.
const WAITING_MAX: usize = 1_000;
/// So many parked records are remembered, and tried again; more of them wait on disk for the next start.
const PARKED_MAX: usize = 10_000;
const PARKED_WAIT: Duration = Duration::from_mins(1);
const TURN_WAIT: Duration = Duration::from_secs(1);
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Names the page that an operator should read.
const RUNBOOK: &str = "dead-letter-refused";

/// See the module.
#[derive(Debug)]
pub(super) struct Dead {
    /// The dead-letter topic.
    pub(super) flow: Arc<Flow>,
    waiting: VecDeque<Letter>,
    backoff: Backoff,
    /// The topic of each, by sequence number.
    parked: BTreeMap<u64, String>,
    /// The next to be tried again.
    next: u64,
    parked_since: Moment,
}

/// A record and why it is one.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) number: u64,
    pub(super) parcel: Parcel,
    pub(super) reason: Failure,
}

impl Dead {
    pub(super) fn new(flow: Arc<Flow>, now: Moment) -> Self {
        let backoff = Backoff::starting(RETRY.0, RETRY.1, now);
        Self { flow, waiting: VecDeque::new(), backoff, parked: BTreeMap::new(), next: 0, parked_since: now }
    }

    /// The dead-letter topic has trouble for a time: it is sent there again a little later.
    pub(super) fn retry(&mut self, letter: Letter, failure: Failure, now: Moment) {
        if self.waiting.len() < WAITING_MAX {
            self.backoff.again(now);
            self.waiting.push_back(letter);
        } else {
            self.park(letter, failure);
        }
    }

    /// The next letter to be sent again.
    pub(super) fn due(&mut self, now: Moment) -> Option<Letter> {
        if self.waiting.is_empty() || !self.backoff.is_due(now) {
            return None;
        }
        self.waiting.pop_front()
    }

    /// There was no room for it: it is still the next. Where the topic takes nothing for long, more of them are parked.
    pub(super) fn first_again(&mut self, letter: Letter) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_front(letter);
        } else {
            self.park(letter, Failure::queue_full());
        }
    }

    /// The dead-letter topic refuses it. Said once a record.
    pub(super) fn park(&mut self, letter: Letter, failure: Failure) {
        let Letter { parcel, reason, .. } = letter;
        let topic = parcel.event().topic.to_owned();
        let (reason, code) = (reason.name(), failure.name());
        match parcel.sequence() {
            None if parcel.is_on_disk() => {
                tracing::debug!(topic, %reason, %code, "dead letter is refused, and comes again from disk");
            }
            None => {
                tracing::warn!(topic, %reason, %code, "dead-letter topic refuses an event that only memory has: given up");
            }
            Some(sequence) if self.parked.contains_key(&sequence) => {
                tracing::debug!(topic, sequence, %reason, %code, "dead letter is still refused");
            }
            Some(sequence) => {
                tracing::error!(
                    topic, sequence, %reason, %code, runbook = RUNBOOK,
                    "dead-letter topic refuses an event: it stays in the spool and is tried again"
                );
                if self.parked.len() < PARKED_MAX {
                    self.parked.insert(sequence, topic);
                }
            }
        }
        parcel.set_aside();
    }

    /// The next parked record whose turn it is: its topic and sequence number. Each has one turn a round. A topic that has
    /// a lane, because the one before is being tried, is waited for a little; one with trouble has its turn next round.
    pub(super) fn next_parked(&mut self, now: Moment, is_free: impl Fn(&str) -> bool) -> Option<(String, u64)> {
        let waited = now.since(self.parked_since);
        if self.parked.is_empty() || (self.next == 0 && waited < PARKED_WAIT) {
            return None;
        }
        let Some((sequence, topic)) = self.parked.range(self.next..).next() else {
            (self.next, self.parked_since) = (0, now);
            return None;
        };
        let is_free = is_free(topic);
        if !is_free && waited < TURN_WAIT {
            return None;
        }
        self.next = sequence.saturating_add(1);
        if !is_free {
            return None;
        }
        self.parked_since = now;
        Some((topic.clone(), *sequence))
    }

    /// It is not on disk any more: delivered after all, or damaged.
    pub(super) fn forget(&mut self, sequence: u64) {
        self.parked.remove(&sequence);
    }

    /// Something waits that a turn should look at soon.
    pub(super) fn is_busy(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lets go of what waits, at the end.
    pub(super) fn let_go(&mut self) -> impl Iterator<Item = Parcel> + use<> {
        std::mem::take(&mut self.waiting).into_iter().map(|letter| letter.parcel)
    }
}
