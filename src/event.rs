//! An event: what the way in hands to the spool and the forwarder hands to Kafka.
//!
//! Everything that a Kafka record will carry is decided on the way in and kept with the event, so that a spool taken
//! from a dead machine can be delivered without the configuration that filled it.

use bytes::Bytes;

use crate::clock::UnixMillis;
use crate::name::{SourceName, TopicName};

/// Names of the record headers that are ours. `http-<name>` ones come from the configuration.
pub mod header {
    /// CloudEvents: always `1.0`.
    pub const CE_SPECVERSION: &str = "ce_specversion";
    /// CloudEvents: the idempotency key, readable.
    pub const CE_ID: &str = "ce_id";
    /// CloudEvents: `public_url` and the source's path.
    pub const CE_SOURCE: &str = "ce_source";
    /// CloudEvents: `<source>.<type>`.
    pub const CE_TYPE: &str = "ce_type";
    /// CloudEvents: received-at, RFC 3339.
    pub const CE_TIME: &str = "ce_time";
    /// As the sender sent it.
    pub const CONTENT_TYPE: &str = "content-type";
    /// As the sender sent it; the value is never decompressed.
    pub const CONTENT_ENCODING: &str = "content-encoding";
    /// The source's name in the configuration.
    pub const SOURCE: &str = "hookgate-source";
    /// The delivery, as answered in `x-request-id`.
    pub const REQUEST_ID: &str = "hookgate-request-id";
    /// How it was proven, and by which secret.
    pub const VERIFIED: &str = "hookgate-verified";
    /// `3/10`: third of ten elements.
    pub const BATCH: &str = "hookgate-batch";
    /// What was missing.
    pub const MALFORMED: &str = "hookgate-malformed";
    /// When it was sent again by `replay`.
    pub const REPLAYED: &str = "hookgate-replayed";
    /// Why Kafka refused it for ever: Kafka's error name.
    pub const DEAD_REASON: &str = "hookgate-dead-reason";
    /// The topic that it was meant for.
    pub const DEAD_TOPIC: &str = "hookgate-dead-topic";
    /// When it was given up.
    pub const DEAD_AT: &str = "hookgate-dead-at";
    /// Before the name of a request header that is carried along.
    pub const HTTP_PREFIX: &str = "http-";
}

/// An idempotency key, scoped by its source and hashed with the deployment's key.
pub type Digest = u128;

/// An event has its idempotency key and at most one more (`dedupe.also`).
pub const DIGESTS_MAX: usize = 2;

/// An event on its way to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it came in.
    pub source: SourceName,
    /// Where it goes.
    pub topic: TopicName,
    /// The Kafka key, where the source configures one.
    pub key: Option<Bytes>,
    /// The record's headers, in order.
    pub headers: Headers,
    /// The bytes that came.
    pub value: Bytes,
    /// When the delivery had been read; the record's timestamp.
    pub received_at: UnixMillis,
    /// What the dedupe knows it by; empty where the source does not dedupe.
    pub digests: Vec<Digest>,
}

impl Event {
    /// The same event, borrowed.
    #[must_use]
    pub fn view(&self) -> EventView<'_> {
        EventView {
            source: self.source.as_str(),
            topic: self.topic.as_str(),
            key: self.key.as_deref(),
            headers: HeadersView(&self.headers.0),
            value: &self.value,
            received_at: self.received_at,
        }
    }
}

/// An event as it lies in a buffer: in the spool's frame or in an [`Event`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventView<'a> {
    /// Where it came in.
    pub source: &'a str,
    /// Where it goes.
    pub topic: &'a str,
    /// The Kafka key.
    pub key: Option<&'a [u8]>,
    /// The record's headers.
    pub headers: HeadersView<'a>,
    /// The bytes that came.
    pub value: &'a [u8],
    /// The record's timestamp.
    pub received_at: UnixMillis,
}

/// Record headers in one buffer: for each a name length (u8), the name, a value length (u32, little endian), the value.
///
/// One buffer and not a list of pairs, because it is written once, copied into the spool's frame as it is, and read in
/// order: a list would cost twenty allocations an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<u8>);

/// A header's name does not fit the format: it has 1 to 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record header's name has 1 to 255 bytes")]
pub struct HeaderNameLength;

impl Headers {
    /// An empty list with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends a header.
    ///
    /// # Errors
    /// The name is empty or longer than 255 bytes. A value longer than 4 GiB counts as that too: no body limit allows it.
    pub fn push(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderNameLength> {
        let name_length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or(HeaderNameLength)?;
        let value_length = u32::try_from(value.len()).map_err(|_| HeaderNameLength)?;
        self.0.push(name_length);
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(&value_length.to_le_bytes());
        self.0.extend_from_slice(value);
        Ok(())
    }

    /// Appends all of another list.
    pub fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// The encoded form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads them in order.
    #[must_use]
    pub fn view(&self) -> HeadersView<'_> {
        HeadersView(&self.0)
    }
}

/// Encoded record headers in somebody else's buffer. Iterating stops at the first that is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadersView<'a>(pub &'a [u8]);

impl<'a> HeadersView<'a> {
    /// The value of the first header of that name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Name and value of each, in order.
    #[must_use]
    pub fn iter(self) -> HeadersIter<'a> {
        HeadersIter(self.0)
    }
}

/// Reads encoded record headers.
#[derive(Debug, Clone)]
pub struct HeadersIter<'a>(&'a [u8]);

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_length, rest) = self.0.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (value_length, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*value_length)).ok()?)?;
        self.0 = rest;
        Some((std::str::from_utf8(name).ok()?, value))
    }
}

/// What waits for an event to become safe, beside the caller: the dedupe's reservation of its key.
///
/// The spool and the forwarder hold it and do not know what it is. Dropping it unsettled rolls the reservation back.
pub trait Claim: Send + Sync {
    /// The event is safe; its key is known from now on.
    fn settle(self: Box<Self>);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_the_order_they_were_written() {
        let mut headers = Headers::default();
        headers.push("ce_id", b"1").expect("short");
        headers.push("empty", b"").expect("short");
        headers.push("ce_id", b"2").expect("short");
        let read: Vec<_> = headers.view().iter().collect();
        assert_eq!(read, [("ce_id", &b"1"[..]), ("empty", b""), ("ce_id", b"2")]);
        assert_eq!(headers.view().get("ce_id"), Some(&b"1"[..]));
        assert_eq!(headers.view().get("none"), None);
    }

    #[test]
    fn a_header_cut_short_ends_the_list() {
        let mut headers = Headers::default();
        headers.push("a", b"value").expect("short");
        for end in 0..headers.as_bytes().len() {
            assert_eq!(HeadersView(&headers.as_bytes()[..end]).iter().count(), 0);
        }
    }

    #[test]
    fn a_name_without_or_with_too_many_bytes_is_refused() {
        let mut headers = Headers::default();
        assert_eq!(headers.push("", b"x"), Err(HeaderNameLength));
        assert_eq!(headers.push(&"x".repeat(256), b"x"), Err(HeaderNameLength));
        assert!(headers.as_bytes().is_empty());
    }
}
