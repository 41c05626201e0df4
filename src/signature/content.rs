//! What is signed: the parts of `content`, put together from a request, byte for byte as it came.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::form_as_json::form_as_json;
use super::mac::crc32;
use super::scheme::{Allow, Part, What};
use super::url;
use crate::locate::{Expr, ExprError, Scope, Value, is_endless, pairs, split_optional};

/// One text to be signed, in pieces, so that a body is not copied to be hashed.
#[derive(Debug)]
pub struct Content<'a>(Vec<Piece<'a>>);

#[derive(Debug)]
enum Piece<'a> {
    Bytes(Value<'a>),
    /// Where the secret stands; it is filled in for each secret.
    Secret,
}

/// Why a content cannot be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap<'a> {
    /// The part is not there, and may not be missing.
    Missing(&'a What),
    /// It is there twice. The signature may be over the one and a consumer read the other.
    Repeated(&'a What),
}

impl fmt::Display for Gap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Repeated(what) => write!(f, "{what} comes twice"),
        }
    }
}

/// What the `url` parts are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct UrlParts<'a> {
    /// `public_url` without a slash at its end.
    pub(super) public_url: Option<&'a str>,
    /// `url_unescape`
    pub(super) unescape: &'a str,
}

impl<'a> Content<'a> {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Gives the part that cannot be there.
    pub(super) fn assemble(parts: &'a [Part], scope: &Scope<'a>, url: UrlParts<'a>) -> Result<Self, Gap<'a>> {
        let piece = |part: &'a Part| {
            if part.what.is_repeated(scope) {
                return Err(Gap::Repeated(&part.what));
            }
            match part.what.find(scope, url) {
                Some(piece) => Ok(piece),
                None if part.optional => Ok(Piece::Bytes(Cow::default())),
                None => Err(Gap::Missing(&part.what)),
            }
        };
        parts.iter().map(piece).collect::<Result<_, _>>().map(Self)
    }

    /// A text that is signed as it is.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(vec![Piece::Bytes(Cow::Borrowed(bytes))])
    }

    /// The pieces, with the secret where it belongs.
    pub(super) fn with<'c>(&'c self, secret: &'c [u8]) -> impl Iterator<Item = &'c [u8]> {
        self.0.iter().map(move |piece| match piece {
            Piece::Bytes(bytes) => bytes.as_ref(),
            Piece::Secret => secret,
        })
    }

    /// The whole, without a copy where it is one piece.
    pub(super) fn whole<'c>(&'c self, secret: &'c [u8]) -> Cow<'c, [u8]> {
        match self.0.as_slice() {
            [Piece::Bytes(bytes)] => Cow::Borrowed(bytes),
            _ => Cow::Owned(self.with(secret).collect::<Vec<_>>().concat()),
        }
    }

    /// How many bytes, without the secret.
    pub(super) fn len(&self) -> usize {
        self.with(b"").map(<[u8]>::len).sum()
    }

    /// Whether there is no byte that `allow` forbids: such a text a handshake may have signed for a stranger.
    pub(super) fn is_only(&self, allow: Allow) -> bool {
        self.with(b"").all(|piece| allow.permits(piece))
    }
}

/// For the operator's eyes: the secret is left out, and what is no UTF-8 replaced.
impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Piece::Secret => f.write_str("{secret}"),
        })
    }
}

impl Part {
    /// Reads a part of `content`: a word such as `body`, or an expression; a `?` at its end says that it may be missing.
    ///
    /// # Errors
    /// As [`Expr::parse`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let (text, optional) = split_optional(text);
        let word = WORDS.iter().find(|(word, _)| *word == text);
        let what = word.map_or_else(|| Expr::parse(text).map(What::Expr), |(_, what)| Ok(what.clone()))?;
        Ok(Self { what, optional })
    }
}

const WORDS: [(&str, What); 10] = [
    ("body", What::Body),
    ("method", What::Method),
    ("url", What::Url),
    ("url_port", What::UrlPort),
    ("url_no_port", What::UrlNoPort),
    ("path_query", What::PathQuery),
    ("form_sorted", What::FormSorted),
    ("form_as_json", What::FormAsJson),
    ("secret", What::Secret),
    ("body_crc32", What::BodyCrc32),
];

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, WORDS.iter().find(|(_, what)| what == self)) {
            (Self::Expr(expr), _) => expr.fmt(f),
            (Self::HeaderList(list), _) => write!(f, "one of the headers that {} lists, or has to list,", list.names),
            (_, Some((word, _))) => f.write_str(word),
            (_, None) => Ok(()),
        }
    }
}

impl What {
    /// Whether `public_url` is needed for it.
    #[must_use]
    pub fn needs_public_url(&self) -> bool {
        matches!(self, Self::Url | Self::UrlPort | Self::UrlNoPort)
    }

    fn is_repeated(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::Expr(expr) => expr.is_repeated(scope),
            Self::HeaderList(list) => list.is_repeated(scope),
            _ => false,
        }
    }

    fn find<'a>(&'a self, scope: &Scope<'a>, url: UrlParts<'a>) -> Option<Piece<'a>> {
        let request = scope.request();
        let full = |form: fn(&str) -> Cow<'_, str>| {
            let whole = format!("{}{}", form(url.public_url?), request.target);
            Some(url::unescape(whole, url.unescape))
        };
        let bytes: Value<'a> = match self {
            Self::Expr(expr) => expr.find(scope)?,
            Self::Body => Cow::Borrowed(request.body),
            Self::Method => Cow::Borrowed(request.method.as_bytes()),
            Self::PathQuery => Cow::Borrowed(request.target.as_bytes()),
            Self::Url => Cow::Owned(full(|url| Cow::Borrowed(url))?),
            Self::UrlPort => Cow::Owned(full(url::with_port)?),
            Self::UrlNoPort => Cow::Owned(full(url::without_port)?),
            Self::FormSorted => Cow::Owned(form_sorted(request.body)?),
            Self::FormAsJson => Cow::Owned(form_as_json(request.body)?),
            Self::HeaderList(list) => Cow::Owned(list.write(scope)?),
            Self::BodyCrc32 => Cow::Owned(crc32(request.body).to_string().into_bytes()),
            Self::Secret => return Some(Piece::Secret),
        };
        Some(Piece::Bytes(bytes))
    }
}

