//! What is in flight. The line puts it here and Kafka's thread takes it out, report by report.
//!
//! A slab of places; a record's opaque is its place and a stamp that is never the same twice, so that a report can only
//! ever complete what was sent under it. A place is reserved before the record is sent and filled after: between the two
//! the lock is free, and a report that comes so early waits in the place.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flow::{Flow, Free};
use super::{IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, Observer, hold};
use crate::clock::Clock;
use crate::kafka::{Delivered, Failure, Reports};
use crate::metrics::{self, Metrics, OfReason};
use crate::spool::Parcel;

/// A record on its way.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) parcel: Parcel,
    /// The topic that it was sent to.
    pub(super) flow: Arc<Flow>,
    /// Its place in the line; kept when it is sent again.
    pub(super) number: u64,
    pub(super) way: Way,
}

/// How it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Among others of its topic.
    Line,
    /// With nothing else of its topic in flight.
    Alone,
    /// To the dead-letter topic, for this reason.
    Dead(Failure),
}

/// See the module.
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    clock: Clock,
    metrics: Arc<Metrics>,
    observer: Option<Observer>,
}

#[derive(Default)]
struct State {
    places: Vec<Place>,
    /// Indexes of places that are free.
    free: Vec<usize>,
    failed: Vec<(Cargo, Failure)>,
    taken: usize,
    bytes: u64,
    reports: u64,
    waiting: Waiting,
}

/// What the line sleeps for: it is not woken by less.
#[derive(Debug, Default)]
enum Waiting {
    #[default]
    No,
    Report,
    Room,
    /// For this topic.
    RoomFor(Arc<Flow>),
}

struct Place {
    stamp: u32,
    content: Content,
}

enum Content {
    Free,
    Reserved,
    Early(Result<Delivered, Failure>),
    Full(Cargo),
}

/// A reserved place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(usize);

impl Ticket {
    /// The upper half is the stamp, the lower half the index.
    pub(super) fn opaque(self) -> usize {
        self.0
    }
}

const INDEX_BITS: u32 = 32;
const _: () = assert!(usize::BITS == 64 && IN_FLIGHT_MAX < 1 << INDEX_BITS);

