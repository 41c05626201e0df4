//! The end: what only memory has is sent, what is in flight is waited for, the rest stays on disk.

use std::time::Duration;

use super::line::{BUSY, Line, Stopped};
use crate::spool::Parcel;

/// librdkafka hands back what it has within moments.
const PURGE: Duration = Duration::from_secs(1);

impl Line {
    pub(super) fn wind_down(mut self, limit: Duration) -> Stopped {
        self.stopping = true;
        let begin = self.setup.clock.now();
        let mut slept = Duration::ZERO;
        let mut left = Vec::new();
        let mut more = true;
        loop {
            self.settle_failures();
            self.serve_lanes();
            self.serve_dead();
            if more && self.batch.is_empty() {
                self.take(Duration::ZERO);
            }
            // Those that only memory has come first: a batch without any is the last.
            let all = std::mem::take(&mut self.batch);
            let (on_disk, in_memory): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|parcel| parcel.sequence().is_some());
            more = !in_memory.is_empty();
            left.extend(on_disk);
            self.batch.extend(in_memory);
            self.send_batch();
            let over = self.setup.clock.now().since(begin) >= limit || slept >= limit;
            if over || self.is_producer_dead() || !(more || self.has_work()) {
                return self.let_go(left);
            }
            // Where the clock stands still (in tests), the sleeps are counted.
            if self.setup.desk.wait(BUSY) {
                slept += BUSY;
            }
        }
    }

    fn has_work(&self) -> bool {
        !(self.setup.desk.is_empty() && self.refused.is_empty()) || self.dead.is_busy() || self.holds_memory()
    }

    fn holds_memory(&self) -> bool {
        let lanes = self.topics.values().filter_map(|topic| topic.lane.as_ref());
        lanes.flat_map(|lane| lane.held.values()).any(|parcel| parcel.sequence().is_none())
    }

    fn let_go(mut self, left: Vec<Parcel>) -> Stopped {
        self.setup.producer.purge();
        let mut slept = Duration::ZERO;
        while !self.setup.desk.is_quiet() && slept < PURGE {
            if self.setup.desk.wait(BUSY) {
                slept += BUSY;
            }
        }
        let failed = self.setup.desk.take_failed().into_iter().chain(self.refused).map(|(cargo, _)| cargo);
        let cargo = failed.chain(self.setup.desk.take_all()).chain(self.again).map(|cargo| cargo.parcel);
        let lanes = self.topics.into_values().filter_map(|topic| topic.lane);
        let held = lanes.flat_map(|lane| lane.held.into_values());
        let mut stopped = Stopped::default();
        for parcel in cargo.chain(held).chain(self.dead.let_go()).chain(self.batch).chain(left) {
            if parcel.is_on_disk() {
                stopped.on_disk += 1;
            } else {
                stopped.lost += 1;
                parcel.set_aside();
            }
        }
        stopped
    }
}
