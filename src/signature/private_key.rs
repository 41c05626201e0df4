//! Private keys, for the sender's side alone: the gateway holds none.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::key::{KeyError, PEM_START};
use super::public_key::unwrap_pem;
use super::scheme::{Algorithm, SecretFormat};
use crate::secret::Secret;

/// A private key and what it is for.
#[derive(Debug)]
pub(super) enum PrivateKey {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
    RsaSha256(RsaKeyPair),
}

impl PrivateKey {
    /// Reads PKCS #8 in DER or PEM, PKCS #1 for RSA, and for Ed25519 also the seed of 32 bytes, alone or with the public
    /// key behind it. Where public keys have to begin with a text that has `pk` in it, private ones may begin with the
    /// same that has `sk`.
    pub(super) fn read(algorithm: Algorithm, format: &SecretFormat, secret: &Secret) -> Result<Self, KeyError> {
        Self::read_as(algorithm, &ECDSA_P256_SHA256_ASN1_SIGNING, format, secret)
    }

    /// The same for tokens, where ECDSA's two numbers stand side by side (RFC 7518, 3.4).
    pub(super) fn read_for_tokens(
        algorithm: Algorithm,
        format: &SecretFormat,
        secret: &Secret,
    ) -> Result<Self, KeyError> {
        Self::read_as(algorithm, &ECDSA_P256_SHA256_FIXED_SIGNING, format, secret)
    }

    fn read_as(
        algorithm: Algorithm,
        ecdsa: &'static EcdsaSigningAlgorithm,
        format: &SecretFormat,
        secret: &Secret,
    ) -> Result<Self, KeyError> {
        let start = format.require.as_deref().map(|start| start.replace("pk", "sk"));
        let format = SecretFormat { strip: start.or(format.strip.clone()), require: None, ..format.clone() };
        let material = format.material(secret)?;
        let bytes = material.expose();
        let unwrapped = bytes.starts_with(PEM_START).then(|| unwrap_pem(bytes, &["PRIVATE KEY", "RSA PRIVATE KEY"]));
        let der = match &unwrapped {
            Some(found) => found.as_deref().ok_or(KeyError::NotPrivateKey)?,
            None => bytes,
        };
        Self::from_der(algorithm, ecdsa, der).ok_or(KeyError::NotPrivateKey)
    }

    fn from_der(algorithm: Algorithm, ecdsa: &'static EcdsaSigningAlgorithm, der: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Ed25519 => match der.split_at_checked(32) {
                Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
                Some((seed, public)) if public.len() == 32 => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der),
            }
            .ok()
            .map(Self::Ed25519),
            Algorithm::EcdsaP256 => {
                let pair = EcdsaKeyPair::from_pkcs8(ecdsa, der, &SystemRandom::new());
                pair.ok().map(Self::EcdsaP256)
            }
            Algorithm::RsaSha256 => {
                RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok().map(Self::RsaSha256)
            }
        }
    }

    /// The signature; `None` where the system has no randomness for it.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::EcdsaP256(pair) => {
                pair.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
            }
            Self::RsaSha256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}
