//! A request that somebody captured: from a file of HTTP/1.1 as text, or from flags.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::locate::Request;
use crate::signature::Subject;

/// It, and where it was sent.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// `https://host`, where anything says it.
    pub(super) origin: Option<String>,
}

impl Captured {
    /// From its parts; a URL without a host has that of the `Host` header, and https.
    pub(super) fn new(method: &str, url: &str, headers: HeaderMap, body: Vec<u8>) -> Result<Self, String> {
        let uri = url.parse::<Uri>().map_err(|error| format!("{url}: {error}"))?;
        let named = uri.scheme_str().zip(uri.authority()).map(|(scheme, host)| format!("{scheme}://{host}"));
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let origin = named.or_else(|| host.map(|host| format!("https://{host}")));
        let target = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Ok(Self { method: method.to_owned(), target, headers, body, origin })
    }

    /// From the text of a request: lines end in CRLF or LF, and may begin with the `> ` of `curl -v`. What follows the
    /// empty line is the body; of a longer one, `content-length` says where it ends, since editors add a line's end.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let (head, body) = split(text);
        let head = str::from_utf8(head).map_err(|_| "its head is no text")?;
        let mut lines = head.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)).filter(|line| *line != ">");
        let first = lines.next().unwrap_or_default();
        let mut words = first.split_ascii_whitespace();
        let (Some(method), Some(url), version) = (words.next(), words.next(), words.next()) else {
            return Err(format!("`{first}`: expected a request line such as `POST /hooks HTTP/1.1`"));
        };
        if method.starts_with("HTTP/") || version.is_some_and(|version| !version.starts_with("HTTP/")) {
            return Err(format!("`{first}`: expected the line of a request, not of an answer"));
        }
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with(':')) {
            let wrong = || format!("`{line}`: expected `Name: value`");
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let name = name.trim().parse::<HeaderName>().map_err(|_| wrong())?;
            headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_| wrong())?);
        }
        let body = exact(body, &headers)?.to_vec();
        Self::new(method, url, headers, body)
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or(&self.target)
    }

    pub(super) fn request(&self) -> Request<'_> {
        let Self { method, target, headers, body, .. } = self;
        Request { method, target, headers, body, path_secret: None, peer: None }
    }
}

/// The same before the gate, with a segment of its path that may be the credential.
pub(super) struct Knock<'a>(pub(super) &'a Captured, pub(super) Option<&'a str>);

impl Subject for Knock<'_> {
    fn request(&self) -> Request<'_> {
        Request { path_secret: self.1, ..self.0.request() }
    }
}

/// Before and behind the first empty line.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let find = |end: &[u8]| text.windows(end.len()).position(|part| part == end).map(|at| (at, at + end.len()));
    let (head, body) =
        [find(b"\r\n\r\n"), find(b"\n\n")].into_iter().flatten().min().unwrap_or((text.len(), text.len()));
    (text.get(..head).unwrap_or_default(), text.get(body..).unwrap_or_default())
}

fn exact<'b>(body: &'b [u8], headers: &HeaderMap) -> Result<&'b [u8], String> {
    let length = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length = length.unwrap_or(body.len());
    let missing = || format!("its body has {} bytes, and content-length says {length}: it is not exact", body.len());
    body.get(..length).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_either_end_of_line_and_its_body_stays_exact() {
        for (text, body) in [
            ("POST /in/a?b=c HTTP/1.1\r\nHost: h.example\r\nX-A:  1 \r\n\r\n{\r\n}\n", "{\r\n}\n"),
            ("> POST /in/a?b=c HTTP/1.1\n> Host: h.example\n> X-A: 1\n>\n\n{}\n", "{}\n"),
            ("POST https://h.example/in/a?b=c\nX-A: 1\nContent-Length: 2\n\n{}\n", "{}"),
        ] {
            let captured = Captured::read(text.as_bytes()).expect(text);
            assert_eq!((&*captured.method, &*captured.target, captured.path()), ("POST", "/in/a?b=c", "/in/a"));
            assert_eq!(captured.origin.as_deref(), Some("https://h.example"));
            assert_eq!(captured.headers["x-a"], "1");
            assert_eq!(String::from_utf8_lossy(&captured.body), body);
        }
    }

    #[test]
    fn what_is_no_request_is_told() {
        for (text, told) in [
            ("", "a request line"),
            ("HTTP/1.1 200 OK\n\n", "not of an answer"),
            ("POST / HTTP/1.1\nno header\n\n", "`Name: value`"),
            ("POST / HTTP/1.1\nContent-Length: 9\n\n{}", "2 bytes, and content-length says 9"),
        ] {
            let error = Captured::read(text.as_bytes()).expect_err(text);
            assert!(error.contains(told), "{error}");
        }
    }
}
