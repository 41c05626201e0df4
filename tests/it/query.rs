//! Deliveries whose event is in the query, beside the credential; and all the places where a credential may be: it is in no
//! record, wherever it came.

use std::sync::LazyLock;

use data_encoding::BASE64;

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::sign::{hmac_hex, sha256_hex};

const KEY: &str = "a-key-of-the-query-test";

const SOURCES: &str = r"
callback: { auth: { query: token }, secret: a-key-of-the-query-test, methods: [GET, POST], id: query:id }
odd: { auth: { query: 'a[key] x' }, secret: a-key-of-the-query-test, methods: GET, id: query:id }
asked: { auth: { query: token }, secret: a-key-of-the-query-test, payload: query, id: query:id }
signed: { auth: { hmac: sha256, signature: query:sig, content: [query:id] }, secret: a-key-of-the-query-test, methods: GET, id: query:id }
either: { auth: { hmac: sha256, signature: [{ first: [query:new, query:old] }], content: [query:id] }, secret: a-key-of-the-query-test, methods: GET, id: query:id }
header: { auth: { header: Authorization, prefix: 'Bearer ' }, secret: a-key-of-the-query-test, headers: [X-Part] }
basic: { auth: basic, secret: 'user:a-key-of-the-query-test' }
checked: { auth: { hmac: sha256, signature: header:X-Signature, checks: [{ query: token, secret: another-key-of-the-query-test }] }, secret: a-key-of-the-query-test, methods: [POST], payload: query }
open: { auth: none }
hashed: { auth: { hash: sha256, signature: header:X-Signature, content: [secret, body] }, secret: a-key-of-the-query-test }
";

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("query", SOURCES));

#[test]
fn the_query_is_the_event_less_its_credential() {
    let queries = [
        (format!("id=1&token={KEY}&a=b"), "id=1&a=b"),
        (format!("token={KEY}&id=2&a=%20+x"), "id=2&a=%20+x"),
        (format!("id=3&a=b&a=b&token={KEY}"), "id=3&a=b&a=b"),
        (format!("id=4&tok%65n={KEY}&tokens=1"), "id=4&tokens=1"),
        (format!("&&id=5&token={}&=&", KEY.replace('-', "%2D")), "&&id=5&=&"),
        (format!("token={KEY}"), ""),
        (format!("id=7?x&token={KEY}&Token=x"), "id=7?x&Token=x"),
    ];
    for (query, _) in &queries {
        FRONT.deliver(&Request::get(&format!("/in/callback?{query}")));
    }
    let records = FRONT.records("callback", queries.len());
    for ((_, value), record) in queries.iter().zip(&records) {
        assert_eq!(String::from_utf8_lossy(&record.value), *value);
    }
    assert_eq!(records[0].header("hookgate-verified"), Some("query;key=0"));
    assert_eq!(records[5].header("ce_id"), Some(format!("sha256:{}", sha256_hex(b"")).as_str()));
    assert_eq!(records[5].header("hookgate-malformed"), Some("id"));
    assert_eq!(records[5].header("ce_source"), Some("/in/callback"));
}

#[test]
fn a_credential_that_comes_twice_is_none() {
    for query in [format!("token={KEY}&token={KEY}"), format!("token={KEY}&token=x"), format!("tok%65n=&token={KEY}")] {
        let answer = FRONT.ask(&Request::get(&format!("/in/callback?id=twice&{query}")));
        assert_eq!(answer.status, 401, "{query}");
    }
}

#[test]
fn the_name_of_a_credential_may_be_written_in_many_ways() {
    for (id, name) in ["a[key]+x", "a%5Bkey%5D%20x", "%61[key]%20x"].iter().enumerate() {
        FRONT.deliver(&Request::get(&format!("/in/odd?id={id}&{name}={KEY}&b=1")));
    }
    let values: Vec<_> = FRONT.records("odd", 3).into_iter().map(|record| record.value).collect();
    assert_eq!(values, [b"id=0&b=1", b"id=1&b=1", b"id=2&b=1"]);
}

#[test]
fn the_query_of_a_post_can_be_the_event() {
    FRONT.deliver(&Request::post(&format!("/in/asked?id=1&token={KEY}")).body("a body that is not the event"));
    assert_eq!(FRONT.record("asked").value, b"id=1");
    FRONT.deliver(&Request::post(&format!("/in/callback?id=posted&token={KEY}")).body("a body that is"));
    let records =
        FRONT.records_until("callback", |records| records.iter().any(|record| record.value.ends_with(b"that is")));
    let posted = records.iter().find(|record| record.header("ce_id") == Some("posted")).expect("it");
    assert_eq!(posted.value, b"a body that is");
}

#[test]
fn a_signature_in_the_query_is_no_part_of_the_event() {
    let signature = hmac_hex(KEY, b"1");
    FRONT.deliver(&Request::get(&format!("/in/signed?sig={signature}&id=1")));
    assert_eq!(FRONT.record("signed").value, b"id=1");
    FRONT.deliver(&Request::get(&format!("/in/either?id=1&old={signature}")));
    assert_eq!(FRONT.record("either").value, b"id=1");
}

#[test]
fn no_credential_is_in_any_record() {
    let (name, other) = ("a-key-of-the-query-test", "another-key-of-the-query-test");
    FRONT.deliver(&Request::post("/in/header").header("authorization", &format!("Bearer {KEY}")).body("{}"));
    let basic = BASE64.encode(format!("user:{KEY}").as_bytes());
    FRONT.deliver(&Request::post("/in/basic").header("authorization", &format!("bAsIc {basic}")).body("{}"));
    let signature = hmac_hex(KEY, b"x");
    let signed = Request::post(&format!("/in/checked?a=1&token={other}")).header("x-signature", &signature).body("x");
    FRONT.deliver(&signed);
    FRONT.deliver(
        &Request::post("/in/open").header("authorization", "Bearer sesame").header("cookie", "sesame").body("x"),
    );
    let hash = sha256_hex(format!("{KEY}x").as_bytes());
    FRONT.deliver(&Request::post("/in/hashed").header("x-signature", &hash).body("x"));
    for (source, verified) in [
        ("header", "header;key=0"),
        ("basic", "basic;key=0"),
        ("checked", "hmac-sha256;key=0"),
        ("open", "none"),
        ("hashed", "sha256;key=0"),
    ] {
        let record = FRONT.record(source);
        assert_eq!(record.header("hookgate-verified"), Some(verified));
        let shown = record.headers.iter().map(|(_, value)| value).chain([&record.value]);
        let shown: String = shown.map(|bytes| String::from_utf8_lossy(bytes).into_owned() + "\n").collect();
        for secret in [name, other, &basic, &signature, &hash, "sesame"] {
            assert!(!shown.contains(secret), "{source}: {shown}");
        }
    }
}
