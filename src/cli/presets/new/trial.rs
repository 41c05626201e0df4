//! Schemes that could be the request's, each tried before the gate. The search is bounded.

use std::time::Duration;

use super::captured::{Captured, Knock};
use super::reading::{Found, Reading, ids, readings, times, values};
use crate::clock::UnixMillis;
use crate::locate::{Expr, pairs};
use crate::secret::Secret;
use crate::signature::scheme::{
    Algorithm, Block, Encoding, Hash, Kind, Part, SecretFormat, Signed, TimeFormat, Timestamp,
};
use crate::signature::{Demands, Gate};

/// More schemes are not tried; each costs a MAC over the body.
const TRIALS_MAX: usize = 20_000;
const SEPARATORS: [&str; 6] = [".", ":", "", "|", "\n", ";"];
/// A start such as `whsec_` is not longer.
const START_BYTES_MAX: usize = 12;

/// A scheme that the request satisfies, and when the request was made by it.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) block: Block,
    pub(super) made_at: UnixMillis,
    /// The segment of the path that is the credential.
    pub(super) segment: Option<String>,
}

/// What was tried, and what of it fits.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) fits: Vec<Fit>,
    pub(super) trials: usize,
    /// Whether there would have been more.
    pub(super) broken_off: bool,
    /// Where something like a signature is.
    pub(super) looked_at: Vec<String>,
}

/// Whether the request satisfies any of these, however old it is; and when it was made.
pub(super) fn opens(
    mut demands: Demands,
    captured: &Captured,
    segment: Option<&str>,
    now: UnixMillis,
) -> Option<(UnixMillis, &'static str)> {
    demands.blocks.retain(|block| !matches!(block.kind, Kind::None));
    for timestamp in demands.blocks.iter_mut().filter_map(|block| block.timestamp.as_mut()) {
        (timestamp.past, timestamp.future) = (Duration::MAX, Duration::MAX);
    }
    let authentic = Gate::new(demands).ok()?.check(Knock(captured, segment), now).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and a time that far away is refused later")]
    let skew_ms = (authentic.proof().skew_seconds.unwrap_or_default() * 1000.0).round() as i64;
    Some((UnixMillis(now.0.saturating_add_signed(skew_ms.saturating_neg())), authentic.proof().kind))
}

pub(super) fn search(captured: &Captured, secret: &Secret, now: UnixMillis) -> Search {
    let mut search = Search::default();
    let values = values(captured);
    for (block, segment) in presented(captured, &values) {
        search.attempt(block, segment, captured, secret, now);
    }
    for reading in values.iter().flat_map(readings) {
        let place = reading.signature.to_string();
        if !search.looked_at.contains(&place) {
            search.looked_at.push(place);
        }
        for (kind, contents) in kinds(&reading, captured, &values) {
            for (parts, time) in contents {
                for format in formats(secret) {
                    let signed = signed(&reading, parts.clone());
                    let timestamp = time.as_ref().map(|(from, format)| Timestamp {
                        from: from.clone(),
                        format: *format,
                        past: Duration::MAX,
                        future: Duration::MAX,
                    });
                    let block = Block { secret_format: format, timestamp, ..Block::new(kind.of(signed)) };
                    search.attempt(block, None, captured, secret, now);
                }
            }
        }
    }
    search
}

impl Search {
    fn attempt(
        &mut self,
        block: Block,
        segment: Option<String>,
        captured: &Captured,
        secret: &Secret,
        now: UnixMillis,
    ) {
        if self.trials == TRIALS_MAX {
            self.broken_off = true;
            return;
        }
        self.trials += 1;
        let demands = Demands {
            blocks: vec![block.clone()],
            secrets: vec![secret.clone()],
            public_url: captured.origin.clone(),
            ..Demands::default()
        };
        if let Some((made_at, _)) = opens(demands, captured, segment.as_deref(), now) {
            self.fits.push(Fit { block, made_at, segment });
        }
    }
}

/// Places in which the secret itself may be.
fn presented(captured: &Captured, values: &[Found]) -> Vec<(Block, Option<String>)> {
    let mut kinds = vec![(Kind::Basic, None)];
    for found in values {
        match &found.from {
            Expr::Header(name) => {
                kinds.push((Kind::Header { name: name.clone(), prefix: Vec::new() }, None));
                let prefix = found.text.split_once(' ').map(|(word, _)| format!("{word} "));
                kinds.extend(prefix.map(|prefix| (Kind::Header { name: name.clone(), prefix: vec![prefix] }, None)));
            }
            Expr::Query(name) => kinds.push((Kind::Query(name.clone()), None)),
            _ => {}
        }
    }
    kinds.extend(
        captured.path().split('/').filter(|part| !part.is_empty()).map(|part| (Kind::Path, Some(part.to_owned()))),
    );
    let members =
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&captured.body).unwrap_or_default();
    let texts = members.iter().filter(|(_, value)| value.is_string());
    let pointers = texts
        .filter_map(|(name, _)| Expr::parse(&format!("json:/{}", name.replace('~', "~0").replace('/', "~1"))).ok());
    kinds.extend(pointers.map(|pointer| (Kind::Json(pointer), None)));
    if members.is_empty() && captured.body.contains(&b'=') {
        let names = pairs(&captured.body).filter_map(|pair| String::from_utf8(pair.name().into_owned()).ok());
        kinds.extend(names.filter(|name| !name.is_empty()).map(|name| (Kind::Form(name), None)));
    }
    kinds.into_iter().map(|(kind, segment)| (Block::new(kind), segment)).collect()
}

/// A kind that still lacks where its signature is.
enum Signing {
    Hmac(Hash),
    Digest(Hash),
    PublicKey(Algorithm),
}

