//! What a sender is answered, by the table of answers in README.

use std::sync::LazyLock;

use crate::support::client::{Answer, Request};
use crate::support::front::Front;
use crate::support::gateway::Gateway;

const KEY: &str = "a-key-of-the-answers-test";

const SOURCES: &str = r#"
plain: { auth: { header: X-Api-Key }, secret: a-key-of-the-answers-test, id: json:/id, methods: [POST, GET] }
custom:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-answers-test
  id: json:/id
  reply: { accepted: { status: 202, content_type: text/xml, body: <Response/>, headers: { X-Taken: "yes" } } }
silent: { auth: { header: X-Api-Key }, secret: a-key-of-the-answers-test, id: json:/id, reply: { accepted: { status: 204, content_type: "", body: "" } } }
strict:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-answers-test
  id: json:/id
  type: json:/type
  key: json:/customer
  on_malformed: reject
each: { auth: { header: X-Api-Key }, secret: a-key-of-the-answers-test, batch: json:/, id: item:/id, on_malformed: reject, reply: { malformed: { status: 406 } } }
often: { auth: { header: X-Api-Key }, secret: a-key-of-the-answers-test, limits: { rate: 2/h } }
small: { auth: { header: X-Api-Key }, secret: a-key-of-the-answers-test, limits: { body: 10B } }
"#;

static FRONT: LazyLock<Front> = LazyLock::new(|| Front::open("answers", SOURCES));

fn post(source: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(&format!("/in/{source}")).header("x-api-key", KEY).body(body)
}

/// Statuses of requests that are each sent as they are, on a connection of their own.
fn raw(bytes: &[u8]) -> Answer {
    let mut connection = FRONT.connect();
    // A refusal may come before all has been sent.
    connection.send(bytes);
    connection.receive().expect("an answer")
}

fn assert_named(answer: &Answer) {
    let id = answer.header("x-request-id").unwrap_or_else(|| panic!("no id: {answer:?}"));
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "{id} is no UUID v7");
}

