//! What a record's value is when the delivery is one event.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;

use crate::ingest::received::Received;
use crate::ingest::source::{Identify, Payload};

/// The value: the body as it came, or the query as it came, less the parameter that carries the credential.
pub(super) fn payload(settings: &Identify, received: &Received) -> Bytes {
    let is_query = match settings.payload {
        Payload::Query => true,
        Payload::ByMethod => received.parts.method == Method::GET,
        Payload::Body | Payload::Headers => false,
    };
    if !is_query {
        return received.body.clone();
    }
    let query = received.target().split_once('?').map_or("", |(_, query)| query);
    let kept: Vec<_> = query.split('&').filter(|pair| !is_credential(settings, pair)).collect();
    Bytes::from(kept.join("&"))
}

/// What the content hash is of: the value, and before it, where the headers are the event, those that are listed.
pub(super) fn hashed<'a>(settings: &Identify, received: &'a Received, value: &'a [u8]) -> Cow<'a, [u8]> {
    if settings.payload != Payload::Headers {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::new();
    for name in &settings.headers {
        for line in received.parts.headers.get_all(name) {
            for part in [name.as_str().as_bytes(), b": ", line.as_bytes(), b"\n"] {
                bytes.extend_from_slice(part);
            }
        }
    }
    bytes.push(b'\n');
    bytes.extend_from_slice(value);
    Cow::Owned(bytes)
}

fn is_credential(settings: &Identify, pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    let name = percent_encoding::percent_decode_str(&name.replace('+', " ")).collect::<Vec<u8>>();
    settings.credential_parameters.iter().any(|credential| credential.as_bytes() == name)
}
