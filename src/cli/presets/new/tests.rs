use http::HeaderMap;

use super::*;
use crate::cli::judge::vector;
use crate::signature::scheme::{Block, Encoding, Hash, Kind, Part, SecretFormat, Signed, TimeFormat, Timestamp};
use crate::signature::{Demands, Draft, sign};
use std::sync::LazyLock;
use std::time::Duration;

static PRESETS: LazyLock<Vec<PresetInfo>> = LazyLock::new(|| PresetInfo::all().expect("presets"));

/// Exit, stdout, stderr.
fn propose(request: &Draft, secret: &str) -> (Exit, String, String) {
    let mut text =
        format!("{} {} HTTP/1.1\r\nhost: hooks.example.com\r\n", request.method, request.target).into_bytes();
    for (name, value) in &request.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend([b"\r\n", request.body.as_slice()].concat());
    let captured = Captured::read(&text).expect("a request");
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let secret = Secret::new(secret);
    let exit = super::propose("acme", &captured, &secret, &PRESETS, &vector, &mut out, &mut messages).expect("it runs");
    (exit, String::from_utf8(out).expect("text"), String::from_utf8(messages).expect("text"))
}

fn request() -> Draft {
    let mut headers = HeaderMap::new();
    headers.insert("x-acme-event-id", "evt-00000007".parse().expect("a value"));
    headers.insert("content-type", "application/json".parse().expect("a value"));
    let body = br#"{"type":"paid", "amount": 1}"#.to_vec();
    Draft { method: "POST".into(), target: "/hooks/acme?v=1".into(), headers, body }
}

fn signed(parts: &[&str]) -> Signed {
    Signed {
        signature: vec![Expr::parse("header:x-acme-signature").expect("an expression")],
        separator: None,
        prefix: Vec::new(),
        after: None,
        encoding: Encoding::Hex,
        contents: vec![parts.iter().map(|part| Part::parse(part).expect("a part")).collect()],
        url_unescape: String::new(),
        prehash: false,
    }
}

use crate::locate::Expr;

fn timed(block: Block, from: &str, format: TimeFormat) -> Block {
    let from = Expr::parse(from).expect("an expression");
    Block { timestamp: Some(Timestamp { from, format, past: Duration::MAX, future: Duration::MAX }), ..block }
}

/// Signed a year ago: how old a captured request is makes no difference.
fn made(block: Block, secret: &str) -> Draft {
    let demands = Demands {
        blocks: vec![block],
        secrets: vec![Secret::new(secret)],
        public_url: Some("https://hooks.example.com".into()),
        ..Demands::default()
    };
    sign(&demands, &Secret::new(secret), &request(), UnixMillis(1_700_000_000_000)).expect("signed")
}

const SECRET: &str = "a-secret-of-acme-0123";

#[track_caller]
fn assert_proposed(block: Block, secret: &str, parts: &[&str]) {
    let (exit, out, messages) = propose(&made(block, secret), secret);
    assert_eq!(exit, Exit::Success, "{messages}");
    for part in parts {
        assert!(out.contains(part), "{part} is not in\n{out}{messages}");
    }
    assert!(!out.contains(secret) && !messages.contains(secret), "{out}{messages}");
}

#[test]
fn a_signature_is_found_however_it_is_written_and_whatever_it_covers() {
    let hmac = |hash, signed| Block::new(Kind::Hmac(hash, signed));
    assert_proposed(hmac(Hash::Sha1, signed(&["body"])), SECRET, &["hmac: sha1", "encoding: hex", "content: [body]"]);
    let prefixed = Signed { prefix: vec!["sha512=".into()], encoding: Encoding::Base64, ..signed(&["body"]) };
    assert_proposed(hmac(Hash::Sha512, prefixed), SECRET, &["hmac: sha512", "prefix: \"sha512=\"", "encoding: base64"]);
    let pieces = Signed { separator: Some(','), prefix: vec!["s=".into()], ..signed(&["kv:t", "=.", "body"]) };
    let pieces = timed(hmac(Hash::Sha256, pieces), "kv:t", TimeFormat::Unix);
    assert_proposed(
        pieces,
        SECRET,
        &["separator: \",\"", "content: [kv:t, \"=.\", body]", "timestamp: { from: kv:t }"],
    );
    let version = Signed { prefix: vec!["v0=".into()], ..signed(&["=v0:", "header:x-acme-time", "=:", "body"]) };
    let version = timed(hmac(Hash::Sha256, version), "header:x-acme-time", TimeFormat::UnixMs);
    assert_proposed(version, SECRET, &["[\"=v0:\", header:x-acme-time, \"=:\", body]", "format: unix_ms"]);
    let named = signed(&["header:x-acme-event-id", "=.", "header:x-acme-time", "=.", "body"]);
    let named = timed(hmac(Hash::Sha256, named), "header:x-acme-time", TimeFormat::Rfc3339);
    assert_proposed(
        named,
        SECRET,
        &["[header:x-acme-event-id, \"=.\", header:x-acme-time, \"=.\", body]", "format: rfc3339"],
    );
    let url = hmac(Hash::Sha256, signed(&["method", "url", "body"]));
    assert_proposed(
        url,
        SECRET,
        &["public_url: https://hooks.example.com", "path: /hooks/acme", "[method, url, body]"],
    );
    let digest = Block::new(Kind::Hash(Hash::Sha256, signed(&["body", "secret"])));
    assert_proposed(digest, SECRET, &["hash: sha256", "content: [body, secret]"]);
}

