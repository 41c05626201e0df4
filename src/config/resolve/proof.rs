//! One block of `auth`: its kind, and the keys that have a meaning for it.

use std::time::Duration;

use crate::config::decode::{Block as _, Field};
use crate::config::file::auth::{Block, KINDS, SecretFormat, Timestamp};
use crate::config::problem::Problems;
use crate::config::resolve::checks;
use crate::config::resolve::presented::{at_pointer, named, truly};
use crate::config::resolve::secrets::{Files, Found, keys};
use crate::config::resolve::token;
use crate::signature::scheme::{self, BodyDigest, Encoding, Kind, Part, Signed, What};

/// How old a request may be where nothing else is said, and how far ahead of our clock.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Keys that every kind knows.
const COMMON: [&str; 9] =
    ["name", "secret", "secrets", "secret_file", "secret_files", "secret_format", "timestamp", "body_digest", "checks"];
/// Further keys of the kinds that have a signature.
const SIGNED: [&str; 8] =
    ["signature", "separator", "prefix", "after", "encoding", "content", "url_unescape", "prehash"];

/// Further keys of `jws`.
const TOKEN: [&str; 5] = ["token", "prefix", "keys", "claims", "body_hash"];

/// The kinds that a block names; exactly one, or it is reported.
pub(super) fn kind(block: &Block, problems: &mut Problems) -> Option<&'static str> {
    let given = block.given();
    let kinds: Vec<_> = given.iter().filter(|(key, _)| KINDS.contains(key)).collect();
    match kinds.as_slice() {
        [(kind, _)] => Some(kind),
        [] => {
            problems.error(
                block.at(),
                "no kind of `auth`",
                "header, query, form, json, item, path, basic, hmac, hash, public_key, jws, any_of or none",
            );
            None
        }
        [(first, _), (second, at), ..] => {
            problems.error(
                at,
                format!("`{first}` and `{second}` in one block"),
                "one kind; several ways go under `any_of`",
            );
            None
        }
    }
}

/// Refuses keys that would not be looked at.
pub(super) fn refuse_strange_keys(block: &Block, kind: &str, problems: &mut Problems) {
    let further: &[&str] = match kind {
        "hmac" | "hash" | "public_key" => &SIGNED,
        "header" => &["prefix"],
        "jws" => &TOKEN,
        _ => &[],
    };
    let common: &[&str] = match kind {
        "any_of" => &["only", "timestamp", "checks"],
        "none" => &["name", "checks"],
        _ => &COMMON,
    };
    for (key, at) in block.given() {
        if key != kind && !common.contains(&key) && !further.contains(&key) && !KINDS.contains(&key) {
            problems.error(at, format!("`{key}` beside `{kind}`"), "a key that has a meaning for this kind");
        }
    }
}

/// Resolves a block that is no `any_of`.
pub(super) fn block(block: &Block, files: &mut Files, problems: &mut Problems) -> Option<(scheme::Block, Vec<Found>)> {
    let kind = kind(block, problems)?;
    refuse_strange_keys(block, kind, problems);
    let mut secrets = keys!(block).read(files, problems);
    if let Some(keys) = &*block.keys {
        secrets.extend(token::keys(block, keys, files, problems)?);
    }
    let resolved = scheme::Block {
        name: block.name.clone(),
        secrets: secrets.iter().map(|found| found.secret.clone()).collect(),
        secret_format: block.secret_format.as_ref().map(secret_format).unwrap_or_default(),
        timestamp: block.timestamp.as_ref().and_then(|timestamp| self::timestamp(timestamp, problems)),
        body_digest: block.body_digest.as_ref().map(|digest| BodyDigest {
            from: digest.from.clone(),
            hash: *digest.hash,
            encoding: *digest.encoding,
        }),
        checks: block.checks.iter().filter_map(|check| checks::resolve(check, files, problems)).collect(),
        kind: resolve_kind(block, kind, files, problems)?,
    };
    Some((resolved, secrets))
}

fn resolve_kind(block: &Block, kind: &str, files: &mut Files, problems: &mut Problems) -> Option<Kind> {
    match kind {
        "header" => Some(Kind::Header { name: block.header.clone()?, prefix: block.prefix.0.clone() }),
        "query" => named(&block.query, problems).map(Kind::Query),
        "form" => named(&block.form, problems).map(Kind::Form),
        "json" => at_pointer("json", &block.json, problems).map(Kind::Json),
        "item" => at_pointer("item", &block.item, problems).map(Kind::Json),
        "path" => truly(&block.path, Kind::Path, problems),
        "basic" => truly(&block.basic, Kind::Basic, problems),
        "none" => truly(&block.none, Kind::None, problems),
        "hmac" => Some(Kind::Hmac((*block.hmac)?, signed(block, problems)?)),
        "hash" => Some(Kind::Hash((*block.hash)?, signed(block, problems)?)),
        "public_key" => Some(Kind::PublicKey((*block.public_key)?, signed(block, problems)?)),
        "jws" => token::kind(block, files, problems),
        // `x509` has been refused where it was read.
        _ => None,
    }
}

fn signed(block: &Block, problems: &mut Problems) -> Option<Signed> {
    let Some(signature) = &*block.signature else {
        if !block.signature.given {
            problems.error(block.at(), "no `signature`", "where it is, such as header:X-Signature");
        }
        return None;
    };
    if !block.content.sound {
        return None;
    }
    let body = || vec![vec![Part { what: What::Body, optional: false }]];
    Some(Signed {
        signature: signature.0.clone(),
        separator: block.separator.map(|separator| separator.0),
        prefix: block.prefix.0.clone(),
        after: block.after.clone(),
        encoding: block.encoding.unwrap_or(Encoding::Hex),
        contents: block.content.as_ref().map_or_else(body, |content| content.0.clone()),
        url_unescape: block.url_unescape.clone().unwrap_or_default(),
        prehash: block.prehash.is_some(),
    })
}

pub(super) fn secret_format(format: &SecretFormat) -> scheme::SecretFormat {
    scheme::SecretFormat {
        strip: format.strip.clone(),
        require: format.require.clone(),
        decode: format.decode.and_then(|decoding| decoding.0),
        nfkd: *format.nfkd,
        digest: format.digest.map(|digest| digest.0),
    }
}

pub(super) fn timestamp(timestamp: &Timestamp, problems: &mut Problems) -> Option<scheme::Timestamp> {
    let bound = |field: &Field<Option<Duration>>| field.or(*timestamp.tolerance).unwrap_or(TOLERANCE);
    let (past, future) = (bound(&timestamp.past), bound(&timestamp.future));
    if past.is_zero() && future.is_zero() {
        problems.error(timestamp.at(), "a tolerance of nothing", "some, such as 5m; no request could ever fit");
        return None;
    }
    let Some(from) = (*timestamp.from).clone() else {
        if timestamp.from.sound {
            problems.error(timestamp.at(), "no `from`", "where the timestamp is, such as header:X-Timestamp");
        }
        return None;
    };
    Some(scheme::Timestamp { from, format: *timestamp.format, past, future })
}
