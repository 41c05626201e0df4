//! The sender's side of a token: claims what the block asks for, and signs it.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::key::KeyError;
use super::mac::MacKey;
use super::private_key::PrivateKey;
use super::scheme::{Hash, Jws, SecretFormat};
use crate::clock::UnixMillis;
use crate::secret::Secret;

/// How long a token is good that says when it ends, in seconds.
const GOOD_FOR_S: u64 = 300;

/// A token for a delivery of that body; nothing where the system has no randomness for it.
pub(super) fn issue(
    jws: &Jws,
    format: &SecretFormat,
    secret: &Secret,
    body: &[u8],
    now: UnixMillis,
) -> Result<Option<String>, KeyError> {
    let header = json!({ "alg": jws.algorithm.as_str(), "typ": "JWT" }).to_string();
    let claims = Value::Object(claims(jws, body, now)).to_string();
    let signed = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()));
    let signature = match jws.algorithm.public() {
        None => Some(MacKey::new(Hash::Sha256, format.key(secret)?.expose()).mac([signed.as_bytes()]).to_vec()),
        Some(algorithm) => PrivateKey::read_for_tokens(algorithm, format, secret)?.sign(signed.as_bytes()),
    };
    Ok(signature.map(|signature| format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))))
}

fn claims(jws: &Jws, body: &[u8], now: UnixMillis) -> Map<String, Value> {
    let seconds = now.0 / 1000;
    let mut claims = Map::new();
    let first = |texts: &[String]| texts.first().map(|text| Value::from(text.as_str()));
    claims.extend(jws.claims.equal.iter().filter_map(|(name, texts)| Some((name.clone(), first(texts)?))));
    claims.extend(first(&jws.claims.aud).map(|audience| ("aud".to_owned(), audience)));
    claims.extend(jws.claims.iat.map(|_| ("iat".to_owned(), seconds.into())));
    claims.extend(jws.claims.exp.then(|| ("exp".to_owned(), (seconds + GOOD_FOR_S).into())));
    claims.extend(jws.body_hash.as_ref().map(|hash| {
        let digest = hash.hash.digest([body]);
        (hash.claim.clone(), hash.encoding.encode(&digest).into())
    }));
    claims
}
