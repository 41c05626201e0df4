//! What is HTTP, and is not taken: RFC 9112 section 3 and RFC 9110, on the parsed request.
//!
//! hyper lets all of it through. What cannot be seen any more on a parsed request is decided before, on the bytes of the
//! head (`head`).

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};

/// The methods that the gateway takes anywhere.
const METHODS: [Method; 4] = [Method::POST, Method::GET, Method::HEAD, Method::OPTIONS];
/// The same for `Allow`.
const ALLOWED: HeaderValue = HeaderValue::from_static("POST, GET, HEAD, OPTIONS");

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 405 with `Allow`.
    Method,
    /// 400: where it is meant to go is missing, said twice, or no host.
    Target,
    /// 417: it expects something other than `100-continue`.
    Expectation,
    /// 400: a GET or HEAD with a body, whose meaning nobody knows.
    Body,
}

impl Refusal {
    /// The answer. All but a 405 end the connection; so does one to CONNECT, behind which anything may follow.
    pub(super) fn response<B: Default>(self, method: &Method) -> Response<B> {
        let status = match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Target | Self::Body => StatusCode::BAD_REQUEST,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
        };
        let mut response = Response::new(B::default());
        *response.status_mut() = status;
        if self == Self::Method {
            response.headers_mut().insert(ALLOW, ALLOWED);
        }
        if self != Self::Method || method == Method::CONNECT {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Refuses what is not taken.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Refusal> {
    let (method, headers) = (request.method(), request.headers());
    if !METHODS.contains(method) {
        return Err(Refusal::Method);
    }
    if !is_aimed(method, request.uri()) || !is_hosted(request.version(), request.uri(), headers) {
        return Err(Refusal::Target);
    }
    if headers.get_all(EXPECT).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::Expectation);
    }
    if matches!(*method, Method::GET | Method::HEAD) && has_body(headers) {
        return Err(Refusal::Body);
    }
    Ok(())
}

/// The four forms of a target, RFC 9112 section 3.2: a path, a whole URL, and `*` with OPTIONS. The fourth, a bare
/// authority, is for CONNECT.
fn is_aimed(method: &Method, uri: &Uri) -> bool {
    match (uri.scheme_str(), uri.authority(), uri.path()) {
        (Some("http" | "https"), Some(_), _) => true,
        (None, None, "*") => *method == Method::OPTIONS,
        (None, None, path) => path.starts_with('/'),
        _ => false,
    }
}

/// One valid `Host`, the same as in a whole URL. HTTP/1.0 may leave it out.
fn is_hosted(version: Version, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version == Version::HTTP_10,
        (Some(host), None) => {
            let same =
                |authority: &http::uri::Authority| authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes());
            is_host(host.as_bytes()) && uri.authority().is_none_or(same)
        }
        (Some(_), Some(_)) => false,
    }
}

/// `host[:port]` of RFC 3986 section 3.2, without the marks that no name or address in use has: a comma would be a
/// list, an `@` a user.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', ..] => match host.iter().position(|byte| *byte == b']') {
            Some(end) => host.split_at(end + 1),
            None => return false,
        },
        _ => host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len())),
    };
    let name_is_good = match name {
        [] => false,
        [b'[', address @ .., b']'] => {
            std::str::from_utf8(address).is_ok_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
        }
        name => {
            name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%'))
        }
    };
    let port_is_good = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    name_is_good && port_is_good
}

/// Said of a head that `head` let through.
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in
            ["a", "A.example", "a_b.example.", "192.0.2.1:80", "[::1]", "[2001:db8::1]:8080", "a:", "a%41", "xn--a"]
        {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for wrong in [
            "", ":80", "a b", "a,b", "a@b", "user@a", "a/b", "a?b", "a#b", "a:b", "a:80:80", "a:-1", "a:123456",
            "[::1", "::1", "[]", "[a]", "[::1]80", "[::1]:x", "ä", "a\tb", "\"a\"", "a\\b", "http://a",
        ] {
            assert!(!is_host(wrong.as_bytes()), "{wrong}");
        }
    }
}
