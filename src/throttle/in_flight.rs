//! How much of one source is worked on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets so many in at once. Clones share the count.
#[derive(Debug, Clone)]
pub struct InFlight {
    max: usize,
    count: Arc<AtomicUsize>,
}

/// As many are in as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limits.in_flight is reached: too many requests of this source at once")]
pub struct TooManyAtOnce;

/// One that is in; dropping it lets the next in.
#[derive(Debug)]
pub struct Inside(Arc<AtomicUsize>);

impl InFlight {
    /// `limits.in_flight`
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, count: Arc::default() }
    }

    /// Lets one in.
    ///
    /// # Errors
    /// As many are in as may be.
    pub fn try_enter(&self) -> Result<Inside, TooManyAtOnce> {
        let room = |count| (count < self.max).then_some(count + 1);
        let entered = self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        entered.map(|_| Inside(Arc::clone(&self.count))).map_err(|_| TooManyAtOnce)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_comes_in_when_one_has_left() {
        let limit = InFlight::new(2);
        let (first, second) = (limit.try_enter(), limit.clone().try_enter());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(limit.try_enter().err(), Some(TooManyAtOnce));
        drop(first);
        assert!(limit.try_enter().is_ok());
    }

    #[test]
    fn a_limit_of_nothing_lets_nobody_in() {
        assert_eq!(InFlight::new(0).try_enter().err(), Some(TooManyAtOnce));
    }
}
