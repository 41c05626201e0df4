//! What a preset's scheme comes to, in few words.

use serde_json::{Value, json};

use crate::config::PresetInfo;
use crate::signature::scheme::{Block, Encoding, Jws, Kind, Part, What};
use crate::units::show_duration;

/// `hmac-sha256 hex`, `header`, `any of header, query` …
pub(super) fn scheme(preset: &PresetInfo) -> String {
    let mut words: Vec<String> = Vec::new();
    for block in &preset.settings.demands.blocks {
        let word = word(&block.kind);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.as_slice() {
        [one] => one.clone(),
        many => format!("any of {}", many.join(", ")),
    }
}

fn word(kind: &Kind) -> String {
    match kind {
        Kind::Hmac(_, signed) | Kind::Hash(_, signed) => format!("{} {}", kind.verified(), signed.encoding.as_str()),
        kind => kind.verified().to_owned(),
    }
}

pub(super) fn batch(preset: &PresetInfo) -> Option<String> {
    preset.settings.identify.batch.as_ref().map(ToString::to_string)
}

/// Whether the URL as it is registered is part of what is signed.
pub(super) fn signs_url(preset: &PresetInfo) -> bool {
    let of_url = |part: &Part| matches!(part.what, What::Url | What::UrlPort | What::UrlNoPort);
    let signed = preset.settings.demands.blocks.iter().filter_map(|block| block.kind.signed());
    signed.flat_map(|signed| &signed.contents).flatten().any(of_url)
}

/// Whether the keys come from the provider, so that there is no secret to fill in.
pub(super) fn fetches_keys(preset: &PresetInfo) -> bool {
    preset.settings.demands.fetched().next().is_some()
}

/// Whether the credential can be nowhere but in the path.
pub(super) fn needs_path(preset: &PresetInfo) -> bool {
    preset.settings.demands.blocks.iter().all(|block| matches!(block.kind, Kind::Path))
}

/// All of it, for programs.
pub(super) fn json(preset: &PresetInfo) -> Value {
    let settings = &preset.settings;
    json!({
        "preset": preset.preset,
        "name": preset.name,
        "docs": preset.docs,
        "secret": preset.secret,
        "unverified": preset.unverified,
        "scheme": scheme(preset),
        "blocks": settings.demands.blocks.iter().map(block).collect::<Value>(),
        "signs_url": signs_url(preset),
        "needs_path": needs_path(preset),
        "fetches_keys": fetches_keys(preset),
        "open_claims": preset.open_claims,
        "methods": settings.methods.iter().map(|method| Value::from(method.as_str())).collect::<Value>(),
        "handshakes": preset.handshakes,
        "batch": batch(preset),
        "id": settings.identify.id.to_string(),
        "type": settings.identify.kind.as_ref().map(ToString::to_string),
        "retries": settings.terms.retries,
        "on_broker_unavailable": if settings.terms.spool_when_unavailable { "spool" } else { "reject" },
        "deadline": show_duration(settings.terms.deadline),
        "dedupe_window": settings.dedupe_window.map(show_duration),
    })
}

fn block(block: &Block) -> Value {
    let format = &block.secret_format;
    json!({
        "name": block.name,
        "kind": block.kind.verified(),
        "private_key": block.kind.takes_public_keys(),
        "covers_body": covers_body(block),
        "timestamp": is_timed(block),
        "secret_start": format.require.as_ref().or(format.strip.as_ref()),
        "secret_encoding": format.decode.map(Encoding::as_str),
    })
}

/// Whether a delivery can be too old.
fn is_timed(block: &Block) -> bool {
    let claims = |jws: &Jws| jws.claims.exp || jws.claims.iat.is_some();
    block.timestamp.is_some() || matches!(&block.kind, Kind::Jws(jws) if claims(jws))
}

/// Whether no byte of the body can change unnoticed.
fn covers_body(block: &Block) -> bool {
    let covers = |part: &Part| matches!(part.what, What::Body | What::FormSorted | What::BodyCrc32);
    let signed = block.kind.signed();
    block.body_digest.is_some()
        || matches!(&block.kind, Kind::Jws(jws) if jws.body_hash.is_some())
        || signed.is_some_and(|signed| signed.contents.iter().all(|parts| parts.iter().any(covers)))
}
