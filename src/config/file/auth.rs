//! The keys of `auth`: how a source proves itself.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;
use serde_json::{Value as Json, json};

use crate::config::decode::{Decode, OneOrMany, block};
use crate::config::file::locate::{Content, Text};
use crate::config::file::scalars::{Later, Prehash, Separator};
use crate::config::file::token::{BodyHash, Claims, KeySet, TokenAt};
use crate::config::problem::{At, Problems};
use crate::config::schema::{self, Definitions};
use crate::config::tree::{Node, Value};
use crate::locate::Expr;
use crate::secret::Secret;
use crate::signature::scheme::{Algorithm, Encoding, Hash, TimeFormat, TokenAlgorithm};

/// The keys of which an `auth` has exactly one; one that has any replaces a preset's whole.
pub(crate) const KINDS: [&str; 14] = [
    "header",
    "query",
    "form",
    "json",
    "item",
    "path",
    "basic",
    "hmac",
    "hash",
    "public_key",
    "jws",
    "x509",
    "any_of",
    "none",
];

/// The kinds that need nothing more, and may be written as one word.
const WORDS: [&str; 3] = ["none", "basic", "path"];

/// `auth`, in either form.
#[derive(Debug)]
pub(crate) struct Auth(pub(crate) Box<Block>);

impl Decode for Auth {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) if WORDS.contains(&scalar.text.as_str()) => {
                let entry = crate::config::tree::Entry {
                    key: scalar.text.clone(),
                    place: node.place.clone(),
                    node: Node { place: node.place.clone(), value: Value::Scalar(scalar_true(scalar)) },
                };
                let node = Node { place: node.place.clone(), value: Value::Map(vec![entry]) };
                Block::decode(&node, at, problems).map(|block| Self(Box::new(block)))
            }
            Value::Scalar(_) => {
                problems.error(at, node.shown(), "`none`, `basic`, `path`, or a map with one of the kinds");
                None
            }
            _ => Block::decode(node, at, problems).map(|block| Self(Box::new(block))),
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "anyOf": [Block::schema(definitions), schema::words(&WORDS)] })
    }
}

fn scalar_true(scalar: &crate::config::tree::Scalar) -> crate::config::tree::Scalar {
    crate::config::tree::Scalar { text: "true".into(), ..scalar.clone() }
}

block! {
    /// One way to authenticate. It has exactly one kind: header, query, form, json, item, path, basic, hmac, hash, `public_key`, jws, `any_of` or none.
    Block {
        /// What `only` calls this block.
        name: Option<String>,
        /// Kind: the secret itself is in this header.
        header: Option<HeaderName>,
        /// Kind: the secret itself is this query parameter.
        query: Option<String>,
        /// Kind: the secret itself is this form field.
        form: Option<String>,
        /// Kind: the secret itself is at this JSON pointer of the body.
        json: Option<String>,
        /// Kind: the secret itself is at this JSON pointer of every element of the batch.
        item: Option<String>,
        /// Kind: the secret is the {secret} segment of the source's path.
        path: Option<bool>,
        /// Kind: HTTP Basic; the secret is user:password.
        basic: Option<bool>,
        /// Kind: an HMAC with this hash function over `content`.
        hmac: Option<Hash>,
        /// Kind: a plain digest of `content`, which names `secret` among its parts.
        hash: Option<Hash>,
        /// Kind: a signature over `content`; the secret is the public key (raw, SPKI DER or PEM).
        public_key: Option<Algorithm>,
        /// Kind: a JWS or JWT in `token`, signed with this algorithm whatever the token says; the secret is the HMAC key or a public key (JWK set, JWK, SPKI DER or PEM).
        jws: Option<TokenAlgorithm>,
        /// Kind: a signature by a certificate. Comes in a later version.
        x509: Option<Later>,
        /// Kind: any of these blocks may match; all are evaluated.
        any_of: Option<Vec<Auth>>,
        /// Kind: anyone.
        none: Option<bool>,
        /// Where candidates for the signature are; of a list, all that are present count.
        signature: Option<Signatures>,
        /// The signature value is cut here; each trimmed piece is a candidate.
        separator: Option<Separator>,
        /// A candidate begins with this (or one of these), the rest is the value; others are passed over.
        prefix: OneOrMany<String>,
        /// The value is what follows the last of these.
        after: Option<String>,
        /// How a candidate is written. Default: hex.
        encoding: Option<Encoding>,
        /// What is signed: a list of parts, or a list of such lists, which are alternatives. Default: `[body]`.
        content: Option<Content>,
        /// The characters whose percent-escapes in a URL are decoded before it is signed.
        url_unescape: Option<String>,
        /// The content is hashed, and the digest is what is signed.
        prehash: Option<Prehash>,
        /// How a secret becomes the key.
        secret_format: Option<SecretFormat>,
        /// When the request was made, and how old it may be.
        timestamp: Option<Timestamp>,
        /// A digest of the body that stands elsewhere in the request, and is checked as well.
        body_digest: Option<BodyDigest>,
        /// Further conditions; all must hold. Beside `any_of` they are every block's.
        checks: Vec<Check>,
        /// A secret of this block alone.
        secret: Option<Secret>,
        /// Several secrets of this block alone.
        secrets: Option<Vec<Secret>>,
        /// A file with a secret of this block alone.
        secret_file: Option<PathBuf>,
        /// Several such files.
        secret_files: Option<Vec<PathBuf>>,
        /// Which blocks of `any_of` may match, by name.
        only: Option<Vec<String>>,
        /// Where the token of jws is; compact, at most 8 KiB.
        token: Option<TokenAt>,
        /// Where the public keys of jws are, where they are no secret of the source.
        keys: Option<KeySet>,
        /// What the token of jws has to say: `iss`, `aud`, `exp`, `iat`, and any other claim as the text (or one of the texts) that it has to be.
        claims: Option<Claims>,
        /// The claim of jws that is a digest of the body.
        body_hash: Option<BodyHash>,
        /// Of x509; comes in a later version.
        certificate: Option<Later>,
    }
}

