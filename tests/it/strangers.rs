//! Who cannot prove who they are learns nothing, not even that there is something to prove.

use std::sync::LazyLock;

use hookgate::clock::Clock;

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::sign::hmac_hex;

const KEY: &str = "a-key-of-the-strangers-test";

const SOURCES: &str = r#"
timed:
  auth:
    hmac: sha256
    signature: header:X-Signature
    separator: ","
    prefix: v1=
    content: [header:X-Time, "=.", body]
    timestamp: { from: header:X-Time }
  secret: a-key-of-the-strangers-test
header: { auth: { header: X-Api-Key }, secret: a-key-of-the-strangers-test }
basic: { auth: basic, secret: 'user:a-key-of-the-strangers-test' }
disabled: { auth: { header: X-Api-Key }, secret: a-key-of-the-strangers-test, enabled: false }
hidden: { auth: path, path: '/hooks/{secret}', secret: a-key-of-the-strangers-test }
form: { auth: { form: token }, secret: a-key-of-the-strangers-test }
listed: { auth: { item: /token }, batch: json:/, id: item:/id, secret: a-key-of-the-strangers-test }
shaken:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-strangers-test
  handshake:
    kind: echo_query
    when: { method: GET, all: [query:challenge] }
    auth: { query: token, secret: the-token-of-the-handshake }
    value: query:challenge
"#;

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("strangers", SOURCES));

fn now() -> u64 {
    Clock::system().wall().0 / 1000
}

fn timed(at: &str, secret: &str) -> Request {
    let signature = hmac_hex(secret, format!("{at}.{{}}").as_bytes());
    Request::post("/in/timed").header("x-time", at).header("x-signature", &format!("v1={signature}")).body("{}")
}

fn with_key(method: &str, path: &str) -> Request {
    Request::new(method, path).header("x-api-key", KEY)
}

