//! What opens the gate, what does not, and with which reason.

use super::super::scheme::{Allow, BodyDigest, Check};
use super::super::{BlockProblem, Content, Freshness, GateError, Refusal, Step, Witness};
use super::*;
use crate::locate::Batch;

const BODY: &str = r#"{"id":1}"#;

fn stripe_like() -> Gate {
    let signed = Signed {
        separator: Some(','),
        contents: vec![content(&["kv:t", "=.", "body"])],
        ..prefixed("header:x-sig", "v1=")
    };
    gate(vec![timed(hmac(signed), "kv:t", TimeFormat::Unix, 300)], &["one", "two"])
}

fn stripe_header(key: &str, time: &str, body: &str) -> String {
    format!("v1={}", hex_mac(key, format!("{time}.{body}")))
}

#[test]
fn any_of_several_signatures_under_any_of_several_secrets_opens() {
    let gate = stripe_like();
    let time = "1760000000";
    let (good, bad) = (stripe_header("two", time, BODY), stripe_header("three", time, BODY));
    for value in [
        format!("t={time},{good}"),
        format!("t={time},{bad},{good}"),
        format!("t={time},{good},{bad}"),
        format!("{good}, t={time}"),
        format!("t={time},v1=zz,v1=,{good},v0=0000"),
    ] {
        assert_eq!(opened(&gate, post(&[("x-sig", &value)], BODY)), Ok(Some(1)), "{value}");
    }
    let first = format!("t={time},{}", stripe_header("one", time, BODY));
    assert_eq!(opened(&gate, post(&[("x-sig", &first)], BODY)), Ok(Some(0)));
    let lines = [("x-sig", &*format!("t={time}")), ("x-sig", &*good)];
    assert_eq!(opened(&gate, post(&lines, BODY)), Ok(Some(1)), "two lines are one list");
}

#[test]
fn a_changed_byte_anywhere_is_wrong() {
    let gate = stripe_like();
    let time = "1760000000";
    let good = format!("t={time},{}", stripe_header("one", time, BODY));
    assert!(verdict(&gate, post(&[("x-sig", &good)], BODY)).is_ok());
    for at in 0..BODY.len() {
        let mut body = BODY.as_bytes().to_vec();
        body[at] ^= 1;
        assert_eq!(opened(&gate, post(&[("x-sig", &good)], body)), Err(Denial::Wrong), "{at}");
    }
    let digits = good.len() - 64;
    for at in digits..good.len() {
        let mut value = good.clone().into_bytes();
        value[at] = if value[at] == b'0' { b'1' } else { b'0' };
        let value = String::from_utf8(value).expect("ascii");
        assert_eq!(opened(&gate, post(&[("x-sig", &value)], BODY)), Err(Denial::Wrong), "{at}");
    }
    assert_eq!(opened(&gate, post(&[("x-sig", &good)], format!("{BODY}\n"))), Err(Denial::Wrong));
}

#[test]
fn a_time_outside_the_window_is_stale_in_both_directions() {
    let gate = stripe_like();
    for (seconds, expected) in [
        (1_760_000_000_u64, Ok(Some(0))),
        (1_759_999_700, Ok(Some(0))),
        (1_760_000_300, Ok(Some(0))),
        (1_759_999_699, Err(Denial::Stale)),
        (1_760_000_301, Err(Denial::Stale)),
        (1_760_000_000_000, Err(Denial::Stale)),
        (0, Err(Denial::Stale)),
    ] {
        let time = seconds.to_string();
        let value = format!("t={time},{}", stripe_header("one", &time, BODY));
        assert_eq!(opened(&gate, post(&[("x-sig", &value)], BODY)), expected, "{time}");
    }
    let wrong = format!("t=0,{}", stripe_header("three", "0", BODY));
    assert_eq!(opened(&gate, post(&[("x-sig", &wrong)], BODY)), Err(Denial::Wrong), "wrong counts before stale");
}

#[test]
fn the_skew_is_told() {
    let time = "1759999990";
    let value = format!("t={time},{}", stripe_header("one", time, BODY));
    let proof = verdict(&stripe_like(), post(&[("x-sig", &value)], BODY)).expect("open");
    assert_eq!(proof, Proof { kind: "hmac-sha256", secret: Some(0), skew_seconds: Some(10.0) });
}

