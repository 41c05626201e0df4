//! Public keys that a sender signs under: Ed25519, ECDSA on P-256, RSA.
//!
//! A key may come raw (Ed25519: 32 bytes; P-256: the uncompressed point; RSA: PKCS #1), as SPKI in DER (RFC 5280, 4.1),
//! or as either in PEM. The DER reader below knows just that structure, and only in its one canonical form.

use data_encoding::BASE64;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};

use super::key::{KeyError, PEM_START};
use super::scheme::Algorithm;

/// A public key and what it is for.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads a key in whichever form it is.
    pub(super) fn read(algorithm: Algorithm, text: &[u8]) -> Result<Self, KeyError> {
        let decoded = if text.starts_with(PEM_START) {
            unwrap_pem(text, &["PUBLIC KEY", "RSA PUBLIC KEY"]).ok_or(KeyError::NotPublicKey)?
        } else {
            text.to_vec()
        };
        let bytes = unwrap_spki(algorithm, &decoded).map(<[u8]>::to_vec).unwrap_or(decoded);
        if is_raw(algorithm, &bytes) { Ok(Self { algorithm, bytes }) } else { Err(KeyError::NotPublicKey) }
    }

    /// The RSA key of these numbers, big-endian.
    pub(super) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let bytes = wrap(SEQUENCE, &[wrap_number(modulus)?, wrap_number(exponent)?].concat())?;
        Some(Self { algorithm: Algorithm::RsaSha256, bytes })
    }

    /// The key in its raw form.
    pub(super) fn of_raw(algorithm: Algorithm, bytes: Vec<u8>) -> Option<Self> {
        is_raw(algorithm, &bytes).then_some(Self { algorithm, bytes })
    }

    /// The same for a token, where ECDSA's two numbers stand side by side (RFC 7518, 3.4).
    pub(super) fn verifies_token(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::EcdsaP256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.bytes).verify(message, signature).is_ok()
            }
            _ => self.verifies(message, signature),
        }
    }

    /// Whether that is this key's signature over the message. What is compared here is public.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature),
            Algorithm::EcdsaP256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes).verify(message, signature)
            }
            Algorithm::RsaSha256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.bytes).verify(message, signature)
            }
        }
        .is_ok()
    }
}

impl Algorithm {
    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::RsaSha256 => "rsa-sha256",
        }
    }

    /// `AlgorithmIdentifier` without its header: RFC 8410, 3; RFC 5480, 2.1.1 with secp256r1; RFC 3279, 2.3.1.
    const fn identifier(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &[0x06, 0x03, 0x2b, 0x65, 0x70],
            Self::EcdsaP256 => &[
                0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, //
                0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
            ],
            Self::RsaSha256 => &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00],
        }
    }
}

