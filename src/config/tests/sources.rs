//! Rules of one source.

use super::{assert_error, assert_warning, good, with_header_source, with_source, with_sources};
use crate::ingest::source::Payload;
use crate::signature::scheme::{Encoding, Hash, Kind, What};
use crate::spool::Ack;
use std::fs;
use std::time::Duration;

#[test]
fn a_source_needs_a_way_to_authenticate_and_a_secret() {
    assert_error(&with_sources("a: { secret: '${SECRET}' }"), "sources.a", "no way to authenticate");
    assert_error(&with_sources("a:"), "sources.a", "no way to authenticate");
    assert_error(&with_sources("a: { auth: { header: X-Key } }"), "sources.a", "no secret");
    assert_error(&with_sources("a: { preset: github }"), "sources.a", "presets show");
    assert_warning(&with_sources("a: { auth: none }"), "sources.a.auth", "anyone can send events");
}

#[test]
fn a_block_of_auth_has_exactly_one_kind() {
    assert_error(&with_source("auth: { prefix: a }"), "sources.a.auth", "no kind of `auth`");
    assert_error(&with_source("auth: { header: X-A, query: b }"), "sources.a.auth.query", "`header` and `query`");
    assert_error(&with_source("auth: { any_of: [] }"), "sources.a.auth.any_of", "no block that could ever match");
    assert_error(&with_source("auth: { basic: false }"), "sources.a.auth.basic", "`true`");
    assert_error(&with_source("auth: digest"), "sources.a.auth", "`none`, `basic`, `path`");
}

#[test]
fn a_key_that_means_nothing_for_its_kind_is_refused() {
    for (auth, key) in [
        ("{ header: X-A, content: [body] }", "content"),
        ("{ header: X-A, encoding: hex }", "encoding"),
        ("{ query: a, prefix: b }", "prefix"),
        ("{ header: X-A, only: [a] }", "only"),
        ("{ none: true, timestamp: { from: header:X-T } }", "timestamp"),
    ] {
        let path = format!("sources.a.auth.{key}");
        let text = with_source(&format!("auth: {auth}"));
        let found = super::of(super::Severity::Error, &text);
        assert!(found.iter().any(|error| error.at.path == path && error.found.contains("beside")), "{found:#?}");
    }
}

#[test]
fn what_comes_in_a_later_version_is_refused_plainly() {
    assert_error(&with_source("auth: { x509: rsa-sha1 }"), "sources.a.auth.x509", "later version");
}

#[test]
fn a_signature_scheme_is_resolved_with_its_defaults() {
    let text = with_source("auth: { hmac: sha256, signature: header:X-Signature }");
    let source = good(&text).config.sources.remove(0);
    let Kind::Hmac(hash, signed) = &source.demands.blocks[0].kind else { panic!("an HMAC") };
    assert_eq!((*hash, signed.encoding, signed.contents.len()), (Hash::Sha256, Encoding::Hex, 1));
    assert_eq!((source.path.as_str(), source.ce_source.as_str()), ("/in/a", "/in/a"));
    assert_eq!((source.terms.ack, source.terms.deadline), (Ack::Kafka, Duration::from_secs(2)));
    assert_eq!(source.dedupe_window, Some(Duration::from_hours(72)));
    assert_eq!(source.identify.payload, Payload::ByMethod);
}

#[test]
fn content_can_be_headers_that_the_request_lists() {
    let auth =
        |list: &str| with_source(&format!("auth: {{ hmac: sha256, signature: header:X-S, content: [{list}, body] }}"));
    let source =
        good(&auth("{ headers: header:X-L, named: \":\", join: \";\", must: [X-Time] }")).config.sources.remove(0);
    let Kind::Hmac(_, signed) = &source.demands.blocks[0].kind else { panic!("an HMAC") };
    let What::HeaderList(list) = &signed.contents[0][0].what else { panic!("a list") };
    assert_eq!((list.separator, list.named.as_deref(), list.join.as_str()), (',', Some(":"), ";"));
    assert_eq!(list.must, ["x-time"]);
    assert_error(
        &auth("{ headers: header:X-L, joined: x }"),
        "sources.a.auth.content[0].joined",
        "did you mean `join`?",
    );
    assert_error(&auth("{ headers: kv:h }"), "sources.a.auth", "`kv:` needs `separator`");
}

