//! A producer that failed for good is replaced: the new one is built, the old one hands back what it did not deliver,
//! and that is sent again in its old order before anything new.

use std::sync::Arc;
use std::time::Duration;

use super::line::Line;
use crate::kafka::{Class, Producer, Reports};

/// Answers to what is already on its way are worth waiting for: each is a copy less.
const GRACE: Duration = Duration::from_secs(2);
/// After that everything is handed back; it takes librdkafka moments.
const PURGE: Duration = Duration::from_secs(2);
/// A producer that did not live that long is not replaced at once.
const MIN_LIFE: Duration = Duration::from_secs(10);
/// Names the page that an operator should read.
const RUNBOOK: &str = "kafka-producer-fails";
const WAIT: Duration = Duration::from_millis(100);

impl Line {
    pub(super) fn rebuild(&mut self) {
        let old = &self.setup.producer;
        let (code, reason) = old.fatal_error().map_or_else(
            || (self.fatal.map_or_else(String::new, |failure| failure.name().into_owned()), String::new()),
            |(failure, words)| (failure.name().into_owned(), words),
        );
        let generation = old.generation().wrapping_add(1);
        tracing::warn!(code, reason, generation, "kafka producer failed for good and is replaced");
        self.setup.metrics.kafka_rebuilds.inc();
        self.rest(&code, &reason);
        let Some(new) = self.build(generation) else { return };
        let old = std::mem::replace(&mut self.setup.producer, Arc::new(new));
        self.drain(old);
        self.fatal = None;
        self.last_rebuild = Some(self.setup.clock.now());
        self.send_again();
    }

    /// A cause that has not gone away (the right to write with an id, say) must not make us spin.
    fn rest(&self, code: &str, reason: &str) {
        let Some(last) = self.last_rebuild else { return };
        let life = self.setup.clock.now().since(last);
        if life < MIN_LIFE {
            tracing::error!(
                code,
                reason,
                runbook = RUNBOOK,
                "kafka producers fail one after the other: all events wait"
            );
            // Stopping interrupts it.
            let _stops = self.setup.shared.stops_within(MIN_LIFE.saturating_sub(life));
        }
    }

    /// Nothing but a lack of threads or descriptors can be the matter: the settings were good before.
    fn build(&self, generation: u32) -> Option<Producer> {
        let reports = Arc::clone(&self.setup.desk) as Arc<dyn Reports>;
        match Producer::build(&self.setup.settings, generation, reports, &self.setup.shared.health) {
            Ok(producer) => Some(producer),
            Err(error) => {
                tracing::error!(%error, runbook = RUNBOOK, "kafka producer cannot be rebuilt; tried again");
                let _stops = self.setup.shared.stops_within(Duration::from_secs(1));
                None
            }
        }
    }

    /// Waits for the old one's reports, and gathers what it did not deliver.
    fn drain(&mut self, old: Arc<Producer>) {
        self.wait_until_quiet(GRACE);
        old.purge();
        self.wait_until_quiet(PURGE);
        drop(old);
        let failed = self.setup.desk.take_failed();
        for (cargo, failure) in failed {
            cargo.flow.ended();
            match failure.class() {
                // Whatever the code (most were purged), it is the old producer's and not the record's.
                Class::Fatal | Class::Retriable => self.again.push(cargo),
                Class::Record | Class::Topic => self.settle(cargo, failure),
            }
        }
        for cargo in self.setup.desk.take_all() {
            cargo.flow.ended();
            self.again.push(cargo);
        }
    }

    fn wait_until_quiet(&self, limit: Duration) {
        let begin = self.setup.clock.now();
        let mut slept = Duration::ZERO;
        while !self.setup.desk.is_quiet() && self.setup.clock.now().since(begin) < limit && slept < limit {
            // Where the clock stands still (in tests), the sleeps are counted.
            if self.setup.desk.wait(WAIT) {
                slept += WAIT;
            }
        }
    }
}
