//! The thread that produces: turn by turn, one thing after another.
//!
//! A turn deals with what failed (`settle`), serves the lanes and the dead (`serve`), and sends what comes from the
//! spool. It never sleeps but where it waits for the spool or for a report, and only as long as nothing else is due.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::dead::Dead;
use super::desk::{Cargo, Desk, Way};
use super::flow::{Flow, Standstill};
use super::lane::{Admission, Lane, Mode};
use crate::clock::{Clock, Moment};
use crate::event::header;
use crate::kafka::{Class, Failure, Producer, Refused, Settings};
use crate::metrics::Metrics;
use crate::spool::{Parcel, Spool};

/// Nothing is in flight and nothing has a wait: so long the spool may let us sleep.
const IDLE: Duration = Duration::from_millis(100);
/// A report may come that something else depends on.
pub(super) const BUSY: Duration = Duration::from_millis(20);
/// The next thing to do depends on a report.
const EAGER: Duration = Duration::from_millis(2);

/// What was still to do when the way out ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Parcels in hand that Kafka did not confirm and that stay on disk. More may lie there that were never taken.
    pub on_disk: usize,
    /// Parcels that only memory had and Kafka did not confirm.
    pub lost: usize,
}

/// What a line is made of.
pub(super) struct Setup {
    pub(super) spool: Spool,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shared: Arc<Shared>,
    pub(super) desk: Arc<Desk>,
    pub(super) producer: Arc<Producer>,
}

/// See the module.
pub(super) struct Line {
    pub(super) setup: Setup,
    /// As many as events name; they come from the configuration.
    pub(super) topics: HashMap<String, Topic>,
    pub(super) dead: Dead,
    /// Taken from the spool, and not yet sent for want of room.
    pub(super) batch: VecDeque<Parcel>,
    /// Refused at once; the reports bring the others.
    pub(super) refused: Vec<(Cargo, Failure)>,
    /// What a dead producer did not deliver.
    pub(super) again: Vec<Cargo>,
    pub(super) fatal: Option<Failure>,
    numbers: u64,
    /// The spool is closed and has nothing more.
    drained: bool,
    /// Nothing more is read from disk.
    pub(super) stopping: bool,
    pub(super) last_rebuild: Option<Moment>,
}

/// A topic, and its lane while it has trouble.
pub(super) struct Topic {
    pub(super) flow: Arc<Flow>,
    pub(super) lane: Option<Lane>,
    standstill: Standstill,
}

impl Topic {
    pub(super) fn new(name: &str, metrics: &Metrics) -> Self {
        Self { flow: Flow::new(name, metrics), lane: None, standstill: Standstill::default() }
    }
}

/// There is no room now; the parcel comes back.
pub(super) struct Full(pub(super) Parcel);

impl Line {
    pub(super) fn new(setup: Setup) -> Self {
        let flow = Flow::new(setup.settings.dead_letter_topic.as_str(), &setup.metrics);
        let dead = Dead::new(flow, setup.clock.now());
        Self {
            setup,
            topics: HashMap::new(),
            dead,
            batch: VecDeque::new(),
            refused: Vec::new(),
            again: Vec::new(),
            fatal: None,
            numbers: 0,
            drained: false,
            stopping: false,
            last_rebuild: None,
        }
    }

    /// Until it is stopped.
    pub(super) fn run(mut self) -> Stopped {
        loop {
            if let Some(limit) = self.setup.shared.stop_limit() {
                return self.wind_down(limit);
            }
            self.hear_words();
            self.settle_failures();
            if self.is_producer_dead() {
                self.rebuild();
            }
            self.serve_lanes();
            self.serve_dead();
            self.advance();
        }
    }

    pub(super) fn is_producer_dead(&self) -> bool {
        self.fatal.is_some() || self.setup.producer.is_fatal()
    }

    /// Takes from the spool and sends, as far as there is room.
    fn advance(&mut self) {
        if !self.setup.desk.has_room() {
            self.setup.desk.wait_for_room(BUSY);
        } else if let Some(parcel) = self.batch.front() {
            match self.topics.get(parcel.event().topic) {
                Some(topic) if self.setup.desk.has_its_share(&topic.flow) => {
                    self.setup.desk.wait_for_room_for(&topic.flow, BUSY);
                }
                // librdkafka's own queue was full: it has room shortly after a report.
                _ => drop(self.setup.desk.wait(BUSY)),
            }
        } else if self.drained {
            self.setup.desk.wait(self.patience());
        } else {
            self.take(self.patience());
        }
        self.send_batch();
    }

    /// Adds what the spool has to the batch, and waits at most so long for it.
    pub(super) fn take(&mut self, wait: Duration) {
        let mut taken = Vec::new();
        self.drained = !self.setup.spool.take(&mut taken, wait);
        self.batch.extend(taken);
    }

