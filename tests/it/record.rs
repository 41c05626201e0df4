//! What a consumer sees of one delivery: value, key, headers, time.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::support::client::{Answer, Request};
use crate::support::front::Front;
use crate::support::kafka::record::Record;
use crate::support::sign::{hmac_hex, sha256_hex};

const KEY: &str = "a-key-of-the-record-test";

const SOURCES: &str = r"
signed:
  auth: { hmac: sha256, signature: header:X-Signature, prefix: sha256= }
  secrets: [an-old-key-of-the-record-test, a-key-of-the-record-test]
  id: json:/id
  type: [header:X-Event, json:/action]
  key: json:/customer/id
  headers: [X-Tenant, X-Absent, X-Empty]
numbers: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, id: json:/id, key: json:/key }
composite: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, id: [json:/a, json:/b?, query:c], type: [json:/a, json:/b] }
hashed: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test }
packed: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, headers: [X-Part] }
registered: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, path: /hooks/orders, public_url: https://hooks.example.com }
hidden: { auth: path, path: '/hooks/{secret}/orders', secret: a-key-of-the-record-test, public_url: https://hooks.example.com }
events: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, payload: headers, headers: [X-Event, X-Part] }
named: { auth: { header: X-Api-Key }, secret: a-key-of-the-record-test, id: json:/name, type: json:/name }
";

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("record", SOURCES));

fn post(path: &str) -> Request {
    Request::post(path).header("x-api-key", KEY)
}

/// The headers of a record but for those named, as text and sorted.
fn headers<'r>(record: &'r Record, but: &[&str]) -> Vec<(&'r str, &'r str)> {
    let text = |value: &'r Vec<u8>| std::str::from_utf8(value).expect("UTF-8");
    let mut headers: Vec<_> = record.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    headers.retain(|(name, _)| !but.contains(name));
    headers.sort_unstable();
    headers
}

fn assert_of_one_delivery(record: &Record, answer: &Answer) {
    let id = answer.header("x-request-id").expect("an id");
    assert_eq!(record.header("hookgate-request-id"), Some(id));
    let received_at = Timestamp::from_millisecond(record.timestamp.expect("a time")).expect("a time");
    assert_eq!(record.header("ce_time"), Some(format!("{received_at:.3}").as_str()));
}

