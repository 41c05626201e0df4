//! Sizes, durations, rates and shares as people write them: `64KiB`, `5s`, `500/s`, `80%`.
//!
//! A number without its unit is refused everywhere, so that nobody ever has to guess whether `10` meant seconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// What was wrong with a quantity; the text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// A bare number, or a unit that is not one of the list.
    #[error("expected a size such as 64KiB, 1MiB or 10GiB")]
    Size,
    /// A bare number, or a unit that is not one of the list.
    #[error("expected a duration such as 300ms, 5s, 2m, 1h or 3d")]
    Duration,
    /// Not `<count>/s`, `/m` or `/h`.
    #[error("expected a rate such as 500/s, 30/m or 10/h")]
    Rate,
    /// Not `<size>/s`.
    #[error("expected a size per second such as 1KiB/s")]
    ByteRate,
    /// Not `0%` to `100%`.
    #[error("expected a share from 0% to 100%")]
    Share,
    /// More than 64 bits can hold.
    #[error("the value is too large")]
    TooLarge,
}

/// Bytes, written with a binary unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const SIZES: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    /// So many times 1024 bytes.
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many times 1024 × 1024 bytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// As a length in memory; what a machine cannot address counts as the most it can.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (count, unit) = split_number(text).ok_or(UnitError::Size)?;
        let (_, scale) = SIZES.iter().find(|(name, _)| *name == unit).ok_or(UnitError::Size)?;
        count.checked_mul(*scale).map(ByteSize).ok_or(UnitError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, scale): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*scale);
        let (unit, scale) = SIZES.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

const SPANS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `300ms`, `5s`, `2m`, `1h` or `3d`.
///
/// # Errors
/// A bare number, an unknown unit, or more milliseconds than 64 bits hold.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let (count, unit) = split_number(text).ok_or(UnitError::Duration)?;
    let (_, scale) = SPANS.iter().find(|(name, _)| *name == unit).ok_or(UnitError::Duration)?;
    count.checked_mul(*scale).map(Duration::from_millis).ok_or(UnitError::TooLarge)
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that leaves no rest.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |(_, scale): &&(&str, u64)| millis != 0 && millis.is_multiple_of(*scale);
    let (unit, scale) = SPANS.iter().find(fits).unwrap_or(&("s", 1000));
    format!("{}{unit}", millis / scale)
}

/// How often something may happen: a count in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many in one period; 0 means "off" where a limit is optional.
    pub count: u32,
    /// The period.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (count, period) = text.split_once('/').ok_or(UnitError::Rate)?;
        let seconds = match period {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(UnitError::Rate),
        };
        let count = digits(count).ok_or(UnitError::Rate)?;
        let count = u32::try_from(count).map_err(|_| UnitError::TooLarge)?;
        Ok(Self { count, per: Duration::from_secs(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.per.as_secs() {
            3600 => "h",
            60 => "m",
            _ => "s",
        };
        write!(f, "{}/{period}", self.count)
    }
}

/// Bytes per second: `1KiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRate(pub u64);

impl FromStr for ByteRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let size = text.strip_suffix("/s").ok_or(UnitError::ByteRate)?;
        size.parse::<ByteSize>().map(|size| Self(size.0)).map_err(|error| match error {
            UnitError::TooLarge => error,
            _ => UnitError::ByteRate,
        })
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", ByteSize(self.0))
    }
}

/// A part of a whole, in percent: `80%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

impl Share {
    /// `percent` of a whole; more than 100 counts as 100.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    /// That part of `whole`, rounded down.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 100;
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let percent = text.strip_suffix('%').and_then(digits).ok_or(UnitError::Share)?;
        u8::try_from(percent).ok().filter(|percent| *percent <= 100).map(Self).ok_or(UnitError::Share)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// `64KiB` → (64, `KiB`). Zero needs a unit as well.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(end)?;
    Some((digits(count)?, unit))
}

fn digits(text: &str) -> Option<u64> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_binary_unit() {
        assert_eq!("64KiB".parse(), Ok(ByteSize::kib(64)));
        assert_eq!("0B".parse(), Ok(ByteSize(0)));
        for wrong in ["64", "64KB", "64 KiB", "-1KiB", "1.5MiB", "KiB", ""] {
            assert_eq!(wrong.parse::<ByteSize>(), Err(UnitError::Size), "{wrong}");
        }
        assert_eq!("99999999999TiB".parse::<ByteSize>(), Err(UnitError::TooLarge));
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_duration("3d"), Ok(Duration::from_hours(72)));
        for wrong in ["5", "5 s", "5sec", "s", "-5s", "1h30m", ""] {
            assert_eq!(parse_duration(wrong), Err(UnitError::Duration), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_written_as_they_are_read() {
        for text in ["0B", "1KiB", "1500B", "10GiB"] {
            assert_eq!(text.parse::<ByteSize>().expect(text).to_string(), text);
        }
        for text in ["0s", "250ms", "90s", "2m", "3d"] {
            assert_eq!(show_duration(parse_duration(text).expect(text)), text);
        }
        assert_eq!("500/s".parse::<Rate>().expect("a rate").to_string(), "500/s");
        assert_eq!("1KiB/s".parse::<ByteRate>().expect("a rate").to_string(), "1KiB/s");
        assert_eq!("80%".parse::<Share>().expect("a share").to_string(), "80%");
    }

    #[test]
    fn a_share_above_the_whole_is_refused() {
        assert_eq!("101%".parse::<Share>(), Err(UnitError::Share));
        assert_eq!("80".parse::<Share>(), Err(UnitError::Share));
        assert_eq!(Share::percent(80).of(u64::MAX), u64::MAX / 5 * 4);
    }
}
