//! Form: YAML, keys, units, variables, places.

use super::{Severity, assert_error, findings, good, of, with_header_source, with_source, with_sources};

#[test]
fn a_misspelt_key_is_refused_at_every_depth_with_the_one_that_was_meant() {
    for (text, path, meant) in [
        ("lisen: 0.0.0.0:1\n".to_owned() + &with_header_source(""), "lisen", "listen"),
        (
            with_header_source("").replace("brokers: [kafka:9092]", "brokers: [kafka:9092], topik: a"),
            "kafka.topik",
            "topic",
        ),
        (with_header_source("methds: [POST]"), "sources.a.methds", "methods"),
        (with_header_source("limits: { bdy: 1MiB }"), "sources.a.limits.bdy", "body"),
        (with_header_source("reply: { accepted: { staus: 200 } }"), "sources.a.reply.accepted.staus", "status"),
        (
            with_source(
                "auth: { hmac: sha256, signature: header:X-S, timestamp: { form: header:X-T, from: header:X-T } }",
            ),
            "sources.a.auth.timestamp.form",
            "from",
        ),
        (
            with_source("auth: { any_of: [{ header: X-K }, { hedaer: X-L, query: q }] }"),
            "sources.a.auth.any_of[1].hedaer",
            "header",
        ),
        (with_header_source("id: { frist: [hash], first: [hash] }"), "sources.a.id.frist", "first"),
        (
            with_header_source("handshake: { kind: status_only, when: { al: [] } }"),
            "sources.a.handshake.when.al",
            "all",
        ),
    ] {
        let found = of(Severity::Error, &text);
        let error = found.iter().find(|error| error.at.path == path).unwrap_or_else(|| panic!("{path} in {found:#?}"));
        assert_eq!(error.meant.as_deref(), Some(meant), "{error}");
    }
}

#[test]
fn a_key_that_resembles_none_gets_no_suggestion_but_the_list() {
    assert_error(&with_header_source("zzzzzz: 1"), "sources.a.zzzzzz", "expected one of `preset`, `path`, `auth`");
    assert!(of(Severity::Error, &with_header_source("zzzzzz: 1"))[0].meant.is_none());
}

#[test]
fn all_errors_are_reported_at_once_each_at_its_own_place() {
    let text = "\
listen: 8080
kafka:
  brokers: kafka:9092
  topik: x
spool: { dir: /tmp/x, max_bytes: 10 }
sources:
  one:
    preset: githup
    secret: ${UNSET}
  two:
    auth: { header: X-Key }
    secret: ${SECRET}
    deadline: 5
    limits: { body: 1MB, rat: 5/s }
    ack: dsik
  three: {}
";
    let found: Vec<(usize, usize, String)> = of(Severity::Error, text)
        .into_iter()
        .map(|error| {
            let place = error.at.place.expect("a place");
            (place.line(), place.column(), error.at.path)
        })
        .collect();
    let right = [
        (1, 9, "listen"),
        (3, 12, "kafka.brokers"),
        (4, 3, "kafka.topik"),
        (5, 34, "spool.max_bytes"),
        (8, 13, "sources.one.preset"),
        (9, 13, "sources.one.secret"),
        (13, 15, "sources.two.deadline"),
        (14, 21, "sources.two.limits.body"),
        (14, 26, "sources.two.limits.rat"),
        (15, 10, "sources.two.ack"),
        (16, 3, "sources.three"),
    ];
    assert_eq!(found, right.map(|(line, column, path)| (line, column, path.to_owned())));
}

#[test]
fn a_number_without_its_unit_is_refused() {
    for (key, path, expected) in [
        ("deadline: 5", "deadline", "a duration such as 300ms"),
        ("deadline: 5sec", "deadline", "a duration such as 300ms"),
        ("limits: { body: 1048576 }", "limits.body", "a size such as 64KiB"),
        ("limits: { body: 1MB }", "limits.body", "a size such as 64KiB"),
        ("limits: { rate: 500 }", "limits.rate", "a rate such as 500/s"),
        ("dedupe: { window: 3 }", "dedupe.window", "a duration such as 300ms"),
        ("limits: { in_flight: -1 }", "limits.in_flight", "a whole number"),
        ("retries: yes", "retries", "`true` or `false`"),
    ] {
        assert_error(&with_header_source(key), &format!("sources.a.{path}"), expected);
    }
}

#[test]
fn a_number_that_is_too_large_is_told_so() {
    assert_error(&with_header_source("deadline: 9999999999999d"), "sources.a.deadline", "expected less");
    assert_error(&with_header_source("limits: { body: 99999999999TiB }"), "sources.a.limits.body", "expected less");
}

