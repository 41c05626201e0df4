//! Handshakes: requests that are answered at once and are no event.

use std::sync::LazyLock;

use hookgate::clock::Clock;

use crate::support::client::{Answer, Request};
use crate::support::front::Front;
use crate::support::sign::{hmac_base64, hmac_hex};

const KEY: &str = "a-key-of-the-handshake-test";
const TOKEN: &str = "a-token-of-the-handshake-test";

const SOURCES: &str = r#"
slack: { preset: slack, secret: a-key-of-the-handshake-test }
meta: { preset: meta, secret: a-key-of-the-handshake-test, handshake: { auth: { secret: a-token-of-the-handshake-test } } }
zoom:
  auth: { hmac: sha256, signature: header:X-Signature }
  secrets: [a-key-of-the-handshake-test, an-old-key-of-the-handshake-test]
  id: json:/id
  handshake:
    kind: hmac_reply
    when: { all: [{ from: json:/event, equals: validation }] }
    auth: none
    value: json:/token
    reply: { content_type: application/json, body: '{"plain":"{value}","mac":"{mac}"}' }
crc:
  auth: { hmac: sha256, signature: header:X-Signature, encoding: base64 }
  secret: a-key-of-the-handshake-test
  handshake:
    kind: hmac_reply
    when: { method: GET, all: [query:crc_token] }
    auth: none
    value: query:crc_token
    allow: hex
    reply: { content_type: application/json, body: '{"response_token":"sha256={mac}"}' }
origin:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-handshake-test
  handshake:
    kind: echo_header
    when: { method: OPTIONS, all: [header:WebHook-Request-Origin, { absent: header:X-Not }] }
    auth: none
    value: header:WebHook-Request-Origin
    reply:
      body: ""
      headers: { WebHook-Allowed-Origin: "{value}", WebHook-Allowed-Rate: "{header:WebHook-Request-Rate}" }
probe:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-handshake-test
  handshake: { kind: status_only, when: { method: HEAD }, auth: none }
same:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-handshake-test
  handshake: { kind: echo_json, when: { all: [json:/challenge] }, value: json:/challenge, reply: { content_type: application/json, body: '{"challenge":"{value}"}' }, allow: text }
open:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-handshake-test
  handshake: { kind: echo_json, when: { all: [json:/challenge] }, auth: none, value: json:/challenge }
"#;

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("handshake", SOURCES));

fn slack(body: &str, secret: &str) -> Request {
    let at = (Clock::system().wall().0 / 1000).to_string();
    let signature = hmac_hex(secret, format!("v0:{at}:{body}").as_bytes());
    Request::post("/in/slack")
        .header("x-slack-request-timestamp", &at)
        .header("x-slack-signature", &format!("v0={signature}"))
        .body(body)
}

