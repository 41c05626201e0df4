//! What strangers send, and what other verifiers got wrong: nothing of it opens the gate or makes it panic.

use proptest::prelude::*;

use super::super::scheme::SecretFormat;
use super::super::{CANDIDATES_MAX, SIGNATURE_BYTES_MAX};
use super::*;

const SECRET: &str = "a secret of some length";
const BODY: &str = r#"{"id":1}"#;

fn by(separator: Option<char>, prefix: &str) -> Gate {
    let prefix = if prefix.is_empty() { Vec::new() } else { vec![prefix.to_owned()] };
    gate(vec![hmac(Signed { separator, prefix, ..signed("header:x-sig") })], &[SECRET])
}

#[test]
fn a_signature_header_that_comes_twice_is_refused_unless_it_is_a_list() {
    let good = hex_mac(SECRET, BODY);
    for lines in [[("x-sig", &*good), ("x-sig", &*good)], [("x-sig", &*good), ("x-sig", "")]] {
        assert_eq!(opened(&by(None, ""), post(&lines, BODY)), Err(Denial::Wrong));
        assert_eq!(opened(&by(Some(' '), ""), post(&lines, BODY)), Err(Denial::Wrong));
        assert_eq!(opened(&by(Some(','), ""), post(&lines, BODY)), Ok(Some(0)));
    }
}

#[test]
fn a_credential_or_timestamp_that_comes_twice_is_refused() {
    let twice = [("x-key", SECRET), ("x-key", SECRET)];
    assert_eq!(opened(&gate(vec![header("x-key")], &[SECRET]), post(&twice, "")), Err(Denial::Wrong));
    let basic = format!("Basic {}", Encoding::Base64.encode(SECRET.as_bytes()));
    let twice = [("authorization", &*basic), ("authorization", &*basic)];
    assert_eq!(opened(&gate(vec![Block::new(Kind::Basic)], &[SECRET]), post(&twice, "")), Err(Denial::Wrong));
    let query = gate(vec![Block::new(Kind::Query("token".to_owned()))], &["sixteen-bytes-ok"]);
    let target = "/in?token=sixteen-bytes-ok&token=sixteen-bytes-ok".to_owned();
    assert_eq!(opened(&query, Post { target, ..post(&[], "") }), Err(Denial::Wrong));

    let block = timed(hmac(signed("header:x-sig")), "header:x-time", TimeFormat::Unix, 300);
    let good = hex_mac(SECRET, BODY);
    let headers = [("x-sig", &*good), ("x-time", "1760000000"), ("x-time", "1760000000")];
    assert_eq!(opened(&gate(vec![block.clone()], &[SECRET]), post(&headers[..2], BODY)), Ok(Some(0)));
    assert_eq!(opened(&gate(vec![block], &[SECRET]), post(&headers, BODY)), Err(Denial::Wrong));

    let pieces =
        Signed { separator: Some(','), contents: vec![content(&["kv:t", "body"])], ..prefixed("header:x-sig", "v1=") };
    let pieces = gate(vec![timed(hmac(pieces), "kv:t", TimeFormat::Unix, 300)], &[SECRET]);
    let good = hex_mac(SECRET, format!("1760000000{BODY}"));
    let once = format!("t=1760000000,v1={good}");
    assert_eq!(opened(&pieces, post(&[("x-sig", &once)], BODY)), Ok(Some(0)));
    assert_eq!(opened(&pieces, post(&[("x-sig", &format!("{once},t=1"))], BODY)), Err(Denial::Wrong));
}

#[test]
fn a_signature_that_is_none_is_wrong_or_missing() {
    let good = hex_mac(SECRET, BODY);
    for (value, expected) in [
        (String::new(), Denial::Missing),
        (" ".to_owned(), Denial::Missing),
        (",".repeat(SIGNATURE_BYTES_MAX), Denial::Missing),
        (",".repeat(SIGNATURE_BYTES_MAX + 1), Denial::Wrong),
        ("g".repeat(64), Denial::Wrong),
        (good.chars().skip(1).collect(), Denial::Wrong),
        (good.chars().skip(2).collect(), Denial::Wrong),
        (format!("{good}00"), Denial::Wrong),
        (format!("sha256={good}"), Denial::Wrong),
        (format!("0x{good}"), Denial::Wrong),
        (Encoding::Base64.encode(&mac(Hash::Sha256, SECRET.as_bytes(), BODY)), Denial::Wrong),
        (vec![good.as_str(); CANDIDATES_MAX + 1].join(","), Denial::Wrong),
    ] {
        assert_eq!(opened(&by(Some(','), ""), post(&[("x-sig", &value)], BODY)), Err(expected), "{value}");
    }
    let most = vec![good.as_str(); CANDIDATES_MAX].join(",");
    assert_eq!(opened(&by(Some(','), ""), post(&[("x-sig", &most)], BODY)), Ok(Some(0)));
}