#[test]
fn of_a_long_line_only_what_is_around_the_column_is_shown() {
    let headers = vec!["X-A"; 100].join(", ");
    let error =
        of(Severity::Error, &with_header_source(&format!("headers: [{headers}, 'a b', {headers}]")))[0].to_string();
    let lines: Vec<Vec<char>> = error.lines().map(|line| line.chars().collect()).collect();
    assert_eq!((lines.len(), lines[1].len()), (3, 128), "{error}");
    let caret = lines[2].iter().position(|c| *c == '^').expect("a caret");
    assert_eq!(lines[1].iter().skip(caret).take(5).collect::<String>(), "'a b'", "{error}");
}

#[test]
fn a_word_that_is_not_one_of_the_list_is_refused_with_the_list() {
    assert_error(&with_header_source("on_malformed: rejct"), "sources.a.on_malformed", "did you mean `reject`?");
    assert_error(
        &with_header_source("methods: [PSOT]"),
        "sources.a.methods[0]",
        "one of `POST`, `GET`, `HEAD`, `OPTIONS`",
    );
    assert_error(&with_source("auth: { hmac: sha-256, signature: header:X }"), "sources.a.auth.hmac", "`sha256`");
}

#[test]
fn a_value_of_the_wrong_shape_is_refused() {
    assert_error(&with_header_source("headers: X-A"), "sources.a.headers", "found `X-A`, expected a list");
    assert_error(&with_header_source("limits: 5"), "sources.a.limits", "expected a map with some of `body`");
    assert_error(&with_header_source("topic: [a]"), "sources.a.topic", "found a list, expected a text");
    assert_error("kafka: { brokers: [k:1] }\nsources: [a]\n", "sources", "found a list, expected a map");
}

#[test]
fn an_error_shows_its_line_with_a_caret() {
    let error = of(Severity::Error, &with_header_source("deadline: 5"))[0].to_string();
    let right = "\
error: hookgate.yaml:6:15: sources.a.deadline: found `5`, expected a duration such as 300ms, 5s, 2m, 1h or 3d
  6 |     deadline: 5
    |               ^";
    assert_eq!(error, right);
}

#[test]
fn no_finding_shows_a_secret() {
    let shown = |text: &str| findings(text).iter().map(ToString::to_string).collect::<String>();
    for text in [
        with_sources("a: { hedaer: x, auth: { header: X-Key }, secret: hunter2 }"),
        with_sources("a:\n  auth: { header: X-Key }\n  secrets:\n    - hunter2\n    - ''\n"),
        with_sources("a: { auth: { header: X-Key }, secret: [hunter2] }"),
        with_sources("a: { auth: { header: X-Key }, secret: { b: hunter2 } }"),
        with_header_source("")
            .replace("brokers", "properties: { sasl.password: hunter2, sasl.passwrd: hunter2 }, brokers"),
        with_sources("a:\n  secret: \"hunter2\n"),
        with_sources("a:\n  secrets:\n  - 'hunter2\n"),
        with_sources("a: { secret: hunter2, b: ]"),
        with_sources("a: { lisen: 1, secret: '${UNSET:-hunter2}' }"),
        with_sources("a: { secret: '${1:-hunter2}' }"),
        with_sources("a: { lisen: 1, secret: '$${hunter2}' }"),
        with_sources("a: { auth: { header: X }, secret: a, secret: hunter2 }"),
        with_sources("a: { auth: { header: X } }\na: { auth: { header: X }, secret: hunter2 }"),
        with_sources("a: { auth: { header: X }, secert: hunter2 }"),
        with_sources("a: { auth: { header: X }, secret_: { b: [hunter2] } }"),
        with_sources("a: { auth: { header: X, token: hunter2 } }"),
        with_sources("a: { auth: { header: X }, id: { frist: hunter2 } }"),
        with_header_source("").replace("brokers", "sasl.password: hunter2, brokers"),
        with_header_source("").replace("brokers", "properties: sasl.password=hunter2, brokers"),
        with_header_source("").replace("brokers", "properties: [sasl.password=hunter2], brokers"),
        with_header_source("").replace("brokers", "properties: { sasl: { mechanism: hunter2 } }, brokers"),
        format!("public_url: https://user:hunter2@h\n{}", with_header_source("")),
        format!("public_url: '${{UNSET:-https://user:hunter2@h}}'\n{}", with_header_source("")),
    ] {
        let shown = shown(&text);
        assert!(!shown.is_empty() && !shown.contains("hunter2"), "{shown}\nin\n{text}");
    }
}

