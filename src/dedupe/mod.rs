//! Which events have been seen.

use std::time::Duration;

/// What the operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `dedupe.window`, where a source does not say its own.
    pub window: Duration,
    /// `dedupe.max_keys`: settled keys of all windows together.
    pub max_keys: usize,
}
