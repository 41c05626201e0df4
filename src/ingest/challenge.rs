//! A handshake of a source: when a request is one, what must prove it, and its answer.
//!
//! Each says by what it is proven: as the source itself, by a credential of its own, or not at all; that too passes the
//! gate. What is echoed is short, of few characters, never HTML, and sent with `nosniff`, so that nothing that a stranger
//! sends can become a script in somebody's browser.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::locate::{Expr, Request, Scope};
use crate::signature::scheme::{Allow, Block, Kind};
use crate::signature::{Demands, Gate, Replier};

use super::prepare::{SourceError, gate};
use super::reject::Reject;
use super::reply::Answer;
use super::source::{Condition, Handshake, HandshakeAuth, Purpose};
use super::template::{Filling, Template};

/// The longest value that is echoed, in bytes.
const ECHO_BYTES_MAX: usize = 1024;
/// Without a credential the body is looked at only up to so many bytes.
const UNPROVEN_BODY_BYTES_MAX: usize = 8 * 1024;

/// A handshake at work.
#[derive(Debug)]
pub struct Challenge {
    purpose: Purpose,
    methods: Vec<Method>,
    when: Vec<Condition>,
    auth: Auth,
    value: Option<Expr>,
    allow: Allow,
    replier: Option<Replier>,
    status: StatusCode,
    content_type: HeaderValue,
    is_json: bool,
    body: Template,
    headers: Vec<(HeaderName, Template)>,
}

/// What must hold before it is answered.
#[derive(Debug)]
enum Auth {
    /// The source's own proof.
    Same,
    /// A proof of its own.
    Own(Gate),
    /// Nothing: a gate that everybody passes.
    Open(Gate),
}

impl Challenge {
    /// Prepares a handshake of a source with these demands.
    pub(super) fn new(handshake: &Handshake, source: &Demands) -> Result<Self, Vec<SourceError>> {
        let auth = match &handshake.auth {
            HandshakeAuth::Same => Auth::Same,
            HandshakeAuth::None => {
                Auth::Open(gate(Demands { blocks: vec![Block::new(Kind::None)], ..Demands::default() })?)
            }
            HandshakeAuth::Own(demands) => Auth::Own(gate(demands.clone())?),
        };
        let replier = handshake.mac.as_ref().map(|mac| Replier::of(source, mac.hash, mac.encoding, &mac.format));
        let headers = handshake.reply.headers.iter();
        Ok(Self {
            purpose: handshake.purpose,
            methods: handshake.methods.clone(),
            when: handshake.when.clone(),
            auth,
            value: handshake.value.clone(),
            allow: handshake.allow,
            replier: replier.transpose().map_err(|why| vec![why.into()])?,
            status: handshake.reply.status,
            content_type: HeaderValue::from_str(&handshake.reply.content_type)
                .unwrap_or(HeaderValue::from_static("text/plain")),
            is_json: is_json(&handshake.reply.content_type),
            body: Template::parse(&handshake.reply.body),
            headers: headers.map(|(name, value)| (name.clone(), Template::parse(value))).collect(),
        })
    }

    /// What it is for.
    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether a request of that method can be this handshake.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The gate of its own that stands before it; none: the source's.
    pub(super) fn gate(&self) -> Option<&Gate> {
        match &self.auth {
            Auth::Same => None,
            Auth::Own(gate) | Auth::Open(gate) => Some(gate),
        }
    }

    /// Whether the request is this handshake, by its method and `when`.
    pub(super) fn fits(&self, request: &Request<'_>) -> bool {
        let proven = !matches!(self.auth, Auth::Open(_));
        let scope = Scope::of(*request);
        let holds = |condition: &Condition| match condition {
            Condition::Present(expr) => expr.find(&scope).is_some(),
            Condition::Absent(expr) => expr.find(&scope).is_none(),
            Condition::Equals(expr, text) => expr.find(&scope).is_some_and(|found| *found == *text.as_bytes()),
        };
        self.methods.iter().any(|method| method.as_str() == request.method)
            && (proven || request.body.len() <= UNPROVEN_BODY_BYTES_MAX)
            && self.when.iter().all(holds)
    }

    /// The answer to a request that fits and has been proven as this handshake demands, and the value that it is about.
    pub(super) fn answer(&self, request: &Request<'_>) -> Result<(Answer, String), Reject> {
        let scope = Scope::of(*request);
        let value = match &self.value {
            Some(expr) => expr.find(&scope).ok_or(Reject::Challenge)?,
            None => std::borrow::Cow::Borrowed(&[][..]),
        };
        let length = 1..=ECHO_BYTES_MAX;
        let allowed = length.contains(&value.len()) && self.allow.permits(&value);
        if self.value.is_some() && !allowed {
            return Err(Reject::Challenge);
        }
        let mac = match &self.replier {
            Some(replier) => replier.mac(self.allow, &value).ok_or(Reject::Challenge)?,
            None => String::new(),
        };
        let value = std::str::from_utf8(&value).map_err(|_| Reject::Challenge)?;
        let filling = Filling { value, mac: &mac, scope: &scope, allow: self.allow, json: self.is_json };
        let body = self.body.fill(&filling).ok_or(Reject::Challenge)?;
        let answer = Answer { status: self.status, headers: self.headers(&filling), body: Bytes::from(body) };
        Ok((answer, value.to_owned()))
    }

    /// A header whose value is missing is left out.
    fn headers(&self, filling: &Filling<'_>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        if !self.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, self.content_type.clone());
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, template) in &self.headers {
            let text = template.fill(&Filling { json: false, ..*filling });
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name.clone(), value);
            }
        }
        headers
    }
}

/// Also with parameters, and of the types that are JSON by their suffix.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}
