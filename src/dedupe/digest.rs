//! The keyed hash under which an idempotency key is remembered.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

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

    /// Of an id: over the source's name, a zero byte and the id.
    pub(super) fn digest(&self, source: &str, id: &[u8]) -> Digest {
        self.hash(source, 0, id)
    }

    /// Of a second key: with a one instead of the zero, so that it is never taken for an id that is written alike.
    pub(super) fn digest_of_second(&self, source: &str, key: &[u8]) -> Digest {
        self.hash(source, 1, key)
    }

    /// SipHash-1-3 with 128 bits of output. No source's name contains the byte that ends it.
    fn hash(&self, source: &str, end: u8, key: &[u8]) -> Digest {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(source.as_bytes());
        hasher.write_u8(end);
        hasher.write(key);
        hasher.finish128().as_u128()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(hidden)")
    }
}

/// A digest is a keyed hash already: its upper half serves as the table's hash.
#[derive(Debug, Default)]
pub(super) struct UpperHalf(u64);

impl Hasher for UpperHalf {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        let upper = (digest >> 64) as u64;
        self.0 = upper;
    }
}

/// For tables whose keys are digests.
pub(super) type ByDigest = BuildHasherDefault<UpperHalf>;

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

    #[test]
    fn a_second_key_is_no_id() {
        let key = HashKey::new([7; 16]);
        assert_ne!(key.digest_of_second("a", b"1"), key.digest("a", b"1"));
        assert_ne!(key.digest_of_second("a", b"1"), key.digest("a", b"\x011"));
        assert_ne!(key.digest_of_second("a", b"1"), key.digest_of_second("b", b"1"));
    }

    /// The digests lie on disk for days: a new release must still recognise them.
    #[test]
    fn digests_stay_the_same_over_releases() {
        const PINNED: Digest = 204_106_135_444_200_085_204_753_174_046_516_980_991;
        assert_eq!(HashKey::new([7; 16]).digest("orders", b"id-1"), PINNED);
    }
}
