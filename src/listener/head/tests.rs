use super::*;

const LIMITS: Limits = Limits { bytes_max: 16 * 1024, fields_max: 4 };

fn scan(head: &str) -> Result<Option<(usize, Length)>, Refusal> {
    Scanner::new(LIMITS).scan(head.as_bytes())
}

fn with(field: &str) -> String {
    format!("POST /in/a HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")
}

#[test]
fn the_length_of_the_body_is_read() {
    for (field, length) in [
        ("X: y", Length::Known(0)),
        ("Content-Length: 0", Length::Known(0)),
        ("content-length:12", Length::Known(12)),
        ("CONTENT-LENGTH: \t 12 \t", Length::Known(12)),
        ("Content-Length: 999999999999999999", Length::Known(999_999_999_999_999_999)),
        ("Transfer-Encoding: chunked", Length::Chunked),
        ("TRANSFER-ENCODING:\tChUnKeD ", Length::Chunked),
    ] {
        let head = with(field);
        assert_eq!(scan(&head), Ok(Some((head.len(), length))), "{field}");
    }
}

#[test]
fn a_field_with_two_meanings_is_refused() {
    for field in [
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3, 3",
        "Content-Length: +3",
        "Content-Length: -3",
        "Content-Length: 0x3",
        "Content-Length: 3 3",
        "Content-Length: 003",
        "Content-Length:",
        "Content-Length: 3.0",
        "Content-Length: ٣",
        "Content-Length: 1000000000000000000",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Content_Length: 3",
        "content-length_: 3",
        "Transfer_Encoding: chunked",
        "Ho_st: b",
        "Host_: b",
        "X: y\r\n folded",
        "X: y\r\n\tfolded",
        " X: y",
        "X : y",
        ": y",
        "X",
        "X y: z",
        "Ä: y",
        "(x): y",
        "X: a\0b",
        "X: a\rb",
        "X: a\nTransfer-Encoding: chunked",
        "X: a\u{7f}",
        "X: a\u{b}Transfer-Encoding: chunked",
    ] {
        assert_eq!(scan(&with(field)), Err(Refusal::Malformed), "{field:?}");
    }
}

#[test]
fn what_is_odd_and_has_one_meaning_is_passed_on() {
    for field in ["X:", "X: ", "X: ä", "X_Y: z", "hostname_: z", "X: a:b", "!#$%&'*+-.^_`|~09: z", "X: a\tb"] {
        let head = with(field);
        assert_eq!(scan(&head), Ok(Some((head.len(), Length::Known(0)))), "{field:?}");
    }
}

#[test]
fn a_request_line_has_three_parts_and_a_version_we_know() {
    for wrong in [
        "GET /",
        "GET / ",
        "GET",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /\u{1} HTTP/1.1",
        "GET / HTTP/0.9",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "GET / http/1.1",
        "GET / HTTPS/1.1",
        "G(T / HTTP/1.1",
        "GÄT / HTTP/1.1",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        assert_eq!(scan(&format!("{wrong}\r\nHost: a\r\n\r\n")), Err(Refusal::Malformed), "{wrong:?}");
    }
    for good in ["GET / HTTP/1.1", "GET / HTTP/1.0", "BREW /ä?b=c HTTP/1.1", "OPTIONS * HTTP/1.1"] {
        assert!(matches!(scan(&format!("{good}\r\nHost: a\r\n\r\n")), Ok(Some(_))), "{good:?}");
    }
}

#[test]
fn a_chunked_body_needs_http_1_1() {
    assert_eq!(scan("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(Refusal::Malformed));
}

#[test]
fn one_empty_line_before_the_request_line_is_ignored() {
    assert!(matches!(scan("\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some((20, _)))));
    assert_eq!(scan("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Err(Refusal::Malformed));
    assert_eq!(scan("\nGET / HTTP/1.1\r\n\r\n"), Err(Refusal::Malformed));
}

#[test]
fn a_target_that_is_no_uri_is_refused_here() {
    let scan = |target: &[u8]| Scanner::new(LIMITS).scan(&[b"GET ", target, b" HTTP/1.1\r\n\r\n"].concat());
    for target in ["/a?b=%22&c[]={1|2}", "/\"a\"", "*", "http://a/b", "/\u{e4}?\u{e4}", "a:80"] {
        assert!(matches!(scan(target.as_bytes()), Ok(Some(_))), "{target}");
    }
    for target in [&b"/a?\""[..], b"/a?<b>", b"/a<b", b"/\xff", b"/?\xe4", b"a/b", b"?", b"://"] {
        assert_eq!(scan(target), Err(Refusal::Malformed), "{}", String::from_utf8_lossy(target));
    }
}

#[test]
fn what_is_too_much_is_told_apart() {
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(bytes - 1));
    assert!(matches!(scan(&target(TARGET_BYTES_MAX)), Ok(Some(_))));
    assert_eq!(scan(&target(TARGET_BYTES_MAX + 1)), Err(Refusal::TargetTooLong));
    assert_eq!(scan(&format!("GET /{}", "a".repeat(2 * TARGET_BYTES_MAX))), Err(Refusal::TargetTooLong));
    assert_eq!(scan(&with("X: 2\r\nX: 3\r\nX: 4\r\nX: 5")), Err(Refusal::TooLarge));
    assert!(matches!(scan(&with("X: 2\r\nX: 3\r\nX: 4")), Ok(Some(_))));
    assert_eq!(scan(&with(&format!("X: {}", "a".repeat(LIMITS.bytes_max)))), Err(Refusal::TooLarge));
    assert_eq!(scan(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(LIMITS.bytes_max))), Err(Refusal::TooLarge));
    let exact = with(&format!("X: {}", "a".repeat(LIMITS.bytes_max - with("X: ").len())));
    assert!(matches!(scan(&exact), Ok(Some((bytes, _))) if bytes == LIMITS.bytes_max));
    assert_eq!(scan(&exact.replace("X: ", "X: a")), Err(Refusal::TooLarge));
}

#[test]
fn what_cannot_become_http_is_refused_before_its_line_ends() {
    let late = format!("{} /", "x".repeat(METHOD_BYTES_MAX + 1));
    for wrong in ["\u{16}\u{3}\u{1}", "{\"a\"", "\0", &"x".repeat(METHOD_BYTES_MAX + 1), &late] {
        assert_eq!(scan(wrong), Err(Refusal::Malformed), "{wrong:?}");
    }
    for unfinished in ["", "G", "GET ", "GET /a HTTP/1.1", "GET /a HTTP/1.1\r", "GET /a HTTP/1.1\r\nHo", "\r", "\r\n"] {
        assert_eq!(scan(unfinished), Ok(None), "{unfinished:?}");
    }
}

#[test]
fn a_head_in_pieces_is_read_as_the_whole() {
    let head = with("Content-Length: 12");
    let mut scanner = Scanner::new(LIMITS);
    for end in 0..head.len() {
        assert_eq!(scanner.scan(&head.as_bytes()[..end]), Ok(None), "{end}");
    }
    assert_eq!(scanner.scan(head.as_bytes()), Ok(Some((head.len(), Length::Known(12)))));
}
