//! One block of `auth`: its kind, and the keys that have a meaning for it.

use std::time::Duration;

use http::HeaderName;

use crate::config::decode::{Block as _, Field};
use crate::config::file::auth::{Block, Check, KINDS, SecretFormat, Timestamp};
use crate::config::file::locate::pointer;
use crate::config::problem::Problems;
use crate::config::resolve::secrets::{Files, Found, keys};
use crate::locate::Expr;
use crate::signature::scheme::{self, BodyDigest, Encoding, Kind, Part, Signed, What};

/// How old a request may be where nothing else is said, and how far ahead of our clock.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Keys that every kind knows.
const COMMON: [&str; 9] =
    ["name", "secret", "secrets", "secret_file", "secret_files", "secret_format", "timestamp", "body_digest", "checks"];
/// Further keys of the kinds that have a signature.
const SIGNED: [&str; 8] =
    ["signature", "separator", "prefix", "after", "encoding", "content", "url_unescape", "prehash"];

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
                "header, query, form, json, item, path, basic, hmac, hash, public_key, any_of or none",
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
        _ => &[],
    };
    let common: &[&str] = match kind {
        "any_of" => &["only", "timestamp"],
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
    let secrets = keys!(block).read(files, problems);
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
        checks: block.checks.iter().filter_map(|check| self::check(check, files, problems)).collect(),
        kind: resolve_kind(block, kind, problems)?,
    };
    Some((resolved, secrets))
}

fn resolve_kind(block: &Block, kind: &str, problems: &mut Problems) -> Option<Kind> {
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
        // `jws` and `x509` have been refused where they were read.
        _ => None,
    }
}

fn named(field: &Field<Option<String>>, problems: &mut Problems) -> Option<String> {
    let name = field.as_ref()?;
    if name.is_empty() {
        problems.error(&field.at, "an empty name", "the name of the parameter");
    }
    Some(name.clone())
}

fn at_pointer(word: &str, field: &Field<Option<String>>, problems: &mut Problems) -> Option<Expr> {
    let text = field.as_ref()?;
    let expression = pointer(word, text).filter(|expression| matches!(expression, Expr::Json(_) | Expr::Item { .. }));
    if expression.is_none() {
        problems.error(&field.at, format!("`{text}`"), "a JSON pointer such as /auth/token");
    }
    expression
}

fn truly(field: &Field<Option<bool>>, kind: Kind, problems: &mut Problems) -> Option<Kind> {
    if **field == Some(false) {
        problems.error(&field.at, "`false`", "`true`, or another kind");
        return None;
    }
    Some(kind)
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

fn check(check: &Check, files: &mut Files, problems: &mut Problems) -> Option<scheme::Check> {
    const SUBJECTS: [&str; 11] =
        ["from", "absent", "ip", "client_certificate", "header", "query", "form", "json", "item", "path", "basic"];
    let subjects: Vec<&str> =
        check.given().into_iter().map(|(key, _)| key).filter(|key| SUBJECTS.contains(key)).collect();
    match subjects.as_slice() {
        ["from"] if check.equals.is_some() => {
            Some(scheme::Check::Equals((*check.from).clone()?, (*check.equals).clone()?))
        }
        ["absent"] => Some(scheme::Check::Absent((*check.absent).clone()?)),
        ["ip"] => Some(scheme::Check::Ip(check.ip.0.clone())),
        ["client_certificate"] => {
            let certificate = check.client_certificate.as_ref()?;
            if certificate.subject.is_none() && certificate.sha256.is_none() {
                problems.error(
                    certificate.at(),
                    "neither `subject` nor `sha256`",
                    "one of them; else any certificate would do",
                );
            }
            Some(scheme::Check::ClientCertificate {
                header: (*certificate.header).clone(),
                subject: certificate.subject.as_ref().map(|text| text.0.clone()),
                sha256: certificate.sha256.as_ref().map(|text| text.0.to_ascii_lowercase()),
            })
        }
        ["from" | "ip" | "absent" | "client_certificate", ..] | [] | [_, _, ..] => {
            let expected = "one of { from, equals }, { absent }, { ip }, { client_certificate }, or a block of a kind header to basic";
            problems.error(check.at(), "a check that says not what it checks", expected);
            None
        }
        [kind] => credential(check, kind, files, problems),
    }
}

fn credential(check: &Check, kind: &str, files: &mut Files, problems: &mut Problems) -> Option<scheme::Check> {
    let keys = keys!(check);
    let secrets = keys.read(files, problems);
    if !keys.given() {
        problems.error(
            check.at(),
            "a check without a secret",
            "`secret`, `secrets`, `secret_file` or `secret_files` of its own",
        );
    }
    let kind = match kind {
        "header" => Kind::Header { name: (*check.header).clone()?, prefix: check.prefix.0.clone() },
        "query" => Kind::Query(named(&check.query, problems)?),
        "form" => Kind::Form(named(&check.form, problems)?),
        "json" => Kind::Json(at_pointer("json", &check.json, problems)?),
        "item" => Kind::Json(at_pointer("item", &check.item, problems)?),
        "path" => truly(&check.path, Kind::Path, problems)?,
        _ => truly(&check.basic, Kind::Basic, problems)?,
    };
    let block =
        scheme::Block { secrets: secrets.into_iter().map(|found| found.secret).collect(), ..scheme::Block::new(kind) };
    Some(scheme::Check::Block(Box::new(block)))
}

/// The headers in which a block's credentials or signatures come.
pub(super) fn credential_headers(block: &scheme::Block, into: &mut Vec<HeaderName>) {
    match &block.kind {
        Kind::Header { name, .. } => into.push(name.clone()),
        Kind::Basic => into.push(http::header::AUTHORIZATION),
        kind => kind.signed().into_iter().flat_map(|signed| &signed.signature).for_each(|e| headers_of(e, into)),
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_headers(block, into);
        }
    }
}

fn headers_of(expression: &Expr, into: &mut Vec<HeaderName>) {
    match expression {
        Expr::Header(name) => into.push(name.clone()),
        Expr::First(expressions) => expressions.iter().for_each(|expression| headers_of(expression, into)),
        Expr::StartsWith(expression, _) => headers_of(expression, into),
        Expr::Composite(parts) => parts.iter().for_each(|part| headers_of(&part.expr, into)),
        _ => {}
    }
}

/// The query parameters in which a block's credentials or signatures come.
pub(super) fn credential_parameters(block: &scheme::Block, into: &mut Vec<String>) {
    match &block.kind {
        Kind::Query(name) => into.push(name.clone()),
        kind => {
            let query = |e: &Expr| if let Expr::Query(name) = e { Some(name.clone()) } else { None };
            into.extend(kind.signed().into_iter().flat_map(|signed| &signed.signature).filter_map(query));
        }
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_parameters(block, into);
        }
    }
}
