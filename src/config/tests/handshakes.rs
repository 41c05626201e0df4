//! Handshakes: what they need, and what would make one a hole.

use super::{
    Severity, assert_error, assert_warning, good, indented, of, with_header_source, with_source, with_sources,
};
use crate::ingest::source::HandshakeAuth;
use crate::secret::Secret;
use crate::signature::scheme::{Allow, Encoding, Hash};

#[test]
fn an_hmac_reply_never_signs_any_text_and_says_its_mac() {
    let reply = |more: &str| {
        with_source(&format!(
            "auth: {{ hmac: sha512, signature: header:X-S, encoding: base64 }}\nhandshake: {{ kind: hmac_reply, when: {{ all: [json:/t] }}, auth: none, value: json:/t{more} }}"
        ))
    };
    assert_error(&reply(""), "sources.a.handshake.reply", "an answer without `{mac}`");
    assert_error(&reply(", allow: text, reply: { body: '{mac}' }"), "sources.a.handshake.allow", "`token` or `hex`");
    let source = good(&reply(", reply: { body: '{mac}' }")).config.sources.remove(0);
    let mac = source.handshakes[0].mac.clone().expect("as the source's");
    assert_eq!((mac.hash, mac.encoding), (Hash::Sha512, Encoding::Base64));
    assert_eq!(source.demands.signs_for_strangers, [Allow::Token]);
    let without = "handshake: { kind: hmac_reply, when: { all: [json:/t] }, value: json:/t, reply: { body: '{mac}' } }";
    assert_error(&with_header_source(without), "sources.a.handshake", "no `hmac`, and none in the source's");
}

#[test]
fn a_handshake_needs_what_it_answers_with() {
    assert_error(
        &with_header_source("handshake: { kind: echo_query, when: { method: GET } }"),
        "sources.a.handshake",
        "no `value`",
    );
    assert_error(
        &with_header_source("handshake: { kind: status_only, when: { method: GET }, hmac: sha256 }"),
        "sources.a.handshake.hmac",
        "hmac_reply",
    );
    assert_error(&with_header_source("handshake: { value: query:a }"), "sources.a.handshake.kind", "no `kind`");
    good(&with_header_source(
        "handshake: [{ kind: status_only, when: { method: [HEAD] } }, { kind: echo_json, value: json:/c, when: { all: [json:/c, { absent: json:/d }] } }]",
    ));
}

#[test]
fn a_handshake_is_told_from_a_delivery() {
    let every = "a handshake that every POST is";
    let with = |when: &str| with_header_source(&format!("handshake: {{ kind: status_only{when} }}"));
    assert_error(&with(""), "sources.a.handshake", every);
    assert_error(&with(", when: { all: [] }"), "sources.a.handshake.when", every);
    assert_error(&with(", when: { method: [GET, POST] }, auth: none"), "sources.a.handshake.when", every);
    good(&with(", when: { method: [GET, HEAD] }"));
    good(&with(", when: { all: [header:X-Probe] }"));
}

#[test]
fn a_handshake_without_its_own_secret_warns() {
    assert_warning(&with_source("preset: meta"), "sources.a.handshake.auth", "no secret of the handshake's own");
}

#[test]
fn a_handshakes_own_secret_is_looked_at() {
    let text = with_source("preset: meta\nhandshake: { auth: { secret: short } }");
    assert_warning(&text, "sources.a.handshake.auth.secret", "a secret of 5 bytes");
}

#[test]
fn a_handshake_with_a_proof_that_nothing_could_give_is_refused() {
    let own = "auth: { header: X-Key, secret: '${SECRET}' }\nhandshake: { kind: status_only, when: { all: [query:t] }, auth: { query: t";
    let source = |rest: &str| with_sources(&format!("a:\n{}", indented(&format!("{own}{rest}"), "  ")));
    assert_error(&source(" } }"), "sources.a.handshake.auth", "the source has none beside its `auth`");
    assert!(good(&source(", secret: '${SECRET}' } }")).warnings.is_empty());
    let not_hex = with_header_source(
        "handshake: { kind: status_only, when: { all: [query:t] }, auth: { query: t, secret_format: { decode: base64, require: x } } }",
    );
    assert_error(&not_hex, "sources.a.secret", "this secret cannot be used");
}

