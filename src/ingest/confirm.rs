//! Messages that ask a person to confirm something outside of the gateway (`confirm_out_of_band`).
//!
//! They are told to the operator, in the log and in a metric, and that is all: the gateway follows no URL because a message
//! names it.

use prometheus_client::metrics::counter::Counter;
use tracing::warn;

use crate::clock::Clock;
use crate::metrics::{Metrics, OfSource};
use crate::throttle::LineLimit;

/// Tells of such messages of one source, at most one line in ten seconds.
#[derive(Debug)]
pub(super) struct Confirmations {
    source: String,
    lines: LineLimit<()>,
    counter: Counter,
}

impl Confirmations {
    pub(super) fn new(source: &str, clock: &Clock, metrics: &Metrics) -> Self {
        let counter = metrics.confirmations.get_or_create_owned(&OfSource { source: source.to_owned() });
        Self { source: source.to_owned(), lines: LineLimit::new(clock.clone()), counter }
    }

    /// One came, with this URL or code. A stranger may have written it: what cannot be seen in it is escaped.
    pub(super) fn tell(&self, value: &str) {
        self.counter.inc();
        if let Some(left_out) = self.lines.pass(()) {
            let value = value.escape_debug().to_string();
            let source = &self.source;
            warn!(source, value, left_out, "a message asks to be confirmed: use its URL or code if you expect it");
        }
    }
}
