//! What a port counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::metrics::{ConnectionState, Metrics, OfState, Outcome, SourceOutcome, UNKNOWN_SOURCE};

/// The counters of one port, looked up once.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub(super) active: Gauge,
    pub(super) idle: Gauge,
    pub(super) panics: Counter,
    pub(super) bad_request: Counter,
    pub(super) wrong_method: Counter,
}

impl Counts {
    /// Of the public port: what is refused here belongs to no source.
    #[must_use]
    pub fn public(metrics: &Metrics) -> Self {
        let connections = |state| metrics.connections.get_or_create_owned(&OfState { state });
        let refused = |outcome| {
            let label = SourceOutcome { source: UNKNOWN_SOURCE.into(), outcome };
            metrics.requests.get_or_create_owned(&label)
        };
        Self {
            active: connections(ConnectionState::Active),
            idle: connections(ConnectionState::Idle),
            panics: metrics.panics.clone(),
            bad_request: refused(Outcome::BadRequest),
            wrong_method: refused(Outcome::WrongMethod),
        }
    }

    /// Of the private port: nobody looks at them.
    #[must_use]
    pub fn private() -> Self {
        Self::default()
    }
}
