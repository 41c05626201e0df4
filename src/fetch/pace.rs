//! When a document is fetched again.

use std::time::Duration;

/// Not sooner than this after a good fetch, whatever the answer says.
pub const INTERVAL_MIN: Duration = Duration::from_mins(5);
/// Not later than this.
pub const INTERVAL_MAX: Duration = Duration::from_hours(24);
/// Where the answer says nothing.
pub const INTERVAL: Duration = Duration::from_hours(1);
/// After the first failure; doubled with each that follows.
pub const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
pub const RETRY_MAX: Duration = Duration::from_mins(5);

/// Doubled so often, a wait is longer than [`RETRY_MAX`].
const DOUBLINGS_MAX: u32 = 9;

/// How many fetches have failed since the last good one.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
}

impl Pace {
    pub(super) fn after_success(&mut self, max_age: Option<Duration>) -> Duration {
        self.failures = 0;
        max_age.unwrap_or(INTERVAL).clamp(INTERVAL_MIN, INTERVAL_MAX)
    }

    pub(super) fn after_failure(&mut self) -> Duration {
        let wait = RETRY_MIN * 2_u32.pow(self.failures.min(DOUBLINGS_MAX));
        self.failures = self.failures.saturating_add(1);
        wait.min(RETRY_MAX)
    }
}

/// `max-age` of a `Cache-Control` (RFC 9111, 5.2.2.1).
pub(super) fn max_age(cache_control: &str) -> Option<Duration> {
    let directives = cache_control.split(',').map(str::trim);
    let seconds = directives.filter_map(|directive| directive.split_once('=')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok()).flatten()
    });
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_as_old_as_its_answer_allows_within_bounds() {
        for (header, wait) in [
            ("", INTERVAL),
            ("no-cache", INTERVAL),
            ("public, max-age=19622, must-revalidate", Duration::from_secs(19_622)),
            ("Max-Age=\"600\"", Duration::from_mins(10)),
            ("max-age=0", INTERVAL_MIN),
            ("max-age=-1", INTERVAL),
            ("max-age=18446744073709551615", INTERVAL_MAX),
            ("s-maxage=600", INTERVAL),
        ] {
            assert_eq!(Pace::default().after_success(max_age(header)), wait, "{header}");
        }
    }

    #[test]
    fn each_failure_waits_longer_until_one_succeeds() {
        let mut pace = Pace::default();
        let waits: Vec<u64> = (0..12).map(|_| pace.after_failure().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        pace.after_success(None);
        assert_eq!(pace.after_failure(), RETRY_MIN);
    }
}
