//! Every kind of handshake as providers speak it: proven first where they sign it, never an event, never a script.

use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha1::{Digest, Sha1};

use crate::support::client::{Answer, Request};
use crate::support::front::Front;
use crate::support::sign::{hmac_base64, hmac_hex};

const KEY: &str = "a-key-of-the-test-of-kinds";

const SOURCES: &str = r#"
okta:
  auth: { header: Authorization }
  secret: a-key-of-the-test-of-kinds
  handshake:
    kind: echo_header
    when: { method: GET, all: [header:X-Okta-Verification-Challenge] }
    auth: none
    value: header:X-Okta-Verification-Challenge
    reply: { content_type: application/json, body: '{"verification":"{value}"}' }
graph:
  auth: { json: /value/0/clientState }
  secret: a-key-of-the-test-of-kinds
  handshake: { kind: echo_query, when: { all: [query:validationToken] }, auth: none, value: query:validationToken, allow: text }
dropbox:
  auth: { hmac: sha256, signature: header:X-Dropbox-Signature }
  secret: a-key-of-the-test-of-kinds
  handshake: { kind: echo_query, when: { method: GET, all: [query:challenge] }, auth: none, value: query:challenge }
grid:
  auth: { query: key }
  secret: a-key-of-the-test-of-kinds
  batch: json:/
  id: item:/id
  handshake:
    - kind: echo_json
      when: { all: [{ from: header:aeg-event-type, equals: SubscriptionValidation }] }
      auth: none
      value: json:/0/data/validationCode
      reply: { content_type: application/json, body: '{"validationResponse":"{value}"}' }
    - kind: echo_header
      when: { method: OPTIONS, all: [header:WebHook-Request-Origin] }
      auth: none
      value: header:WebHook-Request-Origin
      reply: { body: "", headers: { WebHook-Allowed-Origin: "{value}", WebHook-Allowed-Rate: "{header:WebHook-Request-Rate}" } }
discord:
  auth: { public_key: ed25519, signature: header:X-Signature-Ed25519, content: [header:X-Signature-Timestamp, body] }
  secret: 'PUBLIC'
  handshake: { kind: echo_json, when: { all: [{ from: json:/type, equals: "1" }] }, value: json:/type, reply: { content_type: application/json, body: '{"type":{value}}' } }
twitch:
  auth: { hmac: sha256, signature: header:Twitch-Eventsub-Message-Signature, prefix: sha256= }
  secret: a-key-of-the-test-of-kinds
  handshake: { kind: echo_json, when: { all: [{ from: header:Twitch-Eventsub-Message-Type, equals: webhook_callback_verification }] }, value: json:/challenge }
xero:
  auth: { hmac: sha256, signature: header:X-Xero-Signature, encoding: base64 }
  secret: a-key-of-the-test-of-kinds
  batch: json:/events
  id: [item:/resourceId, item:/eventDateUtc]
  reply: { accepted: { content_type: "", body: "" } }
smartsheet:
  auth: { hmac: sha256, signature: header:Smartsheet-Hmac-SHA256 }
  secret: a-key-of-the-test-of-kinds
  handshake:
    kind: echo_header
    when: { all: [header:Smartsheet-Hook-Challenge] }
    auth: none
    value: header:Smartsheet-Hook-Challenge
    reply: { content_type: application/json, body: '{"smartsheetHookResponse":"{value}"}', headers: { Smartsheet-Hook-Response: "{value}" } }
monday:
  auth: { header: Authorization }
  secret: a-key-of-the-test-of-kinds
  handshake: { kind: echo_json, when: { all: [json:/challenge] }, auth: none, value: json:/challenge, reply: { content_type: application/problem+json, body: '{"challenge":"{value}"}' }, allow: text }
x:
  auth: { hmac: sha256, signature: header:X-Twitter-Webhooks-Signature, prefix: sha256=, encoding: base64 }
  secret: a-key-of-the-test-of-kinds
  handshake:
    kind: hmac_reply
    when: { method: GET, all: [query:crc_token] }
    auth: { none: true }
    value: query:crc_token
    reply: { content_type: application/json, body: '{"response_token":"sha256={mac}"}' }
