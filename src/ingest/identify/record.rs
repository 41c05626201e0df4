//! The headers of the records of one delivery.

use std::borrow::Cow;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::clock::UnixMillis;
use crate::event::{Headers, header};
use crate::ingest::received::Received;
use crate::signature::{Authentic, Proof};

use super::Identifier;

/// What an event lacks of what its source describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each a word of one header")]
pub(super) struct Missing {
    pub(super) id: bool,
    pub(super) kind: bool,
    pub(super) key: bool,
    pub(super) batch: bool,
}

impl Missing {
    /// Whether `on_malformed: reject` applies. A record without the key is still the event that was meant.
    pub(super) fn rejects(self) -> bool {
        self.id || self.kind || self.batch
    }

    fn words(self) -> String {
        let words = [(self.id, "id"), (self.kind, "type"), (self.key, "key"), (self.batch, "batch")];
        let words: Vec<_> = words.into_iter().filter_map(|(missing, word)| missing.then_some(word)).collect();
        words.join(",")
    }
}

/// The headers that all records of a delivery share, written once.
pub(super) struct Records<'a> {
    shared: Headers,
    source: &'a str,
    received: &'a Received,
}

impl<'a> Records<'a> {
    pub(super) fn of(identifier: &'a Identifier, authentic: &'a Authentic<Received>) -> Self {
        let received = authentic.get();
        let mut shared = Headers::with_capacity(512);
        put(&mut shared, header::CE_SPECVERSION, b"1.0");
        put(&mut shared, header::CE_SOURCE, identifier.ce_source.as_bytes());
        put(&mut shared, header::CE_TIME, received.at.to_string().as_bytes());
        for (name, from) in [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CONTENT_ENCODING, CONTENT_ENCODING)] {
            if let Some(value) = joined(received, &from) {
                put(&mut shared, name, &value);
            }
        }
        put(&mut shared, header::SOURCE, identifier.source.as_str().as_bytes());
        put(&mut shared, header::REQUEST_ID, received.request_id.to_string().as_bytes());
        put(&mut shared, header::VERIFIED, verified(authentic.proof()).as_bytes());
        for name in &identifier.settings.headers {
            if let Some(value) = joined(received, name) {
                put(&mut shared, &format!("{}{name}", header::HTTP_PREFIX), &value);
            }
        }
        Self { shared, source: identifier.source.as_str(), received }
    }

    /// The headers of one record.
    pub(super) fn headers(&self, id: &str, kind: &str, place: Option<(usize, usize)>, missing: Missing) -> Headers {
        let mut headers = Headers::with_capacity(self.shared.as_bytes().len() + id.len() + kind.len() + 64);
        headers.append(&self.shared);
        put(&mut headers, header::CE_ID, id.as_bytes());
        put(&mut headers, header::CE_TYPE, format!("{}.{kind}", self.source).as_bytes());
        if let Some((position, total)) = place {
            put(&mut headers, header::BATCH, format!("{position}/{total}").as_bytes());
        }
        if missing != Missing::default() {
            put(&mut headers, header::MALFORMED, missing.words().as_bytes());
        }
        headers
    }

    pub(super) fn received_at(&self) -> UnixMillis {
        self.received.at
    }
}

/// Names are our own, or `http-` and the name of a header that the configuration lists, which it keeps short enough.
fn put(headers: &mut Headers, name: &str, value: &[u8]) {
    let pushed = headers.push(name, value);
    debug_assert!(pushed.is_ok(), "{name}");
}

fn verified(proof: &Proof) -> Cow<'static, str> {
    match proof.secret {
        Some(index) => Cow::Owned(format!("{};key={index}", proof.kind)),
        None => Cow::Borrowed(proof.kind),
    }
}

/// A header that came on several lines is joined by a comma, as RFC 9110 section 5.3 reads it.
fn joined<'a>(received: &'a Received, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = received.parts.headers.get_all(name).iter().map(http::HeaderValue::as_bytes);
    let first = lines.next()?;
    let rest: Vec<_> = lines.collect();
    if rest.is_empty() {
        return Some(Cow::Borrowed(first));
    }
    Some(Cow::Owned([&[first], rest.as_slice()].concat().join(&b", "[..])))
}