#[test]
fn a_missing_part_of_the_content_is_never_the_empty_text() {
    let signed = Signed { contents: vec![content(&["header:x-time", "body"])], ..signed("header:x-sig") };
    let strict = gate(vec![hmac(signed.clone())], &["s"]);
    let of_body = hex_mac("s", BODY);
    assert_eq!(opened(&strict, post(&[("x-sig", &of_body)], BODY)), Err(Denial::Wrong));
    let optional = Signed { contents: vec![content(&["header:x-time?", "body"])], ..signed };
    let lenient = gate(vec![hmac(optional)], &["s"]);
    assert_eq!(opened(&lenient, post(&[("x-sig", &of_body)], BODY)), Ok(Some(0)));
}

#[test]
fn a_header_is_signed_as_it_came() {
    let signed = Signed { contents: vec![content(&["header:x-time", "=.", "body"])], ..signed("header:x-sig") };
    let block = timed(hmac(signed), "header:x-time", TimeFormat::Unix, 300);
    let gate = gate(vec![block], &["s"]);
    let padded = hex_mac("s", format!("01760000000.{BODY}"));
    let plain = hex_mac("s", format!("1760000000.{BODY}"));
    assert_eq!(opened(&gate, post(&[("x-time", "01760000000"), ("x-sig", &padded)], BODY)), Ok(Some(0)));
    assert_eq!(opened(&gate, post(&[("x-time", "01760000000"), ("x-sig", &plain)], BODY)), Err(Denial::Wrong));
}

#[test]
fn every_alternative_content_is_tried() {
    let signed = Signed {
        contents: vec![content(&["header:none"]), content(&["=a", "body"]), content(&["body"])],
        ..signed("header:x-sig")
    };
    let gate = gate(vec![hmac(signed)], &["s"]);
    for text in [BODY.to_owned(), format!("a{BODY}")] {
        assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac("s", text))], BODY)), Ok(Some(0)));
    }
    assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac("s", ""))], BODY)), Err(Denial::Wrong));
}

#[test]
fn any_block_may_open_and_the_reason_is_of_the_one_that_came_furthest() {
    let stale = timed(header("x-old"), "header:x-time", TimeFormat::Unix, 1);
    let gate = gate(vec![header("x-key"), stale, hmac(signed("header:x-sig"))], &["a secret of some length"]);
    let key = "a secret of some length";
    let kind = |headers: &[(&str, &str)]| verdict(&gate, post(headers, BODY)).map(|proof| proof.kind);
    assert_eq!(kind(&[("x-sig", &hex_mac(key, BODY))]), Ok("hmac-sha256"));
    assert_eq!(kind(&[("x-key", key), ("x-sig", "00")]), Ok("header"));
    assert_eq!(kind(&[]), Err(Denial::Missing));
    assert_eq!(kind(&[("x-key", "")]), Err(Denial::Missing));
    assert_eq!(kind(&[("x-key", "wrong")]), Err(Denial::Wrong));
    assert_eq!(kind(&[("x-key", "wrong"), ("x-old", key), ("x-time", "1")]), Err(Denial::Stale));
    assert_eq!(kind(&[("x-old", key)]), Err(Denial::Wrong), "a time that should be there");
}

#[test]
fn of_two_blocks_that_open_the_first_is_the_proof() {
    let gate = gate(vec![header("x-key"), hmac(signed("header:x-sig"))], &["a secret of some length"]);
    let signature = hex_mac("a secret of some length", BODY);
    let both = [("x-sig", &*signature), ("x-key", "a secret of some length")];
    assert_eq!(verdict(&gate, post(&both, BODY)).map(|proof| proof.kind), Ok("header"));
}