fn assert_echo(answer: &Answer, content_type: &str, body: &str) {
    assert_eq!((answer.status, answer.text()), (200, body));
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn a_url_verification_is_answered_only_if_it_is_signed() {
    let challenge =
        r#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let answer = FRONT.ask(&slack(challenge, KEY));
    assert_echo(&answer, "text/plain", "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    assert_eq!(FRONT.ask(&slack(challenge, "another-key")).status, 401);
    assert_eq!(FRONT.ask(&Request::post("/in/slack").body(challenge)).status, 401);
    FRONT.deliver(&slack(r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#, KEY));
    let record = FRONT.record("slack");
    assert_eq!((record.header("ce_id"), record.header("ce_type")), (Some("Ev1"), Some("slack.app_mention")));
}

#[test]
fn a_subscription_is_confirmed_to_whoever_knows_the_token() {
    let ask = |query: &str| FRONT.ask(&Request::get(&format!("/in/meta?{query}")));
    let right = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={TOKEN}");
    assert_echo(&ask(&right), "text/plain", "1158201444");
    for wrong in [
        "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=wrong".to_owned(),
        "hub.mode=subscribe&hub.challenge=1158201444".to_owned(),
        format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={KEY}"),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={TOKEN}"),
        format!("hub.mode=subscribe&hub.verify_token={TOKEN}"),
        format!("{right}&hub.verify_token={TOKEN}"),
    ] {
        assert_eq!(ask(&wrong).status, 401, "{wrong}");
    }
    // The token of the verification proves no delivery.
    let token =
        Request::post(&format!("/in/meta?{right}")).body(r#"{"entry":[{"changes":[{"value":{"leadgen_id":"2"}}]}]}"#);
    assert_eq!(FRONT.ask(&token).status, 401);
    let body = r#"{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"1"}}]}]}"#;
    let signature = format!("sha256={}", hmac_hex(KEY, body.as_bytes()));
    FRONT.deliver(&Request::post("/in/meta").header("x-hub-signature-256", &signature).body(body));
    assert_eq!(FRONT.record("meta").header("ce_type"), Some("meta.page.leadgen"));
}

#[test]
fn what_is_echoed_is_short_and_plain() {
    let ask = |value: &str| {
        FRONT.ask(&Request::get(&format!("/in/meta?hub.mode=subscribe&hub.verify_token={TOKEN}&hub.challenge={value}")))
    };
    let longest = "a".repeat(1024);
    for value in ["a", "A-b_c.d/e=f%2B9", &longest] {
        assert_echo(&ask(value), "text/plain", &value.replace("%2B", "+"));
    }
    let too_long = "a".repeat(1025);
    for value in ["", "%3Cscript%3E", "a%20b", "a%0D%0Ab", "%C3%A4", "%00", "a%22b", "a:b", &too_long] {
        let answer = ask(value);
        assert_eq!((answer.status, answer.text()), (401, ""), "{value:.20}");
    }
}

#[test]
fn a_value_is_escaped_inside_json() {
    let answer = FRONT
        .ask(&Request::post("/in/same").header("x-api-key", KEY).body(r#"{"challenge":"a\"b\\\n<{value}>\u00e4"}"#));
    assert_echo(&answer, "application/json", "{\"challenge\":\"a\\\"b\\\\\\n<{value}>\u{e4}\"}");
    assert_eq!(FRONT.ask(&Request::post("/in/same").body(r#"{"challenge":"a"}"#)).status, 401);
}

#[test]
fn a_validation_is_signed_for_anyone_and_cannot_be_used_to_sign_a_delivery() {
    let validate = |token: &str| {
        FRONT.ask(&Request::post("/in/zoom").body(format!(r#"{{"event":"validation","token":"{token}"}}"#)))
    };
    let mac = hmac_hex(KEY, b"qgg8vlvZRS6UYooatFL8Aw");
    assert_echo(
        &validate("qgg8vlvZRS6UYooatFL8Aw"),
        "application/json",
        &format!(r#"{{"plain":"qgg8vlvZRS6UYooatFL8Aw","mac":"{mac}"}}"#),
    );
    for token in ["", r"{\u0022id\u0022:1}", "a b", "a:b", &"a".repeat(257)] {
        assert_eq!(validate(token).status, 401, "{token}");
    }
    // What was signed for a stranger is refused as a delivery, by whatever source has that key …
    let forged = Request::post("/in/zoom").header("x-signature", &mac).body("qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(FRONT.ask(&forged).status, 401);
    // … and so is a number, though it is JSON, while a delivery that no such answer can sign is taken.
    let number = Request::post("/in/zoom").header("x-signature", &hmac_hex(KEY, b"1234")).body("1234");
    assert_eq!(FRONT.ask(&number).status, 401);
    let body = r#"{"id":"1","event":"meeting.started"}"#;
    FRONT.deliver(&Request::post("/in/zoom").header("x-signature", &hmac_hex(KEY, body.as_bytes())).body(body));
    assert_eq!(FRONT.record("zoom").header("ce_id"), Some("1"));
}

#[test]
fn a_crc_is_answered_in_the_encoding_of_the_source() {
    let ask = |value: &str| FRONT.ask(&Request::get(&format!("/in/crc?crc_token={value}")));
    let mac = hmac_base64(KEY, b"0aF9");
    assert_echo(&ask("0aF9"), "application/json", &format!(r#"{{"response_token":"sha256={mac}"}}"#));
    for value in ["", "0g", "token"] {
        assert_eq!(ask(value).status, 401, "{value}");
    }
    assert_eq!(FRONT.ask(&Request::get("/in/crc")).status, 401);
}

#[test]
fn an_origin_is_allowed_in_the_headers_of_the_answer() {
    let options = || Request::new("OPTIONS", "/in/origin").header("webhook-request-origin", "events.example.com");
    let answer = FRONT.ask(&options().header("webhook-request-rate", "120"));
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert_eq!(answer.header("webhook-allowed-origin"), Some("events.example.com"));
    assert_eq!(answer.header("webhook-allowed-rate"), Some("120"));
    let answer = FRONT.ask(&options().header("webhook-request-rate", "a b"));
    assert_eq!((answer.status, answer.header("webhook-allowed-rate")), (200, None));
    assert_eq!(FRONT.ask(&options().header("x-not", "1")).status, 401);
    assert_eq!(FRONT.ask(&Request::new("OPTIONS", "/in/origin")).status, 401);
    assert_eq!(FRONT.ask(&Request::post("/in/origin").header("webhook-request-origin", "a").body("{}")).status, 401);
}

#[test]
fn a_probe_gets_its_status_and_no_more() {
    let answer = FRONT.ask(&Request::new("HEAD", "/in/probe"));
    assert_eq!((answer.status, answer.header("x-content-type-options")), (200, Some("nosniff")));
    assert_eq!(FRONT.ask(&Request::get("/in/probe")).status, 401);
}

#[test]
fn without_a_proof_only_a_small_body_is_looked_at() {
    let of = |length: usize| {
        let body = format!(r#"{{"challenge":"abc","x":"{}"}}"#, "x".repeat(length - 27));
        assert_eq!(body.len(), length - 1);
        FRONT.ask(&Request::post("/in/open").body(body + " ")).status
    };
    assert_eq!((of(8 * 1024), of(8 * 1024 + 1)), (200, 401));
}

#[test]
fn no_handshake_is_an_event() {
    FRONT.ask(&Request::post("/in/open").body(r#"{"challenge":"abc"}"#));
    FRONT.ask(&Request::post("/in/open").header("x-api-key", KEY).body(r#"{"challenge":"abc"}"#));
    FRONT.ask(&Request::post("/in/same").header("x-api-key", KEY).body(r#"{"challenge":"abc"}"#));
    FRONT.ask(&Request::new("HEAD", "/in/probe").header("x-api-key", KEY));
    // An event after them is the first that comes out.
    for source in ["open", "same", "probe"] {
        FRONT.deliver(&Request::post(&format!("/in/{source}")).header("x-api-key", KEY).body("an event"));
        assert_eq!(FRONT.record(source).value, b"an event");
    }
}
