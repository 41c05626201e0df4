//! The keys of `auth` that are about tokens: what they have to claim, and who signs them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::decode::{Decode, OneOrMany, block};
use crate::config::problem::{At, Problems};
use crate::config::schema::{Definitions, text};
use crate::config::tree::{Node, Value};
use crate::locate::Expr;
use crate::signature::scheme::{self, Encoding, Hash, TokenAlgorithm};

block! {
    /// Where public keys for tokens are.
    KeySet {
        /// A file with a JWK set, or a public key in another form.
        file: Option<PathBuf>,
        /// An https URL of a JWK set. It is fetched at the start and again, every 5 min to 24 h as its answer says; until then requests are answered 503.
        jwks: Option<String>,
        /// The certificate authorities (PEM) that `jwks` is believed for. Default: those of the system.
        ca_file: Option<PathBuf>,
    }
}

block! {
    /// A claim that is a digest of the body.
    BodyHash {
        /// Its name.
        claim: String,
        /// Of which function.
        hash: Hash = "sha256",
        /// How it is written.
        encoding: Encoding = "hex",
    }
}

crate::config::decode::choice!(TokenAlgorithm, "algorithm" {
    "HS256" => Self::Hs256, "RS256" => Self::Rs256, "ES256" => Self::Es256, "EdDSA" => Self::EdDsa,
});

/// `token`: where it is. What is no expression may be the token itself, and is not shown.
#[derive(Debug, Clone)]
pub(crate) struct TokenAt(pub(crate) Expr);

impl Decode for TokenAt {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        if node.text().is_some_and(|text| Expr::parse(text).is_err()) {
            node.hide();
            problems.error(at, "a text that says no place", "where the token is, such as header:Authorization");
            return None;
        }
        Expr::decode(node, at, problems).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        Expr::schema(definitions)
    }
}

/// `claims`: those that have a meaning of their own, and others by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    pub(crate) claims: scheme::Claims,
    /// Those that a preset leaves to its user (`~`), who has to say them.
    pub(crate) open: Vec<At>,
}

impl Decode for Claims {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            problems.error(at, node.shown(), "a map from the names of claims");
            return None;
        }
        let Self { mut claims, mut open } = Self::default();
        for entry in node.entries() {
            let at = at.key(&entry.key).placed(&entry.node.place);
            match entry.key.as_str() {
                _ if entry.node.is_null() => open.push(at),
                "exp" => claims.exp = bool::decode(&entry.node, &at, problems)?,
                "iat" => claims.iat = Some(window(&entry.node, &at, problems)?),
                "nbf" => problems.error(&at, "`nbf`", "no such key: where a token has one, it is honoured"),
                "aud" => claims.aud = texts(&entry.node, &at, problems)?,
                name => claims.equal.push((name.to_owned(), texts(&entry.node, &at, problems)?)),
            }
        }
        Some(Self { claims, open })
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let others = OneOrMany::<String>::schema(definitions);
        json!({
            "type": "object",
            "properties": { "exp": bool::schema(definitions), "iat": Duration::schema(definitions), "nbf": { "not": {} } },
            "additionalProperties": { "anyOf": [others, bool::schema(definitions), text(), { "type": "null" }] },
        })
    }
}

fn window(node: &Node, at: &At, problems: &mut Problems) -> Option<Duration> {
    let tolerance = Duration::decode(node, at, problems)?;
    if tolerance.is_zero() {
        problems.error(at, "a tolerance of nothing", "some, such as 5m; no token could ever fit");
    }
    Some(tolerance)
}

fn texts(node: &Node, at: &At, problems: &mut Problems) -> Option<Vec<String>> {
    let OneOrMany(texts) = OneOrMany::<String>::decode(node, at, problems)?;
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        problems.error(at, "no text", "the text that the claim has to be, or a list of such texts");
    }
    Some(texts)
}
