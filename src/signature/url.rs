//! The URL as the sender knows it, in the forms that senders sign. It comes from the configuration, never from Host.

use std::borrow::Cow;

/// The same URL with its port written out (`:443` for https, `:80` for http).
pub(super) fn with_port(url: &str) -> Cow<'_, str> {
    let Some((before, port, after)) = split(url) else { return Cow::Borrowed(url) };
    match (port, url.starts_with("http:")) {
        ("", true) => Cow::Owned(format!("{before}:80{after}")),
        ("", false) => Cow::Owned(format!("{before}:443{after}")),
        _ => Cow::Borrowed(url),
    }
}

/// The same URL without its port.
pub(super) fn without_port(url: &str) -> Cow<'_, str> {
    match split(url) {
        Some((before, port, after)) if !port.is_empty() => Cow::Owned(format!("{before}{after}")),
        _ => Cow::Borrowed(url),
    }
}

/// Up to the end of the host, the port with its colon, and what follows; `None` where there is no `://`.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let host = url.find("://")? + "://".len();
    let (scheme, rest) = url.split_at_checked(host)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at_checked(end)?;
    // An IPv6 address has colons of its own, inside brackets.
    let colon = authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|bracket| bracket < *colon));
    let (_, port) = authority.split_at_checked(colon.unwrap_or(authority.len()))?;
    let before = url.split_at_checked(scheme.len() + colon.unwrap_or(authority.len()))?.0;
    Some((before, port, after))
}

/// Decodes the percent-escapes of these characters and leaves all others.
pub(super) fn unescape(url: String, characters: &str) -> Vec<u8> {
    if characters.is_empty() {
        return url.into_bytes();
    }
    let mut plain = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let escaped = others.first_chunk().filter(|_| *first == b'%').and_then(|digits| hex_byte(*digits));
        let decoded = escaped.filter(|byte| characters.as_bytes().contains(byte));
        plain.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { others.get(2..).unwrap_or_default() } else { others };
    }
    plain
}

fn hex_byte(digits: [u8; 2]) -> Option<u8> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).ok()?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_written_out_or_left_out() {
        for (url, with, without) in [
            ("https://a.example", "https://a.example:443", "https://a.example"),
            ("http://a.example/b:c", "http://a.example:80/b:c", "http://a.example/b:c"),
            ("https://a.example:8443/x", "https://a.example:8443/x", "https://a.example/x"),
            ("https://[::1]/x", "https://[::1]:443/x", "https://[::1]/x"),
            ("https://[::1]:8443?y", "https://[::1]:8443?y", "https://[::1]?y"),
            ("a.example", "a.example", "a.example"),
            ("", "", ""),
        ] {
            assert_eq!((&*with_port(url), &*without_port(url)), (with, without), "{url}");
        }
    }

    #[test]
    fn only_the_named_escapes_are_decoded() {
        let plain = |url: &str| String::from_utf8_lossy(&unescape(url.to_owned(), ":/@")).into_owned();
        assert_eq!(plain("https://a/?u=https%3A%2f%2Fb%40c%20%25%3"), "https://a/?u=https://b@c%20%25%3");
        assert_eq!(plain("%253A%"), "%253A%");
        assert_eq!(unescape("%3A".to_owned(), ""), b"%3A");
    }
}
