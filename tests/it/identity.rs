//! Who is connected, as far as networks and proxies can say: `checks` of addresses and client certificates, through the
//! front door.

use std::net::Ipv4Addr;

use crate::support::client::{Connection, Request};
use crate::support::front::Front;

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const PRINT: &str = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

const SOURCES: &str = r#"
near:
  auth: { header: X-Api-Key, checks: [{ ip: [198.51.100.0/24, "2001:db8::/32"] }] }
  secret: a-key-of-the-identity-test
certified:
  auth:
    header: X-Api-Key
    checks: [{ client_certificate: { header: X-Client-Cert, sha256: 468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688 } }]
  secret: a-key-of-the-identity-test
meshed:
  auth:
    header: X-Api-Key
    checks: [{ client_certificate: { header: X-Forwarded-Client-Cert, sha256: 468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688 } }]
  secret: a-key-of-the-identity-test
named:
  auth: { header: X-Api-Key, checks: [{ client_certificate: { header: X-Client-Name, subject: "CN=sender,O=example" } }] }
  secret: a-key-of-the-identity-test
"#;

fn to(source: &str) -> Request {
    Request::post(&format!("/in/{source}")).header("x-api-key", "a-key-of-the-identity-test")
}

fn ask_from(front: &Front, own: Ipv4Addr, before: &[u8], request: &Request) -> Option<u16> {
    let mut connection = Connection::open_from(own, front.gateway.public).expect("the gateway listens");
    assert!(connection.send(before) && connection.send(&request.bytes()));
    connection.receive().map(|answer| answer.status)
}

#[test]
fn an_address_counts_only_from_the_right_and_only_as_trusted_proxies_say_it() {
    let front = Front::open_with("identity", "server: { trusted_proxies: [127.0.0.1/32, 203.0.113.0/24] }", SOURCES);
    let ask = |own, lines: &[&str]| {
        let request = lines.iter().fold(to("near"), |request, line| request.header("x-forwarded-for", line));
        ask_from(&front, own, b"", &request.body(format!("{own} {lines:?}"))).expect("an answer")
    };
    let taken: [&[&str]; 5] = [
        &["198.51.100.7"],
        &["192.0.2.1, 198.51.100.7"],
        &["192.0.2.1", "198.51.100.7, 203.0.113.9"],
        &["[2001:db8::1]:4711"],
        &["::ffff:198.51.100.7"],
    ];
    for lines in taken {
        assert_eq!(ask(PROXY, lines), 200, "{lines:?}");
        assert_eq!(ask(STRANGER, lines), 401, "a stranger names nobody: {lines:?}");
    }
    let refused: [&[&str]; 5] = [
        &[],
        &["198.51.100.7, 192.0.2.1"],
        &["198.51.100.7", "192.0.2.1"],
        &["198.51.100.7, junk"],
        &["198.51.100.7,"],
    ];
    for lines in refused {
        assert_eq!(ask(PROXY, lines), 401, "{lines:?}");
    }
    assert_eq!(front.records("near", taken.len()).len(), taken.len());
}

#[test]
fn a_certificate_counts_only_where_a_trusted_proxy_says_it() {
    let front = Front::open_with("certified", "server: { trusted_proxies: 127.0.0.1/32 }", SOURCES);
    let envoy = format!("By=spiffe://gateway;Hash={PRINT};Subject=\"CN=sender\"");
    let certified = |lines: &[&str], body: &str| {
        lines.iter().fold(to("certified"), |request, line| request.header("x-client-cert", line)).body(body)
    };
    let meshed = |line: &str| to("meshed").header("x-forwarded-client-cert", line).body("envoy");
    let named = |subject: &str| to("named").header("x-client-name", subject).body(subject);
    for request in [certified(&[PRINT], "bare"), meshed(&envoy), named("CN=sender,O=example")] {
        assert_eq!(ask_from(&front, PROXY, b"", &request), Some(200));
        assert_eq!(ask_from(&front, STRANGER, b"", &request), Some(401), "anybody can write a header");
    }
    let other = PRINT.replace('4', "5");
    for lines in [&[][..], &[other.as_str()], &[PRINT, PRINT], &[&envoy], &[""]] {
        assert_eq!(ask_from(&front, PROXY, b"", &certified(lines, "{}")), Some(401), "{lines:?}");
    }
    for line in [&format!("Hash={other},Hash={PRINT}"), PRINT] {
        assert_eq!(ask_from(&front, PROXY, b"", &meshed(line)), Some(401), "{line}");
    }
    assert_eq!(ask_from(&front, PROXY, b"", &named("CN=other")), Some(401));
    // The key is asked for all the same.
    let without = Request::post("/in/certified").header("x-client-cert", PRINT).body("{}");
    assert_eq!(ask_from(&front, PROXY, b"", &without), Some(401));
}

/// A header of the PROXY protocol, version 2, for a TCP connection over IPv4.
fn version_2(client: [u8; 4]) -> Vec<u8> {
    let fixed = [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[0x21, 0x11, 0, 12]].concat();
    [&fixed[..], &client, &[127, 0, 0, 1], &[0x12, 0x34, 0, 80]].concat()
}

#[test]
fn a_proxy_header_counts_only_from_trusted_networks() {
    let settings = "server: { proxy_protocol: true, trusted_proxies: 127.0.0.1/32 }";
    let front = Front::open_with("proxied", settings, SOURCES);
    let near = |body: &str| to("near").body(body);
    let version_1 = b"PROXY TCP4 198.51.100.7 127.0.0.1 4711 80\r\n";
    for before in [&version_1[..], b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n", &version_2([198, 51, 100, 7])] {
        assert_eq!(ask_from(&front, PROXY, before, &near(&before.escape_ascii().to_string())), Some(200));
        // From elsewhere it is no HTTP.
        assert_eq!(ask_from(&front, STRANGER, before, &near("{}")), Some(400));
    }
    for before in [&b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n"[..], b"PROXY UNKNOWN\r\n", &version_2([192, 0, 2, 1])]
    {
        assert_eq!(ask_from(&front, PROXY, before, &near("{}")), Some(401));
    }
    assert_eq!(ask_from(&front, PROXY, b"", &near("{}")), None, "a trusted proxy begins with its header");
    assert_eq!(ask_from(&front, STRANGER, b"", &near("{}")), Some(401));
    // Whom the header names is no proxy that could name another, or a certificate.
    let far = to("near").header("x-forwarded-for", "198.51.100.7").body("{}");
    assert_eq!(ask_from(&front, PROXY, b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n", &far), Some(401));
    let certified = to("certified").header("x-client-cert", PRINT).body("{}");
    assert_eq!(ask_from(&front, PROXY, version_1, &certified), Some(401));
}
