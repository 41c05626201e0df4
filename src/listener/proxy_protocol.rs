//! The PROXY protocol, versions 1 and 2, as haproxy's `doc/proxy-protocol.txt` has it: what a load balancer says of the
//! connection that it passes on, before the first byte of it.
//!
//! Only the source address is of interest. Only TCP is taken, and nothing is guessed: what is not a whole and valid
//! header is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest header of version 1, with its CRLF (the specification, section 2.1).
const V1_BYTES_MAX: usize = 107;
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2: the signature, command, family, and length.
const V2_FIXED_BYTES: usize = 16;
/// The longest header of version 2 that is read. It could have 64 KiB of extensions; load balancers send under 1 KiB.
pub const BYTES_MAX: usize = 2048;

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length; the connection's own bytes begin behind it.
    pub bytes: usize,
    /// Who is connected to the proxy; none where it speaks for itself, as in its health checks.
    pub client: Option<IpAddr>,
}

/// Not a header of the PROXY protocol, or none that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

/// Reads the header at the beginning of `bytes`; nothing, while more must come.
///
/// # Errors
/// No such header begins so.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let begins_like = |start: &[u8]| bytes.iter().zip(start).all(|(byte, start)| byte == start);
    if begins_like(V2_SIGNATURE) {
        v2(bytes)
    } else if begins_like(b"PROXY ") {
        v1(bytes)
    } else {
        Err(Invalid)
    }
}

fn v1(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let window = bytes.get(..V1_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < V1_BYTES_MAX { Ok(None) } else { Err(Invalid) };
    };
    let line = bytes.get(..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(Invalid)?;
    let mut parts = line.split(' ').skip(1);
    let client = match parts.next() {
        // What follows UNKNOWN is to be ignored.
        Some("UNKNOWN") => None,
        Some("TCP4") => Some(IpAddr::V4(v1_source(parts)?)),
        Some("TCP6") => Some(IpAddr::V6(v1_source(parts)?)),
        _ => return Err(Invalid),
    };
    Ok(Some(Header { bytes: end + 2, client }))
}

/// `source destination source-port destination-port`
fn v1_source<'a, A: FromStr>(mut parts: impl Iterator<Item = &'a str>) -> Result<A, Invalid> {
    let mut address = || parts.next().and_then(|text| text.parse::<A>().ok()).ok_or(Invalid);
    let (source, _destination) = (address()?, address()?);
    let mut port = || parts.next().and_then(|text| text.parse::<u16>().ok()).ok_or(Invalid);
    let (_source, _destination) = (port()?, port()?);
    if parts.next().is_some() { Err(Invalid) } else { Ok(source) }
}

fn v2(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED_BYTES) else { return Ok(None) };
    let Some((&[command, family, high, low], _)) = fixed.get(V2_SIGNATURE.len()..).and_then(<[u8]>::split_first_chunk)
    else {
        return Err(Invalid);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if V2_FIXED_BYTES + length > BYTES_MAX {
        return Err(Invalid);
    }
    let Some(addresses) = rest.get(..length) else { return Ok(None) };
    let client = match (command, family) {
        // LOCAL, and PROXY for what the proxy has no address of.
        (0x20, _) | (0x21, 0x00) => None,
        (0x21, 0x11) => Some(IpAddr::V4(Ipv4Addr::from_octets(v2_source::<4, 12>(addresses)?))),
        (0x21, 0x21) => Some(IpAddr::V6(Ipv6Addr::from_octets(v2_source::<16, 36>(addresses)?))),
        _ => return Err(Invalid),
    };
    Ok(Some(Header { bytes: V2_FIXED_BYTES + length, client }))
}