#[test]
fn a_delivery_becomes_its_exact_bytes_and_no_header_more_than_promised() {
    let body = "{\r\n\t\"id\" : \"\\u00e4|%\\ud83d\\ude00\", \"id\":\"second\",  \"customer\":{\"id\": 1.0},\
                \"action\":\"opened\", \"x\":\"\u{e4}\" }\n";
    let answer = FRONT.deliver(
        &Request::post("/in/signed?trace=1")
            .header("X-Signature", &format!("sha256={}", hmac_hex(KEY, body.as_bytes())))
            .header("X-Event", "pull_request")
            .header("X-Tenant", "north")
            .header("X-TENANT", "south")
            .header("X-Empty", "")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Authorization", "Bearer sesame")
            .header("Cookie", "session=sesame")
            .header("User-Agent", "a-sender/1.0")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .body(body),
    );
    assert_eq!((answer.text(), answer.header("content-type")), (r#"{"status":"accepted"}"#, Some("application/json")));
    let record = FRONT.record("signed");
    assert_of_one_delivery(&record, &answer);
    assert_eq!(record.value, body.as_bytes());
    assert_eq!(record.key.as_deref(), Some(b"1.0".as_slice()));
    assert_eq!(
        headers(&record, &["ce_time", "hookgate-request-id"]),
        [
            ("ce_id", "\u{e4}|%\u{1f600}"),
            ("ce_source", "/in/signed"),
            ("ce_specversion", "1.0"),
            ("ce_type", "signed.pull_request.opened"),
            ("content-type", "application/json; charset=utf-8"),
            ("hookgate-source", "signed"),
            ("hookgate-verified", "hmac-sha256;key=1"),
            ("http-x-empty", ""),
            ("http-x-tenant", "north, south"),
        ]
    );
}

#[test]
fn a_number_is_a_key_as_it_is_written() {
    let written = ["1.0", "1e3", "-0", "12345678901234567890123", "true", "\"1.0\"", "\"\\u0031\"", "{\"a\" : 1}"];
    for (id, key) in written.iter().enumerate() {
        FRONT.deliver(&post("/in/numbers").body(format!("{{\"id\":{id},\"key\":{key}}}")));
    }
    let records = FRONT.records("numbers", written.len());
    let key = |record: &Record| String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
    let keys: Vec<_> = records.iter().map(key).collect();
    assert_eq!(keys, ["1.0", "1e3", "-0", "12345678901234567890123", "true", "1.0", "1", "{\"a\" : 1}"]);
    assert_eq!(records[1].header("ce_id"), Some("1"));
}

#[test]
fn the_parts_of_an_id_cannot_run_into_each_other() {
    for (query, body) in [
        ("c=z", r#"{"a":"x","b":"y"}"#),
        ("c=z", r#"{"a":"x|y","b":"%7C"}"#),
        ("c=%7C%25", r#"{"a":"x"}"#),
        ("c=z", r#"{"a":"x","b":""}"#),
        ("d=z", r#"{"a":"x","b":"y"}"#),
    ] {
        FRONT.deliver(&post(&format!("/in/composite?{query}")).body(body));
    }
    let records = FRONT.records("composite", 5);
    let ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).collect();
    let hash = format!("sha256:{}", sha256_hex(br#"{"a":"x","b":"y"}"#));
    assert_eq!(ids, ["x|y|z", "x%7Cy|%257C|z", "x||%7C%25", "x||z", &hash]);
    let types: Vec<_> = records.iter().filter_map(|record| record.header("ce_type")).collect();
    assert_eq!(types, ["composite.x.y", "composite.x|y.%7C", "composite.x", "composite.x", "composite.x.y"]);
    assert_eq!(records[4].header("hookgate-malformed"), Some("id"));
}

#[test]
fn an_event_without_an_id_of_its_own_is_known_by_what_it_says() {
    for body in [&b"not { json"[..], b"", b"\xff\x00\xfe", b"{}"] {
        FRONT.deliver(&post("/in/hashed").body(body));
    }
    let records = FRONT.records("hashed", 4);
    for record in &records {
        assert_eq!(record.header("ce_id"), Some(format!("sha256:{}", sha256_hex(&record.value)).as_str()));
        assert_eq!((record.header("ce_type"), record.header("hookgate-malformed")), (Some("hashed.event"), None));
        assert_eq!((record.key.as_deref(), record.header("content-type")), (None, None));
    }
    assert_eq!(records[2].value, b"\xff\x00\xfe");
}

#[test]
fn a_compressed_body_is_passed_on_as_it_is() {
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00";
    FRONT.deliver(
        &post("/in/packed").header("Content-Encoding", "gzip").header("content-type", "text/plain").body(gzip),
    );
    FRONT.deliver(
        &post("/in/packed").header("content-encoding", "br").header("content-encoding", "gzip").body([0x1f, 0x8b]),
    );
    let records = FRONT.records("packed", 2);
    assert_eq!(records[0].value, gzip);
    assert_eq!(records[0].header("content-encoding"), Some("gzip"));
    assert_eq!(records[0].header("content-type"), Some("text/plain"));
    assert_eq!(records[1].header("content-encoding"), Some("br, gzip"), "in the order in which they were applied");
}

#[test]
fn a_source_is_named_as_its_senders_know_it_and_never_with_its_secret() {
    FRONT.deliver(&post("/hooks/orders?x=1").body("{}"));
    assert_eq!(FRONT.record("registered").header("ce_source"), Some("https://hooks.example.com/hooks/orders"));
    FRONT.deliver(&Request::post(&format!("/hooks/{KEY}/orders")).body("{}"));
    let record = FRONT.record("hidden");
    assert_eq!(record.header("ce_source"), Some("https://hooks.example.com/hooks/{secret}/orders"));
    assert_eq!(record.header("hookgate-verified"), Some("path;key=0"));
    assert!(!format!("{:?}", headers(&record, &[])).contains(KEY), "{record:?}");
}

#[test]
fn where_headers_are_the_event_they_make_its_id() {
    let of = |event: &str, body: &str| post("/in/events").header("x-event", event).header("x-part", "1").body(body);
    for request in [of("created", ""), of("removed", ""), of("removed", "x")] {
        assert_eq!(FRONT.deliver(&request).header("x-duplicate"), None);
    }
    assert_eq!(FRONT.deliver(&of("removed", "x")).header("x-duplicate"), Some("true"));
    let records = FRONT.records("events", 3);
    assert_eq!(records.len(), 3);
    assert_eq!((records[1].header("http-x-event"), records[1].value.as_slice()), (Some("removed"), &b""[..]));
}

#[test]
fn a_name_that_fits_no_header_of_a_record_counts_as_missing() {
    let longest = "i".repeat(16 * 1024);
    let too_long = format!("{longest}i");
    let names = [("a b,c", true), ("\u{e4}", true), (" ", true), (&longest, true), (&too_long, false), ("", false)];
    for (name, _) in names {
        FRONT.deliver(&post("/in/named").body(format!("{{\"name\":\"{name}\"}}")));
    }
    let records = FRONT.records("named", names.len());
    for ((name, fits), record) in names.into_iter().zip(&records) {
        let hash = format!("sha256:{}", sha256_hex(&record.value));
        let (id, kind) = if fits { (name, name) } else { (hash.as_str(), "event") };
        assert_eq!(record.header("ce_id"), Some(id), "{name:.20}");
        assert_eq!(record.header("ce_type"), Some(format!("named.{kind}").as_str()));
        assert_eq!(record.header("hookgate-malformed"), (!fits).then_some("id,type"));
    }
}