impl Signing {
    fn of(&self, signed: Signed) -> Kind {
        match self {
            Self::Hmac(hash) => Kind::Hmac(*hash, signed),
            Self::Digest(hash) => Kind::Hash(*hash, signed),
            Self::PublicKey(algorithm) => Kind::PublicKey(*algorithm, signed),
        }
    }
}

/// The time that is part of a content, and how it is written.
type Time = Option<(Expr, TimeFormat)>;

/// What a signature may cover.
type Covered = (Vec<Part>, Time);

/// What a signature of that length can be, with what it may cover.
fn kinds(reading: &Reading, captured: &Captured, values: &[Found]) -> Vec<(Signing, Vec<Covered>)> {
    let contents = contents(reading, captured, values);
    let hash = match reading.bytes.len() {
        16 => Some(Hash::Md5),
        20 => Some(Hash::Sha1),
        32 => Some(Hash::Sha256),
        48 => Some(Hash::Sha384),
        64 => Some(Hash::Sha512),
        _ => None,
    };
    let mut kinds = Vec::new();
    if let Some(hash) = hash {
        let keyed = contents.iter().flat_map(|(parts, time)| {
            let secret = Part::parse("secret").ok();
            let first = secret.iter().chain(parts).cloned().collect();
            let last = parts.iter().chain(&secret).cloned().collect();
            [(first, time.clone()), (last, time.clone())]
        });
        kinds.push((Signing::Digest(hash), keyed.collect()));
        kinds.push((Signing::Hmac(hash), contents.clone()));
    }
    let algorithm = match (reading.bytes.len(), reading.bytes.first()) {
        (64, _) => Some(Algorithm::Ed25519),
        (66..=72, Some(0x30)) => Some(Algorithm::EcdsaP256),
        (256.., _) => Some(Algorithm::RsaSha256),
        _ => None,
    };
    kinds.extend(algorithm.map(|algorithm| (Signing::PublicKey(algorithm), contents)));
    kinds
}

fn contents(reading: &Reading, captured: &Captured, values: &[Found]) -> Vec<Covered> {
    let own = |found: &&Found| found.from != reading.signature;
    let times = times(reading.pieces.iter().chain(values.iter().filter(own)));
    let mut texts: Vec<(Vec<String>, Time)> = Vec::new();
    let mut add =
        |parts: &[&str], time: &Time| texts.push((parts.iter().map(|&part| part.to_owned()).collect(), time.clone()));
    let with_url: &[&[&str]] = if captured.origin.is_some() {
        &[&["url"], &["url", "body"], &["body", "url"], &["method", "url", "body"], &["url", "form_sorted"]]
    } else {
        &[]
    };
    for parts in [&["body"][..], &["path_query", "body"], &["method", "path_query", "body"]]
        .into_iter()
        .chain(with_url.iter().copied())
    {
        add(parts, &None);
    }
    // `v0:` before the time, where `v0=` is before the signature.
    let version = reading.prefix.as_deref().map(|prefix| prefix.trim_end_matches(['=', ',', ':']));
    for (found, format) in &times {
        let (t, time) = (found.from.to_string(), Some((found.from.clone(), *format)));
        for separator in SEPARATORS {
            let s = format!("={separator}");
            add(&[&t, &s, "body"], &time);
            add(&["body", &s, &t], &time);
            add(&["method", &s, "path_query", &s, &t, &s, "body"], &time);
            add(&[&t, &s, "method", &s, "path_query", &s, "body"], &time);
            if captured.origin.is_some() {
                add(&["method", &s, "url", &s, "body", &s, &t], &time);
                add(&[&t, &s, "url", &s, "body"], &time);
            }
            if let Some(version) = version {
                add(&[&format!("={version}{separator}"), &t, &s, "body"], &time);
            }
            for id in ids(values) {
                let i = id.from.to_string();
                add(&[&i, &s, &t, &s, "body"], &time);
                add(&[&t, &s, &i, &s, "body"], &time);
            }
        }
    }
    for id in ids(values) {
        for separator in SEPARATORS {
            add(&[&id.from.to_string(), &format!("={separator}"), "body"], &None);
        }
    }
    let parsed = |(parts, time): (Vec<String>, Time)| {
        let parts = parts.iter().filter(|part| *part != "=").map(|part| Part::parse(part).ok());
        Some((parts.collect::<Option<Vec<_>>>()?, time))
    };
    texts.into_iter().filter_map(parsed).collect()
}

fn signed(reading: &Reading, parts: Vec<Part>) -> Signed {
    Signed {
        signature: vec![reading.signature.clone()],
        separator: reading.separator,
        prefix: reading.prefix.iter().cloned().collect(),
        after: reading.after.clone(),
        encoding: reading.encoding,
        contents: vec![parts],
        url_unescape: String::new(),
        prehash: false,
    }
}

/// The text itself, and what it may hold encoded, with and without a start such as `whsec_`.
fn formats(secret: &Secret) -> Vec<SecretFormat> {
    let start = secret.expose().iter().take(START_BYTES_MAX).position(|byte| *byte == b'_');
    let start = start.and_then(|at| str::from_utf8(secret.expose().get(..=at)?).ok());
    let encoded = [Encoding::Hex, Encoding::Base64, Encoding::Base64Url].map(Some);
    let plain = SecretFormat::default();
    let mut formats = vec![plain.clone()];
    formats.extend(encoded.map(|decode| SecretFormat { decode, ..plain.clone() }));
    for decode in encoded.into_iter().chain([None]) {
        formats.extend(start.map(|start| SecretFormat { strip: Some(start.to_owned()), decode, ..plain.clone() }));
    }
    formats.retain(|format| format.key(secret).is_ok());
    formats
}
