//! What becomes of a record that failed, by what its error means: the table of the room's module page, as code.

use std::sync::Arc;

use super::dead::Letter;
use super::desk::{Cargo, Way};
use super::flow::Flow;
use super::hold;
use super::lane::{Lane, Mode};
use super::line::{Full, Line, Topic};
use super::watch::Word;
use crate::kafka::{Class, Failure};
use crate::metrics::{Metrics, OfTopic};
use crate::spool::Parcel;

/// Names the page that an operator should read.
const RUNBOOK: &str = "kafka-topic-paused";

impl Line {
    pub(super) fn settle_failures(&mut self) {
        let mut failed = self.setup.desk.take_failed();
        failed.append(&mut self.refused);
        for (cargo, failure) in failed {
            cargo.flow.ended();
            self.settle(cargo, failure);
        }
    }

    /// Into a lane, to the dead letters, or aside.
    pub(super) fn settle(&mut self, cargo: Cargo, failure: Failure) {
        let class = failure.class();
        if class == Class::Fatal {
            self.fatal = Some(failure);
        }
        // A producer that died hands back what it had queued under a code that sounds harmless.
        if class == Class::Fatal || (class == Class::Retriable && self.is_producer_dead()) {
            self.again.push(cargo);
            return;
        }
        let Cargo { parcel, flow, number, way } = cargo;
        match (way, class) {
            (Way::Dead(reason), Class::Retriable) => {
                self.dead.retry(Letter { number, parcel, reason }, failure, self.setup.clock.now());
            }
            (Way::Dead(reason), _) => self.dead.park(Letter { number, parcel, reason }, failure),
            (Way::Alone, Class::Record) => {
                self.no_proof(&flow);
                self.dead_letter(Letter { number, parcel, reason: failure });
            }
            (Way::Line, Class::Record) => self.hold_back(&flow, Mode::Alone, number, parcel),
            (_, Class::Topic) => {
                self.pause(&flow.topic, &failure.name(), true);
                if let Some(lane) = self.lane(&flow) {
                    lane.put_aside(parcel);
                }
            }
            // librdkafka has given it up, and its caller has a deadline of its own.
            _ if parcel.sequence().is_none() => {
                self.no_proof(&flow);
                parcel.set_aside();
            }
            _ => self.hold_back(&flow, Mode::Retry, number, parcel),
        }
    }

    /// Whatever became of it, it did not prove that its topic is well, if it was to.
    fn no_proof(&mut self, flow: &Flow) {
        let now = self.setup.clock.now();
        if let Some(lane) = self.lane(flow) {
            lane.probe_failed(now);
        }
    }

    /// Opens the topic's lane, if it has none, and holds the parcel in it.
    pub(super) fn hold_back(&mut self, flow: &Flow, mode: Mode, number: u64, parcel: Parcel) {
        let now = self.setup.clock.now();
        let Some(topic) = self.topics.get_mut(&flow.topic) else { return };
        let Some(lane) = &mut topic.lane else {
            let mut lane = Lane::new(mode, now);
            lane.held.insert(number, parcel);
            topic.lane = Some(lane);
            return;
        };
        match (lane.mode, mode) {
            // The topic has judged the probe: it is there.
            (Mode::Paused, Mode::Alone) if lane.probing => {
                set_well(&self.setup.metrics, &flow.topic);
                lane.set_mode(mode, now);
            }
            // Sent before the pause, or a probe that failed for another reason: it will be read back in its turn.
            (Mode::Paused, _) => {
                lane.probe_failed(now);
                lane.put_aside(parcel);
                return;
            }
            // Once a round, not once a record.
            (Mode::Retry | Mode::Alone, Mode::Retry) if lane.held.is_empty() || lane.mode == Mode::Alone => {
                lane.backoff.again(now);
            }
            _ => lane.worsen(mode, now),
        }
        lane.held.insert(number, parcel);
    }

    /// An operator is needed: the topic's events wait. `failed`: a record was refused, which may have been the probe.
    fn pause(&mut self, name: &str, code: &str, failed: bool) {
        let now = self.setup.clock.now();
        let metrics = &self.setup.metrics;
        let topic = self.topics.entry(name.to_owned()).or_insert_with(|| Topic::new(name, metrics));
        let known = topic.lane.as_ref().is_some_and(|lane| lane.mode == Mode::Paused);
        let lane = topic.lane.get_or_insert_with(|| Lane::new(Mode::Paused, now));
        if known {
            if failed {
                lane.probe_failed(now);
            }
            return;
        }
        lane.worsen(Mode::Paused, now);
        lane.put_all_aside();
        metrics.kafka_topic_paused.get_or_create(&OfTopic { topic: name.to_owned() }).set(1);
        tracing::error!(topic = name, code, runbook = RUNBOOK, "kafka topic cannot be written: its events wait");
        if failed {
            self.setup.shared.doubt(name);
        }
    }

    /// What the watch has seen.
    pub(super) fn hear_words(&mut self) {
        let words = std::mem::take(&mut *hold(&self.setup.shared.words));
        for word in words {
            match word {
                Word::Trouble(topic, code) => self.pause(topic.as_str(), &code, false),
                Word::Well(topic) => self.hope(topic.as_str()),
            }
        }
    }

    /// The topic is there, it seems: what waits on disk may prove it; where nothing does, it is believed.
    fn hope(&mut self, name: &str) {
        let Some(topic) = self.topics.get_mut(name) else { return };
        let Some(lane) = topic.lane.as_mut().filter(|lane| lane.mode == Mode::Paused) else { return };
        if lane.aside().is_some() {
            lane.backoff.at_once();
        } else if topic.flow.is_quiet() {
            topic.lane = None;
            set_well(&self.setup.metrics, name);
        }
    }

    /// To the dead-letter topic. False: there was no room, and it waits.
    pub(super) fn dead_letter(&mut self, letter: Letter) -> bool {
        let Letter { number, parcel, reason } = letter;
        let flow = Arc::clone(&self.dead.flow);
        let Err(Full(parcel)) = self.send(flow, number, parcel, Way::Dead(reason)) else { return true };
        self.dead.first_again(Letter { number, parcel, reason });
        false
    }
}

/// The topic's events wait no longer.
pub(super) fn set_well(metrics: &Metrics, topic: &str) {
    metrics.kafka_topic_paused.get_or_create(&OfTopic { topic: topic.to_owned() }).set(0);
    tracing::info!(topic, "kafka topic can be written again");
}