braintree:
  auth: { hmac: sha1, signature: form:bt_signature, separator: "&", after: "|", content: [form:bt_payload], secret_format: { digest: sha1 } }
  secret: a-key-of-the-test-of-kinds
  handshake:
    kind: hmac_reply
    when: { method: GET, all: [query:bt_challenge] }
    auth: none
    value: query:bt_challenge
    allow: hex
    reply: { body: "public|{mac}" }
guarded:
  auth: { hmac: sha256, signature: header:X-Signature }
  secret: a-key-of-the-test-of-kinds
  handshake:
    kind: hmac_reply
    when: { all: [query:token] }
    auth: { query: token, secret: the-token-of-the-test-of-kinds }
    value: query:value
    reply: { body: "{mac}" }
neighbour:
  auth: { hmac: sha256, signature: header:X-Signature }
  secret: a-key-of-the-test-of-kinds
"#;

static PAIR: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("random bytes");
    Ed25519KeyPair::from_pkcs8(pair.as_ref()).expect("a pair")
});

static FRONT: LazyLock<Front> = LazyLock::new(|| {
    let public = BASE64.encode(PAIR.public_key().as_ref());
    let format = "content: [header:X-Signature-Timestamp, body], secret_format: { decode: base64 } }";
    let sources = SOURCES.replace("PUBLIC", &public);
    Front::open("kinds", &sources.replace("content: [header:X-Signature-Timestamp, body] }", format))
});

