//! Each answer belongs to its request, however the bytes are cut and whatever hides in them.

use proptest::prelude::*;
use tokio::runtime;

use super::answers::{Answer, bodies, statuses};
use super::port::Running;

/// What must never be taken for a request.
const HIDDEN: &str = "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

async fn nothing_hidden_is_seen(port: &Running, bytes: &str) -> Vec<Answer> {
    let answers = port.exchange(bytes).await;
    let seen = port.seen.targets.lock().expect("not poisoned");
    assert!(!seen.contains(&"/smuggled".to_owned()), "{bytes:?}");
    answers
}

#[tokio::test]
async fn a_request_inside_a_body_is_never_taken_for_one() {
    let port = Running::start();
    let length = HIDDEN.len();
    for head in [
        format!("Content-Length: {length}\r\nX: Content-Length: 0"),
        format!("Content-Length: {length}\r\nX-Content-Length: 0"),
        format!("X: y\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nConnection: content-length"),
    ] {
        let request = format!("POST /outer HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{HIDDEN}");
        let answers = nothing_hidden_is_seen(&port, &request).await;
        assert_eq!(bodies(&answers), [format!("POST /outer {HIDDEN}")], "{head}");
    }
    let chunked = format!(
        "POST /outer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n\
         GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    let answers = nothing_hidden_is_seen(&port, &chunked).await;
    assert_eq!(bodies(&answers), [format!("POST /outer {HIDDEN}"), "GET /next ".to_owned()]);
}

/// Ways to say two lengths, or one that neighbours read differently: refused before anybody can disagree.
const TWO_MEANINGS: &[&str] = &[
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 5\r\nTransfer-Encoding : chunked",
    "Content-Length: 5\r\nTransfer-Encoding\u{b}: chunked",
    "Content-Length: 5\r\nTransfer-Encoding: xchunked",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Content-Length: 5\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Content-Length: 5\r\nTransfer-Encoding:\u{b}chunked",
    "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked",
    "Content-Length: 5\r\nTransfer-Encoding: \"chunked\"",
    "Content-Length: 5\r\nTransfer-Encoding: chunked, identity",
    "Content-Length: 5\r\nTransfer_Encoding: chunked",
    "Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked",
    "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked",
    "Content-Length: 5\r\nX: y\0\r\nTransfer-Encoding: chunked",
    "Content-Length: 5\r\n Transfer-Encoding: chunked",
    "Content-Length: 5\r\n\tTransfer-Encoding: chunked",
    "Content-Length: 5\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5, 0",
    "Content-Length: 0, 5",
    "Content-Length: 05",
    "Content-Length: +5",
    "Content-Length: 5\r\n 0",
    "Content-Length : 5",
    "Content_Length: 5",
    "Content-Length:\u{c}5",
    "Content-Length: 5\u{0}",
    "Content-Length: 5;0",
    "Content-Length: 5 0",
    "Content-Length: five",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked;a=b",
    "Host: b",
    "Ho_st: b",
];

#[tokio::test]
async fn two_lengths_or_two_hosts_are_refused_before_anything_behind_them_is_read() {
    let port = Running::start();
    for fields in TWO_MEANINGS {
        let request = format!("POST /outer HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n0\r\n\r\n{HIDDEN}");
        let answers = nothing_hidden_is_seen(&port, &request).await;
        assert_eq!(statuses(&answers), [400], "{fields:?}");
    }
    assert!(port.seen.targets.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn nothing_is_read_behind_chunks_that_break_off() {
    let port = Running::start();
    for chunks in
        ["3\r\nabcX", "3\nabc\r\n0\r\n\r\n", "zz\r\n", "0\r\n\n", "3;\nabc\r\n0\r\n\r\n", "ffffffffffffffff1\r\n"]
    {
        let request = format!("POST /outer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        let answers = nothing_hidden_is_seen(&port, &request).await;
        assert_eq!(statuses(&answers), [400], "{chunks:?}");
    }
}

#[tokio::test]
async fn an_answer_given_without_reading_the_body_does_not_make_the_body_a_request() {
    let port = Running::start();
    let length = HIDDEN.len();
    let early = format!("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{HIDDEN}");
    assert_eq!(bodies(&nothing_hidden_is_seen(&port, &early).await), ["early"]);
    let awaited = early.replacen("Host: a", "Host: a\r\nExpect: 100-continue", 1);
    assert_eq!(bodies(&nothing_hidden_is_seen(&port, &awaited).await), ["early"]);
    let refused = early.replace("POST /early", "PUT /early");
    assert_eq!(statuses(&nothing_hidden_is_seen(&port, &refused).await), [405]);
}

#[tokio::test]
async fn a_bad_head_is_answered_behind_the_answers_before_it() {
    let port = Running::start();
    let good = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for (bad, status) in [
        ("GET /2 HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n", "2".repeat(9000)), 414),
        (format!("GET /2 HTTP/1.1\r\nX: {}\r\n", "y".repeat(17_000)), 431),
    ] {
        let answers = port.exchange(format!("{good}{good}{bad}{good}")).await;
        assert_eq!(statuses(&answers), [200, 200, status]);
        assert_eq!(&bodies(&answers)[..2], ["POST /1 abc", "POST /1 abc"]);
        assert_eq!(answers[2].header("connection"), Some("close"));
    }
}

#[tokio::test]
async fn a_bad_head_waits_for_the_answer_that_is_being_made() {
    let port = Running::start();
    let mut client = port.connect().await;
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\n\r\n").await;
    port.seen.waiting.notified().await;
    port.seen.go.notify_one();
    let answers = client.read_to_end().await;
    assert_eq!((statuses(&answers), bodies(&answers)), (vec![200, 400], vec!["GET /wait ", ""]));
}

/// Requests with and without bodies, an awaited body, and at last one that is refused.
const STREAM: &str = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
    \r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n\
    POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n\
    PUT /4 HTTP/1.1\r\nHost: a\r\n\r\n\
    POST /5 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
    GET /6 HTTP/1.1\r\nHost: a\r\nX: y\n\r\n\
    GET /7 HTTP/1.1\r\nHost: a\r\n\r\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cuts_between_packets_change_no_answer(cuts in prop::collection::vec(0..STREAM.len(), 0..24)) {
        let mut cuts = cuts;
        cuts.extend([0, STREAM.len()]);
        cuts.sort_unstable();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answers = runtime.block_on(async {
            let port = Running::start();
            let mut client = port.connect().await;
            for cut in cuts.windows(2) {
                client.send(&STREAM.as_bytes()[cut[0]..cut[1]]).await;
                // Lets the port read what came, in most cases before the next piece comes.
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            client.finish().await
        });
        prop_assert_eq!(statuses(&answers), [200, 200, 200, 405, 200, 400]);
        let expected = ["POST /1 hello", "GET /2 ", "POST /3 abcd0123456789abcdef", "", "POST /5 ", ""];
        prop_assert_eq!(bodies(&answers), expected);
    }
}
