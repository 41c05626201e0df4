//! The head of a request, read strictly before anybody else sees it: RFC 9112, and stricter where parsers are known to
//! differ from each other.
//!
//! A head that passes here has one meaning. Its lines end in CRLF; no line is folded; nothing in it is a control
//! character; its names are tokens; its version is 1.0 or 1.1; and at most one of `Content-Length` and
//! `Transfer-Encoding: chunked` says, once and plainly, how long the body is. What a host may look like, and what the
//! gateway does not take although it is HTTP, is decided on the parsed request (`strict`).

use http::{StatusCode, Uri};
use memchr::memchr;

/// The longest method that is read on; the longest registered one has 17 bytes (RFC 9110 section 16.1.1 keeps the list).
const METHOD_BYTES_MAX: usize = 32;
/// The longest target. RFC 9112 section 3 asks for at least 8000 bytes of request line; nginx takes 8 KiB as well.
pub(super) const TARGET_BYTES_MAX: usize = 8 * 1024;
/// A longer number of digits is no length: 18 digits fit into 63 bits.
const LENGTH_DIGITS_MAX: usize = 18;

/// The limits of a head.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// All of it, from the method to the empty line.
    pub bytes_max: usize,
    /// Header lines.
    pub fields_max: usize,
}

/// Why a head is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not HTTP/1.x, or HTTP of which two parsers could think differently.
    Malformed,
    /// More than 8 KiB.
    TargetTooLong,
    /// More than [`Limits`] allows.
    TooLarge,
}

impl Refusal {
    /// The status that says so.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

/// How long the body behind a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes; 0 where the head says nothing.
    Known(u64),
    /// It comes in chunks.
    Chunked,
}

/// Reads a head as its bytes arrive. Each byte is looked at once, however it is cut into pieces.
#[derive(Debug)]
pub(super) struct Scanner {
    limits: Limits,
    /// Where the line begins that is read now.
    line: usize,
    /// Up to here there is no further end of line.
    searched: usize,
    /// An empty line stood before the request line; RFC 9112 section 2.2 asks to ignore one.
    empty_line_seen: bool,
    request_line: Option<RequestLine>,
    fields: usize,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Debug, Clone, Copy)]
struct RequestLine {
    /// HTTP/1.1, not 1.0.
    persistent: bool,
}

