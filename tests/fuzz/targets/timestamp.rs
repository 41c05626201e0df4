//! Timestamps in all formats, against arithmetic on digits.

use hookgate::clock::UnixMillis;
use hookgate::signature::scheme::TimeFormat;

const FORMATS: [TimeFormat; 4] = [TimeFormat::Unix, TimeFormat::UnixMs, TimeFormat::Rfc3339, TimeFormat::Iso8601];

pub(super) fn run(data: &[u8]) {
    let digits = !data.is_empty() && data.iter().all(u8::is_ascii_digit);
    let number = || data.iter().try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')));
    let whole = if digits && data.len() <= 64 { number() } else { None };
    assert_eq!(TimeFormat::UnixMs.read(data), whole);
    assert_eq!(TimeFormat::Unix.read(data), whole.and_then(|seconds| seconds.checked_mul(1000)));

    let [rfc3339, iso8601] = [TimeFormat::Rfc3339, TimeFormat::Iso8601].map(|format| format.read(data));
    if let Some(ms) = calendar(data) {
        assert_eq!(rfc3339, Some(ms), "{:?}", String::from_utf8_lossy(data));
    }
    assert!(rfc3339.is_none() || iso8601 == rfc3339, "a time with an offset is the same in both");
    assert!(iso8601.is_none() || data.len() <= 64 && data.is_ascii());

    for format in FORMATS {
        let Some(ms) = format.read(data).and_then(|ms| u64::try_from(ms).ok()) else { continue };
        // What the year 9999 does not hold has no date.
        if ms < 253_402_300_800_000 {
            let again = format.read(format.write(UnixMillis(ms)).as_bytes());
            let expected = if format == TimeFormat::Unix { ms / 1000 * 1000 } else { ms };
            assert_eq!(again, i64::try_from(expected).ok(), "{format:?}");
        }
    }
}

/// `2020-01-01T00:00:00.123Z`, or with an offset of hours and minutes; no leap second; after 1970.
fn calendar(text: &[u8]) -> Option<i64> {
    let (fixed, mut rest) = text.split_first_chunk::<19>()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let is_mark = |at: usize| marks.iter().any(|(place, mark)| *place == at && fixed[at] == *mark);
    if !(0..19).all(|at| is_mark(at) || fixed[at].is_ascii_digit() && !marks.iter().any(|(place, _)| *place == at)) {
        return None;
    }
    let number =
        |from: usize, to: usize| fixed[from..to].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = months.get(..usize::try_from(month - 1).ok()?)?;
    let longest = *months.get(usize::try_from(month - 1).ok()?)?;
    if !(1971..=9998).contains(&year) || !(1..=longest).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before.iter().sum::<i64>() + day - 1;
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let of = |at: usize| fraction[..digits].get(at).map_or(0, |digit| i64::from(digit - b'0'));
        ms = of(0) * 100 + of(1) * 10 + of(2);
        rest = &fraction[digits..];
    }
    let offset = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), a, b, b':', c, d] if [a, b, c, d].into_iter().all(u8::is_ascii_digit) => {
            let [a, b, c, d] = [a, b, c, d].map(|digit| i64::from(digit - b'0'));
            let (hours, minutes) = (a * 10 + b, c * 10 + d);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'+' { 1 } else { -1 }
        }
        _ => return None,
    };
    Some((((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + ms)
}