#[test]
fn a_signature_has_to_be_somewhere_and_cover_something() {
    assert_error(&with_source("auth: { hmac: sha256 }"), "sources.a.auth", "no `signature`");
    for content in ["[]", "[[]]", "[[body], []]"] {
        let text = with_source(&format!("auth: {{ hmac: sha256, signature: header:X-S, content: {content} }}"));
        assert_error(&text, "sources.a.auth.content", "what signs nothing proves nothing");
    }
    let text = with_source("auth: { hmac: sha256, signature: header:X-S, content: [{ first: [body] }] }");
    assert!(!super::of(super::Severity::Error, &text).is_empty(), "`first` is not for content");
    assert_error(
        &with_source("auth: { hmac: sha256, signature: header:X-S, content: [bdy] }"),
        "sources.a.auth.content[0]",
        "body, method, url",
    );
}

#[test]
fn a_plain_digest_names_its_secret() {
    let text = with_source("auth: { hash: sha256, signature: header:X-S, content: [body] }");
    assert_error(&text, "sources.a.auth", "`hash` needs `secret`");
}

#[test]
fn a_url_that_is_signed_needs_public_url() {
    let auth = "auth: { hmac: sha256, signature: header:X-S, content: [url, body] }";
    assert_error(&with_source(auth), "sources.a", "no `public_url`");
    let source =
        good(&with_source(&format!("{auth}\npublic_url: https://hooks.example.com/"))).config.sources.remove(0);
    assert_eq!(source.demands.public_url.as_deref(), Some("https://hooks.example.com"));
    assert_eq!(source.ce_source, "https://hooks.example.com/in/a");
}

#[test]
fn a_pair_needs_a_separator_and_belongs_to_auth() {
    let text = with_source("auth: { hmac: sha256, signature: header:X-S, content: [kv:t, body] }");
    assert_error(&text, "sources.a.auth", "`kv:` needs `separator`");
    assert_error(&with_header_source("id: kv:t"), "sources.a.id", "`kv:` is for `auth`");
}

#[test]
fn public_url_is_an_origin_with_nothing_secret_in_it() {
    for wrong in [
        "hooks.example.com",
        "ftp://a",
        "https://",
        "https:///x",
        "https://u:p@a",
        "https://a?b",
        "https://a#b",
        "https://a b",
    ] {
        assert_error(
            &with_header_source(&format!("public_url: '{wrong}'")),
            "sources.a.public_url",
            "http:// or https://",
        );
    }
}

#[test]
fn a_path_has_a_secret_segment_only_where_auth_looks_there() {
    assert_error(&with_header_source("path: /a/{secret}"), "sources.a.path", "no `auth` that looks there");
    assert_error(&with_source("auth: path"), "sources.a.auth", "no `{secret}`");
    assert_error(&with_header_source("path: a"), "sources.a.path", "a slash first");
    let source = good(&with_source("auth: path\npath: /a/{secret}")).config.sources.remove(0);
    assert_eq!(source.ce_source, "/a/{secret}");
    let source = good(&with_source("preset: post-affiliate-pro")).config.sources.remove(0);
    assert!(!source.demands.blocks.iter().any(|block| matches!(block.kind, Kind::Path)), "left out");
    let source = good(&with_source("preset: post-affiliate-pro\npath: /p/{secret}")).config.sources.remove(0);
    assert!(source.demands.blocks.iter().any(|block| matches!(block.kind, Kind::Path)));
}

