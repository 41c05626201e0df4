//! Signed tokens: JWS in its compact form (RFC 7515), with claims inside (RFC 7519).
//!
//! Before its signature has held, a token is cut at its dots and its header is read, and no more; what it claims is read
//! after that. The algorithm is that of the configuration: a header can agree with it or be refused. No other part of a
//! header (`jwk`, `jku`, `x5c` …) has any say in how a token is checked, but for `kid`, which chooses among known keys.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error as ThisError;

use super::scheme::{Algorithm, Jws, TokenAlgorithm};
use crate::locate::{Scope, Value};

/// A token is at most this long, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a token that is there proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum TokenFault {
    /// Nobody knows which is meant.
    #[error("it comes twice")]
    Repeated,
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("it is longer than 8 KiB")]
    TooLong,
    /// Three parts in base64url without padding, with a dot between.
    #[error("it is no JWS in compact form")]
    NotCompact,
    /// No JSON object, or one that has a name twice or a `kid` that is no text.
    #[error("its header cannot be read")]
    Header,
    /// Another algorithm than that of the configuration; `none` among them.
    #[error("its `alg` is not the one that is configured")]
    Algorithm,
    /// It asks for something that has to be understood, and nothing is.
    #[error("its header has `crit`")]
    Critical,
    /// No JSON object, or one that has a name twice.
    #[error("its claims cannot be read")]
    Claims,
}

/// A token whose header has been read.
#[derive(Debug)]
pub(super) struct Token {
    /// Header and payload, as they are signed.
    signed: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    kid: Option<String>,
}

impl Jws {
    /// The token of a request; `None` where there is none.
    pub(super) fn find(&self, scope: &Scope<'_>) -> Result<Option<Token>, TokenFault> {
        if self.token.is_repeated(scope) {
            return Err(TokenFault::Repeated);
        }
        let value = self.token.find(scope);
        match value.as_ref().and_then(|value| self.after_prefix(value)).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) if text.len() > TOKEN_BYTES_MAX => Err(TokenFault::TooLong),
            Some(text) => Token::read(text, self.algorithm).map(Some),
        }
    }

    fn after_prefix<'v>(&self, value: &'v Value<'_>) -> Option<&'v [u8]> {
        if self.prefix.is_empty() {
            return Some(value);
        }
        self.prefix.iter().find_map(|prefix| value.strip_prefix(prefix.as_bytes()))
    }
}

impl Token {
    fn read(text: &[u8], algorithm: TokenAlgorithm) -> Result<Self, TokenFault> {
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenFault::NotCompact);
        };
        let decode = |part| BASE64URL_NOPAD.decode(part).map_err(|_| TokenFault::NotCompact);
        let (head, payload, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
        let members = Members::read(&head).ok_or(TokenFault::Header)?;
        if members.has("crit") {
            return Err(TokenFault::Critical);
        }
        if members.text("alg").as_deref() != Some(algorithm.as_str()) {
            return Err(TokenFault::Algorithm);
        }
        let kid = members.text("kid");
        if kid.is_none() && members.has("kid") {
            return Err(TokenFault::Header);
        }
        let signed = [header, claims].join(&b'.');
        Ok(Self { signed, payload, signature, kid })
    }

    /// What the signature is over.
    pub(super) fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The signature.
    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Which key it says that it is signed with.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it claims; nothing where that is no JSON object in which each name comes once.
    pub(super) fn claims(&self) -> Option<Members<'_>> {
        Members::read(&self.payload)
    }
}

impl TokenAlgorithm {
    /// The word of the configuration, and of the token's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The word of `hookgate-verified`.
    #[must_use]
    pub const fn verified(self) -> &'static str {
        match self {
            Self::Hs256 => "jws-hs256",
            Self::Rs256 => "jws-rs256",
            Self::Es256 => "jws-es256",
            Self::EdDsa => "jws-eddsa",
        }
    }

    /// The kind of its public keys; none where both sides have the same secret.
    #[must_use]
    pub const fn public(self) -> Option<Algorithm> {
        match self {
            Self::Hs256 => None,
            Self::Rs256 => Some(Algorithm::RsaSha256),
            Self::Es256 => Some(Algorithm::EcdsaP256),
            Self::EdDsa => Some(Algorithm::Ed25519),
        }
    }
}

/// The members of a JSON object in which each name comes once.
#[derive(Debug)]
pub(super) struct Members<'t>(BTreeMap<String, &'t RawValue>);

impl<'t> Members<'t> {
    pub(super) fn read(text: &'t [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value as it is written.
    pub(super) fn written(&self, name: &str) -> Option<&'t str> {
        self.0.get(name).map(|raw| raw.get())
    }

    /// The value, where it is a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.written(name)?).ok()
    }
}

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachOnce).map(Members)
    }
}

struct EachOnce;

impl<'de> Visitor<'de> for EachOnce {
    type Value = BTreeMap<String, &'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a name comes twice"));
            }
        }
        Ok(members)
    }
}
