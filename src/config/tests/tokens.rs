//! Tokens: what `jws` takes, and what it does not without.

use std::time::Duration;

use super::{assert_error, good, of, with_source, with_sources};
use crate::config::Severity;
use crate::signature::scheme::{Hash, Kind, TokenAlgorithm};

const KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[test]
fn a_token_and_all_that_it_has_to_say_is_resolved() {
    let text = with_source(
        "auth: { jws: HS256, token: { first: [header:X-A, header:X-B] }, prefix: 'Bearer ', claims: { iss: a, aud: [b, c], exp: true, iat: 5m, email_verified: true }, body_hash: { claim: sha256 } }",
    );
    let source = good(&text).config.sources.remove(0);
    let Kind::Jws(jws) = &source.demands.blocks[0].kind else { panic!("a token") };
    assert_eq!((jws.algorithm, jws.prefix.as_slice()), (TokenAlgorithm::Hs256, &["Bearer ".to_owned()][..]));
    assert_eq!(jws.claims.aud, ["b", "c"]);
    assert_eq!((jws.claims.exp, jws.claims.iat), (true, Some(Duration::from_mins(5))));
    let equal: Vec<_> = jws.claims.equal.iter().map(|(name, texts)| format!("{name}={}", texts.join("|"))).collect();
    assert_eq!(equal, ["iss=a", "email_verified=true"]);
    let hash = jws.body_hash.as_ref().expect("a digest");
    assert_eq!((hash.claim.as_str(), hash.hash), ("sha256", Hash::Sha256));
}

#[test]
fn keys_may_be_in_a_file_that_counts_as_a_secret_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("keys.json");
    let path = file.display();
    let text = with_sources(&format!(
        "a: {{ auth: {{ jws: EdDSA, token: header:X-T, keys: {{ file: '{path}' }}, claims: {{ aud: a }} }} }}"
    ));
    assert_error(&text, "sources.a.auth.keys.file", "No such file");
    std::fs::write(&file, KEY).expect("written");
    let loaded = good(&text);
    assert_eq!(loaded.secret_files, [file.as_path()]);
    assert_eq!(loaded.config.sources[0].demands.blocks[0].secrets.len(), 1);
    std::fs::write(&file, "{}").expect("written");
    assert_error(&text, "sources.a.auth.keys.file", "no public key for tokens of this algorithm");
}

#[test]
fn what_could_never_be_right_is_refused() {
    for (auth, path, says) in [
        ("jws: none, token: header:X-T", "auth.jws", "unknown algorithm `none`"),
        ("jws: HS512, token: header:X-T", "auth.jws", "unknown algorithm `HS512`"),
        ("jws: HS256", "auth", "no `token`"),
        ("jws: HS256, token: header:X-T, content: [body]", "auth.content", "`content` beside `jws`"),
        ("jws: HS256, token: header:X-T, keys: { file: /x }", "auth.keys", "beside HS256"),
        ("jws: HS256, token: header:X-T, claims: { iat: 0s }", "auth.claims.iat", "a tolerance of nothing"),
        ("jws: HS256, token: header:X-T, claims: { iat: 5 }", "auth.claims.iat", "a duration"),
        ("jws: HS256, token: header:X-T, claims: { exp: soon }", "auth.claims.exp", "`true` or `false`"),
        ("jws: HS256, token: header:X-T, claims: { nbf: true }", "auth.claims.nbf", "honoured"),
        ("jws: HS256, token: header:X-T, claims: { aud: [] }", "auth.claims.aud", "no text"),
        ("jws: HS256, token: header:X-T, claims: [iss]", "auth.claims", "a map"),
        ("jws: HS256, token: header:X-T, body_hash: { hash: sha256 }", "auth.body_hash.claim", "no `claim`"),
        ("hmac: sha256, signature: header:X-S, token: header:X-T", "auth.token", "`token` beside `hmac`"),
        ("jws: EdDSA, token: header:X-T, claims: { iss: a }", "auth", "somebody else"),
        ("jws: HS256, token: header:X-T, claims: { email: ~ }", "auth.claims.email", "left open"),
    ] {
        let text = with_source(&format!("auth: {{ {auth} }}"));
        assert_error(&text, &format!("sources.a.{path}"), says);
    }
}

#[test]
fn the_header_of_a_token_is_never_carried() {
    let text = with_source("auth: { jws: HS256, token: header:X-T }\nheaders: [X-T]");
    let found = of(Severity::Error, &text);
    assert!(found.iter().any(|error| error.at.path == "sources.a.headers[0]"), "{found:#?}");
}

#[test]
fn keys_may_be_at_a_url_and_ask_for_no_secret() {
    let with = |keys: &str| {
        with_sources(&format!(
            "a: {{ auth: {{ jws: RS256, token: header:X-T, keys: {{ {keys} }}, claims: {{ aud: a }} }} }}"
        ))
    };
    let loaded = good(&with("jwks: https://a.example/keys"));
    let fetched: Vec<_> = loaded.config.sources[0].demands.fetched().map(|keys| keys.url.clone()).collect();
    assert_eq!(fetched, ["https://a.example/keys"]);
    for (keys, path, says) in [
        ("jwks: http://a.example/keys", "keys.jwks", "an https:// URL"),
        ("jwks: https://a.example/keys, file: /x", "keys", "in no one place"),
        ("ca_file: /x", "keys", "in no one place"),
        ("jwks: https://a.example/keys, ca_file: /nope", "keys.ca_file", "No such file"),
        ("jwks: https://a.example/keys, ca_file: Cargo.toml", "keys.ca_file", "no certificate"),
    ] {
        let found = of(Severity::Error, &with(keys));
        let path = format!("sources.a.auth.{path}");
        assert!(found.iter().any(|error| error.at.path == path && error.to_string().contains(says)), "{found:#?}");
    }
}

#[test]
fn what_a_preset_leaves_open_has_to_be_said() {
    let with =
        |claims: &str| with_sources(&format!("a: {{ preset: google-pubsub, auth: {{ claims: {{ {claims} }} }} }}"));
    let path = "sources.a.auth.claims.email";
    assert_error(&with("aud: https://gw.example/in"), path, "left open");
    let loaded = good(&with("aud: https://gw.example/in, email: push@example.com"));
    let Kind::Jws(jws) = &loaded.config.sources[0].demands.blocks[0].kind else { panic!("a token") };
    assert!(jws.claims.equal.iter().any(|(name, texts)| name == "email" && texts == &["push@example.com"]));
    assert!(jws.fetched.is_some() && jws.claims.exp);
}