#[test]
fn a_carried_header_has_a_name_that_a_record_can_hold() {
    let with_name = |bytes: usize| with_header_source(&format!("headers: [{}]", "x".repeat(bytes)));
    good(&with_name(250));
    assert_error(&with_name(251), "sources.a.headers[0]", "a name of 251 bytes, expected at most 250");
}

#[test]
fn headers_with_credentials_are_never_carried() {
    for header in ["Authorization", "cookie", "Proxy-Authorization", "x-key"] {
        assert_error(
            &with_header_source(&format!("headers: [X-A, {header}]")),
            "sources.a.headers[1]",
            "never carried",
        );
    }
    let signature = with_source("auth: { hmac: sha256, signature: [header:X-S, header:X-T] }\nheaders: [X-T]");
    assert_error(&signature, "sources.a.headers[0]", "never carried");
    let handshake = "handshake: { kind: status_only, when: { method: HEAD }, auth: { header: X-Probe, secret: '${SECRET}' } }\nheaders: [X-Probe]";
    assert_error(&with_header_source(handshake), "sources.a.headers[0]", "never carried");
}

#[test]
fn the_id_of_a_batch_tells_its_elements_apart() {
    for wrong in
        ["json:/id", "header:X-Id", "[json:/a, header:b]", "{ first: [item:/id, json:/id] }", "{ first: [hash, '=x'] }"]
    {
        assert_error(
            &with_header_source(&format!("batch: json:/data\nid: {wrong}")),
            "sources.a.id",
            "the same for all elements",
        );
    }
    for right in ["hash", "item:/id", "[json:/a, 'item:#']", "{ first: [item:/id, hash] }"] {
        good(&with_header_source(&format!("batch: json:/data\nid: {right}")));
    }
    good(&with_header_source("batch: json:/data"));
    let also = |batch: &str, also: &str| with_header_source(&format!("{batch}\ndedupe: {{ also: '{also}' }}"));
    assert_error(&also("batch: json:/data", "json:/token"), "sources.a.dedupe.also", "only the first element");
    good(&also("batch: json:/data", "item:/token"));
    good(&also("", "json:/token"));
}

#[test]
fn a_payload_of_headers_lists_them() {
    assert_error(&with_header_source("payload: headers"), "sources.a.payload", "none are listed");
    good(&with_header_source("payload: headers\nheaders: [X-A]"));
    assert_error(&with_header_source("payload: query\nbatch: json:/a"), "sources.a.payload", "not in the body");
}

#[test]
fn the_credential_parameter_is_known_so_that_it_can_be_cut_out() {
    let source = good(&with_source("auth: { any_of: [{ query: token }, { query: key }] }\nmethods: [GET]"))
        .config
        .sources
        .remove(0);
    assert_eq!(source.identify.credential_parameters, ["key", "token"]);
}

#[test]
fn a_dedupe_window_is_at_least_twice_the_tolerance() {
    let auth = "auth: { hmac: sha256, signature: header:X-S, timestamp: { from: header:X-T, past: 1h, future: 1m } }";
    assert_error(&with_source(&format!("{auth}\ndedupe: {{ window: 90m }}")), "sources.a.dedupe.window", "at least 2h");
    good(&with_source(&format!("{auth}\ndedupe: {{ window: 2h }}")));
    let source = good(&with_source(&format!("{auth}\ndedupe: off"))).config.sources.remove(0);
    assert_eq!(source.dedupe_window, None);
    assert_error(&with_header_source("dedupe: { window: 0s }"), "sources.a.dedupe.window", "a window of nothing");
    assert_error(&with_header_source("dedupe: on"), "sources.a.dedupe", "`off`");
}

#[test]
fn a_tolerance_of_nothing_is_refused() {
    let auth = "auth: { hmac: sha256, signature: header:X-S, timestamp: { from: header:X-T, tolerance: 0s } }";
    assert_error(&with_source(auth), "sources.a.auth.timestamp", "no request could ever fit");
}

