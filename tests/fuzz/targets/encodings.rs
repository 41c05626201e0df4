//! Hex, base64 and its URL-safe form, against a reader that knows nothing but the alphabet.

use hookgate::signature::scheme::Encoding;

pub(super) fn run(data: &[u8]) {
    for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
        let decoded = encoding.decode(data);
        assert_eq!(decoded, plainly(encoding, data), "{encoding:?} {:?}", String::from_utf8_lossy(data));
        assert_eq!(encoding.decode(encoding.encode(data).as_bytes()).as_deref(), Some(data), "{encoding:?}");
        if let Some(bytes) = decoded {
            let again = encoding.encode(&bytes);
            assert_eq!(bare(encoding, data), bare(encoding, again.as_bytes()), "two texts for the same bytes");
        }
    }
}

/// Without what may differ: the case of hex, the padding of base64.
fn bare(encoding: Encoding, text: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Hex => text.to_ascii_lowercase(),
        _ => text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text).to_vec(),
    }
}

/// The bytes, bit by bit.
pub(super) fn plainly(encoding: Encoding, text: &[u8]) -> Option<Vec<u8>> {
    let (alphabet, width): (&[u8], usize) = match encoding {
        Encoding::Hex => (b"0123456789abcdef", 4),
        Encoding::Base64 => (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6),
        Encoding::Base64Url => (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6),
    };
    let padded = width == 6 && text.len().is_multiple_of(4);
    let text = if padded { bare(encoding, text) } else { text.to_vec() };
    let text = if width == 4 { text.to_ascii_lowercase() } else { text };
    let mut bits = Vec::new();
    for symbol in &text {
        let value = alphabet.iter().position(|known| known == symbol)?;
        bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    }
    let (bytes, rest) = bits.as_chunks::<8>();
    let whole = rest.len() < width && !rest.contains(&true);
    let byte = |bits: &[bool; 8]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    whole.then(|| bytes.iter().map(byte).collect())
}