#[test]
fn a_digest_of_the_body_elsewhere_must_be_its_own() {
    let digest = BodyDigest { from: expr("header:x-digest"), hash: Hash::Sha256, encoding: Encoding::Base64 };
    let signed = Signed { contents: vec![content(&["header:x-digest"])], ..signed("header:x-sig") };
    let gate = gate(vec![Block { body_digest: Some(digest), ..hmac(signed) }], &["s"]);
    let right = Encoding::Base64.encode(&Hash::Sha256.digest([BODY.as_bytes()]));
    let send =
        |digest: &str, body: &str| opened(&gate, post(&[("x-digest", digest), ("x-sig", &hex_mac("s", digest))], body));
    assert_eq!(send(&right, BODY), Ok(Some(0)));
    assert_eq!(send(&right, "other"), Err(Denial::Wrong));
    for digest in [
        "",
        "zz",
        right.trim_start_matches(char::is_alphanumeric),
        &Encoding::Base64.encode(&Hash::Md5.digest([BODY.as_bytes()])),
    ] {
        assert_eq!(send(digest, BODY), Err(Denial::Wrong), "{digest}");
    }
}

#[test]
fn a_digest_that_comes_twice_is_refused() {
    let digest = BodyDigest { from: expr("header:x-digest"), hash: Hash::Sha256, encoding: Encoding::Hex };
    let gate = gate(vec![Block { body_digest: Some(digest), ..header("x-key") }], &["a secret of some length"]);
    let right = Encoding::Hex.encode(&Hash::Sha256.digest([BODY.as_bytes()]));
    let headers = [("x-key", "a secret of some length"), ("x-digest", &*right), ("x-digest", &*right)];
    assert_eq!(opened(&gate, post(&headers[..2], BODY)), Ok(Some(0)));
    assert_eq!(opened(&gate, post(&headers, BODY)), Err(Denial::Wrong));
}

#[test]
fn a_plain_secret_is_compared_whole() {
    let gate = gate(vec![header("x-key")], &["first secret of some length", "second, of another length"]);
    let open = |value: &str| opened(&gate, post(&[("x-key", value)], ""));
    assert_eq!(open("first secret of some length"), Ok(Some(0)));
    assert_eq!(open("  second, of another length "), Ok(Some(1)));
    for wrong in ["first secret of some lengt", "first secret of some length.", "First secret of some length", "x"] {
        assert_eq!(open(wrong), Err(Denial::Wrong), "{wrong}");
    }
}

#[test]
fn nothing_opens_the_decoy_and_nobody_needs_a_secret_for_none() {
    let decoy = Gate::decoy();
    assert_eq!(opened(&decoy, post(&[("x-key", "a")], BODY)), Err(Denial::Missing));
    assert_eq!(opened(&Gate::new(Demands::default()).expect("a gate"), post(&[], BODY)), Err(Denial::Missing));
    let open = verdict(&gate(vec![Block::new(Kind::None)], &[]), post(&[], BODY));
    assert_eq!(open, Ok(Proof { kind: "none", secret: None, skew_seconds: None }));
}

#[test]
fn a_source_that_has_learned_no_secret_refuses_all() {
    let gate = gate(vec![hmac(signed("header:x-sig"))], &[]);
    assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac("", BODY))], BODY)), Err(Denial::Wrong));
    assert_eq!(opened(&gate, post(&[], BODY)), Err(Denial::Missing));
}

#[test]
fn every_condition_must_hold_beside_the_signature() {
    let key = Block { secrets: vec![Secret::new("the check's own secret")], ..header("x-key") };
    let checks = vec![
        Check::Equals(expr("header:x-version"), "1".to_owned()),
        Check::Absent(expr("query:debug")),
        Check::Block(Box::new(key)),
        Check::Ip(vec!["10.0.0.0/8".parse().expect("a network")]),
    ];
    let gate = gate(vec![Block { checks, ..hmac(signed("header:x-sig")) }], &["s"]);
    let signature = hex_mac("s", BODY);
    let good = [("x-sig", &*signature), ("x-version", "1"), ("x-key", "the check's own secret")];
    let from = |headers: &[(&str, &str)], target: &str, peer: &str| {
        let target = target.to_owned();
        opened(&gate, Post { target, peer: peer.parse().ok(), ..post(headers, BODY) })
    };
    assert_eq!(from(&good, "/in", "10.0.0.1"), Ok(Some(0)));
    assert_eq!(from(&good, "/in?debug", "10.0.0.1"), Err(Denial::Wrong));
    assert_eq!(from(&good, "/in", "11.0.0.1"), Err(Denial::Wrong));
    assert_eq!(from(&good[..2], "/in", "10.0.0.1"), Err(Denial::Wrong));
    let other = [good[0], ("x-version", "2"), good[2]];
    assert_eq!(from(&other, "/in", "10.0.0.1"), Err(Denial::Wrong));
    assert_eq!(from(&good[1..], "/in", "10.0.0.1"), Err(Denial::Missing), "conditions alone open nothing");
}

