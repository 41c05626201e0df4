//! What waits and is due: lanes, dead letters, parked records.

use std::sync::Arc;

use super::dead::Letter;
use super::desk::{Cargo, Way};
use super::flow::Flow;
use super::lane::{Lane, Mode};
use super::line::{Full, Line};
use super::settle::set_well;

/// A lane reads back so many parcels at once.
const READ_MAX: usize = 256;

impl Line {
    pub(super) fn serve_lanes(&mut self) {
        let lanes = self.topics.values().filter(|topic| topic.lane.is_some());
        let flows: Vec<_> = lanes.map(|topic| Arc::clone(&topic.flow)).collect();
        for flow in flows {
            // Taken out while it is served, so that sending from it may touch everything else.
            let Some(mut lane) = self.topics.get_mut(&flow.topic).and_then(|topic| topic.lane.take()) else { continue };
            self.serve(&flow, &mut lane);
            if !lane.is_done()
                && let Some(topic) = self.topics.get_mut(&flow.topic)
            {
                topic.lane = Some(lane);
            }
        }
    }

    fn serve(&mut self, flow: &Arc<Flow>, lane: &mut Lane) {
        let now = self.setup.clock.now();
        if lane.mode == Mode::Drain {
            self.read_back(flow, lane, READ_MAX);
            return;
        }
        if !flow.is_quiet() {
            return;
        }
        if lane.probing {
            set_well(&self.setup.metrics, &flow.topic);
            lane.set_mode(Mode::Drain, now);
            return;
        }
        if !lane.backoff.is_due(now) {
            return;
        }
        match lane.mode {
            Mode::Paused => lane.probing = self.read_back(flow, lane, 1) > 0,
            _ if lane.held.is_empty() => lane.set_mode(Mode::Drain, now),
            Mode::Alone => self.send_held(flow, lane, 1),
            Mode::Retry | Mode::Drain => self.send_held(flow, lane, usize::MAX),
        }
    }

    /// Sends the first of what is held; what there is no room for stays.
    fn send_held(&mut self, flow: &Arc<Flow>, lane: &mut Lane, max: usize) {
        let way = if lane.mode == Mode::Alone { Way::Alone } else { Way::Line };
        for _ in 0..max {
            let Some((number, parcel)) = lane.held.pop_first() else { return };
            if let Err(Full(parcel)) = self.send(Arc::clone(flow), number, parcel, way) {
                lane.held.insert(number, parcel);
                return;
            }
        }
    }

    /// Sends the first of what was put aside on disk, and says how many that were.
    fn read_back(&mut self, flow: &Arc<Flow>, lane: &mut Lane, max: usize) -> usize {
        let Some(aside) = lane.aside().filter(|_| !self.stopping && self.setup.desk.has_room_for_many_of(flow)) else {
            return 0;
        };
        let (parcels, next) = self.setup.spool.read_topic(&flow.topic, aside.from, aside.before, max);
        lane.read_up_to(next);
        let mut sent = 0;
        let mut is_full = false;
        for parcel in parcels {
            let number = self.next_number();
            if is_full {
                lane.put_aside(parcel);
            } else if let Err(Full(parcel)) = self.send(Arc::clone(flow), number, parcel, Way::Line) {
                // Behind what was sent: it and the rest are read once more.
                lane.put_aside(parcel);
                is_full = true;
            } else {
                sent += 1;
            }
        }
        sent
    }

    /// Dead letters whose wait is over, and the parked record whose turn it is.
    pub(super) fn serve_dead(&mut self) {
        let now = self.setup.clock.now();
        while self.setup.desk.has_room_for(&self.dead.flow)
            && let Some(letter) = self.dead.due(now)
            && self.dead_letter(letter)
        {}
        let is_free = |name: &str| self.topics.get(name).is_none_or(|topic| topic.lane.is_none());
        if !self.stopping
            && let Some((topic, sequence)) = self.dead.next_parked(now, is_free)
        {
            self.try_parked(&topic, sequence);
        }
    }

    /// From the beginning: on its own topic, alone.
    fn try_parked(&mut self, topic: &str, sequence: u64) {
        let (mut parcels, _) = self.setup.spool.read_topic(topic, sequence, sequence.saturating_add(1), 1);
        match (parcels.pop(), self.topics.get(topic).map(|topic| Arc::clone(&topic.flow))) {
            (Some(parcel), Some(flow)) => {
                let number = self.next_number();
                self.hold_back(&flow, Mode::Alone, number, parcel);
            }
            _ => self.dead.forget(sequence),
        }
    }

    /// What a dead producer did not deliver, in the order of the line.
    pub(super) fn send_again(&mut self) {
        let mut again = std::mem::take(&mut self.again);
        again.sort_unstable_by_key(|cargo| cargo.number);
        for Cargo { parcel, flow, number, way } in again {
            if let Way::Dead(reason) = way {
                self.dead_letter(Letter { number, parcel, reason });
            } else if self.lane(&flow).is_some() {
                self.hold_back(&flow, Mode::Retry, number, parcel);
            } else if let Err(Full(parcel)) = self.send(Arc::clone(&flow), number, parcel, way) {
                self.hold_back(&flow, Mode::Retry, number, parcel);
            }
        }
    }
}