/// Requests that prove nothing, each for a reason of its own.
fn strangers() -> Vec<(&'static str, Request)> {
    let basic = |value: &str| Request::post("/in/basic").header("authorization", value).body("{}");
    let mut strangers = vec![
        ("no such source", Request::post("/in/nobody").body("{}")),
        ("no such source, a GET", Request::get("/in/nobody?x=1")),
        ("no path at all", Request::get("/")),
        ("another case", with_key("POST", "/in/Header").body("{}")),
        ("a slash more", with_key("POST", "/in/header/").body("{}")),
        ("an escape", with_key("POST", "/in/heade%72").body("{}")),
        ("a way round", with_key("POST", "/in/x/../header").body("{}")),
        ("disabled", with_key("POST", "/in/disabled").body("{}")),
        ("no credential", Request::post("/in/header").body("{}")),
        ("an empty one", Request::post("/in/header").header("x-api-key", "").body("{}")),
        ("a wrong one", Request::post("/in/header").header("x-api-key", "wrong").body("{}")),
        ("a part of it", Request::post("/in/header").header("x-api-key", KEY.trim_start_matches('a')).body("{}")),
        ("twice", with_key("POST", "/in/header").header("x-api-key", KEY).body("{}")),
        ("another method", with_key("GET", "/in/header")),
        ("OPTIONS", with_key("OPTIONS", "/in/header")),
        ("OPTIONS of all", Request::new("OPTIONS", "*")),
        ("no path secret", Request::post("/hooks/").body("{}")),
        ("a wrong path secret", Request::post("/hooks/wrong").body("{}")),
        ("a path secret and more", Request::post(&format!("/hooks/{KEY}/x")).body("{}")),
        ("wrong in a form", Request::post("/in/form").body("token=wrong")),
        ("in one element only", Request::post("/in/listed").body(format!(r#"[{{"token":"{KEY}"}},{{}}]"#))),
        ("in no element", Request::post("/in/listed").body("[]")),
        ("no element", Request::post("/in/listed").body("{}")),
        ("no time", Request::post("/in/timed").header("x-signature", "v1=00").body("{}")),
        ("a wrong key", timed(&now().to_string(), "another-key")),
        ("too old", timed(&(now() - 400).to_string(), KEY)),
        ("too young", timed(&(now() + 400).to_string(), KEY)),
        ("milliseconds", timed(&(now() * 1000).to_string(), KEY)),
        ("before all time", timed("-1", KEY)),
        ("thirty digits", timed(&"1".repeat(30), KEY)),
        ("a fraction", timed(&format!("{}.5", now()), KEY)),
        ("no number", timed("now", KEY)),
        ("no token of the handshake", Request::get("/in/shaken?challenge=abc")),
        ("a wrong one of it", Request::get("/in/shaken?challenge=abc&token=wrong")),
        ("a value that is a script", Request::get("/in/shaken?challenge=%3Cb%3E&token=the-token-of-the-handshake")),
        ("no handshake", Request::get("/in/shaken?token=the-token-of-the-handshake")),
        ("its token is no key", Request::post("/in/shaken?token=the-token-of-the-handshake").body("{}")),
    ];
    for value in ["", "Basic", "Basic !", "Bearer a-key-of-the-strangers-test", "Basic dXNlcjo="] {
        strangers.push(("basic", basic(value)));
    }
    for signature in ["", ",", "v1=", "v1=xyz", "nothing", &",".repeat(4096), &"v1=00,".repeat(600), "v1=\u{e4}"] {
        let request = Request::post("/in/timed").header("x-time", &now().to_string());
        strangers.push(("a signature that is none", request.header("x-signature", signature).body("{}")));
    }
    strangers
}

#[test]
fn all_who_prove_nothing_are_answered_with_the_same_bytes() {
    let nobody = FRONT.ask(&Request::post("/in/nobody").body("{}"));
    assert_eq!((nobody.status, nobody.text()), (401, ""));
    assert!(!nobody.likeness().contains("www-authenticate"), "that would say what is asked for");
    for (why, request) in strangers() {
        let answer = FRONT.ask(&request);
        assert_eq!(answer.likeness(), nobody.likeness(), "{why}");
        assert!(answer.header("x-request-id").is_some() && answer.header("date").is_some(), "{why}");
    }
}

#[test]
fn a_head_request_is_answered_alike_on_every_path() {
    let of = |request: Request| FRONT.ask(&request).likeness();
    let nobody = of(Request::new("HEAD", "/in/nobody"));
    assert!(nobody.starts_with("HTTP/1.1 401 "), "{nobody}");
    for path in ["/in/header", "/in/disabled", "/in/shaken", "/hooks/wrong", "/"] {
        assert_eq!(of(with_key("HEAD", path)), nobody, "{path}");
    }
}

#[test]
fn the_connection_of_a_stranger_can_go_on() {
    let mut connection = FRONT.connect();
    for (why, request) in strangers() {
        assert_eq!(connection.ask(&request).expect(why).status, 401, "{why}");
    }
    let answer = connection.ask(&with_key("POST", "/in/header").body("and in the end somebody we know"));
    assert_eq!(answer.expect("an answer").status, 200);
    assert_eq!(FRONT.record("header").value, b"and in the end somebody we know");
}

#[test]
fn a_time_within_the_window_is_no_stranger() {
    for skew in [-200, 0, 200] {
        let at = now().checked_add_signed(skew).expect("a time");
        let signature = hmac_hex(KEY, format!("{at}.{{}}").as_bytes());
        // Several signatures in one header, and in two of its lines: one of them fits.
        let request = Request::post("/in/timed")
            .header("x-time", &at.to_string())
            .header("x-signature", &format!("t={at},v1={},v0=zz", "0".repeat(64)))
            .header("x-signature", &format!("v1={signature}"));
        assert_eq!(FRONT.ask(&request.body("{}")).status, 200, "{skew}");
    }
}
