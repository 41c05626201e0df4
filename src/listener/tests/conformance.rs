//! RFC 9112 and RFC 9110, case by case: which statuses a peer gets, and whether the connection goes on.
//!
//! Every case is followed by a request of its own on the same connection. Where the connection goes on, that request is
//! answered, which also shows that both sides agree on where the case ended.

use super::answers::statuses;
use super::port::{Running, SENTINEL};

/// Section, bytes, statuses.
type Case = (&'static str, &'static str, &'static [u16]);

/// The connection goes on.
const KEPT: &[Case] = &[
    ("9112-2.1 a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("9112-2.2 one empty line before a request is ignored", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("9112-2.2 also between requests", "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n", &[200]),
    ("9112-3 any case of a path, any query", "GET /A%2f/../b?c=%zz&&?/ HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    (
        "9112-3.2.1 a long path",
        concat!("GET /", "aaaaaaaaaabbbbbbbbbbcccccccccc", " HTTP/1.1\r\nHost: a\r\n\r\n"),
        &[200],
    ),
    ("9112-3.2.2 absolute form", "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n", &[200]),
    (
        "9112-3.2.2 hosts are compared without case",
        "GET http://A.example/x HTTP/1.1\r\nHost: a.EXAMPLE\r\n\r\n",
        &[200],
    ),
    ("9112-3.2.2 absolute form with a port", "GET http://a:8080/x HTTP/1.1\r\nHost: a:8080\r\n\r\n", &[200]),
    ("9112-3.2.4 asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("9112-5 a value may be empty", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", &[200]),
    ("9112-5.1 no space behind the colon", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", &[200]),
    ("9112-5.1 spaces and tabs around a value", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", &[200]),
    ("9110-5.1 names have no case", "POST / HTTP/1.1\r\nhOsT: a\r\ncOnTeNt-LeNgTh: 2\r\n\r\nab", &[200]),
    ("9110-5.5 bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{e4}\r\n\r\n", &[200]),
    ("9110-5.6.2 every mark of a name", "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~: b\r\n\r\n", &[200]),
    ("9110-5.3 a field twice", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n", &[200]),
    ("9112-6.2 a body with a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", &[200]),
    ("9112-6.2 a body of no bytes", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &[200]),
    ("9112-6.3.7 no length: no body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("9110-9.3.1 a GET may say that it has no body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &[200]),
    ("9110-9.3.2 HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    (
        "9112-7.1 chunks",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        &[200],
    ),
    (
        "9112-7.1 sizes have no case and may begin with zeros",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        &[200],
    ),
    (
        "9112-7 codings have no case",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        &[200],
    ),
    (
        "9112-7.1.1 an extension of a chunk is ignored",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0;c\r\n\r\n",
        &[200],
    ),
    (
        "9112-7.1.2 trailers",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
        &[200],
    ),
    ("9112-9.3 HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", &[200]),
    (
        "9112-9.3.2 requests in a row",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na\
         GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        &[200, 200, 200],
    ),
    ("9110-9.3.8 TRACE is not taken", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", &[405]),
    ("9110-9.3.4 PUT is not taken", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", &[405]),
    ("9110-9.1 methods have case", "post / HTTP/1.1\r\nHost: a\r\n\r\n", &[405]),
    ("9110-9.1 a method that nobody knows", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", &[405]),
    (
        "9110-10.1.1 a body that is awaited",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        &[100, 200],
    ),
    (
        "9110-10.1.1 expectations have no case",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab",
        &[100, 200],
    ),
    ("9110-10.1.1 nothing to wait for", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", &[200]),
    ("9110-7.2 an address for a host", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", &[200]),
    (
        "9110-7.8 an upgrade is not taken up",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        &[200],
    ),
];

/// The connection ends.
const CLOSED: &[Case] = &[
    ("9112-2.2 no CR at the end of the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", &[400]),
    ("9112-2.2 no CR at the end of a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", &[400]),
    ("9112-2.2 no CR at the end of the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", &[400]),
    ("9112-2.2 a CR in a line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", &[400]),
    ("9112-2.2 a CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-2.2 a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", &[400]),
    ("9112-2.2 two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-2.3 HTTP/0.9", "GET /\r\n\r\n", &[400]),
    ("9112-2.3 HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400]),
    ("9112-2.3 the name of the version has case", "GET / http/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-2.3 one digit on each side", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", &[400]),
    ("9112-2.3 a version to come", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3 two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3 a tab for a space", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3 a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3 a space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.1 a method is a token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2 no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2 no Host", "GET / HTTP/1.1\r\n\r\n", &[400]),
    ("9112-3.2 two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2 an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", &[400]),
    ("9112-3.2 a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", &[400]),
    ("9112-3.2 a Host with a user", "GET / HTTP/1.1\r\nHost: b@a\r\n\r\n", &[400]),
    ("9112-3.2 a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", &[400]),
    ("9112-3.2 a port that is none", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", &[400]),
    ("9112-3.2.1 a path begins with a slash", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2.1 a fragment is not sent", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2.2 absolute form for another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2.2 absolute form with another port", "GET http://a:81/ HTTP/1.1\r\nHost: a:80\r\n\r\n", &[400]),
    ("9112-3.2.2 absolute form with a user", "GET http://b@a/ HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2.2 a scheme that is not ours", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-3.2.3 authority form is for CONNECT", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", &[400]),
    ("9110-9.3.6 CONNECT is not taken", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", &[405]),
    ("9110-9.3.4 nobody reads the body of a PUT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", &[405]),
    ("9112-3.2.4 asterisk form is for OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("9112-5 a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", &[400]),
    ("9112-5 a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", &[400]),
    ("9112-5.1 a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", &[400]),
    ("9112-5.1 a tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n", &[400]),
    ("9112-5.2 a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", &[400]),
    ("9112-5.2 a line folded with a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", &[400]),
    ("9110-5.5 NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", &[400]),
    ("9110-5.5 a control character in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{8}\r\n\r\n", &[400]),
    ("9110-5.6.2 a name is a token", "GET / HTTP/1.1\r\nHost: a\r\nX[]: b\r\n\r\n", &[400]),
    (
        "9112-6.1 both lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.1 both, the other way round",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.1 a coding that we do not know",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.1 chunked twice",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.1 chunked in two lines",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.1 chunks in HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.3.4 chunked is not the last coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        &[400],
    ),
    (
        "9112-6.3.5 two lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        &[400],
    ),
    (
        "9112-6.3.5 one length twice",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        &[400],
    ),
    ("9112-6.3.5 a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", &[400]),
    ("9110-8.6 a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", &[400]),
    ("9110-8.6 a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", &[400]),
    ("9110-8.6 a length in another base", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", &[400]),
    (
        "9110-8.6 a length that some read as octal",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n12345678",
        &[400],
    ),
    (
        "9110-8.6 a length beyond all memory",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na",
        &[400],
    ),
    ("9110-8.6 an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", &[400]),
    ("9110-9.3.1 a GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", &[400]),
    (
        "9110-9.3.1 a GET with chunks",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    ("9110-9.3.2 a HEAD with a body", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", &[400]),
    (
        "9110-10.1.1 another expectation",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\nab",
        &[417],
    ),
    (
        "9110-10.1.1 an expectation and another",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: b\r\nContent-Length: 2\r\n\r\nab",
        &[417],
    ),
    (
        "9112-7.1 a size that is no number",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        &[400],
    ),
    (
        "9112-7.1 a size in another base",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1 a size with a space",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1 no CR behind a size",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1 a chunk longer than its size",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1 a chunk shorter than its size",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1 a size beyond all memory",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\na\r\n",
        &[400],
    ),
    (
        "9112-7.1.1 a line feed in an extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "9112-7.1.2 a folded trailer",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n X: y\r\n\r\n",
        &[400],
    ),
    ("9112-9.3 HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", &[200]),
    ("9112-9.6 the last request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[200]),
    (
        "9112-9.6 the last request, among other options",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: te, CLOSE\r\n\r\n",
        &[200],
    ),
    ("9112-9.2 a TLS greeting", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", &[400]),
    ("9112-9.2 a body without a head", "{\"event\": \"paid\"}\r\n\r\n", &[400]),
];

#[tokio::test]
async fn a_connection_goes_on_behind_what_is_well_formed() {
    let port = Running::start();
    for (case, send, expected) in KEPT {
        let answers = port.exchange(format!("{send}{SENTINEL}")).await;
        let expected: Vec<u16> = expected.iter().copied().chain([200]).collect();
        assert_eq!(statuses(&answers), expected, "{case}");
        assert_eq!(answers.last().expect("the last").body, "GET /sentinel ", "{case}");
        for answer in answers.iter().filter(|answer| answer.status != 100) {
            assert!(answer.header("x-request-id").is_some(), "{case}");
        }
    }
}

#[tokio::test]
async fn a_connection_ends_behind_what_is_not() {
    let port = Running::start();
    for (case, send, expected) in CLOSED {
        let answers = port.exchange(format!("{send}{SENTINEL}")).await;
        assert_eq!(statuses(&answers), **expected, "{case}");
        let last = answers.last().expect("the last");
        assert!(last.header("connection").is_none_or(|option| option == "close"), "{case}");
    }
    assert!(!port.seen.targets.lock().expect("not poisoned").contains(&"/sentinel".to_owned()));
}

#[tokio::test]
async fn a_method_that_is_never_taken_is_told_which_ones_are() {
    let port = Running::start();
    let answers = port.exchange("DELETE /in/a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answers[0].header("allow"), Some("POST, GET, HEAD, OPTIONS"));
    assert_eq!(port.counts.wrong_method.get(), 1);
}

#[tokio::test]
async fn a_refused_head_counts_as_a_bad_request() {
    let port = Running::start();
    port.exchange("GET / HTTP/1.1\nHost: a\r\n\r\n").await;
    port.exchange("GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(port.counts.bad_request.get(), 2);
}