/// The source, which comes first in a block of two addresses and two ports.
fn v2_source<const ADDRESS: usize, const BLOCK: usize>(addresses: &[u8]) -> Result<[u8; ADDRESS], Invalid> {
    let (block, _extensions) = addresses.split_at_checked(BLOCK).ok_or(Invalid)?;
    block.first_chunk().copied().ok_or(Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v2_header(command: u8, family: u8, length: u16, rest: &[u8]) -> Vec<u8> {
        [V2_SIGNATURE, &[command, family][..], &length.to_be_bytes(), rest].concat()
    }

    fn good_headers() -> Vec<(Vec<u8>, Option<&'static str>)> {
        let v4 = [192, 0, 2, 9, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        v6[15] = 9;
        let with_extensions = [&v4[..], &[0x04, 0, 1, 0]].concat();
        vec![
            (b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 80\r\n".to_vec(), Some("192.0.2.9")),
            (b"PROXY TCP6 2001:db8::9 2001:db8::1 4711 80\r\n".to_vec(), Some("2001:db8::9")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN what ever 1 2 3\r\n".to_vec(), None),
            (v2_header(0x21, 0x11, 12, &v4), Some("192.0.2.9")),
            (v2_header(0x21, 0x11, 16, &with_extensions), Some("192.0.2.9")),
            (v2_header(0x21, 0x21, 36, &v6), Some("2001:db8::9")),
            (v2_header(0x20, 0x00, 0, &[]), None),
            (v2_header(0x20, 0x11, 12, &v4), None),
            (v2_header(0x21, 0x00, 3, &[1, 2, 3]), None),
        ]
    }

    #[test]
    fn a_header_names_the_client_and_ends_where_the_connection_begins() {
        for (header, client) in good_headers() {
            let client = client.map(|client| client.parse().expect("an address"));
            let expected = Ok(Some(Header { bytes: header.len(), client }));
            assert_eq!(parse(&header), expected, "{header:?}");
            assert_eq!(parse(&[&header[..], b"GET / HTTP/1.1\r\n"].concat()), expected, "{header:?} and more");
            for end in 0..header.len() {
                assert_eq!(parse(&header[..end]), Ok(None), "{end} bytes of {header:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let v4 = [0; 12];
        let mut wrong: Vec<Vec<u8>> = [
            "GET / HTTP/1.1\r\n",
            "proxy TCP4 192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY\tTCP4 192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY TCP4 192.0.2.9 10.0.0.1 4711 80\n\r\n",
            "PROXY TCP5 192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY UDP4 192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY TCP4 192.0.2.9 10.0.0.1 4711\r\n",
            "PROXY TCP4 192.0.2.9 10.0.0.1 4711 80 1\r\n",
            "PROXY TCP4  192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY TCP4 192.0.2.9 10.0.0.1 4711 65536\r\n",
            "PROXY TCP4 192.0.2.256 10.0.0.1 4711 80\r\n",
            "PROXY TCP4 2001:db8::9 10.0.0.1 4711 80\r\n",
            "PROXY TCP6 192.0.2.9 10.0.0.1 4711 80\r\n",
            "PROXY \r\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec();
        wrong.push([b"PROXY UNKNOWN ", &[b'x'; V1_BYTES_MAX][..]].concat());
        wrong.push(v2_header(0x11, 0x11, 12, &v4));
        wrong.push(v2_header(0x22, 0x11, 12, &v4));
        wrong.push(v2_header(0x21, 0x12, 12, &v4));
        wrong.push(v2_header(0x21, 0x31, 12, &v4));
        wrong.push(v2_header(0x21, 0x11, 11, &v4));
        wrong.push(v2_header(0x21, 0x21, 12, &v4));
        wrong.push(v2_header(0x20, 0x00, 0xffff, &[]));
        for header in wrong {
            assert_eq!(parse(&header), Err(Invalid), "{header:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_it_panic_or_read_past_their_end(
            start in prop::sample::select(vec![&b""[..], b"PROXY TCP4 ", V2_SIGNATURE, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(Some(header)) = parse(&bytes) {
                prop_assert!(header.bytes <= bytes.len());
            }
        }
    }
}
