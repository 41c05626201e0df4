//! Signatures as senders make them, by hand and not by the gateway's own code.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// HMAC-SHA256 in hex.
pub(crate) fn hmac_hex(secret: &str, content: &[u8]) -> String {
    HEXLOWER.encode(&hmac(secret, content))
}

/// HMAC-SHA256 in base64.
pub(crate) fn hmac_base64(secret: &str, content: &[u8]) -> String {
    BASE64.encode(&hmac(secret, content))
}

/// SHA-256 in hex.
pub(crate) fn sha256_hex(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

fn hmac(secret: &str, content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}
