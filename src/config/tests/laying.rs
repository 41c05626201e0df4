//! How a user's keys lie over a preset.

use super::{Severity, assert_error, assert_warning, good, of, with_source, with_sources};
use crate::ingest::source::{HandshakeAuth, Settings};
use crate::locate::Expr;
use crate::signature::scheme::{Check, Kind};
use crate::units::ByteSize;
use std::time::Duration;

fn source(keys: &str) -> Settings {
    good(&with_source(keys)).config.sources.remove(0)
}

#[test]
fn a_preset_is_as_if_its_keys_were_typed() {
    let source = source("preset: github");
    assert_eq!(source.limits.body, ByteSize::mib(25));
    assert!(!source.terms.retries && source.terms.spool_when_unavailable);
    assert!(matches!(source.demands.blocks[0].kind, Kind::Hmac(..)));
}

#[test]
fn scalars_and_lists_are_replaced_and_maps_laid_over_key_by_key() {
    let source = source("preset: github\nretries: true\nheaders: [X-Mine]\nlimits: { rate: 5/s }");
    assert!(source.terms.retries);
    assert_eq!(source.identify.headers, ["x-mine"]);
    assert_eq!(source.limits.body, ByteSize::mib(25), "the preset's other limits stay");
    assert!(source.limits.rate.is_some());
}

#[test]
fn an_expression_is_replaced_as_a_whole() {
    let source = source("preset: twilio\npublic_url: https://a.b\nid: { from: header:X-Id, starts_with: a }");
    assert!(matches!(source.identify.id, Expr::StartsWith(..)));
}

#[test]
fn an_auth_that_names_a_kind_replaces_the_presets() {
    for keys in ["auth: { header: X-Key }", "auth: { any_of: [{ header: X-Key }] }"] {
        let source = source(&format!("preset: stripe\n{keys}"));
        assert!(matches!(&source.demands.blocks[..], [block] if matches!(block.kind, Kind::Header { .. })));
        assert!(source.demands.blocks[0].timestamp.is_none());
    }
    let text = with_sources("a: { preset: stripe, auth: none }");
    assert_warning(&text, "sources.a.auth", "anyone can send");
}

#[test]
fn an_auth_without_a_kind_is_merged() {
    let source = source("preset: stripe\nauth: { timestamp: { tolerance: 10m } }");
    let timestamp = source.demands.blocks[0].timestamp.clone().expect("the preset's");
    assert_eq!((timestamp.past, timestamp.future), (Duration::from_mins(10), Duration::from_mins(10)));
    assert_eq!(timestamp.from, Expr::KeyValue("t".into()));
}

#[test]
fn a_tolerance_beside_any_of_is_every_blocks() {
    let source = source("preset: standard-webhooks\nauth: { timestamp: { past: 10m } }");
    for block in &source.demands.blocks {
        let timestamp = block.timestamp.as_ref().expect("both have one");
        assert_eq!((timestamp.past, timestamp.future), (Duration::from_mins(10), Duration::from_mins(5)));
    }
}

#[test]
fn a_check_beside_any_of_is_every_blocks() {
    let source = source("preset: standard-webhooks\nauth: { checks: [{ from: json:/tenant, equals: a }] }");
    assert_eq!(source.demands.blocks.len(), 2);
    for block in &source.demands.blocks {
        assert!(matches!(&block.checks[..], [Check::Equals(Expr::Json(_), text)] if text == "a"));
    }
}

#[test]
fn only_closes_the_other_blocks() {
    let source = source("preset: standard-webhooks\nauth: { only: [v1] }");
    assert!(matches!(&source.demands.blocks[..], [block] if block.name.as_deref() == Some("v1")));
    let text = with_source("preset: standard-webhooks\nauth: { only: [v2] }");
    assert_error(&text, "sources.a.auth.only[0]", "unknown block `v2`, expected one of `v1`, `v1a`");
}

#[test]
fn a_handshake_with_a_kind_replaces_and_one_without_is_merged() {
    let own = |keys: &str| match &source(&format!("preset: meta\n{keys}")).handshakes[..] {
        [handshake] => match &handshake.auth {
            HandshakeAuth::Own(demands) => Some(demands.blocks[0].secrets.len()),
            _ => None,
        },
        _ => panic!("one handshake"),
    };
    assert_eq!(own("handshake: { auth: { secret: a-verify-token-of-its-own } }"), Some(1));
    assert_eq!(own("handshake: { kind: status_only, when: { method: [HEAD] } }"), None);
    assert!(source("preset: meta\nhandshake: ~").handshakes.is_empty(), "`~` takes it away");
}

#[test]
fn an_unknown_preset_is_refused_with_the_one_that_was_meant() {
    assert_error(&with_source("preset: githb"), "sources.a.preset", "did you mean `github`?");
}

#[test]
fn about_is_for_presets_only() {
    let found = of(Severity::Error, &with_source("preset: github\nabout: { name: x }"));
    assert!(found.iter().any(|error| error.at.path == "sources.a.about"), "{found:#?}");
}

#[test]
fn an_error_in_what_lies_over_is_told_at_the_users_line() {
    let text = with_source("preset: github\nlimits: { body: 5 }");
    assert_error(&text, "sources.a.limits.body", "hookgate.yaml:6:21");
}