#[test]
fn a_short_secret_and_a_credential_in_the_body_warn() {
    assert_warning(
        &with_sources("a: { auth: { header: X-Key }, secret: short }"),
        "sources.a.secret",
        "a secret of 5 bytes",
    );
    for auth in ["form: token", "json: /token"] {
        assert_warning(
            &with_source(&format!("auth: {{ {auth} }}")),
            "sources.a.auth",
            "readers of the topic can see it",
        );
    }
}

#[test]
fn what_is_shown_instead_of_a_secret_is_none() {
    let text = with_sources("a: { auth: { header: X-Key }, secret: '***' }");
    assert_error(&text, "sources.a.secret", "a secret that was not shown, expected the secret itself");
    let text = with_header_source("").replace("brokers:", "properties: { sasl.password: '***' }, brokers:");
    assert_error(&text, "kafka.properties.sasl.password", "a secret that was not shown");
}

#[test]
fn an_empty_secret_is_refused_wherever_it_comes_from() {
    assert_error(
        &with_sources("a: { auth: { header: X-Key }, secret: '' }"),
        "sources.a.secret",
        "would verify for anyone",
    );
    assert_error(
        &with_sources("a: { auth: { header: X-Key }, secret: '${EMPTY}' }"),
        "sources.a.secret",
        "would verify for anyone",
    );
    assert_error(
        &with_sources("a: { auth: { header: X-Key }, secrets: [] }"),
        "sources.a.secrets",
        "at least one secret",
    );
}

#[test]
fn secrets_come_from_all_four_keys_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("one"), "third-secret-from-file\n").expect("written");
    fs::write(path("two"), "fourth-secret-from-file").expect("written");
    let text = with_sources(&format!(
        "a:\n  auth: {{ header: X-Key }}\n  secret: first-secret-inline\n  secrets: [second-secret-inline]\n  secret_file: {}\n  secret_files: [{}]",
        path("one"),
        path("two")
    ));
    let loaded = good(&text);
    let secrets: Vec<&[u8]> =
        loaded.config.sources[0].demands.secrets.iter().map(crate::secret::Secret::expose).collect();
    let right: [&[u8]; 4] =
        [b"first-secret-inline", b"second-secret-inline", b"third-secret-from-file", b"fourth-secret-from-file"];
    assert_eq!(secrets, right);
    assert_eq!(loaded.secret_files.len(), 2);
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let empty = dir.path().join("empty");
    fs::write(&empty, "\n").expect("written");
    let file = |path: &str| with_sources(&format!("a: {{ auth: {{ header: X-Key }}, secret_file: {path} }}"));
    assert_error(&file("/nowhere/secret"), "sources.a.secret_file", "/nowhere/secret");
    assert_error(&file(&empty.display().to_string()), "sources.a.secret_file", "the file is empty");
}

#[test]
fn basic_wants_user_and_password() {
    assert_error(&with_source("auth: basic"), "sources.a.secret", "user:password");
    good(&with_sources("a: { auth: basic, secret: 'user:a-long-password' }"));
}

#[test]
fn a_source_is_named_so_that_topics_and_labels_can_be() {
    assert_error(
        &with_sources("A b: { auth: { header: X-Key }, secret: '${SECRET}', topic: t, path: /a }"),
        "sources.A b",
        "a source's name",
    );
}

#[test]
fn topics_are_kafkas_and_know_their_source() {
    let topic = |keys: &str| good(&with_header_source(keys)).config.sources.remove(0).topic;
    assert_eq!(topic("").as_str(), "webhooks.a");
    assert_eq!(topic("topic: 'x-{source}-y'").as_str(), "x-a-y");
    assert_error(&with_header_source("topic: 'x-{name}'"), "sources.a.topic", "{source}");
    assert_error(&with_header_source("topic: webhooks.dead-letter"), "sources.a.topic", "the dead-letter topic");
}

