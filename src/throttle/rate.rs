//! How often something may happen.
//!
//! The generic cell rate algorithm (ITU-T I.371, as a virtual schedule): one number says when the next would be due if
//! all had come evenly. Whoever is not too far ahead of that schedule may pass. A whole period's count may come at
//! once, and no more than the rate in the long run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::units::Rate;

/// What a rate says about the schedule, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Between two that come evenly.
    interval: u64,
    /// How far ahead of the schedule one may be: all but one of a period's count.
    tolerance: u64,
}

/// When the next may come; the text is for logs, the sender sees `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too often; the next may come in {0:?}")]
pub struct TooOften(pub Duration);

impl Schedule {
    /// A rate of nothing lets one pass in a period: a limit that is off is not built at all.
    pub(super) fn new(rate: Rate) -> Self {
        let period = nanos(rate.per);
        let interval = (period / u64::from(rate.count.max(1))).max(1);
        Self { interval, tolerance: period.saturating_sub(interval) }
    }

    /// One comes at `now`; `due` is when it would, evenly. Gives when the next would, or how long it must wait.
    pub(super) fn next(self, due: u64, now: u64) -> Result<u64, TooOften> {
        match self.wait(due, now) {
            Duration::ZERO => Ok(due.max(now).saturating_add(self.interval)),
            wait => Err(TooOften(wait)),
        }
    }

    /// How long one that comes at `now` must wait.
    pub(super) fn wait(self, due: u64, now: u64) -> Duration {
        Duration::from_nanos(due.saturating_sub(now).saturating_sub(self.tolerance))
    }
}

/// Time since something was built, in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Elapsed {
    clock: Clock,
    start: Moment,
}

impl Elapsed {
    pub(super) fn new(clock: Clock) -> Self {
        Self { start: clock.now(), clock }
    }

    /// Enough for 584 years.
    pub(super) fn nanos(&self) -> u64 {
        nanos(self.clock.now().since(self.start))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Lets so many pass in a period.
#[derive(Debug)]
pub struct RateLimit {
    schedule: Schedule,
    elapsed: Elapsed,
    due: AtomicU64,
}

impl RateLimit {
    /// A whole period's count may come at once, at first and after a pause.
    #[must_use]
    pub fn new(rate: Rate, clock: Clock) -> Self {
        Self { schedule: Schedule::new(rate), elapsed: Elapsed::new(clock), due: AtomicU64::new(0) }
    }

    /// Lets one pass.
    ///
    /// # Errors
    /// It came too often. What is refused does not count.
    pub fn try_pass(&self) -> Result<(), TooOften> {
        let now = self.elapsed.nanos();
        let next = |due| self.schedule.next(due, now).ok();
        match self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(due) => Err(TooOften(self.schedule.wait(due, now))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    fn limit(rate: &str) -> (RateLimit, Clock) {
        let clock = Clock::standing_at(UnixMillis(0));
        (RateLimit::new(rate.parse().expect("a rate"), clock.clone()), clock)
    }

    fn passed(limit: &RateLimit) -> usize {
        (0..10_000).take_while(|_| limit.try_pass().is_ok()).count()
    }

    #[test]
    fn a_periods_count_may_come_at_once_and_then_evenly() {
        let (limit, clock) = limit("500/s");
        assert_eq!(passed(&limit), 500);
        assert_eq!(limit.try_pass(), Err(TooOften(Duration::from_millis(2))));
        clock.advance(Duration::from_millis(2));
        assert_eq!(passed(&limit), 1);
        clock.advance(Duration::from_millis(100));
        assert_eq!(passed(&limit), 50);
    }

    #[test]
    fn a_long_pause_buys_no_more_than_a_period() {
        let (limit, clock) = limit("30/m");
        clock.advance(Duration::from_hours(1));
        assert_eq!(passed(&limit), 30);
        clock.advance(Duration::from_hours(1));
        assert_eq!(passed(&limit), 30);
    }

    #[test]
    fn the_time_until_the_next_is_told() {
        let (limit, clock) = limit("1/m");
        assert_eq!(limit.try_pass(), Ok(()));
        clock.advance(Duration::from_secs(20));
        assert_eq!(limit.try_pass(), Err(TooOften(Duration::from_secs(40))));
        clock.advance(Duration::from_secs(40));
        assert_eq!(limit.try_pass(), Ok(()));
    }

    #[test]
    fn what_is_refused_does_not_make_it_worse() {
        let (limit, clock) = limit("1/s");
        assert_eq!(limit.try_pass(), Ok(()));
        for _ in 0..1000 {
            assert!(limit.try_pass().is_err());
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(limit.try_pass(), Ok(()));
    }

    #[test]
    fn a_jump_of_the_wall_changes_nothing() {
        let (limit, clock) = limit("1/h");
        assert_eq!(limit.try_pass(), Ok(()));
        clock.set_wall(UnixMillis(u64::MAX));
        assert!(limit.try_pass().is_err());
    }

    #[test]
    fn the_fastest_and_the_slowest_rate_are_rates() {
        let (fast, _) = limit("4294967295/s");
        assert!(passed(&fast) > 1);
        let (none, _) = limit("0/s");
        assert_eq!(passed(&none), 1);
    }
}