fn is_raw(algorithm: Algorithm, bytes: &[u8]) -> bool {
    match algorithm {
        Algorithm::Ed25519 => bytes.len() == 32,
        Algorithm::EcdsaP256 => bytes.len() == 65 && bytes.first() == Some(&4),
        Algorithm::RsaSha256 => is_rsa_public_key(bytes),
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `SubjectPublicKeyInfo`: the key inside, where the algorithm is the expected one.
fn unwrap_spki(algorithm: Algorithm, der: &[u8]) -> Option<&[u8]> {
    let inside = only(SEQUENCE, der)?;
    let (identifier, rest) = element(SEQUENCE, inside)?;
    let bits = only(BIT_STRING, rest)?;
    let (unused_bits, key) = bits.split_first()?;
    (identifier == algorithm.identifier() && *unused_bits == 0).then_some(key)
}

/// `RSAPublicKey` of PKCS #1: two numbers.
fn is_rsa_public_key(der: &[u8]) -> bool {
    let exponent = only(SEQUENCE, der).and_then(|inside| element(INTEGER, inside)).map(|(_modulus, rest)| rest);
    exponent.and_then(|rest| only(INTEGER, rest)).is_some()
}

/// An element of that tag, and of at most 65535 bytes.
fn wrap(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
    let header: &[u8] = match (high, low) {
        (0, 0..0x80) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    Some([header, content].concat())
}

/// A number that is not negative, in its shortest form.
fn wrap_number(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0)?;
    let digits = bytes.get(start..)?;
    let sign: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    wrap(INTEGER, &[sign, digits].concat())
}

/// The content of an element that has that tag and after which nothing comes.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The content of the element at the start, and what follows it. Lengths up to 65535, in their shortest form.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [length, rest @ ..] if *length < 0x80 => (usize::from(*length), rest),
        [0x81, length, rest @ ..] if *length >= 0x80 => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] if *high > 0 => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The bytes in a PEM text (RFC 7468) that has one of these labels.
pub(super) fn unwrap_pem(text: &[u8], labels: &[&str]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok()?.trim();
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let base64 = rest.strip_suffix("-----")?.strip_suffix(label)?.strip_suffix("-----END ")?;
    let compact: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    labels.contains(&label).then(|| BASE64.decode(&compact).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spki(algorithm: Algorithm, key: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).expect("short")], content].concat();
        let bits = wrap(BIT_STRING, &[&[0], key].concat());
        wrap(SEQUENCE, &[wrap(SEQUENCE, algorithm.identifier()), bits].concat())
    }

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
    }

    fn read(algorithm: Algorithm, text: &[u8]) -> Option<Vec<u8>> {
        PublicKey::read(algorithm, text).ok().map(|key| key.bytes)
    }

    #[test]
    fn a_key_is_read_raw_wrapped_and_in_pem() {
        let point = [&[4][..], &[7; 64]].concat();
        for (algorithm, key) in [(Algorithm::Ed25519, vec![7; 32]), (Algorithm::EcdsaP256, point)] {
            let der = spki(algorithm, &key);
            for text in [
                key.clone(),
                der.clone(),
                pem("PUBLIC KEY", &der).into_bytes(),
                pem("PUBLIC KEY", &der).replace('\n', "\r\n").into_bytes(),
            ] {
                assert_eq!(read(algorithm, &text), Some(key.clone()), "{algorithm:?}");
            }
        }
        let rsa = [0x30, 0x06, 0x02, 0x01, 0x0f, 0x02, 0x01, 0x03];
        assert_eq!(read(Algorithm::RsaSha256, &rsa), Some(rsa.to_vec()));
        assert_eq!(read(Algorithm::RsaSha256, pem("RSA PUBLIC KEY", &rsa).as_bytes()), Some(rsa.to_vec()));
    }

    #[test]
    fn what_is_another_key_or_none_is_refused() {
        let ed25519 = spki(Algorithm::Ed25519, &[7; 32]);
        assert_eq!(read(Algorithm::EcdsaP256, &ed25519), None);
        assert_eq!(read(Algorithm::RsaSha256, &ed25519), None);
        assert_eq!(read(Algorithm::Ed25519, &spki(Algorithm::EcdsaP256, &[4; 65])), None);
        assert_eq!(read(Algorithm::Ed25519, &[7; 31]), None);
        assert_eq!(read(Algorithm::EcdsaP256, &[2; 33]), None);
        assert_eq!(read(Algorithm::Ed25519, pem("PRIVATE KEY", &ed25519).as_bytes()), None);
        assert_eq!(read(Algorithm::Ed25519, pem("PUBLIC KEY", &ed25519).replace("END PUBLIC", "END").as_bytes()), None);
        // X25519 (RFC 8410) has keys of the same form and is for something else.
        let x25519 = ed25519.iter().map(|byte| if *byte == 0x70 { 0x6e } else { *byte }).collect::<Vec<_>>();
        assert_eq!(read(Algorithm::Ed25519, &x25519), None);
        let mut with_unused_bits = ed25519.clone();
        with_unused_bits[11] = 1;
        assert_eq!(read(Algorithm::Ed25519, &with_unused_bits), None);
        for end in 0..ed25519.len() {
            assert_eq!(read(Algorithm::Ed25519, &ed25519[..end]).filter(|_| end != 32), None, "{end}");
        }
        assert_eq!(read(Algorithm::Ed25519, &[&ed25519[..], &[0]].concat()), None);
    }

    #[test]
    fn a_length_has_one_form() {
        assert_eq!(element(0x02, &[0x02, 0x81, 0x01, 0xff]), None);
        assert_eq!(element(0x02, &[0x02, 0x82, 0x00, 0x80]), None);
        assert_eq!(element(0x02, &[0x02, 0x80, 0xff]), None);
        assert_eq!(element(0x02, &[0x02, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(element(0x02, &[0x02, 0x02, 0xff]), None);
    }
}
