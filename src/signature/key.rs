//! From the text of a secret to the bytes of a key: `secret_format`.

use std::borrow::Cow;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::scheme::{Encoding, SecretFormat};
use crate::secret::Secret;

/// Why a secret is no key for a block; the text never shows the secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nothing is left of it.
    #[error("it is empty; an empty key would verify for anyone")]
    Empty,
    /// `require` names a start that it does not have.
    #[error("it does not begin with {0}")]
    OtherStart(String),
    /// `decode` names an encoding that it is not in.
    #[error("it is not written in {}", .0.as_str())]
    NotEncoded(Encoding),
    /// `nfkd` is for text.
    #[error("it is not UTF-8, which nfkd needs")]
    NotText,
    /// No header or parameter that long is looked at.
    #[error("it is longer than a credential can be (4 KiB)")]
    TooLong,
    /// A public key that cannot be read.
    #[error("it is no public key of this algorithm (raw, SPKI DER or PEM)")]
    NotPublicKey,
    /// A private key that cannot be read.
    #[error("it is no private key of this algorithm (PKCS #8 in DER or PEM; for Ed25519 also the seed of 32 bytes)")]
    NotPrivateKey,
    /// No key of the set can check a token of this algorithm.
    #[error(
        "it has no public key for tokens of this algorithm (JWK set, JWK, SPKI DER or PEM; RSA of 2048 bits or more)"
    )]
    NotTokenKey,
    /// More than [`SET_KEYS_MAX`](super::SET_KEYS_MAX).
    #[error("it has more than 64 keys")]
    TooManyKeys,
    /// No block asks for it.
    #[error("every block has secrets of its own, or needs none")]
    Unclaimed,
    /// The same text is a public key of another block: whoever knows it could sign.
    #[error("another block takes it as a public key, which everybody may know")]
    Public,
}

/// Where PEM begins, which says by itself how it holds the bytes.
pub(super) const PEM_START: &[u8] = b"-----BEGIN ";

impl SecretFormat {
    /// The key: `strip`, `require`, `decode`, `nfkd` and `digest`, in this order.
    ///
    /// # Errors
    /// It is not for this block, or nothing is left of it.
    pub fn key(&self, secret: &Secret) -> Result<Secret, KeyError> {
        let material = self.material(secret)?;
        Ok(match self.digest {
            Some(hash) => Secret::new(hash.digest([material.expose()]).to_vec()),
            None => material,
        })
    }

    /// The key before its digest: what its strength is measured by.
    pub(super) fn material(&self, secret: &Secret) -> Result<Secret, KeyError> {
        let text = self.cut(secret.expose())?;
        let bytes = match self.decode {
            Some(encoding) if !text.starts_with(PEM_START) => {
                Zeroizing::new(encoding.decode(text).ok_or(KeyError::NotEncoded(encoding))?)
            }
            _ => Zeroizing::new(text.to_vec()),
        };
        let bytes = if self.nfkd {
            let text = str::from_utf8(&bytes).map_err(|_| KeyError::NotText)?;
            Cow::Owned(text.nfkd().collect::<String>().into_bytes())
        } else {
            Cow::Borrowed(bytes.as_slice())
        };
        if bytes.is_empty() { Err(KeyError::Empty) } else { Ok(Secret::new(bytes)) }
    }

    fn cut<'s>(&self, text: &'s [u8]) -> Result<&'s [u8], KeyError> {
        let strip = self.strip.as_deref().unwrap_or_default();
        let text = text.strip_prefix(strip.as_bytes()).unwrap_or(text);
        let require = self.require.as_deref().unwrap_or_default();
        text.strip_prefix(require.as_bytes()).ok_or_else(|| KeyError::OtherStart(require.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::scheme::Hash;

    fn key(format: &SecretFormat, secret: &str) -> Result<Vec<u8>, KeyError> {
        format.key(&Secret::new(secret)).map(|key| key.expose().to_vec())
    }

    fn format() -> SecretFormat {
        SecretFormat::default()
    }

    #[test]
    fn without_a_format_the_key_is_the_text_itself() {
        assert_eq!(key(&format(), "whsec_abc").as_deref(), Ok(&b"whsec_abc"[..]));
        assert_eq!(key(&format(), ""), Err(KeyError::Empty));
    }

    #[test]
    fn a_start_is_cut_where_it_is_there_and_demanded_where_it_is_required() {
        let strip = SecretFormat { strip: Some("whsec_".into()), decode: Some(Encoding::Base64), ..format() };
        assert_eq!(key(&strip, "whsec_YWJj").as_deref(), Ok(&b"abc"[..]));
        assert_eq!(key(&strip, "YWJj").as_deref(), Ok(&b"abc"[..]));
        assert_eq!(key(&strip, "whsec_"), Err(KeyError::Empty));
        assert_eq!(key(&strip, "whsk_YWJj"), Err(KeyError::NotEncoded(Encoding::Base64)));
        let require = SecretFormat { require: Some("whpk_".into()), ..format() };
        assert_eq!(key(&require, "whpk_abc").as_deref(), Ok(&b"abc"[..]));
        assert_eq!(key(&require, "abc"), Err(KeyError::OtherStart("whpk_".into())));
    }

    #[test]
    fn each_step_takes_what_the_one_before_gives() {
        let hex = SecretFormat { decode: Some(Encoding::Hex), ..format() };
        assert_eq!(key(&hex, "0aFF").as_deref(), Ok(&[0x0a, 0xff][..]));
        assert_eq!(key(&hex, "0aF"), Err(KeyError::NotEncoded(Encoding::Hex)));
        let nfkd = SecretFormat { nfkd: true, ..format() };
        assert_eq!(key(&nfkd, "\u{fb01}\u{e9}").as_deref(), Ok("fie\u{301}".as_bytes()));
        assert_eq!(nfkd.key(&Secret::new([0xff])).map(|_| ()), Err(KeyError::NotText));
        let digest = SecretFormat { decode: Some(Encoding::Base64), digest: Some(Hash::Sha1), ..format() };
        let expected = Encoding::Hex.decode(b"a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(key(&digest, "YWJj").ok(), expected);
    }
}
