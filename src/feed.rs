//! What happens, live, for whoever is watching: `hookgate dev`, later `hookgate tail`.
//!
//! A watcher that cannot keep up misses lines and is told how many; nobody ever waits for a watcher. Without one, a line
//! costs one atomic load.

use std::time::Duration;

use tokio::sync::broadcast;

use crate::clock::UnixMillis;
use crate::metrics::Outcome;

/// A watcher may be so many lines behind before it misses some.
const LINES_MAX: usize = 4096;

/// Tells watchers what happens. Clones tell the same ones.
#[derive(Debug, Clone)]
pub struct Feed(broadcast::Sender<Line>);

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Line {
    /// A request was answered.
    Answered(Answered),
    /// Kafka has an event.
    Delivered(Delivered),
}

/// A request was answered; a delivery of several events has a line for each.
#[derive(Debug, Clone)]
pub struct Answered {
    /// When it had been read.
    pub at: UnixMillis,
    /// The source's name; `-` for an unknown one.
    pub source: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused, for the operator.
    pub reason: Option<String>,
    /// The event's type.
    pub kind: Option<String>,
    /// `ce_id`, for an event.
    pub id: Option<String>,
    /// Length of the event's value, or of the body where it is none.
    pub bytes: usize,
    /// From the head of the request to its answer.
    pub took: Duration,
}

/// Kafka has an event.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The source's name.
    pub source: String,
    /// `ce_id`
    pub id: String,
    /// Where it is.
    pub topic: String,
    /// Where it is.
    pub partition: i32,
    /// Where it is.
    pub offset: i64,
}

impl Feed {
    /// A feed that nobody watches yet.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(LINES_MAX))
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Line> {
        self.0.subscribe()
    }

    /// Tells a line, which is only made if somebody watches.
    pub fn tell(&self, line: impl FnOnce() -> Line) {
        if self.0.receiver_count() > 0 {
            // The last watcher may have left in between.
            drop(self.0.send(line()));
        }
    }

    /// Whether anybody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}
