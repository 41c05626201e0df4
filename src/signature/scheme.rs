//! A way to authenticate, as data. The words are those of the configuration; README's reference describes each.
//!
//! A block is nothing but data: `gate` prepares its keys and tries it, `sign` is the sender's side of it.

use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;

use super::fetched::FetchedKeys;
use crate::locate::Expr;
use crate::secret::Secret;

/// One way to prove who sent a request: a block of `auth`. Of several (`any_of`) each may match, and all are evaluated.
#[derive(Debug, Clone)]
pub struct Block {
    /// What `only` calls it.
    pub name: Option<String>,
    /// What is compared with what.
    pub kind: Kind,
    /// The secrets that this block tries, each with its index in the source's list (or in the block's own).
    pub secrets: Vec<Secret>,
    /// How a secret becomes a key.
    pub secret_format: SecretFormat,
    /// Freshness.
    pub timestamp: Option<Timestamp>,
    /// A digest of the body that stands elsewhere in the request.
    pub body_digest: Option<BodyDigest>,
    /// Further conditions; all must hold.
    pub checks: Vec<Check>,
}

/// The kinds of `auth`.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `header`: the secret itself, after one of the prefixes where there are any.
    Header {
        /// The header.
        name: HeaderName,
        /// `prefix`, such as `Bearer `.
        prefix: Vec<String>,
    },
    /// `query`
    Query(String),
    /// `form`
    Form(String),
    /// `json`, an [`Expr::Json`], or `item`, an [`Expr::Item`] that must hold in every element.
    Json(Expr),
    /// `path`: the `{secret}` segment of the source's path.
    Path,
    /// `basic`: RFC 7617; the secret is `user:password`.
    Basic,
    /// `hmac` over the content.
    Hmac(Hash, Signed),
    /// `hash`: plain digest of the content, which names the secret among its parts.
    Hash(Hash, Signed),
    /// `public_key`: the "secret" is the public key (raw, SPKI DER or PEM).
    PublicKey(Algorithm, Signed),
    /// `jws`: a signed token.
    Jws(Box<Jws>),
    /// `none`: anyone.
    None,
}

/// Where signatures are and what they cover.
#[derive(Debug, Clone)]
pub struct Signed {
    /// `signature`: of a list, all that are present count.
    pub signature: Vec<Expr>,
    /// `separator`: cut the value here; each trimmed piece is a candidate.
    pub separator: Option<char>,
    /// `prefix`: a candidate begins with one of these, the rest is the value.
    pub prefix: Vec<String>,
    /// `after`: the value is what follows the last of these.
    pub after: Option<String>,
    /// `encoding` of the candidate.
    pub encoding: Encoding,
    /// `content`: alternatives, each a list of parts.
    pub contents: Vec<Vec<Part>>,
    /// `url_unescape`: whose percent-escapes in a URL are decoded first.
    pub url_unescape: String,
    /// `prehash: sha256`: the digest of the content is what is signed.
    pub prehash: bool,
}

/// A signed token (JWS, JWT) and what it has to say.
#[derive(Debug, Clone)]
pub struct Jws {
    /// With what it is signed; what the token itself says of that has to be the same.
    pub algorithm: TokenAlgorithm,
    /// `token`: where it is.
    pub token: Expr,
    /// `prefix`: what stands before it, one of these.
    pub prefix: Vec<String>,
    /// `claims`
    pub claims: Claims,
    /// `keys: { jwks: … }`: the keys are fetched; secrets are tried beside them.
    pub fetched: Option<FetchedKeys>,
    /// `body_hash`: without one the token covers no body.
    pub body_hash: Option<BodyHash>,
}

/// Algorithms of tokens by name (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum TokenAlgorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

/// What a token has to claim. `exp` and `nbf` are honoured wherever they are.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// One of these is the audience, or among them; empty: any.
    pub aud: Vec<String>,
    /// There has to be an `exp`.
    pub exp: bool,
    /// There has to be an `iat` that is so near to our clock, in either direction.
    pub iat: Option<Duration>,
    /// Other claims by name; each is one of these texts.
    pub equal: Vec<(String, Vec<String>)>,
}

/// A claim that is a digest of the body.
#[derive(Debug, Clone)]
pub struct BodyHash {
    /// Its name.
    pub claim: String,
    /// Of which function.
    pub hash: Hash,
    /// How it is written.
    pub encoding: Encoding,
}

/// A part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: What,
    /// Ended in `?`: may be missing, and is empty then. A missing part that may not be means "no match".
    pub optional: bool,
}

/// What a part of the signed content is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the configuration")]
pub enum What {
    Expr(Expr),
    Body,
    Method,
    Url,
    /// The port written out.
    UrlPort,
    /// The port left out.
    UrlNoPort,
    PathQuery,
    /// The form's pairs sorted by name; of one name each value once, sorted; name and value joined bare.
    FormSorted,
    /// The form as a JSON object of texts, in the form's order: `{"a": "1", "b": "\u00e9"}`.
    FormAsJson,
    Secret,
    /// CRC-32 (IEEE) of the body, decimal.
    BodyCrc32,
    HeaderList(HeaderList),
}

/// Headers that the request itself lists: a part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderList {
    /// `headers`: the list of their names.
    pub names: Expr,
    /// `separator`: cut the list here; each trimmed piece is a name.
    pub separator: char,
    /// `named`: each name in lower case before its value, with this between them; none: the values alone.
    pub named: Option<String>,
    /// `join`: between one header and the next.
    pub join: String,
    /// `must`: what has to be on the list.
    pub must: Vec<HeaderName>,
}

