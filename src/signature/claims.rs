//! What a token claims: who made it, for whom, when, and for how long. Read only where its signature has held.

use std::time::Duration;

use super::freshness::Freshness;
use super::jws::Members;
use super::scheme::Claims;
use crate::clock::UnixMillis;

/// How far the clocks may be apart where a token has begun (`nbf`) or ended (`exp`).
const LEEWAY: Duration = Duration::from_mins(1);

impl Claims {
    /// When the token was made, and whether it is valid at that time; nothing where it says nothing of either.
    pub(super) fn freshness(&self, claims: &Members<'_>, now: UnixMillis) -> Option<Freshness> {
        let clock = now;
        let now = i64::try_from(now.0).unwrap_or(i64::MAX);
        let read = |name: &str| claims.written(name).map(millis);
        let end = match read("exp") {
            None => self.exp.then_some(Freshness::Unreadable),
            Some(None) => Some(Freshness::Unreadable),
            Some(Some(end)) => later(now, end),
        };
        let begin = match read("nbf") {
            None => None,
            Some(None) => Some(Freshness::Unreadable),
            Some(Some(begin)) => later(begin, now).map(|_| Freshness::Stale(-apart(begin, now).as_secs_f64())),
        };
        let made = self.iat.map(|tolerance| match read("iat").flatten() {
            Some(made) => Freshness::of(made, clock, tolerance, tolerance),
            None => Freshness::Unreadable,
        });
        end.or(begin).or(made)
    }

    /// Each claim that has to have a certain value, and whether it has.
    pub(super) fn held<'c>(&'c self, claims: &'c Members<'_>) -> impl Iterator<Item = (&'c str, bool)> {
        let audience = (!self.aud.is_empty()).then(|| ("aud", self.is_audience(claims)));
        let equal = self.equal.iter().map(|(name, wanted)| {
            let found = plain(claims.written(name));
            (name.as_str(), found.is_some_and(|found| wanted.contains(&found)))
        });
        audience.into_iter().chain(equal)
    }

    /// A token is for one, or for several of which we are one (RFC 7519, 4.1.3).
    fn is_audience(&self, claims: &Members<'_>) -> bool {
        let named = claims.written("aud").and_then(|raw| {
            let one = serde_json::from_str::<String>(raw).map(|one| vec![one]);
            one.or_else(|_| serde_json::from_str::<Vec<String>>(raw)).ok()
        });
        named.is_some_and(|named| named.iter().any(|name| self.aud.contains(name)))
    }
}

/// Text as it is, numbers, `true` and `false` as they are written; anything else is no value to compare.
fn plain(written: Option<&str>) -> Option<String> {
    match written?.as_bytes().first()? {
        b'"' => serde_json::from_str(written?).ok(),
        b'{' | b'[' | b'n' => None,
        _ => written.map(str::to_owned),
    }
}

/// `NumericDate` in milliseconds; a fraction of a second is cut off. No sign, no exponent.
fn millis(written: &str) -> Option<i64> {
    let (whole, fraction) = written.split_once('.').unwrap_or((written, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| whole.parse::<i64>().ok()?.checked_mul(1000))?
}

/// That one time is later than the other, by more than clocks may be apart.
fn later(time: i64, than: i64) -> Option<Freshness> {
    let distance = apart(time, than);
    (time > than && distance > LEEWAY).then_some(Freshness::Stale(distance.as_secs_f64()))
}

fn apart(one: i64, other: i64) -> Duration {
    Duration::from_millis(one.abs_diff(other))
}