/// A header cannot hold NUL (`http` refuses it), but any byte above 127.
#[test]
fn bytes_that_are_no_text_are_compared_like_any() {
    assert!(HeaderValue::from_bytes(b"a\0b").is_err());
    let raw = b"\xff\xfe\x80 secret of bytes";
    let demands = Demands { secrets: vec![Secret::new(&raw[..])], ..demands(vec![header("x-key")], &[]) };
    let gate = Gate::new(demands).expect("a gate");
    assert_eq!(opened(&gate, post_bytes(&[("x-key", raw)], "")), Ok(Some(0)));
    assert_eq!(opened(&gate, post_bytes(&[("x-key", &raw[1..])], "")), Err(Denial::Wrong));
    assert_eq!(opened(&by(Some(','), ""), post_bytes(&[("x-sig", b"\xff\xff,\xc3")], BODY)), Err(Denial::Wrong));
    let query = self::gate(vec![Block::new(Kind::Query("k".to_owned()))], &["a\0b, and some more"]);
    let target = "/?k=a%00b,+and+some+more".to_owned();
    assert_eq!(opened(&query, Post { target, ..post(&[], "") }), Ok(Some(0)));
}

#[test]
fn a_body_is_signed_whatever_bytes_it_has() {
    for body in [&b"\xff\xfe\0\x80"[..], b"", b"\0", &[0xf0; 10_000]] {
        assert_eq!(opened(&by(None, ""), post(&[("x-sig", &hex_mac(SECRET, body))], body)), Ok(Some(0)));
    }
}

