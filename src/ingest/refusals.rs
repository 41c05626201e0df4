//! Refusals in the log: why, but not a line for each.

use tracing::{info, warn};

use crate::clock::Clock;
use crate::metrics::Outcome;
use crate::throttle::LineLimit;

use super::reject::Reject;

/// Notes refusals, at most one line a source and reason in ten seconds, with the number of those that were left out.
#[derive(Debug)]
pub struct Refusals(LineLimit<(String, Outcome)>);

impl Refusals {
    /// Nothing noted yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(LineLimit::new(clock))
    }

    /// A request of that source was refused. Neither bodies nor header values are ever in the log.
    pub(super) fn note(&self, source: &str, reject: Reject) {
        let outcome = reject.outcome();
        let Some(left_out) = self.0.pass((source.to_owned(), outcome)) else { return };
        let outcome = outcome.as_str();
        // What is ours to mend is a warning; what a sender did is information.
        if reject.status().is_server_error() {
            warn!(source, outcome, reason = %reject, left_out, "delivery refused");
        } else {
            info!(source, outcome, reason = %reject, left_out, "request refused");
        }
    }
}