fn assert_echo(answer: &Answer, content_type: &str, body: &str) {
    assert_eq!((answer.status, answer.text()), (200, body));
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// The first event that comes out is this one: nothing that was answered before is one.
fn assert_first_event(source: &str, delivery: &Request, value: &[u8]) {
    FRONT.deliver(delivery);
    assert_eq!(FRONT.record(source).value, value);
}

#[test]
fn a_header_is_echoed_in_json() {
    let ask = |value: &str| FRONT.ask(&Request::get("/in/okta").header("x-okta-verification-challenge", value));
    assert_echo(&ask("abc-123"), "application/json", r#"{"verification":"abc-123"}"#);
    for wrong in ["", "\"}", "a b"] {
        assert_eq!(ask(wrong).status, 401, "{wrong}");
    }
    assert_first_event("okta", &Request::post("/in/okta").header("authorization", KEY).body("{}"), b"{}");
}

#[test]
fn a_text_in_the_query_is_decoded_and_never_a_script() {
    let ask = |value: &str| FRONT.ask(&Request::post(&format!("/in/graph?validationToken={value}")).body(""));
    assert_echo(&ask("Validation%3A+Testing%20client"), "text/plain", "Validation: Testing client");
    assert_echo(&ask("%3Cscript%3Ealert(1)%3C%2Fscript%3E"), "text/plain", "<script>alert(1)</script>");
    assert_eq!(ask(&"a".repeat(1025)).status, 401);
    assert_eq!(ask("%FF").status, 401);
    let body = format!(r#"{{"value":[{{"clientState":"{KEY}"}}]}}"#);
    assert_first_event("graph", &Request::post("/in/graph").body(body.as_str()), body.as_bytes());
}

#[test]
fn a_challenge_of_a_get_is_no_delivery() {
    assert_echo(&FRONT.ask(&Request::get("/in/dropbox?challenge=abc")), "text/plain", "abc");
    assert_eq!(FRONT.ask(&Request::post("/in/dropbox?challenge=abc").body("{}")).status, 401);
    assert_eq!(FRONT.ask(&Request::get("/in/dropbox?challenge=%3Cb%3E")).status, 401);
    let proof = hmac_hex(KEY, b"{}");
    assert_first_event(
        "dropbox",
        &Request::post("/in/dropbox").header("x-dropbox-signature", &proof).body("{}"),
        b"{}",
    );
}

#[test]
fn of_several_handshakes_the_first_that_fits_is_answered() {
    let code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6";
    let validate = |code: &str| {
        let body = format!(r#"[{{"id":"1","data":{{"validationCode":"{code}"}}}}]"#);
        FRONT.ask(&Request::post("/in/grid").header("aeg-event-type", "SubscriptionValidation").body(body))
    };
    assert_echo(&validate(code), "application/json", &format!(r#"{{"validationResponse":"{code}"}}"#));
    assert_eq!(validate("a b").status, 401);
    let origin = Request::new("OPTIONS", "/in/grid").header("webhook-request-origin", "eventgrid.azure.net");
    let answer = FRONT.ask(&origin.header("webhook-request-rate", "120"));
    assert_echo(&answer, "text/plain", "");
    assert_eq!(answer.header("webhook-allowed-origin"), Some("eventgrid.azure.net"));
    assert_eq!(answer.header("webhook-allowed-rate"), Some("120"));
    let delivery = Request::post(&format!("/in/grid?key={KEY}")).header("aeg-event-type", "Notification");
    assert_first_event("grid", &delivery.body(r#"[{"id":"2"}]"#), br#"{"id":"2"}"#);
}

#[test]
fn a_ping_is_answered_only_if_it_is_signed() {
    let ask = |body: &str, signed: &str| {
        let signature = HEXLOWER.encode(PAIR.sign(format!("1700000000{signed}").as_bytes()).as_ref());
        let request = Request::post("/in/discord").header("x-signature-timestamp", "1700000000");
        request.header("x-signature-ed25519", &signature).body(body)
    };
    assert_echo(&FRONT.ask(&ask(r#"{"type":1}"#, r#"{"type":1}"#)), "application/json", r#"{"type":1}"#);
    assert_eq!(FRONT.ask(&ask(r#"{"type":1}"#, r#"{"type":2}"#)).status, 401, "as the provider tries");
    assert_eq!(FRONT.ask(&Request::post("/in/discord").body(r#"{"type":1}"#)).status, 401);
    assert_first_event("discord", &ask(r#"{"type":2}"#, r#"{"type":2}"#), br#"{"type":2}"#);
}

#[test]
fn a_signed_challenge_is_not_answered_unsigned() {
    let body = r#"{"challenge":"pogchamp-kappa-360noscope-vohiyo"}"#;
    let ask = |key: &str, kind: &str, body: &str| {
        let proof = format!("sha256={}", hmac_hex(key, body.as_bytes()));
        let request = Request::post("/in/twitch").header("twitch-eventsub-message-signature", &proof);
        request.header("twitch-eventsub-message-type", kind).body(body)
    };
    let verification = "webhook_callback_verification";
    assert_echo(&FRONT.ask(&ask(KEY, verification, body)), "text/plain", "pogchamp-kappa-360noscope-vohiyo");
    assert_eq!(FRONT.ask(&ask("another-key", verification, body)).status, 401);
    let unsigned = Request::post("/in/twitch").header("twitch-eventsub-message-type", verification).body(body);
    assert_eq!(FRONT.ask(&unsigned).status, 401);
    assert_first_event("twitch", &ask(KEY, "notification", "{}"), b"{}");
}

#[test]
fn an_intent_to_receive_gets_200_for_the_right_signature_and_401_for_a_wrong_one_and_no_more() {
    let ask = |key: &str, body: &str| {
        let proof = hmac_base64(key, body.as_bytes());
        FRONT.ask(&Request::post("/in/xero").header("x-xero-signature", &proof).body(body))
    };
    let intent = r#"{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}"#;
    for (key, status) in [(KEY, 200), ("another-key", 401), (KEY, 200), ("another-key", 401)] {
        let answer = ask(key, intent);
        assert_eq!((answer.status, answer.text(), answer.header("set-cookie")), (status, "", None));
    }
    let event = r#"{"events":[{"resourceId":"1","eventDateUtc":"2026-11-24T00:00:00"}]}"#;
    assert_eq!(ask(KEY, event).status, 200);
    assert_eq!(FRONT.record("xero").header("ce_id"), Some("1|2026-11-24T00:00:00"));
}

#[test]
fn a_challenge_is_echoed_in_a_header_of_another_name_and_escaped_in_json_of_any_name() {
    let uuid = "d78dd1d3-01ce-4481-81de-92b4f3aa5ab1";
    let answer = FRONT.ask(&Request::post("/in/smartsheet").header("smartsheet-hook-challenge", uuid).body("{}"));
    assert_echo(&answer, "application/json", &format!(r#"{{"smartsheetHookResponse":"{uuid}"}}"#));
    assert_eq!(answer.header("smartsheet-hook-response"), Some(uuid));
    let answer = FRONT.ask(&Request::post("/in/monday").body(r#"{"challenge":"a\",\"b\":\"c"}"#));
    assert_echo(&answer, "application/problem+json", r#"{"challenge":"a\",\"b\":\"c"}"#);
    let request = Request::post("/in/monday").header("authorization", KEY);
    assert_first_event("monday", &request.body("{}"), b"{}");
}

/// What a stranger, or who has the token of the handshake alone, can have signed by the source's key is no delivery: not
/// of that source, and not of another one with that key.
#[test]
fn no_reply_signs_a_delivery() {
    let crc = |token: &str| FRONT.ask(&Request::get(&format!("/in/x?crc_token={token}")));
    let mac = hmac_base64(KEY, b"12345");
    assert_echo(&crc("12345"), "application/json", &format!(r#"{{"response_token":"sha256={mac}"}}"#));
    for wrong in ["", "a%20b", "%7B%7D", "a:b", &"1".repeat(257)] {
        assert_eq!(crc(wrong).status, 401, "{wrong}");
    }
    let x = |body: &str| {
        let proof = format!("sha256={}", hmac_base64(KEY, body.as_bytes()));
        Request::post("/in/x").header("x-twitter-webhooks-signature", &proof).body(body)
    };
    assert_eq!(FRONT.ask(&x("12345")).status, 401);
    assert_first_event("x", &x("{}"), b"{}");

    let guarded = FRONT.ask(&Request::post("/in/guarded?token=the-token-of-the-test-of-kinds&value=12345").body(""));
    assert_echo(&guarded, "text/plain", &hmac_hex(KEY, b"12345"));
    for source in ["guarded", "neighbour"] {
        let signed = |body: &str| {
            let proof = hmac_hex(KEY, body.as_bytes());
            Request::post(&format!("/in/{source}")).header("x-signature", &proof).body(body)
        };
        assert_eq!(FRONT.ask(&signed("12345")).status, 401, "{source}");
        assert_first_event(source, &signed("{}"), b"{}");
    }
}

#[test]
fn a_challenge_that_is_signed_as_payloads_are_is_no_payload() {
    let sign = |text: &str| {
        let mut mac = Hmac::<Sha1>::new_from_slice(&Sha1::digest(KEY)).expect("a key of any length");
        mac.update(text.as_bytes());
        HEXLOWER.encode(&mac.finalize().into_bytes())
    };
    let answer = FRONT.ask(&Request::get("/in/braintree?bt_challenge=1f7fc8c4f7d76b2d"));
    assert_echo(&answer, "text/plain", &format!("public|{}", sign("1f7fc8c4f7d76b2d")));
    let deliver = |payload: &str, escaped: &str| {
        Request::post("/in/braintree").body(format!("bt_signature=public%7C{}&bt_payload={escaped}", sign(payload)))
    };
    assert_eq!(FRONT.ask(&deliver("1f7fc8c4f7d76b2d", "1f7fc8c4f7d76b2d")).status, 401);
    assert_eq!(FRONT.ask(&deliver("PG5vdGlmaWNhdGlvbj4=\n", "PG5vdGlmaWNhdGlvbj4%3D%0A")).status, 200);
}
