//! `X-Forwarded-For`: the first byte says who is connected, the rest are the header's lines.

use std::net::{IpAddr, SocketAddr};

use hookgate::listener::forwarded::{client, is_trusted};
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

pub(super) fn run(data: &[u8]) {
    let [who, rest @ ..] = data else { return };
    let trusted: Vec<IpNet> = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().expect("a network")).into();
    let peer: IpAddr =
        ["10.0.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"][usize::from(*who) % 4].parse().expect("an address");
    let mut headers = HeaderMap::new();
    for line in rest.split(|byte| *byte == b'\n') {
        let Ok(line) = HeaderValue::from_bytes(line) else { return };
        headers.append("x-forwarded-for", line);
    }
    let named = client(peer, &headers, &trusted);

    // All entries as they were appended, the peer last: the sender is what stands before an unbroken run of trusted ones.
    let mut chain: Vec<Option<IpAddr>> = rest.split(|byte| matches!(byte, b'\n' | b',')).map(address).collect();
    chain.push(Some(peer));
    let mut expected = peer;
    while let Some(Some(next)) = chain.pop() {
        expected = next;
        if !is_trusted(next, &trusted) {
            break;
        }
    }
    assert_eq!(named, expected);
    assert!(is_trusted(peer, &trusted) || named == peer, "a stranger names nobody");
}

fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim_ascii();
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let plain = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    plain.ok().or_else(|| unbracketed?.parse::<IpAddr>().ok()).map(|address| address.to_canonical())
}
