//! How the values of a request could be read: as signatures, as times, as ids.

use http::HeaderName;

use super::captured::Captured;
use crate::locate::{Expr, pairs};
use crate::signature::SIGNATURE_BYTES_MAX;
use crate::signature::scheme::{Encoding, TimeFormat};

/// Headers that every client sends, and that prove nothing.
const ORDINARY: [&str; 10] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];
/// A text before a signature is not longer.
const PREFIX_BYTES_MAX: usize = 24;
const IDS_MAX: usize = 4;
const TIMES_MAX: usize = 4;

/// A value and where it is.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) from: Expr,
    pub(super) text: String,
}

/// One way to cut a signature out of a value.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) signature: Expr,
    pub(super) separator: Option<char>,
    pub(super) prefix: Option<String>,
    pub(super) after: Option<String>,
    pub(super) encoding: Encoding,
    pub(super) bytes: Vec<u8>,
    /// The other pieces of the value.
    pub(super) pieces: Vec<Found>,
}

/// Headers that are not ordinary, and the parameters of the query.
pub(super) fn values(captured: &Captured) -> Vec<Found> {
    let headers = captured.headers.iter().filter(|(name, _)| !ORDINARY.contains(&name.as_str()));
    let headers = headers.filter_map(|(name, value)| {
        let text = value.to_str().ok()?.to_owned();
        Some(Found { from: Expr::Header(HeaderName::clone(name)), text })
    });
    let query = pairs(captured.request().query().as_bytes());
    let query = query.filter_map(|pair| {
        let (name, text) =
            (String::from_utf8(pair.name().into_owned()).ok()?, String::from_utf8(pair.value().into_owned()).ok()?);
        (!name.is_empty()).then_some(Found { from: Expr::Query(name), text })
    });
    let values = headers.chain(query).filter(|found| !found.text.is_empty() && found.text.len() <= SIGNATURE_BYTES_MAX);
    values.collect()
}

/// All ways to find a signature in it.
pub(super) fn readings(found: &Found) -> Vec<Reading> {
    let mut readings = Vec::new();
    for separator in [None, Some(','), Some(' '), Some(';'), Some('&')] {
        if separator.is_some_and(|separator| !found.text.contains(separator)) {
            continue;
        }
        let pieces: Vec<&str> = match separator {
            Some(separator) => found.text.split(separator).map(str::trim).collect(),
            None => vec![&found.text],
        };
        for piece in &pieces {
            for (prefix, after, text) in cuts(piece) {
                for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
                    let Some(bytes) = encoding.decode(text.as_bytes()).filter(|bytes| bytes.len() >= 16) else {
                        continue;
                    };
                    let (prefix, after) = (prefix.map(str::to_owned), after.map(str::to_owned));
                    let (signature, pieces) = (found.from.clone(), named(&pieces));
                    readings.push(Reading { signature, separator, prefix, after, encoding, bytes, pieces });
                }
            }
        }
    }
    readings
}

/// `t=1` of `t=1,v1=…`
fn named(pieces: &[&str]) -> Vec<Found> {
    let named = pieces.iter().filter_map(|piece| piece.split_once('='));
    named.map(|(name, text)| Found { from: Expr::KeyValue(name.to_owned()), text: text.to_owned() }).collect()
}

/// What could stand before the signature: nothing, a `prefix`, or something that is not the same each time.
fn cuts(piece: &str) -> Vec<(Option<&str>, Option<&str>, &str)> {
    let mut cuts = vec![(None, None, piece)];
    for mark in ['=', ',', ' ', ':'] {
        let cut = piece.find(mark).and_then(|at| piece.split_at_checked(at + 1));
        cuts.extend(
            cut.filter(|(before, _)| before.len() <= PREFIX_BYTES_MAX).map(|(before, rest)| (Some(before), None, rest)),
        );
    }
    for mark in [":", "|"] {
        cuts.extend(piece.rsplit_once(mark).map(|(_, rest)| (None, Some(mark), rest)));
    }
    cuts
}

/// What is written like a time, and how.
pub(super) fn times<'f>(values: impl Iterator<Item = &'f Found>) -> Vec<(&'f Found, TimeFormat)> {
    let format = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.len() {
            10 if digits => Some(TimeFormat::Unix),
            13 if digits => Some(TimeFormat::UnixMs),
            _ => text.parse::<jiff::Timestamp>().ok().map(|_| TimeFormat::Rfc3339),
        }
    };
    values.filter_map(|found| Some((found, format(&found.text)?))).take(TIMES_MAX).collect()
}

/// Headers whose name says that they name something.
pub(super) fn ids(values: &[Found]) -> Vec<&Found> {
    let names = |found: &&Found| match &found.from {
        Expr::Header(name) => {
            name.as_str().split(['-', '_']).any(|word| ["id", "uuid", "delivery", "nonce"].contains(&word))
        }
        _ => false,
    };
    values.iter().filter(names).take(IDS_MAX).collect()
}
