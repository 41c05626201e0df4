//! When to try again.

use std::time::Duration;

use crate::clock::Moment;

/// Waits that double, up to a bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    wait: Duration,
    since: Moment,
}

impl Backoff {
    /// Due `first` after `now`.
    pub(super) fn starting(first: Duration, longest: Duration, now: Moment) -> Self {
        Self { first, longest, wait: first, since: now }
    }

    /// Is the wait over?
    pub(super) fn is_due(&self, now: Moment) -> bool {
        now.since(self.since) >= self.wait
    }

    /// It failed again: due after twice the last wait.
    pub(super) fn again(&mut self, now: Moment) {
        self.since = now;
        self.wait = (self.wait * 2).max(self.first).min(self.longest);
    }

    /// Something has changed: due at once, and short again after that.
    pub(super) fn at_once(&mut self) {
        self.wait = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, UnixMillis};

    #[test]
    fn waits_double_up_to_the_bound() {
        let clock = Clock::standing_at(UnixMillis(0));
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(3));
        let mut backoff = Backoff::starting(second, minute, clock.now());
        for wait in [1, 2, 3, 3] {
            clock.advance(Duration::from_millis(wait * 1000 - 1));
            assert!(!backoff.is_due(clock.now()), "{wait} s");
            clock.advance(Duration::from_millis(1));
            assert!(backoff.is_due(clock.now()), "{wait} s");
            backoff.again(clock.now());
        }
        backoff.at_once();
        assert!(backoff.is_due(clock.now()));
        backoff.again(clock.now());
        assert!(!backoff.is_due(clock.now()));
    }
}