fn adyen_like() -> Gate {
    let signed = Signed {
        encoding: Encoding::Base64,
        contents: vec![content(&["item:/n/ref", "=:", "item:/n/orig?", "=:", "item:/n/ok"])],
        ..signed("item:/n/sig")
    };
    let batch = Some(Batch::parse("json:/items").expect("a batch"));
    Gate::new(Demands { batch, ..demands(vec![hmac(signed)], &["one", "two"]) }).expect("a gate")
}

fn adyen_item(key: &str, reference: &str) -> String {
    let sig = Encoding::Base64.encode(&mac(Hash::Sha256, key.as_bytes(), format!("{reference}::true")));
    format!(r#"{{"n":{{"ref":"{reference}","ok":true,"sig":"{sig}"}}}}"#)
}

#[test]
fn every_element_of_a_signed_batch_must_match() {
    let gate = adyen_like();
    let send = |items: &[String]| opened(&gate, post(&[], format!(r#"{{"items":[{}]}}"#, items.join(","))));
    let (a, b) = (adyen_item("two", "a"), adyen_item("two", "b"));
    assert_eq!(send(std::slice::from_ref(&a)), Ok(Some(1)));
    assert_eq!(send(&[a.clone(), b.clone()]), Ok(Some(1)));
    assert_eq!(send(&[a.clone(), b.replace("\"b\"", "\"c\"")]), Err(Denial::Wrong));
    assert_eq!(send(&[a.clone(), r#"{"n":{"ref":"c","ok":true}}"#.to_owned()]), Err(Denial::Wrong));
    assert_eq!(send(&[a, adyen_item("one", "b")]), Err(Denial::Wrong), "one secret for all of them");
}

/// Many JSON readers take the last of two members, we take the first: the signed one must not hide a forged one.
#[test]
fn a_forged_twin_of_a_signed_member_does_not_pass() {
    let gate = adyen_like();
    let forged = adyen_item("one", "a").replace(r#""ok":true"#, r#""ok":true,"ok":false"#);
    assert_eq!(opened(&gate, post(&[], format!(r#"{{"items":[{forged}]}}"#))), Err(Denial::Wrong));
    let twin = adyen_item("one", "a").replace('}', "");
    let twin = format!(r#"{twin}}},"n":{{"ref":"z","ok":false}}}}"#);
    assert_eq!(opened(&gate, post(&[], format!(r#"{{"items":[{twin}]}}"#))), Err(Denial::Wrong));
    let field = Signed { contents: vec![content(&["form:payload"])], ..signed("header:x-sig") };
    let gate = self::gate(vec![hmac(field)], &["s"]);
    let send = |body: &str| opened(&gate, post(&[("x-sig", &hex_mac("s", "good"))], body));
    assert_eq!(send("payload=good"), Ok(Some(0)));
    assert_eq!(send("payload=good&payload=forged"), Err(Denial::Wrong));
}

#[test]
fn a_batch_without_elements_proves_nothing() {
    let gate = adyen_like();
    for body in [r#"{"items":[]}"#, r#"{"items":{}}"#, "{}", "", "[", &"[".repeat(100_000)] {
        assert_eq!(opened(&gate, post(&[], body)), Err(Denial::Missing));
    }
}

#[test]
fn a_secret_in_each_element_must_be_in_every_one() {
    let batch = Some(Batch::parse("json:/value").expect("a batch"));
    let block = Block::new(Kind::Json(expr("item:/clientState")));
    let gate = Gate::new(Demands { batch, ..demands(vec![block], &["a state of some length"]) }).expect("a gate");
    let state = r#"{"clientState":"a state of some length"}"#;
    let send = |items: &str| opened(&gate, post(&[], format!(r#"{{"value":[{items}]}}"#)));
    assert_eq!(send(state), Ok(Some(0)));
    assert_eq!(send(&format!("{state},{state}")), Ok(Some(0)));
    assert_eq!(send(&format!("{state},{{}}")), Err(Denial::Wrong));
    assert_eq!(send(r#"{"clientState":"another"}"#), Err(Denial::Wrong));
    assert_eq!(send("{}"), Err(Denial::Missing));
    assert_eq!(send(""), Err(Denial::Missing));
}

#[test]
fn a_condition_on_the_elements_holds_for_every_one() {
    let batch = Some(Batch::parse("json:/").expect("a batch"));
    let by_query = || Block::new(Kind::Query("key".into()));
    let of_each = Block { secrets: vec![Secret::new("a tenant")], ..Block::new(Kind::Json(expr("item:/v"))) };
    for check in [Check::Equals(expr("item:/v"), "a tenant".into()), Check::Block(Box::new(of_each))] {
        let blocks = vec![Block { checks: vec![check], ..by_query() }];
        let demands = Demands { batch: batch.clone(), ..demands(blocks, &["a-secret-of-some-length"]) };
        let gate = Gate::new(demands).expect("a gate");
        let send = |body: &str| {
            let target = "/in?key=a-secret-of-some-length".to_owned();
            opened(&gate, Post { target, ..post(&[], body) })
        };
        assert_eq!(send(r#"[{"v":"a tenant"},{"v":"a tenant"}]"#), Ok(Some(0)));
        assert_eq!(send(r#"[{"v":"a tenant"},{"v":"another"}]"#), Err(Denial::Wrong));
        assert!(send("[]").is_err());
    }
    let late = timed(hmac(signed("header:x-sig")), "item:/t", TimeFormat::Unix, 300);
    let errors =
        Gate::new(Demands { batch, ..demands(vec![late], &["a-secret-of-some-length"]) }).expect_err("no gate");
    assert_eq!(errors, [GateError::Block { block: 0, problem: BlockProblem::BodyOfEachItem }]);
}

#[test]
fn one_element_that_is_stale_or_fails_a_condition_is_enough() {
    let block = timed(Block::new(Kind::Json(expr("item:/key"))), "item:/t", TimeFormat::Unix, 300);
    let digest = BodyDigest { from: expr("header:x-digest"), hash: Hash::Md5, encoding: Encoding::Hex };
    let checks = vec![Check::Equals(expr("item:/v"), "1".to_owned())];
    let batch = Some(Batch::parse("json:/").expect("a batch"));
    let blocks = vec![Block { checks, body_digest: Some(digest), ..block }];
    let gate = Gate::new(Demands { batch, ..demands(blocks, &["a secret of some length"]) }).expect("a gate");
    let item = |time: &str, version: u8| format!(r#"{{"key":"a secret of some length","t":{time},"v":{version}}}"#);
    let send = |items: &[String]| {
        let body = format!("[{}]", items.join(","));
        let digest = Encoding::Hex.encode(&Hash::Md5.digest([body.as_bytes()]));
        opened(&gate, post(&[("x-digest", &digest)], body))
    };
    let (good, stale, none, other) = (item("1760000000", 1), item("1", 1), item("null", 1), item("1760000000", 2));
    assert_eq!(send(&[good.clone(), good.clone()]), Ok(Some(0)));
    assert_eq!(send(&[good.clone(), stale, good.clone()]), Err(Denial::Stale));
    assert_eq!(send(&[none, good.clone()]), Err(Denial::Wrong));
    assert_eq!(send(&[other, good]), Err(Denial::Wrong));
}

/// Each also looks around itself: 1.1 MB a look, 11 GB if each looked anew.
#[test]
fn ten_thousand_signed_elements_are_verified() {
    let signed = Signed {
        encoding: Encoding::Base64,
        contents: vec![content(&["item:/n/ref", "=::", "json:/ok", "item:^2/none?"])],
        ..signed("item:/n/sig")
    };
    let batch = Some(Batch::parse("json:/items").expect("a batch"));
    let gate = Gate::new(Demands { batch, ..demands(vec![hmac(signed)], &["one"]) }).expect("a gate");
    let items: Vec<String> = (0..10_000).map(|index| adyen_item("one", &index.to_string())).collect();
    let body = format!(r#"{{"items":[{}],"ok":true}}"#, items.join(","));
    assert_eq!(opened(&gate, post(&[], body)), Ok(Some(0)));
}

#[test]
fn what_a_handshake_signs_for_strangers_proves_nothing() {
    let demands = |allow: &[Allow]| Demands {
        signs_for_strangers: allow.to_vec(),
        ..demands(vec![hmac(signed("header:x-sig"))], &["s"])
    };
    let send = |allow: &[Allow], body: &str| {
        opened(&Gate::new(demands(allow)).expect("a gate"), post(&[("x-sig", &hex_mac("s", body))], body))
    };
    assert_eq!(send(&[], "uzwcfYtzr9"), Ok(Some(0)));
    for body in ["uzwcfYtzr9", "a+/=_-.", ""] {
        assert_eq!(send(&[Allow::Token], body), Err(Denial::Wrong), "{body}");
    }
    assert_eq!(send(&[Allow::Token], BODY), Ok(Some(0)));
    assert_eq!(send(&[Allow::Hex], "20f9f8ed"), Err(Denial::Wrong));
    assert_eq!(send(&[Allow::Hex], "PG5v"), Ok(Some(0)));
    assert_eq!(send(&[Allow::Hex, Allow::Token], "PG5v"), Err(Denial::Wrong), "the second signs it");
}

#[test]
fn a_digest_may_be_what_is_signed() {
    let signed = Signed { prehash: true, contents: vec![content(&["=id.", "body"])], ..signed("header:x-sig") };
    let gate = gate(vec![hmac(signed)], &["s"]);
    let digest = Hash::Sha256.digest([format!("id.{BODY}").as_bytes()]);
    assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac("s", &*digest))], BODY)), Ok(Some(0)));
    assert_eq!(opened(&gate, post(&[("x-sig", &hex_mac("s", format!("id.{BODY}")))], BODY)), Err(Denial::Wrong));
}

/// Writes down what it sees.
#[derive(Default)]
struct Scribe(Vec<String>);

impl Witness for Scribe {
    fn saw(&mut self, step: Step<'_>) {
        let shown = |content: &Content<'_>| format!("signed {content}");
        self.0.push(match step {
            Step::Block { name, kind, secrets, .. } => format!("{} {kind} {secrets}", name.unwrap_or("-")),
            Step::Credential { present, candidates, passed_over, refused } => {
                format!("found {present} {candidates} {passed_over} {refused:?}")
            }
            Step::Signed(content) => shown(content),
            Step::Secret { index, matched } => format!("secret {index:?} {matched}"),
            Step::Time(Freshness::Fresh(skew)) => format!("fresh {skew}"),
            Step::Time(other) => format!("{other:?}"),
            Step::Verdict(denial) => format!("verdict {denial:?}"),
            other => format!("{other:?}"),
        });
    }
}

fn steps(gate: &Gate, post: Post) -> Vec<String> {
    let mut scribe = Scribe::default();
    let opened = gate.check_with(post, NOW, &mut scribe).is_ok();
    assert_eq!(opened, scribe.0.last().is_some_and(|last| last == "verdict None"));
    scribe.0
}

#[test]
fn a_witness_sees_each_step_and_never_the_signature_that_was_expected() {
    let time = "1759999990";
    let good = format!("t={time},v1=00,{}", stripe_header("two", time, BODY));
    let seen = steps(&stripe_like(), post(&[("x-sig", &good)], BODY));
    assert_eq!(
        seen,
        [
            "- hmac-sha256 2",
            "found true 1 2 None",
            &format!("signed {time}.{BODY}"),
            "secret Some(0) false",
            "secret Some(1) true",
            "fresh 10",
            "verdict None",
        ]
    );
    let wrong = steps(&stripe_like(), post(&[("x-sig", &good)], "other"));
    let expected = hex_mac("two", format!("{time}.other"));
    assert!(wrong.iter().all(|step| !step.contains(&expected)), "{wrong:?}");
    assert_eq!(wrong.last().map(String::as_str), Some("verdict Some(Wrong)"));
}

#[test]
fn a_witness_sees_why_nothing_was_tried() {
    let seen = steps(&stripe_like(), post(&[("x-sig", &"v1=00,".repeat(17))], BODY));
    assert_eq!(
        seen[1],
        format!("found true 0 0 {:?}", Some(Refusal::TooMany)).replace(" 0 0 ", &format!(" 0 {} ", 18))
    );
    assert_eq!(seen[2], "Gap(Missing(Expr(KeyValue(\"t\"))))");
}
