//! A request of a fuzzer's making, and the gate that it stands before.

use hookgate::clock::UnixMillis;
use hookgate::locate::Request;
use hookgate::secret::Secret;
use hookgate::signature::scheme::Block;
use hookgate::signature::{Demands, Denial, Gate, Refusal, Step, Subject, Witness};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What all targets sign with.
pub(super) const SECRET: &str = "a secret of 32 bytes for the fuzz";

/// One header and a body.
#[derive(Debug, Clone)]
pub(super) struct Post {
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Post {
    /// Nothing where no header can hold the value.
    pub(super) fn new(name: &'static str, value: &[u8], body: &[u8]) -> Option<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?);
        Some(Self { headers, body: body.to_vec() })
    }
}

impl Subject for Post {
    fn request(&self) -> Request<'_> {
        let Self { headers, body } = self;
        Request { method: "POST", target: "/in", headers, body, path_secret: None, peer: None }
    }
}

/// What the gate says it found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) candidates: usize,
    pub(super) refused: Option<Refusal>,
}

impl Witness for Found {
    fn saw(&mut self, step: Step<'_>) {
        if let Step::Credential { candidates, refused, .. } = step {
            *self = Self { candidates, refused };
        }
    }
}

/// The gate of one block and one secret.
pub(super) fn gate(block: Block) -> Gate {
    Gate::new(Demands { blocks: vec![block], secrets: vec![Secret::new(SECRET)], ..Demands::default() })
        .expect("a good block")
}

/// The verdict, and what was found on the way.
pub(super) fn judge(gate: &Gate, post: Post) -> (Result<(), Denial>, Found) {
    let mut found = Found::default();
    let verdict = gate.check_with(post, UnixMillis(1_760_000_000_000), &mut found);
    (verdict.map(|_| ()).map_err(|denied| denied.reason), found)
}