/// Hash functions by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// Public-key algorithms: RSA is PKCS #1 v1.5, ECDSA is DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Algorithm {
    Ed25519,
    EcdsaP256,
    RsaSha256,
}

/// How a candidate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

/// `secret_format`, applied in the order of the fields.
#[derive(Debug, Clone, Default)]
pub struct SecretFormat {
    /// A start that is cut where it is there.
    pub strip: Option<String>,
    /// A start without which a secret is not for this block; cut.
    pub require: Option<String>,
    /// How the text holds the bytes; none: it is the bytes.
    pub decode: Option<Encoding>,
    /// Unicode NFKD first.
    pub nfkd: bool,
    /// The key is this digest of it.
    pub digest: Option<Hash>,
}

/// When a request was made, and how old it may be.
#[derive(Debug, Clone)]
pub struct Timestamp {
    /// Where it is.
    pub from: Expr,
    /// How it is written.
    pub format: TimeFormat,
    /// How far behind our clock it may be.
    pub past: Duration,
    /// How far ahead of our clock it may be.
    pub future: Duration,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds, digits only.
    Unix,
    /// Milliseconds, digits only.
    UnixMs,
    /// With offset.
    Rfc3339,
    /// Without offset it is UTC.
    Iso8601,
}

/// A digest of the body elsewhere in the request.
#[derive(Debug, Clone)]
pub struct BodyDigest {
    /// Where it is.
    pub from: Expr,
    /// Of which function.
    pub hash: Hash,
    /// How it is written.
    pub encoding: Encoding,
}

/// A further condition.
#[derive(Debug, Clone)]
pub enum Check {
    /// `{ from: e, equals: text }`
    Equals(Expr, String),
    /// `{ absent: e }`
    Absent(Expr),
    /// A block of a kind `header` to `basic` with its own secret.
    Block(Box<Block>),
    /// `{ ip: [CIDR] }`
    Ip(Vec<IpNet>),
    /// `{ client_certificate: … }` as a trusted proxy hands it on.
    ClientCertificate {
        /// The header in which it stands.
        header: HeaderName,
        /// The subject wanted.
        subject: Option<String>,
        /// The fingerprint wanted, hex.
        sha256: Option<String>,
    },
}

/// What may stand in a value that a handshake echoes or signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// Letters, digits and `+ / = _ - .`
    Token,
    /// Hex digits.
    Hex,
    /// Anything.
    Text,
}

impl Block {
    /// A block of that kind with everything else at its default.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            name: None,
            kind,
            secrets: Vec::new(),
            secret_format: SecretFormat::default(),
            timestamp: None,
            body_digest: None,
            checks: Vec::new(),
        }
    }

    /// Whether every element of a batch has its own credential, time, digest or condition.
    pub(super) fn is_of_items(&self) -> bool {
        let credential = match &self.kind {
            Kind::Json(from) => from.is_of_item(),
            Kind::Jws(jws) => jws.token.is_of_item(),
            kind => kind.signed().is_some_and(|signed| signed.exprs().any(Expr::is_of_item)),
        };
        let time = self.timestamp.as_ref().is_some_and(|time| time.from.is_of_item());
        let digest = self.body_digest.as_ref().is_some_and(|digest| digest.from.is_of_item());
        credential || time || digest || self.checks.iter().any(Check::is_of_items)
    }
}

impl Check {
    fn is_of_items(&self) -> bool {
        match self {
            Self::Equals(from, _) | Self::Absent(from) => from.is_of_item(),
            Self::Block(block) => block.is_of_items(),
            Self::Ip(_) | Self::ClientCertificate { .. } => false,
        }
    }
}

impl Kind {
    /// The word of `hookgate-verified`.
    #[must_use]
    pub const fn verified(&self) -> &'static str {
        match self {
            Self::Header { .. } => "header",
            Self::Query(_) => "query",
            Self::Form(_) => "form",
            Self::Json(_) => "json",
            Self::Path => "path",
            Self::Basic => "basic",
            Self::Hmac(Hash::Md5, _) => "hmac-md5",
            Self::Hmac(Hash::Sha1, _) => "hmac-sha1",
            Self::Hmac(Hash::Sha256, _) => "hmac-sha256",
            Self::Hmac(Hash::Sha384, _) => "hmac-sha384",
            Self::Hmac(Hash::Sha512, _) => "hmac-sha512",
            Self::Hash(hash, _) => hash.as_str(),
            Self::PublicKey(algorithm, _) => algorithm.as_str(),
            Self::Jws(jws) => jws.algorithm.verified(),
            Self::None => "none",
        }
    }

    /// Where signatures are and what they cover, where the kind has them.
    #[must_use]
    pub const fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Hmac(_, signed) | Self::Hash(_, signed) | Self::PublicKey(_, signed) => Some(signed),
            _ => None,
        }
    }
}

impl Allow {
    /// Whether every byte is allowed; so is the empty text.
    #[must_use]
    pub fn permits(self, text: &[u8]) -> bool {
        match self {
            Self::Token => text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(byte)),
            Self::Hex => text.iter().all(u8::is_ascii_hexdigit),
            Self::Text => true,
        }
    }
}

impl Hash {
    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

impl Signed {
    /// All expressions that say where a signature or a part of the content is.
    pub(super) fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let parts = self.contents.iter().flatten().filter_map(|part| match &part.what {
            What::Expr(expr) => Some(expr),
            What::HeaderList(list) => Some(&list.names),
            _ => None,
        });
        self.signature.iter().chain(parts)
    }
}