#[test]
fn a_secret_is_decoded_where_the_sender_decodes_it() {
    let block = |format| Block { secret_format: format, ..Block::new(Kind::Hmac(Hash::Sha256, signed(&["body"]))) };
    let hex = SecretFormat { decode: Some(Encoding::Hex), ..SecretFormat::default() };
    assert_proposed(block(hex), "00112233445566778899aabbccddeeff", &["secret_format: { decode: hex }"]);
    let started =
        SecretFormat { strip: Some("acme_".into()), decode: Some(Encoding::Base64), ..SecretFormat::default() };
    assert_proposed(block(started), "acme_YS1zZWNyZXQtb2YtYWNtZQ==", &["strip: acme_, decode: base64"]);
}

#[test]
fn a_secret_that_is_there_itself_is_found_wherever_it_is() {
    assert_proposed(
        Block::new(Kind::Header { name: http::HeaderName::from_static("x-acme-key"), prefix: vec!["Token ".into()] }),
        SECRET,
        &["header: x-acme-key, prefix: \"Token \""],
    );
    assert_proposed(Block::new(Kind::Query("acme_key".into())), SECRET, &["query: acme_key"]);
    let path = Draft { target: format!("/hooks/{SECRET}/x"), ..request() };
    let (exit, out, messages) = propose(&path, SECRET);
    assert_eq!(exit, Exit::Success, "{messages}");
    assert!(out.contains("path: \"/hooks/{secret}/x\"") && out.contains("auth: { path: true }"), "{out}");
}

#[test]
fn a_public_key_verifies_what_its_owner_signed() {
    let seed = [7; 32];
    let public = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let public = Encoding::Hex.encode(ring::signature::KeyPair::public_key(&public).as_ref());
    let block = Block::new(Kind::PublicKey(crate::signature::scheme::Algorithm::Ed25519, signed(&["body"])));
    let demands = Demands { blocks: vec![block], ..Demands::default() };
    let draft = sign(&demands, &Secret::new(seed), &request(), UnixMillis(0)).expect("signed");
    let (exit, out, messages) = propose(&draft, &public);
    assert_eq!(exit, Exit::Success, "{messages}");
    assert!(out.contains("public_key: ed25519") && out.contains("decode: hex"), "{out}");
}

#[test]
fn guesses_are_marked_and_where_nothing_is_found_that_is_said() {
    let block = Block::new(Kind::Hmac(Hash::Sha256, signed(&["body"])));
    let guessed = "# Guesses, by name alone: look them up in the sender's documentation.\n    id: header:x-acme-event-id\n    type: json:/type";
    assert_proposed(block, SECRET, &[guessed, "secret: ${ACME_SECRET}"]);
}

#[test]
fn every_preset_is_known_by_its_own_sample() {
    for preset in PresetInfo::all().expect("presets") {
        let Some(block) = preset
            .settings
            .demands
            .blocks
            .iter()
            .find(|block| !block.kind.takes_public_keys() && !matches!(block.kind, Kind::Path))
        else {
            continue;
        };
        let encoded = block.secret_format.decode.is_some();
        let secret = if encoded { "YS1sb25nLXNlY3JldC1vZi1ub2JvZHk=" } else { "user:a-long-password" };
        for sample in crate::config::Sample::all(&preset.preset).expect("samples") {
            // What is over in a token cannot be looked behind.
            let ends = matches!(block.kind, Kind::Jws(_));
            let now = if ends { Clock::system().wall() } else { UnixMillis(1_700_000_000_000) };
            let sample = sample.filled("0199a1b2-0000-7000-8000-000000000000", 42, now);
            let mut headers: HeaderMap =
                sample.headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect();
            headers.insert("content-type", sample.content_type.parse().expect("a value"));
            let question = if sample.query.is_empty() { "" } else { "?" };
            let target = format!("/in/acme{question}{}", sample.query);
            let draft = Draft { method: sample.method.to_string(), target, headers, body: sample.body.into_bytes() };
            let demands = Demands { blocks: vec![block.clone()], ..preset.settings.demands.clone() };
            let Ok(draft) = sign(&demands, &Secret::new(secret), &draft, now) else { continue };
            let (exit, out, messages) = propose(&draft, secret);
            assert_eq!(exit, Exit::Success, "{}: {messages}", preset.preset);
            let its_own = format!("preset: {} ", preset.preset);
            assert!(out.contains(&its_own) || messages.contains(&its_own), "{}: {out}{messages}", preset.preset);
        }
    }
}

#[test]
fn what_nothing_fits_is_told_with_what_was_tried() {
    let draft = made(Block::new(Kind::Hmac(Hash::Sha256, signed(&["body"]))), SECRET);
    let (exit, out, messages) = propose(&draft, "another-secret-of-acme");
    assert_eq!((exit, out.as_str()), (Exit::Failure, ""));
    assert!(
        messages.contains("where a signature could be: ") && messages.contains("header:x-acme-signature"),
        "{messages}"
    );
}
