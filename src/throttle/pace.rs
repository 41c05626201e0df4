//! How slowly a body may come: so long in any case, and longer for every byte that has come.

use std::error::Error;
use std::time::Duration;

use crate::units::ByteRate;

/// What a body can buy at most: nobody waits longer, and no clock overflows.
const LONGEST: Duration = Duration::from_hours(24);

/// The deadline of a body, as a function of what has come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// `server.body_timeout`: for a body of which nothing comes.
    pub grace: Duration,
    /// `server.body_min_rate`: a body that comes faster than this is never too slow.
    pub min_rate: ByteRate,
}

impl Pace {
    /// How much longer a body may take because so many bytes of it have come.
    #[must_use]
    pub fn bought_by(&self, bytes: u64) -> Duration {
        let millis = bytes.saturating_mul(1000).checked_div(self.min_rate.0).unwrap_or(0);
        Duration::from_millis(millis).min(LONGEST)
    }
}

/// The error of a request body that came too slowly: answered with 408, and the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body came too slowly: server.body_timeout and server.body_min_rate allow no more time")]
pub struct TooSlow;

impl TooSlow {
    /// Whether `error`, as reading a body gives it, has this as its cause.
    #[must_use]
    pub fn is_cause_of(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { grace: Duration::from_secs(10), min_rate: ByteRate(1024) };

    #[test]
    fn every_kibibyte_that_came_buys_a_second() {
        assert_eq!(PACE.bought_by(0), Duration::ZERO);
        assert_eq!(PACE.bought_by(5 * 1024), Duration::from_secs(5));
    }

    #[test]
    fn a_rate_of_nothing_buys_nothing_and_no_body_is_too_long_to_count() {
        assert_eq!(Pace { min_rate: ByteRate(0), ..PACE }.bought_by(u64::MAX), Duration::ZERO);
        assert_eq!(PACE.bought_by(u64::MAX), LONGEST);
    }

    #[test]
    fn the_cause_is_found_behind_the_errors_that_carry_it() {
        let carried = axum::Error::new(axum::Error::new(TooSlow));
        assert!(TooSlow::is_cause_of(&carried));
        assert!(!TooSlow::is_cause_of(&axum::Error::new(std::fmt::Error)));
    }
}
