//! Whom trusted proxies name: `X-Forwarded-For`, read from the right.
//!
//! Each proxy appends the address that it saw. So the last entry is as true as the proxy that is connected, the one
//! before it as true as the host that the last one names, and so on; from the first host that is not trusted on,
//! everything may be invented.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Whether one of `networks` has `address`.
pub fn is_trusted(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Who sent a request that came over a connection from `peer`.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    if !is_trusted(client, trusted) {
        return client;
    }
    for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
            let Some(address) = entry_address(entry) else { return client };
            client = address;
            if !is_trusted(client, trusted) {
                return client;
            }
        }
    }
    client
}

/// An address, as some proxies write it with its port.
fn entry_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_ascii();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn named_by(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "2001:db8::/32"].iter().map(|network| network.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(line).expect("a value"));
        }
        client(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_name_another() {
        assert_eq!(named_by("192.0.2.1", &["192.0.2.9"]), "192.0.2.1");
        assert_eq!(named_by("10.0.0.1", &["192.0.2.9, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(named_by("10.0.0.1", &["10.9.9.9, 192.0.2.1, 10.0.0.2"]), "192.0.2.1");
    }

    #[test]
    fn the_first_host_from_the_right_that_is_no_proxy_is_the_client() {
        for (lines, client) in [
            (&["192.0.2.9"][..], "192.0.2.9"),
            (&["192.0.2.9", "10.0.0.2"], "192.0.2.9"),
            (&["192.0.2.8", "192.0.2.9 ,\t10.0.0.3,10.0.0.2"], "192.0.2.9"),
            (&["192.0.2.9:4711"], "192.0.2.9"),
            (&["[2001:dead::1]:4711, 2001:db8::1"], "2001:dead::1"),
            (&["[2001:dead::1]"], "2001:dead::1"),
            (&["::ffff:192.0.2.9"], "192.0.2.9"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(named_by("10.0.0.1", lines), client, "{lines:?}");
            assert_eq!(named_by("::ffff:10.0.0.1", lines).replace("::ffff:", ""), client, "{lines:?}");
        }
    }

    #[test]
    fn behind_what_is_no_address_nothing_is_believed() {
        for lines in [&["192.0.2.9, unknown"][..], &["192.0.2.9,"], &[""], &["192.0.2.9", "_hidden"], &["192.0.2.256"]]
        {
            assert_eq!(named_by("10.0.0.1", lines), "10.0.0.1", "{lines:?}");
        }
        assert_eq!(named_by("10.0.0.1", &["192.0.2.9, junk, 10.0.0.7"]), "10.0.0.7");
    }
}