impl Scanner {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            line: 0,
            searched: 0,
            empty_line_seen: false,
            request_line: None,
            fields: 0,
            length: None,
            chunked: false,
        }
    }

    /// Reads on. `head` holds all bytes of this head that have come, those of earlier calls too.
    ///
    /// Gives the head's length and its body's once it is complete.
    pub(super) fn scan(&mut self, head: &[u8]) -> Result<Option<(usize, Length)>, Refusal> {
        while let Some(found) = head.get(self.searched..).and_then(|rest| memchr(b'\n', rest)) {
            let end = self.searched + found;
            let line = head.get(self.line..end).unwrap_or_default();
            if end >= self.limits.bytes_max {
                return Err(self.too_large(line));
            }
            self.line = end + 1;
            self.searched = end + 1;
            let line = line.strip_suffix(b"\r").ok_or(Refusal::Malformed)?;
            if self.complete(line)? {
                return Ok(Some((end + 1, self.length()?)));
            }
        }
        self.searched = head.len();
        self.unfinished(head)?;
        Ok(None)
    }

    /// Reads one line, without its CRLF. True where it ends the head.
    fn complete(&mut self, line: &[u8]) -> Result<bool, Refusal> {
        match (self.request_line, line.is_empty()) {
            (None, true) if !self.empty_line_seen => self.empty_line_seen = true,
            (None, _) => self.request_line = Some(request_line(line)?),
            (Some(_), true) => return Ok(true),
            (Some(_), false) => self.field(line)?,
        }
        Ok(false)
    }

    /// Looks at a line that has no end yet, so that what can only be refused is refused now and not by a timer.
    fn unfinished(&self, head: &[u8]) -> Result<(), Refusal> {
        let line = head.get(self.line..).unwrap_or_default();
        if self.request_line.is_none() {
            if line.first().is_some_and(|first| !is_token(*first) && *first != b'\r') {
                return Err(Refusal::Malformed);
            }
            if line.get(..=METHOD_BYTES_MAX).is_some_and(|start| memchr(b' ', start).is_none()) {
                return Err(Refusal::Malformed);
            }
            if line.len() > METHOD_BYTES_MAX + TARGET_BYTES_MAX + " HTTP/1.1\r".len() {
                return Err(Refusal::TargetTooLong);
            }
        }
        if head.len() >= self.limits.bytes_max { Err(self.too_large(line)) } else { Ok(()) }
    }

    /// What is said of a head that is too large while `line` is read.
    fn too_large(&self, line: &[u8]) -> Refusal {
        match self.request_line {
            None if line.len() > TARGET_BYTES_MAX => Refusal::TargetTooLong,
            _ => Refusal::TooLarge,
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > self.limits.fields_max {
            return Err(Refusal::TooLarge);
        }
        let (name, value) = split_field(line)?;
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ if name.contains(&b'_') && is_disguised(name) => Err(Refusal::Malformed),
            _ => Ok(()),
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let plain = match value {
            [b'0'] => true,
            [b'1'..=b'9', rest @ ..] => rest.len() < LENGTH_DIGITS_MAX && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if !plain || self.length.is_some() {
            return Err(Refusal::Malformed);
        }
        self.length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::Malformed);
        }
        self.chunked = true;
        Ok(())
    }

    /// RFC 9112 section 6.1: both lengths at once ought to be an error, and HTTP/1.0 has no chunks.
    fn length(&self) -> Result<Length, Refusal> {
        match (self.chunked, self.length, self.request_line) {
            (true, None, Some(RequestLine { persistent: true })) => Ok(Length::Chunked),
            (true, _, _) => Err(Refusal::Malformed),
            (false, length, _) => Ok(Length::Known(length.unwrap_or(0))),
        }
    }
}

/// `method SP target SP version`, each one space.
fn request_line(line: &[u8]) -> Result<RequestLine, Refusal> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Refusal::Malformed);
    };
    let persistent = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return Err(Refusal::Malformed),
    };
    let named = !method.is_empty() && method.len() <= METHOD_BYTES_MAX && method.iter().all(|byte| is_token(*byte));
    // A fragment is never sent; whoever parses the target would cut it off. Bytes above ASCII are no URI either, but
    // they have one meaning, and senders that do not encode them exist.
    let aimed = !target.is_empty() && target.iter().all(|byte| *byte > b' ' && *byte != 0x7f && *byte != b'#');
    if !named || !aimed {
        return Err(Refusal::Malformed);
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    // Whoever reads it next would refuse it as well, and nobody would count it.
    if Uri::try_from(target).is_err() {
        return Err(Refusal::Malformed);
    }
    Ok(RequestLine { persistent })
}

/// Name and value of a header line. A folded line begins with a space, which no name does.
fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let colon = memchr(b':', line).ok_or(Refusal::Malformed)?;
    let (name, value) = line.split_at_checked(colon).ok_or(Refusal::Malformed)?;
    let value = value.get(1..).unwrap_or_default();
    let named = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
    if !named || has_control(value) {
        return Err(Refusal::Malformed);
    }
    Ok((name, value.trim_ascii()))
}

/// A control character other than a tab. Without a way out of the loop, so that it runs over many bytes at once.
fn has_control(value: &[u8]) -> bool {
    let control = |byte: &u8| u8::from(byte.is_ascii_control() && *byte != b'\t');
    value.iter().fold(0, |found, byte| found | control(byte)) != 0
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A name with underscores that a CGI-like neighbour would take for one that decides where a request ends or goes.
fn is_disguised(name: &[u8]) -> bool {
    let letters = || name.iter().filter(|byte| !matches!(byte, b'_' | b'-')).map(u8::to_ascii_lowercase);
    [&b"contentlength"[..], b"transferencoding", b"host"].iter().any(|real| letters().eq(real.iter().copied()))
}

#[cfg(test)]
mod tests;