    pub(super) fn send_batch(&mut self) {
        while let Some(parcel) = self.batch.pop_front() {
            if let Err(Full(parcel)) = self.route(parcel) {
                self.batch.push_front(parcel);
                return;
            }
        }
    }

    /// How long nothing but a new parcel is expected.
    fn patience(&self) -> Duration {
        let now = self.setup.clock.now();
        let lanes = || self.topics.values().filter_map(|topic| Some((&topic.flow, topic.lane.as_ref()?)));
        let is_eager = |flow: &Flow, lane: &Lane| lane.is_eager(now) && self.setup.desk.has_room_for_many_of(flow);
        if !self.refused.is_empty() || lanes().any(|(flow, lane)| is_eager(flow, lane)) {
            EAGER
        } else if !self.setup.desk.is_empty() || self.dead.is_busy() || lanes().next().is_some() {
            BUSY
        } else {
            IDLE
        }
    }

    /// Into flight, or into its topic's lane.
    fn route(&mut self, parcel: Parcel) -> Result<(), Full> {
        let number = self.next_number();
        let name = parcel.event().topic;
        if !self.topics.contains_key(name) {
            self.topics.insert(name.to_owned(), Topic::new(name, &self.setup.metrics));
        }
        let Some(topic) = self.topics.get_mut(name) else { return Ok(()) };
        let flow = Arc::clone(&topic.flow);
        let Some(lane) = &mut topic.lane else { return self.send_or_pass(&flow, number, parcel) };
        match lane.admit(number, parcel, flow.is_quiet(), self.setup.clock.now()) {
            Admission::Settled => Ok(()),
            Admission::Send(parcel) => self.send_or_pass(&flow, number, parcel),
            Admission::Probe(parcel) => {
                self.send(Arc::clone(&flow), number, parcel, Way::Line)?;
                if let Some(lane) = self.lane(&flow) {
                    lane.probing = true;
                }
                Ok(())
            }
        }
    }

    /// Into flight. A topic that has its share there and stands still is not waited for: what lies on disk stays there,
    /// to be read back, and what only memory has is given up.
    fn send_or_pass(&mut self, flow: &Arc<Flow>, number: u64, parcel: Parcel) -> Result<(), Full> {
        let Err(Full(parcel)) = self.send(Arc::clone(flow), number, parcel, Way::Line) else { return Ok(()) };
        let now = self.setup.clock.now();
        let Some(topic) = self.topics.get_mut(&flow.topic) else { return Err(Full(parcel)) };
        if self.stopping || !self.setup.desk.has_its_share(flow) || !topic.standstill.has_come(flow, now) {
            return Err(Full(parcel));
        }
        if parcel.sequence().is_none() {
            parcel.set_aside();
            return Ok(());
        }
        tracing::warn!(topic = flow.topic, "kafka topic takes nothing: its further events wait on disk");
        topic.lane.get_or_insert_with(|| Lane::new(Mode::Drain, now)).put_aside(parcel);
        Ok(())
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn lane(&mut self, flow: &Flow) -> Option<&mut Lane> {
        self.topics.get_mut(&flow.topic)?.lane.as_mut()
    }

    /// Hands one record to Kafka's client.
    pub(super) fn send(&mut self, flow: Arc<Flow>, number: u64, parcel: Parcel, way: Way) -> Result<(), Full> {
        let Some(ticket) = self.setup.desk.reserve(&flow) else { return Err(Full(parcel)) };
        flow.begins();
        let sent = self.produce(&flow, &parcel, way, ticket.opaque());
        let cargo = Cargo { parcel, flow, number, way };
        match sent {
            Ok(()) => self.setup.desk.fill(ticket, cargo),
            Err(Refused::QueueFull) => {
                self.setup.desk.give_back(ticket);
                cargo.flow.ended();
                return Err(Full(cargo.parcel));
            }
            Err(Refused::Failed(failure)) => {
                self.setup.desk.give_back(ticket);
                // Refused before it was in any batch: there is no other record to blame.
                let judged = way == Way::Line && failure.class() == Class::Record;
                let way = if judged { Way::Alone } else { way };
                self.refused.push((Cargo { way, ..cargo }, failure));
            }
        }
        Ok(())
    }

    fn produce(&self, flow: &Flow, parcel: &Parcel, way: Way, opaque: usize) -> Result<(), Refused> {
        let event = parcel.event();
        let Way::Dead(reason) = way else { return self.setup.producer.send(&event, &flow.topic, &[], opaque) };
        let (reason, at) = (reason.name(), self.setup.clock.wall().to_string());
        let extra = [
            (header::DEAD_REASON, reason.as_bytes()),
            (header::DEAD_TOPIC, event.topic.as_bytes()),
            (header::DEAD_AT, at.as_bytes()),
        ];
        self.setup.producer.send(&event, &flow.topic, &extra, opaque)
    }
}