impl Desk {
    pub(super) fn new(clock: Clock, metrics: Arc<Metrics>, observer: Option<Observer>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), clock, metrics, observer })
    }

    /// May one more be sent?
    pub(super) fn has_room(&self) -> bool {
        hold(&self.state).has_room()
    }

    /// May one more of this topic be sent?
    pub(super) fn has_room_for(&self, flow: &Flow) -> bool {
        let state = hold(&self.state);
        state.has_room() && flow.has_room(state.free())
    }

    /// May many more of this topic be sent?
    pub(super) fn has_room_for_many_of(&self, flow: &Flow) -> bool {
        let state = hold(&self.state);
        state.has_room() && flow.has_room_for_many(state.free())
    }

    /// There is room, but none for this topic: it has its share.
    pub(super) fn has_its_share(&self, flow: &Flow) -> bool {
        let state = hold(&self.state);
        state.has_room() && !flow.has_room(state.free())
    }

    /// Nothing is in flight.
    pub(super) fn is_quiet(&self) -> bool {
        hold(&self.state).taken == 0
    }

    /// Nothing is in flight, and no failure is left to be dealt with.
    pub(super) fn is_empty(&self) -> bool {
        let state = hold(&self.state);
        state.taken == 0 && state.failed.is_empty()
    }

    /// A place for a record that is about to be sent; none where there is no room, or none for its topic.
    pub(super) fn reserve(&self, flow: &Flow) -> Option<Ticket> {
        let mut state = hold(&self.state);
        if !state.has_room() || !flow.has_room(state.free()) {
            return None;
        }
        state.taken += 1;
        let index = state.free.pop().unwrap_or_else(|| {
            state.places.push(Place { stamp: 0, content: Content::Free });
            state.places.len() - 1
        });
        let place = state.places.get_mut(index)?;
        place.stamp = place.stamp.wrapping_add(1);
        place.content = Content::Reserved;
        Some(Ticket((place.stamp as usize) << INDEX_BITS | index))
    }

    /// It was taken by Kafka's client.
    pub(super) fn fill(&self, ticket: Ticket, cargo: Cargo) {
        let mut state = hold(&self.state);
        let Some(place) = state.place(ticket.0) else { return };
        if let Content::Early(result) = std::mem::replace(&mut place.content, Content::Free) {
            self.complete(state, ticket.0, cargo, result);
            return;
        }
        let bytes = bytes_of(&cargo);
        cargo.flow.add(bytes);
        place.content = Content::Full(cargo);
        state.bytes += bytes;
    }

    /// It was not taken.
    pub(super) fn give_back(&self, ticket: Ticket) {
        hold(&self.state).release(ticket.0);
    }

    /// What has failed since.
    pub(super) fn take_failed(&self) -> Vec<(Cargo, Failure)> {
        std::mem::take(&mut hold(&self.state).failed)
    }

    /// What a producer took that no longer exists. Its reports will not come any more.
    pub(super) fn take_all(&self) -> Vec<Cargo> {
        let mut state = hold(&self.state);
        let mut cargo = Vec::new();
        for index in 0..state.places.len() {
            let Some(place) = state.places.get_mut(index) else { continue };
            if let Content::Full(one) = std::mem::replace(&mut place.content, Content::Free) {
                one.flow.subtract(bytes_of(&one));
                cargo.push(one);
                state.free.push(index);
            }
        }
        state.taken = 0;
        state.bytes = 0;
        cargo
    }

    /// Waits for the next report, at most `limit`. True: none came.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let seen = hold(&self.state).reports;
        self.sleep(limit, Waiting::Report, |state| state.reports == seen)
    }

    /// Waits until there is room for many, at most `limit`.
    pub(super) fn wait_for_room(&self, limit: Duration) {
        self.sleep(limit, Waiting::Room, |state| !state.has_room_for_many());
    }

    /// Waits until there is room for many of this topic, at most `limit`.
    pub(super) fn wait_for_room_for(&self, flow: &Arc<Flow>, limit: Duration) {
        self.sleep(limit, Waiting::RoomFor(Arc::clone(flow)), |state| !flow.has_room_for_many(state.free()));
    }

    fn sleep(&self, limit: Duration, waiting: Waiting, goes_on: impl Fn(&State) -> bool) -> bool {
        let mut state = hold(&self.state);
        state.waiting = waiting;
        let waited = self.changed.wait_timeout_while(state, limit, |state| goes_on(state));
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting = Waiting::No;
        timeout.timed_out()
    }

    /// The place is released only when the record is somebody else's: until then it counts as in flight.
    fn complete(
        &self,
        mut state: MutexGuard<'_, State>,
        opaque: usize,
        cargo: Cargo,
        result: Result<Delivered, Failure>,
    ) {
        match result {
            Ok(delivered) => {
                // Spool and observer are foreign code: not under the lock.
                drop(state);
                self.deliver(cargo, delivered);
                hold(&self.state).release(opaque);
            }
            Err(failure) => {
                state.failed.push((cargo, failure));
                state.release(opaque);
            }
        }
    }

    fn deliver(&self, cargo: Cargo, delivered: Delivered) {
        let Cargo { parcel, flow, way, .. } = cargo;
        let event = parcel.event();
        metrics::observe(&self.metrics.event_delivery, self.clock.wall().since(event.received_at));
        if let Some(observer) = &self.observer {
            observer(&event, &flow.topic, delivered);
        }
        if let Way::Dead(reason) = way {
            let reason = reason.name();
            self.metrics.kafka_dead_letters.get_or_create(&OfReason { reason: reason.to_string() }).inc();
            tracing::warn!(topic = event.topic, source = event.source, %reason, "event is on the dead-letter topic");
        }
        flow.produced.inc();
        parcel.delivered();
        flow.ended();
    }
}

impl Reports for Desk {
    fn report(&self, opaque: usize, result: Result<Delivered, Failure>) {
        let mut state = hold(&self.state);
        state.reports += 1;
        if state.is_to_wake() {
            self.changed.notify_all();
        }
        let Some(place) = state.place(opaque) else { return };
        match std::mem::replace(&mut place.content, Content::Free) {
            Content::Full(cargo) => {
                let bytes = bytes_of(&cargo);
                state.bytes = state.bytes.saturating_sub(bytes);
                cargo.flow.subtract(bytes);
                self.complete(state, opaque, cargo, result);
            }
            Content::Reserved => place.content = Content::Early(result),
            // Its producer is gone, and `take_all` has it.
            Content::Free | Content::Early(_) => {}
        }
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.taken < IN_FLIGHT_MAX && self.bytes < IN_FLIGHT_BYTES_MAX.0
    }

    /// A sleeper that were woken for each single place would do little else.
    fn has_room_for_many(&self) -> bool {
        self.taken < IN_FLIGHT_MAX / 4 * 3 && self.bytes < IN_FLIGHT_BYTES_MAX.0 / 4 * 3
    }

    fn free(&self) -> Free {
        Free {
            records: IN_FLIGHT_MAX.saturating_sub(self.taken),
            bytes: IN_FLIGHT_BYTES_MAX.0.saturating_sub(self.bytes),
        }
    }

    /// The line sleeps, and what it sleeps for is there.
    fn is_to_wake(&self) -> bool {
        match &self.waiting {
            Waiting::No => false,
            Waiting::Report => true,
            Waiting::Room => self.has_room_for_many(),
            Waiting::RoomFor(flow) => flow.has_room_for_many(self.free()),
        }
    }

