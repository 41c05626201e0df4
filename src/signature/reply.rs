//! The MAC that a handshake answers with (`hmac_reply`), and what such an answer may be about.
//!
//! A stranger chooses the value. So that the answer is no signature of a delivery, the value is short and plain, and the
//! gate refuses signed content that is such a value (`Demands::signs_for_strangers`).

use thiserror::Error;

use super::demands::Demands;
use super::key::KeyError;
use super::lock::public_texts;
use super::mac::MacKey;
use super::scheme::{Allow, Encoding, Hash, Kind, SecretFormat};
use crate::secret::Secret;

/// A longer value is not signed for a stranger, in bytes.
pub const SIGNED_VALUE_BYTES_MAX: usize = 256;

/// Why a handshake has nothing to sign with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// The source has no secret at all.
    #[error("there is no secret to sign with")]
    NoSecret,
    /// No secret of the source is a key for it; what is wrong with the first.
    #[error("no secret can be the key: of the first, {0}")]
    Key(KeyError),
}

/// Signs values for a handshake.
#[derive(Debug)]
pub struct Replier {
    key: MacKey,
    encoding: Encoding,
}

impl Replier {
    /// Prepares the key of a source's handshake: the first of its secrets that can be one. A sender that rotates knows the
    /// first; it is of the block that has the HMAC, where there is one.
    ///
    /// # Errors
    /// The source has no secret that is a key in that format.
    pub fn of(source: &Demands, hash: Hash, encoding: Encoding, format: &SecretFormat) -> Result<Self, ReplyError> {
        let hmac = source.blocks.iter().find(|block| matches!(block.kind, Kind::Hmac(..)));
        let lists = hmac.into_iter().map(|block| &block.secrets).chain([&source.secrets]);
        let mut lists = lists.chain(source.blocks.iter().map(|block| &block.secrets));
        let secrets = lists.find(|list| !list.is_empty()).ok_or(ReplyError::NoSecret)?;
        let public = public_texts(source);
        let mut tried = secrets.iter().map(|secret| {
            let secret = if public.contains(&secret) { Err(KeyError::Public) } else { Ok(secret) };
            secret.and_then(|secret| Self::new(hash, encoding, format, secret))
        });
        let first = tried.next().ok_or(ReplyError::NoSecret)?;
        first.or_else(|why| tried.find_map(Result::ok).ok_or(ReplyError::Key(why)))
    }

    /// Prepares the key.
    ///
    /// # Errors
    /// The secret is empty or not in that format.
    fn new(hash: Hash, encoding: Encoding, format: &SecretFormat, secret: &Secret) -> Result<Self, KeyError> {
        let key = format.key(secret)?;
        Ok(Self { key: MacKey::new(hash, key.expose()), encoding })
    }

    /// The MAC of the value, encoded; `None` where it is empty, longer than [`SIGNED_VALUE_BYTES_MAX`], or not what
    /// `allow` permits. [`Allow::Text`] permits nothing here: any text could be a delivery.
    #[must_use]
    pub fn mac(&self, allow: Allow, value: &[u8]) -> Option<String> {
        let length = 1..=SIGNED_VALUE_BYTES_MAX;
        let permitted = allow != Allow::Text && length.contains(&value.len()) && allow.permits(value);
        permitted.then(|| self.encoding.encode(&self.key.mac([value])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replier() -> Replier {
        Replier::new(Hash::Sha256, Encoding::Base64, &SecretFormat::default(), &Secret::new("Convoy")).expect("a key")
    }

    #[test]
    fn a_plain_value_is_signed() {
        let expected = Encoding::Base64.encode(&MacKey::new(Hash::Sha256, b"Convoy").mac([&b"uzwcfYtzr9"[..]]));
        assert_eq!(replier().mac(Allow::Token, b"uzwcfYtzr9"), Some(expected));
        assert!(replier().mac(Allow::Token, &[b'a'; 256]).is_some());
    }

    #[test]
    fn what_could_be_a_delivery_is_not_signed() {
        for value in [&b""[..], &[b'a'; 257], b"{}", b"a b", b"a:b", b"a&b", b"\xff", b"a\n", b"v0:1"] {
            assert_eq!(replier().mac(Allow::Token, value), None, "{value:?}");
        }
        assert_eq!(replier().mac(Allow::Hex, b"0g"), None);
        assert_eq!(replier().mac(Allow::Text, b"abc"), None);
    }

    #[test]
    fn a_secret_that_is_no_key_is_refused() {
        let format = SecretFormat { decode: Some(Encoding::Hex), ..SecretFormat::default() };
        let replier =
            |secret: &str| Replier::new(Hash::Sha256, Encoding::Hex, &format, &Secret::new(secret)).map(|_| ());
        assert_eq!(replier(""), Err(KeyError::Empty));
        assert_eq!(replier("zz"), Err(KeyError::NotEncoded(Encoding::Hex)));
    }
}
