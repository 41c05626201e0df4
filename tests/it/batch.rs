//! Deliveries that bring several events: one record an element, each its exact slice.

use std::sync::LazyLock;

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::sign::sha256_hex;

const KEY: &str = "a-key-of-the-batch-test";

const SOURCES: &str = r"
slices: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/data, id: hash, type: item:/type }
root: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/, id: [item:/portal, item:/event] }
deep: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: { first: [json:/none, json:/entry/*/changes] }, id: [item:^2/id, item:/n, item:#], key: item:^2/id }
field: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: form:events, id: item:/id }
lines: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: lines, id: item:/id }
large: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/, id: item:/ }
empty: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/data, id: item:/id }
part: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/data, id: item:/id, type: item:/type, key: item:/customer }
none: { auth: { header: X-Api-Key }, secret: a-key-of-the-batch-test, batch: json:/data, id: item:/id, type: item:/type, key: item:/customer }
";

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("batch", SOURCES));

fn post(source: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(&format!("/in/{source}")).header("x-api-key", KEY).body(body)
}

#[test]
fn every_element_is_passed_on_as_it_is_written() {
    let slices = [
        r#"{"type" : "click",  "type":"second", "a" :[ ]}"#,
        r#""\u00e9\ud83d\ude00\/""#,
        "1.50E+3",
        "null",
        "[ \t\r\n ]",
        r#"{"x":"]}\"],"}"#,
        "true",
        "{\"\u{e4}\":\"\u{7f}\"}",
    ];
    let body = format!("\n{{\"key\":\"k\", \"data\" :\r\n [\t{} ] ,\"after\":1}}\n", slices.join(" ,\r\n\t"));
    let answer = FRONT.deliver(&post("slices", body));
    let records = FRONT.records("slices", slices.len());
    assert_eq!(records.len(), slices.len());
    for (index, (slice, record)) in slices.iter().zip(&records).enumerate() {
        assert_eq!(record.value, slice.as_bytes());
        assert_eq!(record.header("hookgate-batch"), Some(format!("{}/{}", index + 1, slices.len()).as_str()));
        assert_eq!(record.header("ce_id"), Some(format!("sha256:{}", sha256_hex(slice.as_bytes())).as_str()));
        assert_eq!(record.header("hookgate-request-id"), answer.header("x-request-id"));
        let (kind, malformed) = if index == 0 { ("slices.click", None) } else { ("slices.event", Some("type")) };
        assert_eq!((record.header("ce_type"), record.header("hookgate-malformed")), (Some(kind), malformed), "{slice}");
    }
}

#[test]
fn a_body_that_is_an_array_is_a_batch_also_of_one() {
    FRONT.deliver(&post("root", r#"[{"portal":1,"event":7}]"#));
    FRONT.deliver(&post("root", r#" [ {"portal":1, "event":8} ,{"portal":"1","event":"9|"} ] "#));
    let records = FRONT.records("root", 3);
    let of = |name| records.iter().map(|record| record.header(name).unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(of("hookgate-batch"), ["1/1", "1/2", "2/2"]);
    assert_eq!(of("ce_id"), ["1|7", "1|8", "1|9%7C"]);
    assert_eq!(records[1].value, br#"{"portal":1, "event":8}"#);
}

#[test]
fn elements_of_several_arrays_are_one_delivery() {
    let body = r#"{"entry":[{"id":"a","changes":[{"n":1},{"n":2}]},{"id":"b","changes":[]},{"id":"c","changes":[{"n":3}]},{"id":"d"}]}"#;
    FRONT.deliver(&post("deep", body));
    let records = FRONT.records("deep", 3);
    let of = |name| records.iter().map(|record| record.header(name).unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(of("ce_id"), ["a|1|0", "a|2|1", "c|3|2"]);
    assert_eq!(of("hookgate-batch"), ["1/3", "2/3", "3/3"]);
    assert_eq!(records[2].key.as_deref(), Some(b"c".as_slice()));
}

#[test]
fn a_form_field_and_a_text_of_lines_are_batches_too() {
    FRONT.deliver(&post("field", "x=1&events=%5B%7B%22id%22%3A+%22a%22%7D%2C%7B%22id%22%3A%22b%22%7D%5D"));
    let records = FRONT.records("field", 2);
    assert_eq!((records[0].value.as_slice(), records[1].header("ce_id")), (&br#"{"id": "a"}"#[..], Some("b")));
    FRONT.deliver(&post("lines", "{\"id\": \"a\"}\r\n\n  {\"id\":\"b\"}  \n"));
    let records = FRONT.records("lines", 2);
    assert_eq!(
        (records[0].value.as_slice(), records[1].value.as_slice()),
        (&br#"{"id": "a"}"#[..], &br#"{"id":"b"}"#[..])
    );
}

#[test]
fn ten_thousand_elements_are_ten_thousand_events() {
    let body: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    let body = format!("[{}]", body.join(","));
    assert_eq!(FRONT.deliver(&post("large", body.as_str())).header("x-duplicate"), None);
    assert_eq!(FRONT.deliver(&post("large", body)).header("x-duplicate"), Some("true"));
    let records = FRONT.records("large", 10_000);
    assert_eq!(records.len(), 10_000);
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record.value, n.to_string().as_bytes());
    }
}

#[test]
fn an_empty_batch_is_taken_and_is_no_event() {
    for body in [r#"{"data":[]}"#, r#"{"data" : [ ] }"#] {
        let answer = FRONT.deliver(&post("empty", body));
        assert_eq!((answer.text(), answer.header("x-duplicate")), (r#"{"status":"accepted"}"#, None));
    }
    FRONT.deliver(&post("empty", r#"{"data":[{"id":"last"}]}"#));
    assert_eq!(FRONT.record("empty").header("ce_id"), Some("last"));
}

#[test]
fn only_the_element_that_lacks_something_is_marked() {
    let body =
        r#"{"data":[{"id":1,"type":"t","customer":5},{"type":"t","customer":""},{"id":3},{"id":null,"type":{}}]}"#;
    FRONT.deliver(&post("part", body));
    let records = FRONT.records("part", 4);
    let of = |name| records.iter().map(|record| record.header(name)).collect::<Vec<_>>();
    assert_eq!(of("hookgate-malformed"), [None, Some("id,key"), Some("type,key"), Some("id,key")]);
    let hash = |slice: &str| format!("sha256:{}", sha256_hex(slice.as_bytes()));
    let (second, fourth) = (hash(r#"{"type":"t","customer":""}"#), hash(r#"{"id":null,"type":{}}"#));
    assert_eq!(of("ce_id"), [Some("1"), Some(second.as_str()), Some("3"), Some(fourth.as_str())]);
    assert_eq!(of("hookgate-batch"), [Some("1/4"), Some("2/4"), Some("3/4"), Some("4/4")]);
}

#[test]
fn a_delivery_without_its_batch_is_kept_whole() {
    let bodies = [
        (r#"{"data":{"id":"1"},"id":"1","type":"t","customer":"c"}"#, "batch"),
        (r#"{"id":"1","type":"t"}"#, "key,batch"),
        (r#"{"data":[{"id":"1"}"#, "type,key,batch"),
        ("", "type,key,batch"),
        ("[]", "type,key,batch"),
    ];
    for (body, _) in bodies {
        FRONT.deliver(&post("none", body));
    }
    let records = FRONT.records("none", bodies.len());
    for ((body, missing), record) in bodies.into_iter().zip(&records) {
        assert_eq!(record.value, body.as_bytes());
        assert_eq!(record.header("hookgate-malformed"), Some(missing), "{body}");
        assert_eq!(record.header("hookgate-batch"), None);
        assert_eq!(record.header("ce_id"), Some(format!("sha256:{}", sha256_hex(body.as_bytes())).as_str()));
    }
}