#[test]
fn a_credential_in_a_hostile_body_is_not_found() {
    let json = gate(vec![Block::new(Kind::Json(expr("json:/a/0/key")))], &[SECRET]);
    let deep = format!(r#"{{"a":[{}"#, "[".repeat(100_000));
    for body in [
        deep.as_str(),
        "",
        "\u{feff}{}",
        r#"{"a":"key"}"#,
        r#"{"a":[1]}"#,
        r#"{"a":[{"key":null}]}"#,
        "{\"a\":[{\"key\":\"\\ud800\"}]}",
    ] {
        assert_eq!(opened(&json, post(&[], body)), Err(Denial::Missing));
    }
    let first = format!(r#"{{"a":[{{"key":"x","key":"{SECRET}"}}]}}"#);
    assert_eq!(opened(&json, post(&[], first)), Err(Denial::Wrong), "the first of two members counts");
    assert_eq!(opened(&json, post(&[], b"{\"a\":[{\"key\":\"\xff\"}]}")), Err(Denial::Missing));
    let form = gate(vec![Block::new(Kind::Form("key".to_owned()))], &["sixteen-bytes-ok"]);
    let endless = format!("{}key=sixteen-bytes-ok", "a=1&".repeat(100_000));
    assert_eq!(opened(&form, post(&[], endless)), Err(Denial::Missing));
}

/// Verifiers that read the algorithm out of the value can be talked into a weaker one.
#[test]
fn the_algorithm_is_never_the_senders_choice() {
    let gate = by(None, "sha256=");
    let sha1 = Encoding::Hex.encode(&mac(Hash::Sha1, SECRET.as_bytes(), BODY));
    for value in [format!("sha1={sha1}"), format!("sha256={sha1}"), format!("SHA256={}", hex_mac(SECRET, BODY))] {
        assert_eq!(opened(&gate, post(&[("x-sig", &value)], BODY)), Err(Denial::Wrong), "{value}");
    }
}

/// Verifiers that skip the check where the header or the secret is absent let everyone in.
#[test]
fn what_is_absent_never_opens() {
    for block in [hmac(signed("header:x-sig")), header("x-key"), Block::new(Kind::Basic), Block::new(Kind::Path)] {
        assert_eq!(opened(&gate(vec![block.clone()], &[SECRET]), post(&[], BODY)), Err(Denial::Missing));
        assert_eq!(opened(&gate(vec![block], &[]), post(&[], BODY)), Err(Denial::Missing));
    }
}

/// Verifiers that re-write the JSON before they hash it refuse honest senders and accept others.
#[test]
fn the_bytes_that_came_are_what_is_signed() {
    let spaced = "{ \"id\" :1.0, \"u\":\"\\u00e9/\" }\n";
    assert_eq!(opened(&by(None, ""), post(&[("x-sig", &hex_mac(SECRET, spaced))], spaced)), Ok(Some(0)));
    let compact = r#"{"id":1.0,"u":"é/"}"#;
    assert_eq!(opened(&by(None, ""), post(&[("x-sig", &hex_mac(SECRET, compact))], spaced)), Err(Denial::Wrong));
}

/// Verifiers that skip the age of a time they cannot read accept every replay.
#[test]
fn a_time_that_cannot_be_read_never_opens() {
    let signed = Signed { contents: vec![content(&["header:x-time", "body"])], ..signed("header:x-sig") };
    let block = timed(hmac(signed), "header:x-time", TimeFormat::Unix, 300);
    let gate = gate(vec![block], &[SECRET]);
    for time in ["hello", "-1760000000", "+1760000000", "1760000000.0", "1.76e9", "NaN", "", &"9".repeat(30)] {
        let signature = hex_mac(SECRET, format!("{time}{BODY}"));
        let refused = opened(&gate, post(&[("x-time", time), ("x-sig", &signature)], BODY));
        assert_eq!(refused, Err(Denial::Wrong), "{time}");
    }
}

/// Verifiers that compare base64 as text refuse what is written without padding.
#[test]
fn signatures_are_compared_as_bytes() {
    let format = SecretFormat::default();
    let block =
        Block { secret_format: format, ..hmac(Signed { encoding: Encoding::Base64, ..signed("header:x-sig") }) };
    let gate = gate(vec![block], &[SECRET]);
    let padded = Encoding::Base64.encode(&mac(Hash::Sha256, SECRET.as_bytes(), BODY));
    for value in [padded.clone(), padded.trim_end_matches('=').to_owned()] {
        assert_eq!(opened(&gate, post(&[("x-sig", &value)], BODY)), Ok(Some(0)));
    }
}

/// Verifiers that take characters out before they compare accept what was never signed.
#[test]
fn no_character_of_a_signature_is_passed_over() {
    let gate = gate(vec![hmac(Signed { encoding: Encoding::Base64, ..signed("header:x-sig") })], &[SECRET]);
    let sign = |body: &str| Encoding::Base64.encode(&mac(Hash::Sha256, SECRET.as_bytes(), body));
    let mut bodies = (0..1000).map(|number| number.to_string());
    let body = bodies.find(|body| sign(body).contains('/') && sign(body).contains('+')).expect("one of so many");
    let good = sign(&body);
    assert_eq!(opened(&gate, post(&[("x-sig", &good)], &body)), Ok(Some(0)));
    for wrong in [good.replace('/', ""), good.replace('+', ""), good.replace('/', "//"), good.replace('+', " ")] {
        assert_eq!(opened(&gate, post(&[("x-sig", &wrong)], &body)), Err(Denial::Wrong), "{wrong}");
    }
}

/// Verifiers that look for the prefix anywhere take the signature out of what somebody else wrote around it.
#[test]
fn a_prefix_is_where_the_value_begins_and_comes_once() {
    let gate = by(None, "sha256=");
    let good = hex_mac(SECRET, BODY);
    assert_eq!(opened(&gate, post(&[("x-sig", &format!("sha256={good}"))], BODY)), Ok(Some(0)));
    for wrong in [
        good.clone(),
        format!("x sha256={good}"),
        format!("sha1=00,sha256={good}"),
        format!("sha256=sha256={good}"),
        format!("sha256= {good}"),
        format!("sha256={good}sha256="),
    ] {
        assert_eq!(opened(&gate, post(&[("x-sig", &wrong)], BODY)), Err(Denial::Wrong), "{wrong}");
    }
}

/// Verifiers that look a header up in the provider's own spelling never find it.
#[test]
fn the_case_of_a_headers_name_says_nothing() {
    let signed = Signed { contents: vec![content(&["header:X-TIME", "body"])], ..signed("header:X-Sig") };
    let gate = gate(vec![hmac(signed)], &[SECRET]);
    let good = hex_mac(SECRET, format!("1{BODY}"));
    for names in [["x-sig", "x-time"], ["X-SIG", "X-Time"]] {
        let headers = [(names[0], good.as_str()), (names[1], "1")];
        assert_eq!(opened(&gate, post(&headers, BODY)), Ok(Some(0)), "{names:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_nothing_panics_and_nothing_opens(
        signature in prop::collection::vec(any::<u8>().prop_filter("a header's byte", |byte| *byte >= 32 && *byte != 127), 0..200),
        body in prop::collection::vec(any::<u8>(), 0..100),
        time in "[0-9a-zA-Z:+.-]{0,40}",
    ) {
        let signed = |encoding, prefix: &str, separator| Signed {
            encoding, separator, contents: vec![content(&["kv:t?", "header:x-time?", "json:/a?", "form_sorted", "body_crc32"])],
            prefix: if prefix.is_empty() { Vec::new() } else { vec![prefix.to_owned()] },
            ..signed("header:x-sig")
        };
        let gate = gate(vec![
            hmac(signed(Encoding::Hex, "", Some(','))),
            hmac(signed(Encoding::Base64, "v1=", Some(','))),
            timed(header("x-sig"), "header:x-time", TimeFormat::Iso8601, 300),
        ], &[SECRET]);
        let headers = [("x-sig", &signature[..]), ("x-time", time.as_bytes())];
        prop_assert!(verdict(&gate, post_bytes(&headers, &body)).is_err());
    }

    #[test]
    fn only_the_right_key_opens(body in prop::collection::vec(any::<u8>(), 0..300), key in "[ -~]{1,80}", other in "[ -~]{1,80}") {
        prop_assume!(key != other);
        let signature = hex_mac(&key, &body);
        let open = |secret: &str| verdict(&gate(vec![hmac(signed("header:x-sig"))], &[secret]), post(&[("x-sig", &signature)], &body)).is_ok();
        prop_assert!(open(&key));
        prop_assert!(!open(&other));
    }
}
