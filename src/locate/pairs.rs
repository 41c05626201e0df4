//! Names and values of a query or a form (`application/x-www-form-urlencoded`): `a=1&b%5Bid%5D=2+3`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A query or form with more pairs than this is not read; what it would hold counts as absent.
pub const PAIRS_MAX: usize = 10_000;

/// One pair, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The pair as it came, with its `=`.
    pub raw: &'a [u8],
}

/// Whether there are more than [`PAIRS_MAX`]. What holds for all pairs cannot be said of such a text.
#[must_use]
pub fn is_endless(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'&').nth(PAIRS_MAX).is_some()
}

/// The pairs in order; empty ones (`&&`) are passed over. Nothing where the text [`is_endless`].
pub fn pairs(text: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let text = if is_endless(text) { b"" } else { text };
    text.split(|byte| *byte == b'&').filter(|raw| !raw.is_empty()).map(|raw| Pair { raw })
}

/// The value of the first pair of that name.
pub(super) fn first<'a>(text: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    pairs(text).find(|pair| pair.is_named(name)).map(Pair::value)
}

/// Whether there are two pairs of that name or more.
pub(super) fn repeated(text: &[u8], name: &str) -> bool {
    pairs(text).filter(|pair| pair.is_named(name)).nth(1).is_some()
}

impl<'a> Pair<'a> {
    /// The name, decoded. Brackets belong to it.
    #[must_use]
    pub fn name(self) -> Cow<'a, [u8]> {
        decode(self.split().0)
    }

    /// The value, decoded; empty where there is no `=`.
    #[must_use]
    pub fn value(self) -> Cow<'a, [u8]> {
        decode(self.split().1)
    }

    /// Whether the decoded name is this one.
    #[must_use]
    pub fn is_named(self, name: &str) -> bool {
        self.name() == name.as_bytes()
    }

    fn split(self) -> (&'a [u8], &'a [u8]) {
        let mut halves = self.raw.splitn(2, |byte| *byte == b'=');
        (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
    }
}

/// `+` is a space; a `%` that no two hex digits follow stays as it is (WHATWG URL, 5.1).
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, name: &str) -> Option<String> {
        first(text.as_bytes(), name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    #[test]
    fn names_and_values_are_decoded() {
        let text = "a=1&data%5Bid%5D=x+y%2Bz&data[id]=2&=none&flag&e=a=b&%zz=%4&a=3";
        for (name, expected) in [
            ("a", Some("1")),
            ("data[id]", Some("x y+z")),
            ("", Some("none")),
            ("flag", Some("")),
            ("e", Some("a=b")),
            ("%zz", Some("%4")),
            ("A", None),
            ("data", None),
        ] {
            assert_eq!(get(text, name).as_deref(), expected, "{name}");
        }
        assert!(repeated(text.as_bytes(), "a") && repeated(text.as_bytes(), "data[id]"));
        assert!(!repeated(text.as_bytes(), "e") && !repeated(text.as_bytes(), "missing"));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_kept() {
        assert_eq!(first(b"a=%FF%00\xfe", "a").as_deref(), Some(&b"\xff\0\xfe"[..]));
    }

    #[test]
    fn a_form_without_end_is_not_read() {
        let most = vec!["a=1"; PAIRS_MAX].join("&");
        assert_eq!(get(&most, "a").as_deref(), Some("1"));
        let endless = vec!["a=1"; 100_000].join("&");
        assert_eq!(get(&endless, "a"), None);
        assert_eq!(get(&"&".repeat(100_000), ""), None);
    }
}
