//! What became of one request, gathered on its way and told once, at its end: to the metrics, the log and the feed.

use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::feed::{Answered, Feed, Line};
use crate::metrics::{Outcome, SourceMetrics, UNKNOWN_SOURCE, observe};
use crate::signature::Proof;
use crate::throttle::ClientAddress;

use super::identify::Identified;
use super::received::Received;
use super::{Gateway, Incoming, Receipt, Reject};

/// The traces of one request.
#[derive(Debug)]
pub(super) struct Trail<'s> {
    began: Moment,
    client: ClientAddress,
    source: Option<(&'s SourceMetrics, &'s str)>,
    body_bytes: usize,
    /// Id, type and length of each event; gathered only if somebody watches.
    events: Vec<(String, String, usize)>,
}

impl<'s> Trail<'s> {
    pub(super) fn begin(clock: &Clock, incoming: &Incoming) -> Self {
        Self { began: clock.now(), client: incoming.client, source: None, body_bytes: 0, events: Vec::new() }
    }

    /// The request is for the source of this name.
    pub(super) fn follow(&mut self, named: (&'s SourceMetrics, &'s str)) {
        self.source = Some(named);
    }

    /// The body has been read.
    pub(super) fn read(&mut self, received: &Received) {
        self.body_bytes = received.body.len();
    }

    /// The sender has been proven.
    pub(super) fn proven(&self, proof: &Proof) {
        let Some((metrics, _)) = self.source else { return };
        if let Some(index) = proof.secret {
            metrics.count_key(index);
        }
        if let Some(seconds) = proof.skew_seconds {
            metrics.observe_skew(seconds);
        }
    }

    /// The events are known.
    pub(super) fn identified(&mut self, feed: &Feed, identified: &Identified) {
        if feed.is_watched() {
            let event = |candidate: &super::identify::Candidate| {
                (candidate.id().to_owned(), candidate.kind().to_owned(), candidate.event().value.len())
            };
            self.events = identified.candidates().iter().map(event).collect();
        }
    }

    /// Tells how it ended.
    pub(super) fn end(self, gateway: &Gateway, ended: &Result<Receipt, Reject>) {
        let took = gateway.clock.now().since(self.began);
        observe(&gateway.metrics.request_duration, took);
        #[expect(clippy::cast_precision_loss, reason = "a histogram's buckets are wider than that")]
        gateway.metrics.request_body.observe(self.body_bytes as f64);
        let outcome = outcome(ended);
        if let Some((metrics, _)) = self.source {
            metrics.count(outcome);
            if let Ok(Receipt::Kept(accepted, _)) = ended
                && let Some(custody) = accepted.custody()
            {
                metrics.count_ack(custody);
            }
        }
        if let Err(reject) = ended {
            if let Some(failures) = gateway.failures.as_ref().filter(|_| reject.is_of_a_stranger()) {
                failures.count(self.client);
            }
            gateway.refusals.note(self.name(), *reject);
        }
        if gateway.feed.is_watched() {
            self.tell(gateway, outcome, ended.as_ref().err(), took);
        }
    }

    fn tell(self, gateway: &Gateway, outcome: Outcome, reject: Option<&Reject>, took: Duration) {
        let line = Answered {
            at: gateway.clock.wall(),
            source: self.name().to_owned(),
            outcome,
            reason: reject.map(ToString::to_string),
            kind: None,
            id: None,
            bytes: self.body_bytes,
            took,
        };
        if self.events.is_empty() {
            gateway.feed.tell(|| Line::Answered(line));
            return;
        }
        for (id, kind, bytes) in self.events {
            let line = Answered { id: Some(id), kind: Some(kind), bytes, ..line.clone() };
            gateway.feed.tell(|| Line::Answered(line));
        }
    }

    fn name(&self) -> &str {
        self.source.map_or(UNKNOWN_SOURCE, |(_, name)| name)
    }
}

fn outcome(ended: &Result<Receipt, Reject>) -> Outcome {
    match ended {
        Ok(Receipt::Handshake(_)) => Outcome::Handshake,
        Ok(receipt) if receipt.is_duplicate() => Outcome::Duplicate,
        Ok(Receipt::Kept(..)) => Outcome::Accepted,
        Err(reject) => reject.outcome(),
    }
}