#[test]
fn the_name_of_a_variable_is_no_secret() {
    let found = of(Severity::Error, &with_sources("a: { auth: none, lisen: 1, secret: '${SECRET}' }"));
    assert!(found[0].to_string().contains("secret: '${SECRET}'"), "{}", found[0]);
}

#[test]
fn variables_are_replaced_in_values_and_nowhere_else() {
    let loaded = good(&with_header_source("limits: { body: '${LIMIT}' }\ntopic: x.${UNSET:-default}"));
    assert_eq!(loaded.config.sources[0].limits.body, crate::units::ByteSize::mib(2));
    assert_eq!(loaded.config.sources[0].topic.as_str(), "x.default");
    assert_error(&with_header_source("${LIMIT}: 1"), "sources.a.${LIMIT}", "unknown key");
}

#[test]
fn an_unset_variable_is_one_error_that_names_its_place() {
    assert_error(&with_header_source("limits: { body: '${UNSET}' }"), "sources.a.limits.body", "UNSET is not set");
}

#[test]
fn what_a_variable_holds_is_not_shown_when_it_is_wrong() {
    assert_error(
        &with_header_source("deadline: ${BARE}"),
        "sources.a.deadline",
        "found `${BARE}`, with its variables replaced",
    );
}

#[test]
fn yaml_that_could_mean_two_things_is_refused() {
    for (text, says) in [
        ("a: 1\na: 2\n", "the key `a` a second time"),
        ("sources: {}\n---\nsources: {}\n", "a second document"),
        ("listen: !!str 0.0.0.0:1\n", "a tag"),
        ("<<: { a: 1 }\n", "`<<`"),
        ("? [a]\n: 1\n", "a list or a map as a key"),
        ("a: [1, 2\n", "YAML"),
        ("a: b: c\n", "YAML"),
        ("a:\n\tb: 1\n", "YAML"),
    ] {
        let found = of(Severity::Error, text);
        assert!(found.iter().any(|error| error.to_string().contains(says)), "{found:#?} of {text}");
    }
}

#[test]
fn an_alias_costs_what_it_repeats() {
    let lines: Vec<String> =
        (1..12).map(|n| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(", "))).collect();
    let bomb = format!("a0: &a0 [x, x, x, x]\n{}\n", lines.join("\n"));
    let found = of(Severity::Error, &bomb);
    assert!(found.iter().any(|error| error.found.contains("more than 50000 values")), "{found:#?}");
}

#[test]
fn an_alias_repeats_a_value() {
    let text = with_sources("a: &a { auth: { header: X-Key }, secret: '${SECRET}' }\nb: *a");
    assert_eq!(good(&text).config.sources.len(), 2);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("a: {}{}\n", "[".repeat(40), "]".repeat(40));
    assert!(of(Severity::Error, &deep).iter().any(|error| error.found.contains("more than 32 levels")));
    let long = format!("a: {}\n", "x".repeat(1 << 20));
    assert!(of(Severity::Error, &long).iter().any(|error| error.expected.contains("at most 1 MiB")));
}

#[test]
fn an_empty_file_lacks_its_brokers() {
    for text in ["", "# nothing\n", "~\n", "{}\n"] {
        assert_error(text, "kafka.brokers", "no brokers");
    }
}

#[test]
fn a_key_without_a_value_is_as_if_it_were_not_there() {
    let loaded = good(&with_header_source("topic:\nlimits:\nbatch: ~"));
    assert_eq!(loaded.config.sources[0].topic.as_str(), "webhooks.a");
}

proptest::proptest! {
    /// Whatever is typed, the answer is a list of findings: pieces of YAML and of ours, in any order.
    #[test]
    fn nothing_that_is_typed_ends_in_a_panic(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        for finding in findings(&text) {
            proptest::prop_assert!(!finding.to_string().is_empty());
        }
    }
}

const PIECES: [&str; 46] = [
    "a",
    ":",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "&x ",
    "*x",
    "|",
    ">",
    "#",
    "!!str ",
    "~",
    "${",
    "${SECRET}",
    "$${",
    "ä",
    "\t",
    "\r\n",
    "---",
    "...",
    "%",
    "\u{0}",
    "sources",
    "kafka",
    "auth",
    "secret",
    "preset",
    "stripe",
    "hmac",
    "sha256",
    "header:X",
    "signature",
    "any_of",
    "first",
    "handshake",
    "kind",
    "\\",
];
