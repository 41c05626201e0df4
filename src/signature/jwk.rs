//! Public keys for tokens: one in any form of [`PublicKey`], a JWK, or a set of them (RFC 7517, RFC 7518, RFC 8037).

use data_encoding::BASE64URL_NOPAD;
use serde_json::value::RawValue;

use super::fetched::{FetchedKeys, Verify};
use super::jws::Members;
use super::key::KeyError;
use super::public_key::PublicKey;
use super::scheme::{Algorithm, TokenAlgorithm};

/// A set has at most this many keys: each may be tried on every token.
pub const SET_KEYS_MAX: usize = 64;

/// A shorter modulus, in bytes, can be factored.
const MODULUS_BYTES_MIN: usize = 2048 / 8;

/// A public key, and what tokens call it.
#[derive(Debug)]
pub(super) struct TokenKey {
    kid: Option<String>,
    key: PublicKey,
}

impl Verify for Vec<TokenKey> {
    fn verify(&self, kid: Option<&str>, signed: &[u8], signature: &[u8]) -> bool {
        self.iter().any(|key| key.may_be(kid) && key.key.verifies_token(signed, signature))
    }
}

impl TokenKey {
    /// A token that names a key is not tried with others, as far as keys have names.
    fn may_be(&self, kid: Option<&str>) -> bool {
        self.kid.as_deref().zip(kid).is_none_or(|(ours, named)| ours == named)
    }
}

impl FetchedKeys {
    /// Keys for tokens of that algorithm, from a JWK set that nobody has seen yet.
    #[must_use]
    pub fn for_tokens(url: String, roots: Option<Vec<u8>>, algorithm: TokenAlgorithm) -> Self {
        Self::new(url, roots, move |document| match read(algorithm, document) {
            Ok(keys) => Ok(Box::new(keys)),
            Err(why) => Err(why.to_string()),
        })
    }
}

/// The keys for tokens of that algorithm. Those of a set that are for something else are left out.
pub(super) fn read(algorithm: TokenAlgorithm, text: &[u8]) -> Result<Vec<TokenKey>, KeyError> {
    let public = algorithm.public().ok_or(KeyError::NotTokenKey)?;
    if text.trim_ascii_start().first() != Some(&b'{') {
        let key = PublicKey::read(public, text).map_err(|_| KeyError::NotTokenKey)?;
        return Ok(vec![TokenKey { kid: None, key }]);
    }
    let whole = Members::read(text).ok_or(KeyError::NotTokenKey)?;
    let listed = match whole.written("keys") {
        Some(list) => serde_json::from_str::<Vec<&RawValue>>(list).map_err(|_| KeyError::NotTokenKey)?,
        None => Vec::new(),
    };
    if listed.len() > SET_KEYS_MAX {
        return Err(KeyError::TooManyKeys);
    }
    let members = listed.iter().filter_map(|raw| Members::read(raw.get().as_bytes()));
    let alone = (!whole.has("keys")).then_some(&whole);
    let keys: Vec<_> = match alone {
        Some(one) => one_key(algorithm, public, one).into_iter().collect(),
        None => members.filter_map(|one| one_key(algorithm, public, &one)).collect(),
    };
    if keys.is_empty() { Err(KeyError::NotTokenKey) } else { Ok(keys) }
}

fn one_key(algorithm: TokenAlgorithm, public: Algorithm, jwk: &Members<'_>) -> Option<TokenKey> {
    let says = |name: &str, text: &str| jwk.text(name).as_deref() == Some(text);
    let number = |name: &str| BASE64URL_NOPAD.decode(jwk.text(name)?.as_bytes()).ok();
    let is_for_it = !jwk.has("alg") || says("alg", algorithm.as_str());
    let is_to_verify = !jwk.has("use") || says("use", "sig");
    let may_verify = jwk.written("key_ops").is_none_or(|list| {
        serde_json::from_str::<Vec<String>>(list).is_ok_and(|list| list.iter().any(|word| word == "verify"))
    });
    if !(is_for_it && is_to_verify && may_verify) {
        return None;
    }
    let key = match public {
        Algorithm::RsaSha256 if says("kty", "RSA") => {
            let modulus = number("n")?;
            let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
            (bytes >= MODULUS_BYTES_MIN).then(|| PublicKey::of_rsa(&modulus, &number("e")?))?
        }
        Algorithm::EcdsaP256 if says("kty", "EC") && says("crv", "P-256") => {
            let (x, y) = (number("x")?, number("y")?);
            (x.len() == 32 && y.len() == 32).then(|| PublicKey::of_raw(public, [&[4], &*x, &*y].concat()))?
        }
        Algorithm::Ed25519 if says("kty", "OKP") && says("crv", "Ed25519") => PublicKey::of_raw(public, number("x")?),
        _ => None,
    };
    let kid = jwk.text("kid");
    // A name that is no text could be told apart from nothing.
    if kid.is_none() && jwk.has("kid") { None } else { key.map(|key| TokenKey { kid, key }) }
}