/// Pairs sorted by name; of one name each value once, sorted; name and value joined bare, the name before each value.
/// None where there are more than are read: they would be signed as if there were none.
fn form_sorted(body: &[u8]) -> Option<Vec<u8>> {
    if is_endless(body) {
        return None;
    }
    let mut sorted: BTreeMap<Value<'_>, BTreeSet<Value<'_>>> = BTreeMap::new();
    for pair in pairs(body) {
        sorted.entry(pair.name()).or_default().insert(pair.value());
    }
    let joined = sorted.iter().flat_map(|(name, values)| values.iter().flat_map(move |value| [name, value]));
    Some(joined.flat_map(|text| text.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Request;
    use http::HeaderMap;

    fn assembled(parts: &[&str], target: &str, body: &[u8]) -> Option<String> {
        let parts: Vec<Part> = parts.iter().map(|text| Part::parse(text).expect(text)).collect();
        let headers = HeaderMap::new();
        let request = Request { method: "POST", target, headers: &headers, body, path_secret: None, peer: None };
        let url = UrlParts { public_url: Some("https://gw.example"), unescape: ":/" };
        let content = Content::assemble(&parts, &Scope::of(request), url).ok()?;
        Some(String::from_utf8_lossy(&content.whole(b"s3cr3t")).into_owned())
    }

    #[test]
    fn a_form_with_more_pairs_than_are_read_is_not_signed_as_an_empty_one() {
        for (part, empty) in [("form_sorted", ""), ("form_as_json", "{}")] {
            assert_eq!(assembled(&[part], "/in", b"").as_deref(), Some(empty));
            assert_eq!(assembled(&[part], "/in", "&".repeat(crate::locate::PAIRS_MAX).as_bytes()), None);
        }
    }

    #[test]
    fn every_part_is_put_together_as_it_came() {
        let target = "/in?x=%3A%2Fa%20";
        for (parts, expected) in [
            (&["body"][..], "a=1&b=2"),
            (&["method", "=.", "body", "=."], "POST.a=1&b=2."),
            (&["url"], "https://gw.example/in?x=:/a%20"),
            (&["url_port"], "https://gw.example:443/in?x=:/a%20"),
            (&["url_no_port"], "https://gw.example/in?x=:/a%20"),
            (&["path_query"], target),
            (&["secret", "body"], "s3cr3ta=1&b=2"),
            (&["form:b", "=:", "form:c?"], "2:"),
            (&[], ""),
        ] {
            assert_eq!(assembled(parts, target, b"a=1&b=2").as_deref(), Some(expected), "{parts:?}");
        }
        assert_eq!(assembled(&["body_crc32"], "/", b"123456789").as_deref(), Some("3421780262"));
    }

    #[test]
    fn a_missing_part_is_not_the_empty_text() {
        assert_eq!(assembled(&["form:c"], "/", b"a=1"), None);
        assert_eq!(assembled(&["form:a", "header:x"], "/", b"a=1"), None);
        assert_eq!(assembled(&["form:c"], "/", b"c="), Some(String::new()));
    }

    #[test]
    fn a_part_that_comes_twice_is_none() {
        assert_eq!(assembled(&["form:a"], "/", b"a=1&a=1"), None);
        assert_eq!(assembled(&["query:a?"], "/?a=1&a=2", b""), None);
        assert_eq!(assembled(&["json:/a/b?"], "/", br#"{"a":{"b":1,"b":2}}"#), None);
        assert_eq!(assembled(&["form_sorted"], "/", b"a=1&a=1").as_deref(), Some("a1"));
    }

    #[test]
    fn a_sorted_form_has_each_value_once() {
        let body = b"To=b&From=z&To=a&To=b&%45mpty=&From=y+1";
        assert_eq!(assembled(&["form_sorted"], "/", body).as_deref(), Some("EmptyFromy 1FromzToaTob"));
        assert_eq!(assembled(&["form_sorted"], "/", b"").as_deref(), Some(""));
    }

    #[test]
    fn the_secret_is_never_shown() {
        let parts = [Part::parse("secret").expect("a part"), Part::parse("body").expect("a part")];
        let headers = HeaderMap::new();
        let request =
            Request { method: "POST", target: "/", headers: &headers, body: b"x\xff", path_secret: None, peer: None };
        let url = UrlParts { public_url: None, unescape: "" };
        let scope = Scope::of(request);
        let content = Content::assemble(&parts, &scope, url).expect("all there");
        assert_eq!(content.to_string(), "{secret}x\u{fffd}");
    }

    #[test]
    fn every_word_is_written_as_it_is_read() {
        for text in ["body", "url_no_port", "secret", "json:/a", "=v0:"] {
            let part = Part::parse(text).expect(text);
            assert_eq!((part.what.to_string().as_str(), part.optional), (text, false));
        }
        assert!(Part::parse("json:/a?").expect("a part").optional);
        assert!(Part::parse("header").is_err() && Part::parse("").is_err());
    }
}