#[test]
fn a_delivery_and_its_copies_are_answered_alike() {
    for (source, body, head) in [
        ("plain", r#"{"status":"accepted"}"#, "HTTP/1.1 200 OK"),
        ("custom", "<Response/>", "HTTP/1.1 202 Accepted"),
        ("silent", "", "HTTP/1.1 204 No Content"),
    ] {
        let first = FRONT.ask(&post(source, r#"{"id":"once"}"#));
        let second = FRONT.ask(&post(source, r#"{"id":"once"}"#));
        assert!(first.likeness().starts_with(head), "{first:?}");
        assert_eq!(first.text(), body);
        assert_eq!((first.header("x-duplicate"), second.header("x-duplicate")), (None, Some("true")));
        assert_eq!(second.likeness().replace("\nx-duplicate: true", ""), first.likeness());
        assert_named(&first);
        assert_named(&second);
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    }
    let custom = FRONT.ask(&post("custom", r#"{"id":"twice"}"#));
    assert_eq!((custom.header("x-taken"), custom.header("content-type")), (Some("yes"), Some("text/xml")));
}

#[test]
fn an_id_that_the_sender_chose_for_its_request_is_not_taken_over() {
    let chosen = "0190f5a6-0000-7000-8000-000000000000";
    let answer = FRONT.deliver(
        &Request::post("/in/plain").header("x-api-key", KEY).header("x-request-id", chosen).body(r#"{"id":"own"}"#),
    );
    assert_named(&answer);
    assert_ne!(answer.header("x-request-id"), Some(chosen));
}

#[test]
fn a_method_that_is_taken_nowhere_is_refused_on_every_path() {
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "post"] {
        for path in ["/in/plain", "/in/nobody", "/"] {
            let answer = FRONT.ask(&Request::new(method, path).header("x-api-key", KEY));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, GET, HEAD, OPTIONS")), "{method}");
            assert_eq!(answer.body, b"");
            assert_named(&answer);
        }
    }
}

#[test]
fn a_delivery_that_is_not_what_was_described_is_refused_where_the_operator_wants_that() {
    for body in ["{}", "", "not json", r#"{"id":"1"}"#, r#"{"type":"t"}"#, r#"{"id":"","type":"t"}"#] {
        let answer = FRONT.ask(&post("strict", body));
        assert_eq!((answer.status, answer.text(), answer.header("retry-after")), (422, "", None), "{body}");
        assert_named(&answer);
    }
    for body in [r#"[{"id":1},{"x":2}]"#, "{}", r#"[{"id":null}]"#] {
        assert_eq!(FRONT.ask(&post("each", body)).status, 406, "{body}");
    }
    // Nothing of a refused delivery was kept, not even what was right about it; and a missing key is no reason to refuse.
    assert_eq!(FRONT.deliver(&post("each", r#"[{"id":1}]"#)).header("x-duplicate"), None);
    assert_eq!(FRONT.deliver(&post("each", "[]")).header("x-duplicate"), None);
    FRONT.deliver(&post("strict", r#"{"id":"1","type":"t"}"#));
    assert_eq!(FRONT.record("each").header("hookgate-batch"), Some("1/1"));
    assert_eq!(FRONT.record("strict").header("hookgate-malformed"), Some("key"));
}

#[test]
fn a_body_is_refused_from_one_byte_above_the_limit_on() {
    let most = 1024 * 1024;
    for path in ["/in/plain", "/in/nobody"] {
        let declared = Request::post(path).header("x-api-key", KEY).header("content-length", &(most + 1).to_string());
        let by_length = raw(&declared.bytes());
        let head = Request::post(path).header("x-api-key", KEY).header("transfer-encoding", "chunked").bytes();
        let chunk = format!("{:x}\r\n{}\r\n", most / 4, "x".repeat(most / 4));
        let by_chunks = raw(&[head.as_slice(), chunk.repeat(4).as_bytes(), b"1\r\nx\r\n0\r\n\r\n"].concat());
        for answer in [by_length, by_chunks] {
            assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{path}");
            assert_named(&answer);
        }
    }
    let exact = format!("{{\"id\":\"exact\"}}{}", " ".repeat(most - 14));
    FRONT.deliver(&post("plain", exact.as_str()));
    assert_eq!(FRONT.ask(&post("small", "0123456789")).status, 200);
    assert_eq!(FRONT.ask(&post("small", "0123456789a")).status, 413);
}

#[test]
fn what_is_no_http_or_could_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let post = |lines: &str| format!("POST /in/plain HTTP/1.1\r\n{lines}\r\n");
    let many = "x-n: 1\r\n".repeat(65);
    for (bytes, status) in [
        (post(""), 400),
        (post("host: a\r\nhost: a\r\ncontent-length: 0\r\n"), 400),
        (post("host: a b\r\ncontent-length: 0\r\n"), 400),
        (post("host: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n"), 400),
        (post("host: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n"), 400),
        (post("host: a\r\ntransfer-encoding: gzip, chunked\r\n"), 400),
        (post("host: a\r\ncontent_length: 1\r\n"), 400),
        (post("host: a\r\nexpect: tea\r\ncontent-length: 0\r\n"), 417),
        (post(&format!("host: a\r\nx-large: {}\r\n", "x".repeat(64 * 1024))), 431),
        (post(&format!("host: a\r\n{many}")), 431),
        (format!("POST /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(8 * 1024)), 414),
        ("GET /in/plain HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx".to_owned(), 400),
        ("GET http://b/in/plain HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned(), 400),
        ("GET /in/plain HTTP/2.0\r\nhost: a\r\n\r\n".to_owned(), 400),
    ] {
        let answer = raw(bytes.as_bytes());
        let begin: String = bytes.chars().take(60).collect();
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{begin}");
        assert_eq!(answer.body, b"");
    }
}

#[test]
fn strangers_cannot_use_up_the_rate_of_a_source() {
    for _ in 0..10 {
        assert_eq!(FRONT.ask(&Request::post("/in/often").header("x-api-key", "wrong").body("x")).status, 401);
    }
    assert_eq!(FRONT.ask(&post("often", "first")).status, 200);
    assert_eq!(FRONT.ask(&post("often", "second")).status, 200);
    let answer = FRONT.ask(&post("often", "third"));
    let seconds: u64 = answer.header("retry-after").and_then(|value| value.parse().ok()).expect("seconds");
    assert_eq!((answer.status, answer.text()), (429, ""));
    assert!((1..=1800).contains(&seconds), "{seconds}");
    assert_named(&answer);
    assert_eq!(FRONT.ask(&Request::post("/in/often").header("x-api-key", "wrong").body("x")).status, 401);
}

/// A gateway whose events only Kafka can keep, and no Kafka.
fn without_custody(settings: &str, deadline: &str) -> Gateway {
    Gateway::start_without_custody(&format!(
        "kafka: {{ brokers: [\"127.0.0.1:1\"] }}\nack: kafka\nshutdown: {{ drain_delay: 0s, timeout: 2s }}\n{settings}\n\
         sources:\n  one:\n    auth: {{ header: X-Api-Key }}\n    secret: {KEY}\n    id: json:/id\n    \
         deadline: {deadline}\n    limits: {{ in_flight: 2 }}\n"
    ))
}

#[test]
fn what_nothing_can_keep_is_refused_and_may_come_again() {
    let gateway = without_custody("", "300ms");
    let answers: Vec<_> = (0..2).map(|_| gateway.ask(&post("one", r#"{"id":"1"}"#))).collect();
    for answer in answers {
        assert_eq!((answer.status, answer.text(), answer.header("retry-after")), (503, "", Some("2")));
        assert_eq!(answer.header("x-duplicate"), None);
        assert_named(&answer);
    }
}

#[test]
fn only_authentic_deliveries_are_counted_as_in_flight() {
    let gateway = without_custody("", "60s");
    let mut waiting: Vec<_> = (0..2).map(|_| gateway.connect()).collect();
    for (n, connection) in waiting.iter_mut().enumerate() {
        connection.send(&post("one", format!("{{\"id\":\"{n}\"}}")).bytes());
    }
    let stranger = || gateway.ask(&Request::post("/in/one").header("x-api-key", "wrong").body("x")).status;
    assert_eq!(stranger(), 401);
    let refused = crate::support::limit::wait_for("the source to be full", || {
        let mut third = gateway.connect();
        // Where it is not full yet, this one waits as well, and is given up.
        third.send(&post("one", r#"{"id":"third"}"#).bytes());
        third.receive_soon()
    });
    assert_eq!((refused.status, refused.header("retry-after"), refused.text()), (429, Some("1"), ""));
    assert_named(&refused);
    assert_eq!(stranger(), 401);
}

#[test]
fn an_address_that_fails_too_often_is_refused_whatever_it_sends() {
    let gateway = without_custody("server: { failed_auth: 3/h }", "300ms");
    let wrong = Request::post("/in/one").header("x-api-key", "wrong").body("x");
    for path in ["/in/one", "/in/nobody", "/"] {
        assert_eq!(gateway.ask(&Request::post(path).header("x-api-key", "wrong").body("x")).status, 401);
    }
    let likeness: Vec<_> = [wrong, post("one", "{}"), Request::get("/nowhere")]
        .iter()
        .map(|request| {
            let answer = gateway.ask(request);
            assert_named(&answer);
            let seconds = answer.header("retry-after").expect("seconds").to_owned();
            answer.likeness().replace(&format!("retry-after: {seconds}"), "retry-after: n")
        })
        .collect();
    assert!(likeness[0].starts_with("HTTP/1.1 429 "), "{}", likeness[0]);
    assert!(likeness.iter().all(|one| *one == likeness[0]), "{likeness:?}");
}

#[test]
fn a_body_for_which_there_is_no_memory_may_come_again() {
    let gateway = without_custody("server: { body_budget: 1MiB }", "300ms");
    let mut greedy = gateway.connect();
    let head = Request::post("/in/nobody").header("content-length", "1048576").bytes();
    greedy.send(&[&head[..], &vec![b'x'; 1_048_575]].concat());
    // Nobody else asks meanwhile: what another body took would be missing for this one.
    crate::support::limit::wait_for("the budget to be spent", || {
        let metrics = gateway.ask_admin("/metrics")?.text().to_owned();
        metrics.lines().any(|line| line == "hookgate_body_budget_used_bytes 1048575").then_some(())
    });
    let answer = gateway.ask(&post("one", "{}"));
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.header("connection")),
        (503, Some("2"), Some("close"))
    );
    drop(greedy);
    crate::support::limit::wait_for("the budget to be given back", || {
        let answer = gateway.ask(&Request::post("/in/one").header("x-api-key", "wrong").body("{}"));
        (answer.status == 401).then_some(())
    });
}

#[test]
fn bodies_that_are_only_declared_take_no_memory_from_others() {
    let gateway = without_custody("server: { body_budget: 1MiB }", "300ms");
    let mut strangers: Vec<_> = (0..4).map(|_| gateway.connect()).collect();
    for connection in &mut strangers {
        connection.send(&Request::post("/in/one").header("content-length", "1048576").bytes());
    }
    crate::support::limit::wait_for("the strangers to be read from", || {
        let metrics = gateway.ask_admin("/metrics")?.text().to_owned();
        metrics.lines().any(|line| line == "hookgate_body_budget_used_bytes 32768").then_some(())
    });
    let answer = gateway.ask(&Request::post("/in/one").header("x-api-key", "wrong").body("{}"));
    assert_eq!(answer.status, 401);
}

#[test]
fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let gateway = without_custody("server: { body_timeout: 100ms, body_min_rate: 1KiB/s }", "300ms");
    for path in ["/in/one", "/in/nobody"] {
        let mut slow = gateway.connect();
        let head = Request::post(path).header("x-api-key", KEY).header("content-length", "100").bytes();
        slow.send(&[&head[..], b"a beginning"].concat());
        let answer = slow.receive().expect("an answer");
        assert_eq!((answer.status, answer.header("connection"), answer.text()), (408, Some("close"), ""));
        assert_named(&answer);
    }
}