#[test]
fn answers_stay_what_they_mean() {
    assert_error(
        &with_header_source("reply: { accepted: { status: 302 } }"),
        "sources.a.reply.accepted.status",
        "200 to 299",
    );
    assert_error(
        &with_header_source("reply: { malformed: { status: 401 } }"),
        "sources.a.reply.malformed.status",
        "without 401",
    );
    assert_error(
        &with_header_source("reply: { accepted: { content_type: text/html } }"),
        "sources.a.reply.accepted.content_type",
        "never HTML",
    );
    assert_error(
        &with_header_source("reply: { accepted: { headers: { 'a b': c } } }"),
        "sources.a.reply.accepted.headers.a b",
        "HTTP header",
    );
    for header in ["content-type", "Content-Length", "connection", "transfer-encoding", "x-request-id", "X-Duplicate"] {
        let text = with_header_source(&format!("reply: {{ accepted: {{ headers: {{ {header}: a }} }} }}"));
        assert_error(&text, &format!("sources.a.reply.accepted.headers.{header}"), "which the gateway sets");
    }
    let sniffed =
        "handshake: { kind: status_only, when: { method: GET }, reply: { headers: { x-content-type-options: none } } }";
    let at = "sources.a.handshake.reply.headers.x-content-type-options";
    assert_error(&with_header_source(sniffed), at, "which the gateway sets");
}

#[test]
fn limits_and_deadlines_are_sane() {
    for (keys, path, says) in [
        ("deadline: 5ms", "deadline", "10ms to 60s"),
        ("deadline: 2m", "deadline", "10ms to 60s"),
        ("limits: { body: 1GiB }", "limits.body", "at most server.body_budget, 256MiB"),
        ("limits: { body: 0B }", "limits.body", "at least 1B"),
        ("limits: { in_flight: 0 }", "limits.in_flight", "at least 1"),
        ("limits: { rate: 0/s }", "limits.rate", "at least 1"),
        ("methods: []", "methods", "at least one method"),
    ] {
        assert_error(&with_header_source(keys), &format!("sources.a.{path}"), says);
    }
}

#[test]
fn a_sender_that_does_not_retry_is_kept_while_any_custody_is_left() {
    let spools = |keys: &str| good(&with_header_source(keys)).config.sources.remove(0).terms.spool_when_unavailable;
    assert!(!spools(""));
    assert!(spools("retries: false"));
    assert!(!spools("retries: false\non_broker_unavailable: reject"));
    assert_warning(
        &with_header_source("on_broker_unavailable: spool"),
        "sources.a.on_broker_unavailable",
        "no `spool.dir`",
    );
}

#[test]
fn checks_say_what_they_check() {
    let check = |check: &str| with_source(&format!("auth: {{ header: X-Key, checks: [{check}] }}"));
    for good_one in [
        "{ from: query:a, equals: b }",
        "{ absent: query:a }",
        "{ ip: [10.0.0.0/8, 192.0.2.1] }",
        "{ header: X-Other, secret: '${SECRET}' }",
        "{ client_certificate: { header: X-Client, subject: CN=a } }",
    ] {
        good(&format!("server: {{ trusted_proxies: [10.0.0.0/8] }}\n{}", check(good_one)));
    }
    let certificate = check("{ client_certificate: { header: X-Client, subject: CN=a } }");
    assert_error(&certificate, "sources.a.auth", "no trusted proxy");
    let any = check("{ client_certificate: { header: X-Client } }");
    assert_error(
        &format!("server: {{ trusted_proxies: 10.0.0.0/8 }}\n{any}"),
        "sources.a.auth.checks[0].client_certificate",
        "any certificate would do",
    );
    for wrong in [
        "{ from: query:a }",
        "{ from: query:a, absent: query:b }",
        "{ equals: a }",
        "{}",
        "{ ip: [10.0.0.0/8], absent: query:a }",
    ] {
        assert_error(&check(wrong), "sources.a.auth.checks[0]", "says not what it checks");
    }
    assert_error(&check("{ header: X-Other }"), "sources.a.auth.checks[0]", "without a secret");
}
