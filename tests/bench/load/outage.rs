//! Kafka hangs, dies and comes back while webhooks come in.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::audit::{self, Audit};
use crate::contest::{PARTITIONS, new_topic};
use crate::server::{Programs, Server, Who};
use crate::support::kafka::Kafka;
use crate::traffic::{self, Plan, Prepared};

const REQUESTS: usize = 200;

/// What came of it.
pub(crate) struct Outage {
    answered: usize,
    slowest_ms: f64,
    audit: Audit,
}

/// A sender that waits no longer has given up.
const PATIENCE_MS: f64 = 2000.0;

impl Outage {
    pub(crate) fn is_clean(&self) -> bool {
        self.answered == REQUESTS && self.slowest_ms <= PATIENCE_MS && self.audit.is_clean()
    }
}

/// Half of the requests come while the broker hangs (SIGSTOP), half after it was killed; then it starts again.
pub(crate) fn hold(kafka: &Kafka, programs: &Programs, prepared: &Rc<Prepared>) -> Outage {
    let topic = new_topic(kafka);
    let brokers = kafka.bootstrap();
    let server = Server::start(Who::Hookgate("disk"), programs, &brokers, &topic);
    kafka.pause();
    let plan = Plan { connections: 64, warm_up: Duration::ZERO, measured: Duration::ZERO, requests: REQUESTS / 2 };
    let mut hanging = traffic::send(server.address, prepared, plan, || ());
    kafka.kill();
    let dead = traffic::send(server.address, prepared, Plan { requests: REQUESTS, ..plan }, || ());
    kafka.restart();
    // The second run repeats the first one's requests: duplicates, answered 200 and not sent again.
    hanging.acknowledged.extend(dead.acknowledged.iter().filter(|number| **number >= REQUESTS / 2));
    let audit = audit::topic(&brokers, &topic, PARTITIONS, &hanging.acknowledged);
    let slowest_ms = hanging.latencies.quantile_ms(1.0).max(dead.latencies.quantile_ms(1.0));
    Outage { answered: hanging.acknowledged.len(), slowest_ms, audit }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, slowest_ms, audit } = self;
        write!(
            f,
            "Broker paused, then killed, then started again: {answered} of {REQUESTS} webhooks answered 200, the \
             slowest after {slowest_ms:.0} ms; of these {} are missing in Kafka and {} are there twice.",
            audit.missing, audit.twice
        )
    }
}
