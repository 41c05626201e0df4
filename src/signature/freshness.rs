//! When a request was made, and whether that is inside the window. Both directions are bounded.

use std::time::Duration;

use super::scheme::{TimeFormat, Timestamp};
use crate::clock::UnixMillis;
use crate::locate::Scope;

/// No date is longer than this, in bytes; RFC 3339 with nanoseconds and an offset has 35.
const DATE_BYTES_MAX: usize = 64;

/// What the timestamp of a request says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Freshness {
    /// Inside the window; how far it lies behind our clock, in seconds.
    Fresh(f64),
    /// Outside of it.
    Stale(f64),
    /// Missing, there twice, or not written as it should be.
    Unreadable,
}

impl Timestamp {
    pub(super) fn judge(&self, scope: &Scope<'_>, now: UnixMillis) -> Freshness {
        if self.from.is_repeated(scope) {
            return Freshness::Unreadable;
        }
        let made = self.from.find(scope).and_then(|text| self.format.read(&text));
        made.map_or(Freshness::Unreadable, |made| self.window(made, now))
    }

    fn window(&self, made_ms: i64, now: UnixMillis) -> Freshness {
        Freshness::of(made_ms, now, self.past, self.future)
    }
}

impl Freshness {
    /// Of what was made then, in milliseconds since 1970.
    pub(super) fn of(made_ms: i64, now: UnixMillis, past: Duration, future: Duration) -> Self {
        let now_ms = i64::try_from(now.0).unwrap_or(i64::MAX);
        let distance = Duration::from_millis(now_ms.abs_diff(made_ms));
        let (limit, sign) = if made_ms <= now_ms { (past, 1.0) } else { (future, -1.0) };
        let skew = sign * distance.as_secs_f64();
        if distance <= limit { Self::Fresh(skew) } else { Self::Stale(skew) }
    }
}

impl TimeFormat {
    /// Milliseconds since 1970; `None` where it is not written so, or beyond what 64 bits hold.
    #[must_use]
    pub fn read(self, text: &[u8]) -> Option<i64> {
        let text = str::from_utf8(text).ok().filter(|text| text.len() <= DATE_BYTES_MAX)?;
        match self {
            Self::Unix => digits(text)?.checked_mul(1000),
            Self::UnixMs => digits(text),
            Self::Rfc3339 => instant(text),
            Self::Iso8601 => instant(text).or_else(|| without_offset(text)),
        }
    }

    /// Writes it as senders do.
    #[must_use]
    pub fn write(self, time: UnixMillis) -> String {
        match self {
            Self::Unix => (time.0 / 1000).to_string(),
            Self::UnixMs => time.0.to_string(),
            Self::Rfc3339 | Self::Iso8601 => time.to_string(),
        }
    }
}

/// No sign, no space, no fraction, no exponent.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn without_offset(text: &str) -> Option<i64> {
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let time = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
    Some(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Expr;
    use proptest::prelude::*;

    #[test]
    fn every_format_reads_what_senders_write() {
        for (format, text, ms) in [
            (TimeFormat::Unix, "1614265330", 1_614_265_330_000),
            (TimeFormat::Unix, "01614265330", 1_614_265_330_000),
            (TimeFormat::Unix, "0", 0),
            (TimeFormat::UnixMs, "1693657560000", 1_693_657_560_000),
            (TimeFormat::Rfc3339, "2020-01-01T00:00:00-07:00", 1_577_862_000_000),
            (TimeFormat::Rfc3339, "2021-02-19T23:47:00.8091512Z", 1_613_778_420_809),
            (TimeFormat::Iso8601, "2024-03-27T15:42:29.551", 1_711_554_149_551),
            (TimeFormat::Iso8601, "2024-03-27T15:42:29.551+00:00", 1_711_554_149_551),
        ] {
            assert_eq!(format.read(text.as_bytes()), Some(ms), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        let digits = "1".repeat(30);
        for text in
            ["", "-1", "+1", " 1", "1 ", "1.5", "1e9", "0x1", "hello", "NaN", "9223372036854775808", &digits, "١"]
        {
            assert_eq!(TimeFormat::Unix.read(text.as_bytes()), None, "{text}");
            assert_eq!(TimeFormat::UnixMs.read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(TimeFormat::Unix.read(b"9223372036854775807"), None);
        for text in
            ["", "2024-03-27", "2024-03-27T15:42:29", "2024-02-30T00:00:00Z", "2024-03-27T25:00:00Z", "1614265330"]
        {
            assert_eq!(TimeFormat::Rfc3339.read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(TimeFormat::Iso8601.read(b"2024-02-30T00:00:00"), None);
        assert_eq!(TimeFormat::Iso8601.read(&[b'2'; 10_000]), None);
        assert_eq!(TimeFormat::Unix.read(b"16142653\xff"), None);
    }

    #[test]
    fn the_window_is_bounded_in_both_directions() {
        let timestamp = Timestamp {
            from: Expr::Hash,
            format: TimeFormat::Unix,
            past: Duration::from_mins(5),
            future: Duration::from_mins(1),
        };
        let now = UnixMillis(1_000_000_000);
        for (made_ms, expected) in [
            (1_000_000_000, Freshness::Fresh(0.0)),
            (999_700_000, Freshness::Fresh(300.0)),
            (999_699_999, Freshness::Stale(300.001)),
            (1_000_060_000, Freshness::Fresh(-60.0)),
            (1_000_060_001, Freshness::Stale(-60.001)),
            (1_000_000_000_000, Freshness::Stale(-999_000_000.0)),
            (i64::MAX, Freshness::Stale(-9_223_372_035_854_775.0)),
            (i64::MIN, Freshness::Stale(9_223_372_037_854_775.0)),
        ] {
            match (timestamp.window(made_ms, now), expected) {
                (Freshness::Fresh(skew), Freshness::Fresh(wanted))
                | (Freshness::Stale(skew), Freshness::Stale(wanted)) => {
                    assert!((skew - wanted).abs() < 1.0 && skew.signum() == wanted.signum(), "{made_ms}: {skew}");
                }
                (found, wanted) => panic!("{made_ms}: {found:?}, not {wanted:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in prop::collection::vec(any::<u8>(), 0..80), date in "[0-9TZ:. +-]{0,40}", now: u64) {
            let timestamp = |format| Timestamp { from: Expr::Hash, format, past: Duration::MAX, future: Duration::MAX };
            for format in [TimeFormat::Unix, TimeFormat::UnixMs, TimeFormat::Rfc3339, TimeFormat::Iso8601] {
                for text in [&text[..], date.as_bytes()] {
                    if let Some(made_ms) = format.read(text) {
                        let judged = timestamp(format).window(made_ms, UnixMillis(now));
                        prop_assert!(matches!(judged, Freshness::Fresh(_)));
                    }
                }
            }
        }

        #[test]
        fn what_is_written_is_read_again(now in 0_u64..253_402_300_799_000) {
            for format in [TimeFormat::UnixMs, TimeFormat::Rfc3339, TimeFormat::Iso8601] {
                prop_assert_eq!(format.read(format.write(UnixMillis(now)).as_bytes()), i64::try_from(now).ok());
            }
        }
    }
}