/// A source whose handshake signs, with these keys of it and this `auth`.
fn signing(auth: &str, more: &str) -> String {
    let handshake = "kind: hmac_reply, when: { all: [json:/t] }, auth: none, value: json:/t, reply: { body: '{mac}' }";
    format!("auth: {{ {auth} }}\nhandshake: {{ {handshake}{more} }}")
}

#[test]
fn an_hmac_reply_has_a_key_to_sign_with() {
    let hmac = "hmac: sha256, signature: header:X-S";
    let without = |text: &str| with_sources(&format!("a:\n{}", indented(text, "  ")));
    good(&without(&signing(&format!("{hmac}, secret: '${{SECRET}}'"), "")));
    good(&without(&signing("header: X-Key, secret: '${SECRET}'", ", hmac: sha1")));
    let open = signing("none: true", ", hmac: sha1");
    assert_error(&without(&open), "sources.a.handshake", "no secret to sign with");
    let hex = with_source(&signing(hmac, ", secret_format: { decode: base64, require: whsec_ }"));
    assert_error(&hex, "sources.a.handshake.secret_format", "it does not begin with whsec_");
}

#[test]
fn every_value_that_is_signed_for_a_stranger_proves_no_delivery() {
    let reply = |allow: &str, at: &str| {
        format!(
            "{{ kind: hmac_reply, when: {{ all: [json:/{at}] }}, auth: none, value: json:/{at}, allow: {allow}, reply: {{ body: '{{mac}}' }} }}"
        )
    };
    let handshakes = format!("[{}, {}]", reply("hex", "a"), reply("token", "b"));
    let text = with_source(&format!("auth: {{ hmac: sha256, signature: header:X-S }}\nhandshake: {handshakes}"));
    let source = good(&text).config.sources.remove(0);
    assert_eq!(source.demands.signs_for_strangers, [Allow::Hex, Allow::Token]);
}

/// A source that learns, without a secret, in a gateway with this at its top.
fn learning(top: &str, auth: &str, handshake: &str) -> String {
    let lesson = format!("{{ kind: learn_secret, when: {{ all: [header:X-Hook] }}, value: header:X-Hook{handshake} }}");
    let source = format!("a:\n  auth: {auth}\n  handshake: {lesson}");
    format!("{top}\n{}", with_sources(&source))
}