    /// The place that was reserved under that opaque, while it is.
    fn place(&mut self, opaque: usize) -> Option<&mut Place> {
        let stamp = opaque >> INDEX_BITS;
        let index = opaque & ((1 << INDEX_BITS) - 1);
        self.places.get_mut(index).filter(|place| place.stamp as usize == stamp)
    }

    fn release(&mut self, opaque: usize) {
        if let Some(place) = self.place(opaque) {
            place.content = Content::Free;
            self.free.push(opaque & ((1 << INDEX_BITS) - 1));
            // Zero already where its producer went meanwhile.
            self.taken = self.taken.saturating_sub(1);
        }
    }
}

/// Values, keys and headers; what librdkafka copies.
fn bytes_of(cargo: &Cargo) -> u64 {
    let event = cargo.parcel.event();
    (event.value.len() + event.headers.0.len() + event.key.map_or(0, <[u8]>::len)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::event::{Event, Headers};
    use crate::metrics::Build;
    use crate::spool::{Ack, Slot, Spool};

    const DELIVERED: Delivered = Delivered { partition: 0, offset: 0 };

    struct World {
        desk: Arc<Desk>,
        flow: Arc<Flow>,
        spool: Spool,
    }

    fn world() -> World {
        let clock = Clock::standing_at(UnixMillis(0));
        let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
        let spool = Spool::without_directory(clock.clone(), Arc::clone(&metrics));
        World { flow: Flow::new("a", &metrics), desk: Desk::new(clock, metrics, None), spool }
    }

    impl World {
        fn cargo(&self, number: u64) -> Cargo {
            let event = Event {
                source: "source".parse().expect("a source"),
                topic: "a".parse().expect("a topic"),
                key: None,
                headers: Headers::default(),
                value: "value".into(),
                received_at: UnixMillis(0),
                digests: Vec::new(),
            };
            self.spool.hand_over(&[(&event, &Slot::new(Ack::Kafka, None))]).expect("room");
            let mut parcels = Vec::new();
            self.spool.take(&mut parcels, Duration::ZERO);
            let parcel = parcels.pop().expect("a parcel");
            self.flow.begins();
            Cargo { parcel, flow: Arc::clone(&self.flow), number, way: Way::Line }
        }
    }

    #[test]
    fn a_report_that_comes_before_its_place_is_filled_is_not_lost() {
        let world = world();
        let ticket = world.desk.reserve(&world.flow).expect("room");
        world.desk.report(ticket.opaque(), Ok(DELIVERED));
        assert!(!world.desk.is_quiet());
        world.desk.fill(ticket, world.cargo(1));
        assert!(world.desk.is_empty() && world.flow.is_quiet());
        assert_eq!(world.flow.produced.get(), 1);
    }

    #[test]
    fn a_failure_waits_for_the_line_and_keeps_the_topic_busy_until_it_is_dealt_with() {
        let world = world();
        let ticket = world.desk.reserve(&world.flow).expect("room");
        world.desk.fill(ticket, world.cargo(7));
        world.desk.report(ticket.opaque(), Err(rdkafka::error::RDKafkaErrorCode::RequestTimedOut.into()));
        assert!(world.desk.is_quiet() && !world.desk.is_empty() && !world.flow.is_quiet());
        let failed = world.desk.take_failed();
        assert_eq!(failed.iter().map(|(cargo, _)| cargo.number).collect::<Vec<_>>(), [7]);
        assert!(world.desk.is_empty());
    }

    #[test]
    fn a_late_report_of_a_producer_that_is_gone_completes_nothing_else() {
        let world = world();
        let old = world.desk.reserve(&world.flow).expect("room");
        world.desk.fill(old, world.cargo(1));
        assert_eq!(world.desk.take_all().len(), 1);
        world.desk.report(old.opaque(), Ok(DELIVERED));
        let new = world.desk.reserve(&world.flow).expect("room");
        world.desk.fill(new, world.cargo(2));
        world.desk.report(old.opaque(), Ok(DELIVERED));
        assert!(!world.desk.is_quiet());
        world.desk.report(new.opaque(), Ok(DELIVERED));
        assert!(world.desk.is_quiet());
        assert_eq!(world.flow.produced.get(), 1);
    }

    #[test]
    fn no_more_than_the_bound_is_in_flight() {
        let world = world();
        let tickets: Vec<_> = std::iter::from_fn(|| world.desk.reserve(&world.flow)).collect();
        assert_eq!(tickets.len(), IN_FLIGHT_MAX);
        assert!(!world.desk.has_room());
        world.desk.give_back(tickets[0]);
        assert!(world.desk.has_room());
    }
}
