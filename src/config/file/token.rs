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
        file: PathBuf,
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
#[derive(Debug, Clone)]
pub(crate) struct Claims(pub(crate) scheme::Claims);

impl Decode for Claims {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            problems.error(at, node.shown(), "a map from the names of claims");
            return None;
        }
        let mut claims = scheme::Claims::default();
        for entry in node.entries().iter().filter(|entry| !entry.node.is_null()) {
            let at = at.key(&entry.key).placed(&entry.node.place);
            match entry.key.as_str() {
                "exp" => claims.exp = bool::decode(&entry.node, &at, problems)?,
                "iat" => claims.iat = Some(window(&entry.node, &at, problems)?),
                "nbf" => problems.error(&at, "`nbf`", "no such key: where a token has one, it is honoured"),
                "aud" => claims.aud = texts(&entry.node, &at, problems)?,
                name => claims.equal.push((name.to_owned(), texts(&entry.node, &at, problems)?)),
            }
        }
        Some(Self(claims))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let others = OneOrMany::<String>::schema(definitions);
        json!({
            "type": "object",
            "properties": { "exp": bool::schema(definitions), "iat": Duration::schema(definitions), "nbf": { "not": {} } },
            "additionalProperties": { "anyOf": [others, bool::schema(definitions), text()] },
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
