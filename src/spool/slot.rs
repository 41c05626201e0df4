//! A slot: what the caller of one event waits on, and what its custodies report to.
//!
//! Two completion bits, *on disk* and *in Kafka*; the source's `ack` says which of them wake the caller. Whatever made
//! the event safe settles its claim, also when nobody waits any more.

use std::sync::Arc;

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

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Safe in the sense of the slot's `ack`; this custody came last.
    Safe(Custody),
    /// Every custody that had the event has given it up.
    Lost,
}

/// One event's state. The caller and each custody hold a clone.
#[derive(Debug)]
pub struct Slot {}

impl Slot {
    /// A slot for an event that is safe in the sense of `ack`; then `claim` is settled, and rolled back (dropped) when
    /// all custodies have given the event up.
    #[must_use]
    pub fn new(ack: Ack, claim: Option<Box<dyn Claim>>) -> Arc<Self> {
        let _ = (ack, claim);
        todo!()
    }

    /// From now on any one custody is enough: the first choice has not answered in time, or cannot.
    pub fn either_will_do(&self) {
        todo!()
    }

    /// Waits until the event is safe or lost. May be called again, and dropped at any time.
    pub async fn outcome(&self) -> Outcome {
        todo!()
    }
}
