//! The keyed hash under which an idempotency key is remembered.

use std::fmt;

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

use crate::event::Digest;

/// The key of the hash: 16 bytes that are the same on all replicas.
///
/// Keyed, because senders choose their ids: with a hash that they can compute they could choose two that collide, and
/// one event would swallow the other.
#[derive(Clone)]
pub struct HashKey([u8; Self::BYTES]);

impl HashKey {
    /// Its length.
    pub const BYTES: usize = 16;

    /// Takes over the key.
    #[must_use]
    pub const fn new(key: [u8; Self::BYTES]) -> Self {
        Self(key)
    }

    /// SipHash-1-3 with 128 bits of output over the source's name, a zero byte (which no name contains) and the key.
    pub(super) fn digest(&self, source: &str, key: &[u8]) -> Digest {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(source.as_bytes());
        hasher.write_u8(0);
        hasher.write(key);
        hasher.finish128().as_u128()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_scoped_by_its_source() {
        let key = HashKey::new([7; 16]);
        assert_eq!(key.digest("a", b"1"), key.digest("a", b"1"));
        assert_ne!(key.digest("a", b"1"), key.digest("b", b"1"));
        assert_ne!(key.digest("a", b"b1"), key.digest("ab", b"1"));
        assert_ne!(key.digest("a", b"1"), HashKey::new([8; 16]).digest("a", b"1"));
    }

    /// The digests lie on disk for days: a new release must still recognise them.
    #[test]
    fn digests_stay_the_same_over_releases() {
        const PINNED: Digest = 204_106_135_444_200_085_204_753_174_046_516_980_991;
        assert_eq!(HashKey::new([7; 16]).digest("orders", b"id-1"), PINNED);
    }
}