block! {
    /// How a secret becomes the key; applied in the order of these keys.
    SecretFormat {
        /// A start that is cut where it is there.
        strip: Option<String>,
        /// A start without which a secret is not for this block; cut.
        require: Option<String>,
        /// How the text holds the bytes. Default: utf8.
        decode: Option<Decoding>,
        /// Unicode NFKD first.
        nfkd: bool = "false",
        /// The key is this digest of it.
        digest: Option<KeyDigest>,
    }
}

block! {
    /// When a request was made, and how old it may be.
    Timestamp {
        /// Where it is; of one that is laid over blocks of `any_of`, theirs.
        from: Option<Expr>,
        /// How it is written.
        format: TimeFormat = "unix",
        /// How far it may be from our clock, in either direction. Default: 5m.
        tolerance: Option<Duration>,
        /// How far behind our clock it may be.
        past: Option<Duration>,
        /// How far ahead of our clock it may be.
        future: Option<Duration>,
    }
}

block! {
    /// A digest of the body elsewhere in the request.
    BodyDigest {
        /// Where it is.
        from: Expr,
        /// Of which function.
        hash: Hash = "sha256",
        /// How it is written.
        encoding: Encoding = "hex",
    }
}

block! {
    /// A further condition: from and equals, absent, ip, `client_certificate`, or a block of a kind header to basic with its own secret.
    Check {
        /// A value that must be there …
        from: Option<Expr>,
        /// … and must be this text.
        equals: Option<String>,
        /// A value that must not be there.
        absent: Option<Expr>,
        /// Networks that the sender must be in.
        ip: OneOrMany<IpNet>,
        /// A client certificate as a trusted proxy hands it on.
        client_certificate: Option<ClientCertificate>,
        /// A secret in this header.
        header: Option<HeaderName>,
        /// A secret in this query parameter.
        query: Option<String>,
        /// A secret in this form field.
        form: Option<String>,
        /// A secret at this JSON pointer of the body.
        json: Option<String>,
        /// A secret at this JSON pointer of every element.
        item: Option<String>,
        /// A secret in the path.
        path: Option<bool>,
        /// HTTP Basic.
        basic: Option<bool>,
        /// What stands before the secret in its header.
        prefix: OneOrMany<String>,
        /// The secret of this check.
        secret: Option<Secret>,
        /// Several secrets of this check.
        secrets: Option<Vec<Secret>>,
        /// A file with the secret of this check.
        secret_file: Option<PathBuf>,
        /// Several such files.
        secret_files: Option<Vec<PathBuf>>,
    }
}

block! {
    /// A client certificate, as a trusted proxy hands it on.
    ClientCertificate {
        /// The header in which the proxy says it: `x-forwarded-client-cert` in Envoy's form, any other with the bare value.
        header: HeaderName,
        /// The subject that it must have.
        subject: Option<Text>,
        /// The SHA-256 fingerprint that it must have, hex.
        sha256: Option<Text>,
    }
}

/// Where signatures are: an expression, or a list of them that all count (no composite).
#[derive(Debug, Clone)]
pub(crate) struct Signatures(pub(crate) Vec<Expr>);

impl Decode for Signatures {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        OneOrMany::<Expr>::decode(node, at, problems).map(|OneOrMany(expressions)| Self(expressions))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        OneOrMany::<Expr>::schema(definitions)
    }
}

/// `secret_format.decode`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoding(pub(crate) Option<Encoding>);

/// `secret_format.digest`
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyDigest(pub(crate) Hash);

crate::config::decode::choice!(Decoding, "encoding" {
    "utf8" => Self(None), "hex" => Self(Some(Encoding::Hex)), "base64" => Self(Some(Encoding::Base64)),
    "base64url" => Self(Some(Encoding::Base64Url)),
});
crate::config::decode::choice!(KeyDigest, "hash function" { "sha1" => Self(Hash::Sha1), "sha256" => Self(Hash::Sha256) });
