//! How often the same thing is written to the log.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Moment};

/// Between two lines about the same.
const PERIOD: Duration = Duration::from_secs(10);
/// So many things are told apart. What is told apart comes from the configuration (a source and an outcome), so
/// this is reached only by a very large one; what finds no place is not written, and is counted in the metrics.
const KEYS_MAX: usize = 16 * 1024;

/// Lets one line about each thing through in ten seconds, and counts the others.
#[derive(Debug)]
pub struct LineLimit<K> {
    clock: Clock,
    keys: Mutex<HashMap<K, Written>>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    last: Moment,
    /// Lines that were not written since.
    suppressed: u64,
}

impl<K: Eq + Hash> LineLimit<K> {
    /// With no line written yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, keys: Mutex::default() }
    }

    /// Whether a line about `key` may be written now; if so, how many were not since the one before.
    pub fn pass(&self, key: K) -> Option<u64> {
        let now = self.clock.now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = keys.get_mut(&key) {
            if now.since(written.last) < PERIOD {
                written.suppressed = written.suppressed.saturating_add(1);
                return None;
            }
            let suppressed = written.suppressed;
            *written = Written { last: now, suppressed: 0 };
            return Some(suppressed);
        }
        if keys.len() >= KEYS_MAX {
            return None;
        }
        keys.insert(key, Written { last: now, suppressed: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    fn limit() -> (LineLimit<(String, u8)>, Clock) {
        let clock = Clock::standing_at(UnixMillis(0));
        (LineLimit::new(clock.clone()), clock)
    }

    #[test]
    fn the_same_is_written_once_in_ten_seconds_with_a_count_of_the_others() {
        let (limit, clock) = limit();
        let pass = || limit.pass(("github".into(), 0));
        assert_eq!(pass(), Some(0));
        assert_eq!((pass(), pass()), (None, None));
        clock.advance(Duration::from_millis(9999));
        assert_eq!(pass(), None);
        clock.advance(Duration::from_millis(1));
        assert_eq!(pass(), Some(3));
        clock.advance(PERIOD);
        assert_eq!(pass(), Some(0));
    }

    #[test]
    fn another_source_or_outcome_is_another_line() {
        let (limit, _) = limit();
        for key in [("github", 0), ("github", 1), ("stripe", 0)] {
            assert_eq!(limit.pass((key.0.into(), key.1)), Some(0), "{key:?}");
        }
    }

    #[test]
    fn more_things_than_there_are_places_are_not_written() {
        let (limit, _) = limit();
        for key in 0..KEYS_MAX {
            assert_eq!(limit.pass((key.to_string(), 0)), Some(0));
        }
        assert_eq!(limit.pass(("one more".into(), 0)), None);
        assert_eq!(limit.keys.lock().expect("not poisoned").len(), KEYS_MAX);
    }
}
