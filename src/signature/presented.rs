//! Secrets that a request presents as they are: in a header, a parameter, the body, the path, as basic credentials.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::candidates::{Refusal, SIGNATURE_BYTES_MAX};
use super::scheme::{Encoding, Kind};
use crate::locate::{Request, Scope, Value, pairs};

/// What a request presents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    Missing,
    Refused(Refusal),
    Value(Value<'a>),
}

impl Kind {
    /// The credential of this kind. One that comes twice is refused, as is one that is too long.
    pub(super) fn presented<'a>(&'a self, scope: &Scope<'a>) -> Presented<'a> {
        let request = scope.request();
        let found = match self {
            Self::Header { name, prefix } => {
                Presented::only(header(request, name.as_str())).map(|value| after_prefix(&value, prefix))
            }
            Self::Query(name) => Presented::only(parameters(request.query().as_bytes(), name)),
            Self::Form(name) => Presented::only(parameters(request.body, name)),
            Self::Json(expr) if expr.is_repeated(scope) => Presented::Refused(Refusal::Repeated),
            Self::Json(expr) => Presented::only(expr.find(scope)),
            Self::Path => Presented::only(request.path_secret.map(|segment| percent_decode_str(segment).into())),
            Self::Basic => Presented::only(header(request, "authorization")).map(|value| basic(&value)),
            Self::Hmac(..) | Self::Hash(..) | Self::PublicKey(..) | Self::Jws(_) | Self::None => Presented::Missing,
        };
        match found {
            Presented::Value(value) if value.is_empty() => Presented::Missing,
            Presented::Value(value) if value.len() > SIGNATURE_BYTES_MAX => Presented::Refused(Refusal::TooLong),
            found => found,
        }
    }
}

impl<'a> Presented<'a> {
    fn only(values: impl IntoIterator<Item = Value<'a>>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Missing,
            (Some(value), None) => Self::Value(value),
            (Some(_), Some(_)) => Self::Refused(Refusal::Repeated),
        }
    }

    fn map(self, change: impl FnOnce(Value<'a>) -> Option<Vec<u8>>) -> Self {
        match self {
            Self::Value(value) => change(value).map_or(Self::Missing, |value| Self::Value(Cow::Owned(value))),
            other => other,
        }
    }
}

fn header<'a>(request: &Request<'a>, name: &str) -> impl Iterator<Item = Value<'a>> {
    request.headers.get_all(name).iter().map(|line| Cow::Borrowed(line.as_bytes().trim_ascii()))
}

fn parameters<'a>(text: &'a [u8], name: &'a str) -> impl Iterator<Item = Value<'a>> {
    pairs(text).filter(move |pair| pair.is_named(name)).map(crate::locate::Pair::value)
}

fn after_prefix(value: &[u8], prefixes: &[String]) -> Option<Vec<u8>> {
    if prefixes.is_empty() {
        return Some(value.to_vec());
    }
    prefixes.iter().find_map(|prefix| value.strip_prefix(prefix.as_bytes())).map(<[u8]>::to_vec)
}

/// RFC 7617: the scheme's name is in any case; `user:password` is one text, so a password may hold colons.
fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = value.split_at_checked("Basic ".len())?;
    scheme.eq_ignore_ascii_case(b"Basic ").then(|| Encoding::Base64.decode(credentials.trim_ascii()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Expr;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn presented(
        kind: &Kind,
        lines: &[&str],
        target: &str,
        body: &[u8],
        path: Option<&str>,
    ) -> Result<String, Option<Refusal>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static("authorization"), HeaderValue::from_str(line).expect("a value"));
        }
        let request = Request { method: "POST", target, headers: &headers, body, path_secret: path, peer: None };
        match kind.presented(&Scope::of(request)) {
            Presented::Missing => Err(None),
            Presented::Refused(refusal) => Err(Some(refusal)),
            Presented::Value(value) => Ok(String::from_utf8_lossy(&value).into_owned()),
        }
    }

    #[test]
    fn basic_credentials_are_one_text() {
        let basic = |line: &str| presented(&Kind::Basic, &[line], "/", b"", None);
        assert_eq!(basic("Basic aG9va3VzZXI6cGE6c3M="), Ok("hookuser:pa:ss".to_owned()));
        assert_eq!(basic("bAsIc  aG9va3VzZXI6cGE6c3M"), Ok("hookuser:pa:ss".to_owned()));
        for wrong in ["Basic", "Basic ", "Bearer aG9v", "Basic %%%", "aG9va3VzZXI6cGE6c3M="] {
            assert_eq!(basic(wrong), Err(None), "{wrong}");
        }
        assert_eq!(
            presented(&Kind::Basic, &["Basic YQ==", "Basic YQ=="], "/", b"", None),
            Err(Some(Refusal::Repeated))
        );
    }

    #[test]
    fn a_prefix_must_be_there() {
        let bearer = Kind::Header { name: http::header::AUTHORIZATION, prefix: vec!["Bearer ".to_owned()] };
        let header = |line: &str| presented(&bearer, &[line], "/", b"", None);
        assert_eq!(header("  Bearer abc "), Ok("abc".to_owned()));
        for wrong in ["abc", "bearer abc", "Bearer", "Bearer "] {
            assert_eq!(header(wrong), Err(None), "{wrong}");
        }
        let long = format!("Bearer {}", "x".repeat(SIGNATURE_BYTES_MAX + 1));
        assert_eq!(header(&long), Err(Some(Refusal::TooLong)));
    }

    #[test]
    fn parameters_and_the_path_are_decoded_and_come_once() {
        let query = Kind::Query("token".to_owned());
        assert_eq!(presented(&query, &[], "/?token=a%20b", b"", None), Ok("a b".to_owned()));
        assert_eq!(presented(&query, &[], "/?token=a&tok%65n=a", b"", None), Err(Some(Refusal::Repeated)));
        assert_eq!(presented(&query, &[], "/?token=", b"token=a", None), Err(None));
        let form = Kind::Form("token".to_owned());
        assert_eq!(presented(&form, &[], "/", b"x=1&token=a+b", None), Ok("a b".to_owned()));
        assert_eq!(presented(&form, &[], "/", b"token=&token=a", None), Err(Some(Refusal::Repeated)));
        assert_eq!(presented(&Kind::Path, &[], "/", b"", Some("a%20b")), Ok("a b".to_owned()));
        assert_eq!(presented(&Kind::Path, &[], "/", b"", None), Err(None));
        let json = Kind::Json(Expr::parse("json:/key").expect("an expression"));
        assert_eq!(presented(&json, &[], "/", br#"{"key":"k"}"#, None), Ok("k".to_owned()));
        assert_eq!(presented(&json, &[], "/", br#"{"key":null}"#, None), Err(None));
        assert_eq!(presented(&json, &[], "/", br#"{"key":"k","key":"k"}"#, None), Err(Some(Refusal::Repeated)));
    }
}
