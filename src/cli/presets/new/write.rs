//! A source as YAML.

use super::captured::Captured;
use super::guess::Guess;
use super::trial::Fit;
use crate::cli::presets::show::variable;
use crate::signature::scheme::{Block, Kind, Part, Signed, TimeFormat, What};

/// The block of a source that proves itself so. Its secret is a variable.
pub(super) fn source(name: &str, fit: &Fit, guess: &Guess, captured: &Captured) -> String {
    let mut lines = Vec::new();
    lines.extend(captured.origin.as_ref().filter(|_| signs_url(&fit.block)).map(|origin| public_url(origin)));
    lines.extend(["sources:".to_owned(), format!("  {name}:")]);
    lines.extend(path(fit, captured).map(|path| format!("    path: {}", quoted(&path))));
    if captured.method != "POST" {
        lines.push(format!("    methods: [{}]", captured.method));
    }
    lines.extend([format!("    auth: {}", auth(&fit.block)), format!("    secret: ${{{}}}", variable(name))]);
    let guesses = [("batch", guess.batch), ("id", guess.id.as_deref()), ("type", guess.kind.as_deref())];
    let guesses: Vec<_> =
        guesses.into_iter().filter_map(|(key, value)| Some(format!("    {key}: {}", quoted(value?)))).collect();
    if !guesses.is_empty() {
        lines.push("    # Guesses, by name alone: look them up in the sender's documentation.".to_owned());
    }
    lines.extend(guesses);
    if guess.id.is_none() {
        lines.push("    # No id was found: equal values are taken for one event.".to_owned());
    }
    lines.join("\n")
}

fn public_url(origin: &str) -> String {
    format!("public_url: {}   # signed: exactly as it is registered with the sender", quoted(origin))
}

/// The block of a source that is a preset.
pub(super) fn preset(name: &str, preset: &str, captured: &Captured, signs_url: bool) -> String {
    let mut lines = Vec::new();
    lines.extend(captured.origin.as_ref().filter(|_| signs_url).map(|origin| public_url(origin)));
    lines.extend(["sources:".to_owned(), format!("  {name}:"), format!("    preset: {preset}")]);
    if signs_url {
        lines.push(format!("    path: {}", quoted(captured.path())));
    }
    lines.push(format!("    secret: ${{{}}}", variable(name)));
    lines.join("\n")
}

/// The same as one line, for people.
pub(super) fn auth(block: &Block) -> String {
    let mut keys = vec![match &block.kind {
        Kind::Header { name, prefix } => match prefix.first() {
            Some(prefix) => format!("header: {name}, prefix: {}", quoted(prefix)),
            None => format!("header: {name}"),
        },
        Kind::Query(name) => format!("query: {}", quoted(name)),
        Kind::Form(name) => format!("form: {}", quoted(name)),
        Kind::Json(from) => format!("json: {}", quoted(from.to_string().trim_start_matches("json:"))),
        Kind::Hmac(hash, _) => format!("hmac: {}", hash.as_str()),
        Kind::Hash(hash, _) => format!("hash: {}", hash.as_str()),
        Kind::PublicKey(..) => format!("public_key: {}", block.kind.verified()),
        Kind::Path => "path: true".to_owned(),
        _ => "basic: true".to_owned(),
    }];
    keys.extend(block.kind.signed().map(signed));
    if let Some(timestamp) = &block.timestamp {
        let format = match timestamp.format {
            TimeFormat::Unix => String::new(),
            TimeFormat::UnixMs => ", format: unix_ms".to_owned(),
            TimeFormat::Rfc3339 | TimeFormat::Iso8601 => ", format: rfc3339".to_owned(),
        };
        keys.push(format!("timestamp: {{ from: {}{format} }}", quoted(&timestamp.from.to_string())));
    }
    let format = &block.secret_format;
    let strip = format.strip.as_ref().map(|start| format!("strip: {}", quoted(start)));
    let format: Vec<_> =
        strip.into_iter().chain(format.decode.map(|decode| format!("decode: {}", decode.as_str()))).collect();
    if !format.is_empty() {
        keys.push(format!("secret_format: {{ {} }}", format.join(", ")));
    }
    format!("{{ {} }}", keys.join(", "))
}

fn signed(signed: &Signed) -> String {
    let place = signed.signature.first().map(ToString::to_string).unwrap_or_default();
    let mut keys = vec![format!("signature: {}", quoted(&place))];
    keys.extend(signed.separator.map(|separator| format!("separator: {}", quoted(&separator.to_string()))));
    keys.extend(signed.prefix.first().map(|prefix| format!("prefix: {}", quoted(prefix))));
    keys.extend(signed.after.as_ref().map(|after| format!("after: {}", quoted(after))));
    keys.push(format!("encoding: {}", signed.encoding.as_str()));
    let part = |part: &Part| quoted(&part.what.to_string());
    let parts: Vec<_> = signed.contents.iter().flatten().map(part).collect();
    keys.push(format!("content: [{}]", parts.join(", ")));
    keys.join(", ")
}

pub(super) fn signs_url(block: &Block) -> bool {
    let of_target = |part: &Part| part.what.needs_public_url() || part.what == What::PathQuery;
    block.kind.signed().is_some_and(|signed| signed.contents.iter().flatten().any(of_target))
}

/// Where it has to be served; none: anywhere.
fn path(fit: &Fit, captured: &Captured) -> Option<String> {
    if let Some(segment) = &fit.segment {
        let parts: Vec<_> =
            captured.path().split('/').map(|part| if part == segment { "{secret}" } else { part }).collect();
        return Some(parts.join("/"));
    }
    signs_url(&fit.block).then(|| captured.path().to_owned())
}

/// A text of YAML that stands anywhere, and no variable.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(plain)
        && !text.ends_with(':')
    {
        return text.to_owned();
    }
    serde_json::Value::from(text.replace("${", "$${")).to_string()
}
