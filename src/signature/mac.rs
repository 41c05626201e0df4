//! Digests and MACs by name, over content that comes in pieces.

use std::fmt;
use std::ops::Deref;

use hmac::{Hmac, KeyInit as _};
use md5::Md5;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::scheme::Hash;

/// The longest digest, in bytes.
const TAG_BYTES_MAX: usize = 64;

/// A digest or MAC.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    bytes: [u8; TAG_BYTES_MAX],
    /// 16 ..= [`TAG_BYTES_MAX`], by the function.
    length: usize,
}

impl Tag {
    fn of(digest: &[u8]) -> Self {
        let mut bytes = [0; TAG_BYTES_MAX];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
        Self { bytes, length: digest.len().min(TAG_BYTES_MAX) }
    }
}

impl Deref for Tag {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// An expected signature is as good as the secret for one message: it is never shown.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(hidden)")
    }
}

impl Hash {
    /// How many bytes a digest has.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of the pieces, one after the other.
    pub(super) fn digest<'p>(self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
        fn run<'p, D: sha2::Digest>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
            let mut state = D::new();
            pieces.into_iter().for_each(|piece| state.update(piece));
            Tag::of(&state.finalize())
        }
        match self {
            Self::Md5 => run::<Md5>(pieces),
            Self::Sha1 => run::<Sha1>(pieces),
            Self::Sha256 => run::<Sha256>(pieces),
            Self::Sha384 => run::<Sha384>(pieces),
            Self::Sha512 => run::<Sha512>(pieces),
        }
    }
}

/// An HMAC key, with its first block already worked in.
#[derive(Clone)]
pub(super) enum MacKey {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(hidden)")
    }
}

/// RFC 2104: a key longer than a block is its digest, a shorter one is filled up with zeros. Done here because the
/// crate's own way is fallible in type, though no length fails.
macro_rules! keyed {
    ($digest:ty, $key:expr) => {{
        let mut block = hmac::digest::Key::<Hmac<$digest>>::default();
        let digest = <$digest>::digest($key);
        let short: &[u8] = if $key.len() > block.len() { &digest } else { $key };
        block.iter_mut().zip(short).for_each(|(to, from)| *to = *from);
        Hmac::new(&block)
    }};
}

impl MacKey {
    pub(super) fn new(hash: Hash, key: &[u8]) -> Self {
        match hash {
            Hash::Md5 => Self::Md5(keyed!(Md5, key)),
            Hash::Sha1 => Self::Sha1(keyed!(Sha1, key)),
            Hash::Sha256 => Self::Sha256(keyed!(Sha256, key)),
            Hash::Sha384 => Self::Sha384(keyed!(Sha384, key)),
            Hash::Sha512 => Self::Sha512(keyed!(Sha512, key)),
        }
    }

    /// A key that nobody knows, for SHA-256. On a system without randomness it is all zeros: what it is used for (hiding
    /// lengths, idle work) then hides less, and compares as well.
    pub(super) fn unknown() -> Self {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok();
        Self::new(Hash::Sha256, &key)
    }

    /// The MAC of the pieces, one after the other.
    pub(super) fn mac<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
        fn run<'p, M: hmac::Mac + Clone>(key: &M, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
            let mut state = key.clone();
            pieces.into_iter().for_each(|piece| state.update(piece));
            Tag::of(&state.finalize().into_bytes())
        }
        match self {
            Self::Md5(key) => run(key, pieces),
            Self::Sha1(key) => run(key, pieces),
            Self::Sha256(key) => run(key, pieces),
            Self::Sha384(key) => run(key, pieces),
            Self::Sha512(key) => run(key, pieces),
        }
    }
}

/// CRC-32 as in IEEE 802.3 and zlib: reflected, polynomial `0xEDB8_8320`.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let (mut crc, mut bit) = (index, 0);
            while bit < 8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
                bit += 1;
            }
            table[index as usize] = crc;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(u32::MAX, |crc, byte| TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    const ALL: [Hash; 5] = [Hash::Md5, Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];

    fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> String {
        HEXLOWER.encode(&MacKey::new(hash, key).mac([data]))
    }

    #[test]
    fn crc32_is_that_of_zlib() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn every_digest_has_its_length_and_is_the_same_in_pieces() {
        for hash in ALL {
            let whole = hash.digest([&b"abc"[..]]);
            assert_eq!(whole.len(), hash.bytes());
            assert_eq!(*whole, *hash.digest([&b"a"[..], b"", b"bc"]));
        }
        assert_eq!(HEXLOWER.encode(&Hash::Md5.digest([&b"abc"[..]])), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(HEXLOWER.encode(&Hash::Sha1.digest([&b"abc"[..]])), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    /// RFC 4231, test cases 1 to 4, 6 and 7 (5 truncates, which no scheme of ours does).
    #[test]
    fn rfc_4231() {
        let counting: Vec<u8> = (1..=25).collect();
        let long = b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.";
        for (key, data, sha256, sha512) in [
            (
                &[0x0b; 20][..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
            ),
            (
                &counting,
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
                "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
            ),
            (
                &[0xaa; 131],
                long,
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
                "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
            ),
        ] {
            assert_eq!(hmac(Hash::Sha256, key, data), sha256);
            assert_eq!(hmac(Hash::Sha512, key, data), sha512);
        }
        let sha384 = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649";
        assert_eq!(hmac(Hash::Sha384, b"Jefe", b"what do ya want for nothing?"), sha384);
    }

    /// RFC 2202, test cases 1, 2, 3 and 6 of HMAC-MD5 and HMAC-SHA-1.
    #[test]
    fn rfc_2202() {
        let hashed_first = b"Test Using Larger Than Block-Size Key - Hash Key First";
        for (hash, key, data, tag) in [
            (Hash::Md5, &[0x0b; 16][..], &b"Hi There"[..], "9294727a3638bb1c13f48ef8158bfc9d"),
            (Hash::Md5, b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
            (Hash::Md5, &[0xaa; 16], &[0xdd; 50], "56be34521d144c88dbb8c733f0e8b3f6"),
            (Hash::Md5, &[0xaa; 80], hashed_first, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
            (Hash::Sha1, &[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
            (Hash::Sha1, b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Hash::Sha1, &[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
            (Hash::Sha1, &[0xaa; 80], hashed_first, "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        ] {
            assert_eq!(hmac(hash, key, data), tag, "{hash:?}");
        }
    }

    #[test]
    fn no_tag_or_key_can_be_seen() {
        let key = MacKey::new(Hash::Md5, b"key");
        assert_eq!(format!("{key:?} {:?}", key.mac([&b"x"[..]])), "MacKey(hidden) Tag(hidden)");
    }

    #[test]
    fn unknown_keys_differ() {
        assert_ne!(*MacKey::unknown().mac([&b""[..]]), *MacKey::unknown().mac([&b""[..]]));
    }
}
