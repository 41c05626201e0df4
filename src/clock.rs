//! The one place that reads the time.
//!
//! Two clocks: the wall's, for what is compared with other people's clocks (replay windows, record timestamps), and a
//! monotonic one, for how long something took. The wall may jump; nothing that must not jump is measured by it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// So much later; the end of time where that would be beyond it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }

    /// How long after `earlier`; zero where it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T13:30:00.000Z`.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

/// A moment of the monotonic clock: only good for differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long after `earlier`; zero where it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads the time. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { start: Instant },
    Manual(Arc<Hands>),
}

#[derive(Debug)]
struct Hands {
    wall_ms: AtomicU64,
    elapsed_ms: AtomicU64,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// A clock that stands still at `wall` until it is moved: for a replay of an old request, and for tests.
    #[must_use]
    pub fn standing_at(wall: UnixMillis) -> Self {
        let hands = Hands { wall_ms: AtomicU64::new(wall.0), elapsed_ms: AtomicU64::new(0) };
        Self(Source::Manual(Arc::new(hands)))
    }

    /// The wall's time. A machine that believes to live before 1970 gets 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn wall(&self) -> UnixMillis {
        match &self.0 {
            Source::System { .. } => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                UnixMillis(whole_millis(elapsed))
            }
            Source::Manual(hands) => UnixMillis(hands.wall_ms.load(Ordering::Relaxed)),
        }
    }

    /// The monotonic time.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System { start } => Moment(start.elapsed()),
            Source::Manual(hands) => Moment(Duration::from_millis(hands.elapsed_ms.load(Ordering::Relaxed))),
        }
    }

    /// Lets time pass on a clock that stands still; the machine's own clock cannot be moved.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(hands) = &self.0 {
            hands.wall_ms.fetch_add(whole_millis(duration), Ordering::Relaxed);
            hands.elapsed_ms.fetch_add(whole_millis(duration), Ordering::Relaxed);
        }
    }

    /// Sets the wall of a clock that stands still, as an operator or NTP would; the monotonic time does not follow.
    pub fn set_wall(&self, wall: UnixMillis) {
        if let Source::Manual(hands) = &self.0 {
            hands.wall_ms.store(wall.0, Ordering::Relaxed);
        }
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_written_as_rfc_3339_with_milliseconds() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis(1_614_265_330_007).to_string(), "2021-02-25T15:02:10.007Z");
    }

    #[test]
    fn a_jump_of_the_wall_does_not_move_the_monotonic_time() {
        let clock = Clock::standing_at(UnixMillis(1000));
        let before = clock.now();
        clock.set_wall(UnixMillis(0));
        assert_eq!(clock.now().since(before), Duration::ZERO);
        clock.advance(Duration::from_secs(2));
        assert_eq!((clock.wall(), clock.now().since(before)), (UnixMillis(2000), Duration::from_secs(2)));
    }
}
