//! What is known of a topic on both threads, and how much of the room in flight it may have.
//!
//! A topic whose partition has no leader keeps what it was sent for as long as that lasts: librdkafka says nothing about
//! it. So no topic may have more than a third of the room that is left beside it. One alone has a quarter of all, which
//! is plenty where reports come; each further one that stands still has a quarter of the rest, and never all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::clock::Moment;
use crate::metrics::{Metrics, OfTopic};

/// What is left beside a topic is at least so many times what it has.
const SHARE: u64 = 3;
/// The same, where it is to have room for many more.
const SHARE_OF_MANY: u64 = 4;
/// A topic at its share of which less than a quarter moves in that time is not waited for.
const STANDSTILL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) topic: String,
    pub(super) produced: Counter,
    in_flight: AtomicUsize,
    bytes: AtomicU64,
    ended: AtomicU64,
}

/// What is free in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free {
    pub(super) records: usize,
    pub(super) bytes: u64,
}

impl Flow {
    pub(super) fn new(topic: &str, metrics: &Metrics) -> Arc<Self> {
        let produced = metrics.events_produced.get_or_create_owned(&OfTopic { topic: topic.to_owned() });
        Arc::new(Self {
            topic: topic.to_owned(),
            produced,
            in_flight: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        })
    }

    /// Everything that was sent is delivered, or its failure has been dealt with.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) == 0
    }

    pub(super) fn begins(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes are in flight.
    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// They are so no longer.
    pub(super) fn subtract(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// May it have one more?
    pub(super) fn has_room(&self, free: Free) -> bool {
        self.has_below(free, SHARE)
    }

    /// May it have many more? A sleeper that were woken for each single place would do little else.
    pub(super) fn has_room_for_many(&self, free: Free) -> bool {
        self.has_below(free, SHARE_OF_MANY)
    }

    fn has_below(&self, free: Free, times: u64) -> bool {
        let (records, bytes) = (self.in_flight.load(Ordering::Acquire) as u64, self.bytes.load(Ordering::Relaxed));
        let below = |mine: u64, free: u64| mine == 0 || mine.saturating_mul(times) < free;
        below(records, free.records as u64) && below(bytes, free.bytes)
    }
}

/// Since when a topic that is at its share has moved little.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standstill(Option<(Moment, u64)>);

impl Standstill {
    /// Asked each time that a topic has no room left.
    pub(super) fn has_come(&mut self, flow: &Flow, now: Moment) -> bool {
        let ended = flow.ended.load(Ordering::Relaxed);
        let (since, before) = *self.0.get_or_insert((now, ended));
        if (ended - before) * 4 > flow.in_flight.load(Ordering::Acquire) as u64 {
            self.0 = Some((now, ended));
            return false;
        }
        now.since(since) >= STANDSTILL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, UnixMillis};
    use crate::metrics::Build;

    fn flow() -> Arc<Flow> {
        Flow::new("a", &Metrics::new(Build { version: "1", revision: "r", rustc: "c" }))
    }

    fn fill(flow: &Flow, free: &mut Free) {
        while flow.has_room(*free) {
            flow.begins();
            flow.add(100);
            *free = Free { records: free.records - 1, bytes: free.bytes - 100 };
        }
    }

    #[test]
    fn topics_that_stand_still_have_a_quarter_of_what_is_left_each() {
        let mut free = Free { records: 4096, bytes: 10_000_000 };
        for left in [3072, 2304, 1728] {
            fill(&flow(), &mut free);
            assert!(free.records.abs_diff(left) <= 2, "{free:?}");
        }
        let mut free = Free { records: usize::MAX >> 8, bytes: 400_000 };
        fill(&flow(), &mut free);
        assert_eq!(free.bytes, 300_000);
    }

    #[test]
    fn one_record_has_always_room_however_little_is_left() {
        let flow = flow();
        assert!(flow.has_room(Free { records: 1, bytes: 1 }));
        flow.begins();
        assert!(!flow.has_room(Free { records: 1, bytes: 1 }));
    }

    #[test]
    fn a_topic_stands_still_when_a_second_went_by_and_little_of_its_share_moved() {
        let clock = Clock::standing_at(UnixMillis(0));
        let (flow, mut standstill) = (flow(), Standstill::default());
        (0..400).for_each(|_| flow.begins());
        assert!(!standstill.has_come(&flow, clock.now()));
        clock.advance(STANDSTILL);
        (0..200).for_each(|_| flow.ended());
        assert!(!standstill.has_come(&flow, clock.now()), "half of it moved");
        clock.advance(STANDSTILL);
        flow.ended();
        assert!(standstill.has_come(&flow, clock.now()));
    }
}
