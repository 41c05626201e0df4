//! Which of the kept records somebody asks for.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::str::FromStr;

use super::{Kept, Segment};
use crate::clock::UnixMillis;
use crate::event::{EventView, header};

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A sequence number.
    Sequence(u64),
    /// When it was received.
    Time(UnixMillis),
}

/// `FROM..TO`, both of them included; either may be left out. A single number is that record alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// From here on.
    pub from: Option<Point>,
    /// Up to here.
    pub to: Option<Point>,
}

/// What would be a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}`: expected FROM..TO of sequence numbers or of times such as 2026-11-24T13:30:00Z, either left out, or one number"
)]
pub struct RangeError(String);

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let wrong = || RangeError(text.to_owned());
        let point = |text: &str| {
            if text.is_empty() {
                return Some(None);
            }
            let time = || u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok();
            let sequence = text.parse().ok().map(Point::Sequence);
            sequence.or_else(|| time().map(|time| Point::Time(UnixMillis(time)))).map(Some)
        };
        if let Some((from, to)) = text.split_once("..") {
            return Ok(Self { from: point(from).ok_or_else(wrong)?, to: point(to).ok_or_else(wrong)? });
        }
        let one = text.parse().map(Point::Sequence).map_err(|_| wrong())?;
        Ok(Self { from: Some(one), to: Some(one) })
    }
}

impl Range {
    /// It speaks of sequence numbers, which mean nothing but in a spool.
    #[must_use]
    pub fn has_sequence(&self) -> bool {
        [self.from, self.to].iter().flatten().any(|point| matches!(point, Point::Sequence(_)))
    }

    fn holds(&self, sequence: Option<u64>, at: UnixMillis) -> bool {
        let after = match self.from {
            Some(Point::Sequence(from)) => sequence.is_some_and(|sequence| sequence >= from),
            Some(Point::Time(from)) => at >= from,
            None => true,
        };
        let before = match self.to {
            Some(Point::Sequence(to)) => sequence.is_some_and(|sequence| sequence <= to),
            Some(Point::Time(to)) => at <= to,
            None => true,
        };
        after && before
    }
}

/// All conditions that records have to meet; an empty one takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Numbers or times.
    pub range: Range,
    /// One of these `ce_id`.
    pub ids: BTreeSet<String>,
    /// The source's name.
    pub source: Option<String>,
    /// The topic's name.
    pub topic: Option<String>,
}

impl Selection {
    /// Whether a record is asked for; one outside a spool has no number.
    #[must_use]
    pub fn takes(&self, sequence: Option<u64>, event: &EventView<'_>) -> bool {
        let id = || std::str::from_utf8(event.headers.get(header::CE_ID).unwrap_or_default()).unwrap_or_default();
        self.range.holds(sequence, event.received_at)
            && self.source.as_ref().is_none_or(|source| source == event.source)
            && self.topic.as_ref().is_none_or(|topic| topic == event.topic)
            && (self.ids.is_empty() || self.ids.contains(id()))
    }

    /// Nothing in the segment is asked for, as far as its header tells.
    #[must_use]
    pub fn passes_over(&self, segment: &Segment) -> bool {
        let from = if let Some(Point::Sequence(from)) = self.range.from { from } else { 0 };
        let to = if let Some(Point::Sequence(to)) = self.range.to { to } else { u64::MAX };
        segment.is_outside(from, to)
    }

    /// Tells a record where it is asked for, and breaks off behind the last that can be.
    pub fn tell(&self, kept: &Kept<'_>, told: &mut dyn FnMut() -> ControlFlow<()>) -> ControlFlow<()> {
        if matches!(self.range.to, Some(Point::Sequence(to)) if kept.sequence > to) {
            return ControlFlow::Break(());
        }
        if self.takes(Some(kept.sequence), &kept.event) { told() } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        text.parse().expect(text)
    }

    #[test]
    fn both_ends_belong_to_a_range_and_either_may_be_left_out() {
        let now = UnixMillis(1_000);
        let taken = |text: &str| (0..10).filter(|sequence| range(text).holds(Some(*sequence), now)).collect::<Vec<_>>();
        assert_eq!(taken("3..5"), [3, 4, 5]);
        assert_eq!(taken("8.."), [8, 9]);
        assert_eq!(taken("..1"), [0, 1]);
        assert_eq!(taken("7"), [7]);
        assert_eq!(taken(".."), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_time_is_when_it_was_received_and_may_stand_beside_a_number() {
        let hour = range("1970-01-01T01:00:00Z..1970-01-01T02:00:00+00:00");
        let at = |ms| hour.holds(None, UnixMillis(ms));
        assert_eq!([3_599_999, 3_600_000, 7_200_000, 7_200_001].map(at), [false, true, true, false]);
        assert!(!hour.has_sequence());
        let mixed = range("5..1970-01-01T00:00:01Z");
        assert!(
            mixed.has_sequence() && mixed.holds(Some(5), UnixMillis(1_000)) && !mixed.holds(Some(5), UnixMillis(1_001))
        );
        assert!(!mixed.holds(None, UnixMillis(0)), "what has no number is not among numbers");
    }

    #[test]
    fn what_is_no_range_is_refused_with_what_would_be() {
        for wrong in ["", "x", "1..y", "..2026-13", "-1..", "2026-11-24T13:30:00Z", "1...2"] {
            let error = wrong.parse::<Range>().expect_err(wrong).to_string();
            assert!(error.starts_with(&format!("`{wrong}`: expected FROM..TO")), "{error}");
        }
    }
}