#[test]
fn a_source_that_learns_its_secret_needs_a_place_for_it_and_may_begin_without() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = format!("spool: {{ dir: '{}', max_bytes: 1GiB }}", dir.path().display());
    let hmac = "{ hmac: sha256, signature: header:X-S }";
    let with = |auth: &str, handshake: &str| learning(&spool, auth, handshake);
    assert_error(&learning("", hmac, ", auth: none"), "sources.a.handshake.kind", "`spool.dir` on a durable volume");
    assert_warning(&with(hmac, ", auth: none"), "sources.a", "`hookgate learn a`");
    assert_error(&with(hmac, ", auth: none, allow: text"), "sources.a.handshake.allow", "`token` or `hex`");
    let twice = with(hmac, "");
    let found: Vec<_> = of(Severity::Error, &twice).iter().map(ToString::to_string).collect();
    assert!(found.len() == 1 && found[0].contains("only from who proves to have one"), "{found:?}");
    let own = with("{ header: X-Key, secret: '${SECRET}' }", ", auth: none");
    assert_error(&own, "sources.a.handshake.kind", "nothing that could use what is learned");

    let source = good(&with(hmac, ", auth: none")).config.sources.remove(0);
    let file = source.learned_file.expect("a place");
    let equipped = learning("", hmac, ", auth: none").replace("a:\n", "a:\n    secret: '${SECRET}'\n");
    assert_eq!(good(&equipped).config.sources.remove(0).learned_file, None);
    assert_eq!((file.as_path(), source.handshakes[0].reply.body.as_str()), (&*dir.path().join("a.learned"), ""));
    crate::secret::replace_list(&file, &[Secret::new("a-secret-that-was-learned")]).expect("written");
    let loaded = good(&with(hmac, ", auth: none"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert_eq!(loaded.config.sources[0].demands.learned, [Secret::new("a-secret-that-was-learned")]);
    // What no longer fits the source is told before a sender finds out.
    let base64 = "{ hmac: sha256, signature: header:X-S, secret_format: { decode: base64 } }";
    assert_error(&with(base64, ", auth: none"), "sources.a", "line 1 of what was learned cannot be used");
}

#[test]
fn a_learned_secret_is_lost_with_a_scratch_directory() {
    let top = "ack: kafka\nspool: { dir: /nowhere/spool, scratch: true, max_bytes: 1GiB }";
    let auth = "{ any_of: [{ hmac: sha256, signature: header:X-S }, { header: X-Key, secret: '${SECRET}' }] }";
    let found: Vec<_> =
        of(Severity::Warning, &learning(top, auth, ", auth: none")).iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|line| line.contains("lost with a scratch directory")), "{found:?}");
}

#[test]
fn what_is_told_to_the_operator_may_be_any_text_unless_the_source_says_otherwise() {
    let of = |more: &str| {
        let keys =
            format!("handshake: {{ kind: confirm_out_of_band, when: {{ all: [json:/u] }}, value: json:/u{more} }}");
        good(&with_header_source(&keys)).config.sources.remove(0).handshakes.remove(0)
    };
    assert_eq!((of("").allow, of("").reply.body.as_str()), (Allow::Text, ""));
    assert_eq!(of(", allow: token").allow, Allow::Token);
}

#[test]
fn a_proof_that_is_none_is_none_however_it_is_written() {
    let of = |auth: &str| {
        let keys = format!("handshake: {{ kind: status_only, when: {{ method: HEAD }}, auth: {auth} }}");
        good(&with_header_source(&keys)).config.sources.remove(0).handshakes.remove(0).auth
    };
    for auth in ["none", "{ none: true }", "{ any_of: [{ none: true }, { query: t }] }"] {
        assert!(matches!(of(auth), HandshakeAuth::None), "{auth}");
    }
}

#[test]
fn what_is_signed_for_strangers_proves_nothing_to_a_neighbour_with_the_same_secret() {
    let signer = signing("hmac: sha256, signature: header:X-S, secret: '${SECRET}'", ", allow: hex");
    let text = format!(
        "a: {{ auth: {{ hmac: sha256, signature: header:X-S }}, secret: '${{SECRET}}' }}\nb:\n{}c: {{ auth: {{ hmac: sha256, signature: header:X-S }}, secret: another-secret-that-is-long }}",
        indented(&signer, "  ")
    );
    let sources = good(&with_sources(&text)).config.sources;
    let distrusted: Vec<_> = sources.iter().map(|source| source.demands.signs_for_strangers.as_slice()).collect();
    assert_eq!(distrusted, [&[Allow::Hex][..], &[Allow::Hex], &[]]);
}

#[test]
fn what_is_echoed_is_never_a_page_that_could_run_scripts() {
    for kind in ["text/html", "application/xhtml+xml", "image/svg+xml", "Text/XML"] {
        let reply = format!("when: {{ all: [query:c] }}, value: query:c, reply: {{ content_type: {kind} }}");
        let text = with_header_source(&format!("handshake: {{ kind: echo_query, {reply} }}"));
        assert!(!of(Severity::Error, &text).is_empty(), "{kind}");
    }
}
