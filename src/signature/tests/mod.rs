//! The gate on whole requests: published vectors, the standard suites, and what goes wrong elsewhere.

mod bad_input;
mod gate;
mod keys;
mod signing;
mod suites;
mod tokens;
mod vectors;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::scheme::{Algorithm, Block, Encoding, Hash, Kind, Part, Signed, TimeFormat, Timestamp};
use super::{Demands, Denial, Gate, Proof, Subject};
use crate::clock::UnixMillis;
use crate::locate::{Expr, Request};
use crate::secret::Secret;

/// A request that owns its bytes.
#[derive(Debug, Clone)]
struct Post {
    method: String,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
    path_secret: Option<String>,
    peer: Option<std::net::IpAddr>,
}

impl Subject for Post {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            body: &self.body,
            path_secret: self.path_secret.as_deref(),
            peer: self.peer,
        }
    }
}

fn post(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Post {
    let bytes: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    post_bytes(&bytes, body)
}

fn post_bytes(headers: &[(&str, &[u8])], body: impl AsRef<[u8]>) -> Post {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_bytes(value).expect("a value"));
    }
    let body = body.as_ref().to_vec();
    Post { method: "POST".into(), target: "/in".into(), headers: map, body, path_secret: None, peer: None }
}

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect(text)
}

fn content(parts: &[&str]) -> Vec<Part> {
    parts.iter().map(|text| Part::parse(text).expect(text)).collect()
}

/// A signature over the body, hex, in one header.
fn signed(signature: &str) -> Signed {
    Signed {
        signature: vec![expr(signature)],
        separator: None,
        prefix: Vec::new(),
        after: None,
        encoding: Encoding::Hex,
        contents: vec![content(&["body"])],
        url_unescape: String::new(),
        prehash: false,
    }
}

fn prefixed(signature: &str, prefix: &str) -> Signed {
    Signed { prefix: vec![prefix.to_owned()], ..signed(signature) }
}

fn hmac(signed: Signed) -> Block {
    Block::new(Kind::Hmac(Hash::Sha256, signed))
}

fn ed25519(signed: Signed) -> Block {
    Block::new(Kind::PublicKey(Algorithm::Ed25519, signed))
}

fn header(name: &'static str) -> Block {
    Block::new(Kind::Header { name: HeaderName::from_static(name), prefix: Vec::new() })
}

/// The block, for requests that are at most so many seconds old or early.
fn timed(block: Block, from: &str, format: TimeFormat, seconds: u64) -> Block {
    let tolerance = Duration::from_secs(seconds);
    Block { timestamp: Some(Timestamp { from: expr(from), format, past: tolerance, future: tolerance }), ..block }
}

fn demands(blocks: Vec<Block>, secrets: &[&str]) -> Demands {
    let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Demands { blocks, secrets, ..Demands::default() }
}

fn gate(blocks: Vec<Block>, secrets: &[&str]) -> Gate {
    Gate::new(demands(blocks, secrets)).expect("a gate")
}

const NOW: UnixMillis = UnixMillis(1_760_000_000_000);

fn verdict_at(gate: &Gate, post: Post, now: UnixMillis) -> Result<Proof, Denial> {
    gate.check(post, now).map(|authentic| authentic.into_parts().1).map_err(|denied| denied.reason)
}

fn verdict(gate: &Gate, post: Post) -> Result<Proof, Denial> {
    verdict_at(gate, post, NOW)
}

/// Which secret fitted.
fn opened(gate: &Gate, post: Post) -> Result<Option<usize>, Denial> {
    verdict(gate, post).map(|proof| proof.secret)
}

/// What a sender would compute.
fn mac(hash: Hash, key: &[u8], content: impl AsRef<[u8]>) -> Vec<u8> {
    super::mac::MacKey::new(hash, key).mac([content.as_ref()]).to_vec()
}

fn hex_mac(key: &str, content: impl AsRef<[u8]>) -> String {
    Encoding::Hex.encode(&mac(Hash::Sha256, key.as_bytes(), content))
}
