//! A source as the configuration resolves it.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use crate::locate::{Batch, Expr};
use crate::name::{SourceName, TopicName};
use crate::signature::Demands;
use crate::signature::scheme::{Allow, Encoding, Hash, SecretFormat};
use crate::spool::Ack;
use crate::throttle::SourceLimits;
use crate::units::ByteSize;

/// `limits.body` where nothing is said, and of a source that is unknown.
pub const BODY_MAX_DEFAULT: ByteSize = ByteSize::mib(1);

/// A source as the configuration resolves it: no default is open any more.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// `enabled: false`: answers as if it were unknown.
    pub enabled: bool,
    /// `path`, with `{secret}` as a whole segment where the credential is there.
    pub path: String,
    /// `ce_source`: `public_url` and the path as configured, or the path alone.
    pub ce_source: String,
    /// `methods`
    pub methods: Vec<Method>,
    /// `limits`
    pub limits: SourceLimits,
    /// `auth` and the secrets.
    pub demands: Demands,
    /// `handshake`; the first whose `when` holds.
    pub handshakes: Vec<Handshake>,
    /// Where secrets are kept that a `learn_secret` handshake brings.
    pub learned: Learned,
    /// What an event is.
    pub identify: Identify,
    /// When it is safe.
    pub terms: Terms,
    /// `dedupe.window`; none: `dedupe: off`.
    pub dedupe_window: Option<Duration>,
    /// `topic`
    pub topic: TopicName,
    /// `reply.accepted`
    pub accepted: Reply,
    /// `reply.malformed.status`
    pub malformed: StatusCode,
}

/// How events are found and named in an authentic delivery.
#[derive(Debug, Clone)]
pub struct Identify {
    /// `batch`
    pub batch: Option<Batch>,
    /// `id`
    pub id: Expr,
    /// `dedupe.also`
    pub also: Option<Expr>,
    /// `type`; none: `event`.
    pub kind: Option<Expr>,
    /// `key`
    pub key: Option<Expr>,
    /// `payload`
    pub payload: Payload,
    /// `headers`: carried to the record as `http-<name>`.
    pub headers: Vec<HeaderName>,
    /// The query parameter that holds the credential: cut out of a query that becomes a value.
    pub credential_parameters: Vec<String>,
    /// `on_malformed: reject`
    pub reject_malformed: bool,
}

/// What the record's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// By method: the query for GET, else the body.
    ByMethod,
    /// `body`
    Body,
    /// `query`
    Query,
    /// `headers`: value is the body as it came, the content hash covers the listed headers too.
    Headers,
}

/// When an event of this source is safe, and what to do when it is not.
#[derive(Debug, Clone)]
pub struct Terms {
    /// `ack`
    pub ack: Ack,
    /// `deadline`, from when the body has been read.
    pub deadline: Duration,
    /// `on_broker_unavailable: spool`
    pub spool_when_unavailable: bool,
    /// `retries`
    pub retries: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// `status`
    pub status: StatusCode,
    /// `content_type`; empty: none.
    pub content_type: String,
    /// `body`
    pub body: String,
    /// `headers`
    pub headers: Vec<(HeaderName, String)>,
}

/// A handshake: a request that is answered and is no event.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// `kind`, as far as it is more than an answer.
    pub purpose: Purpose,
    /// `when.method`
    pub methods: Vec<Method>,
    /// `when.all`
    pub when: Vec<Condition>,
    /// `auth`
    pub auth: HandshakeAuth,
    /// `value`; absent for `status_only`.
    pub value: Option<Expr>,
    /// `allow`
    pub allow: Allow,
    /// `hmac`, `encoding`, `secret_format` of `hmac_reply`.
    pub mac: Option<HandshakeMac>,
    /// `reply`; `{value}`, `{mac}` and expressions in braces are put in.
    pub reply: Reply,
}

/// Where secrets are kept that a `learn_secret` handshake brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// Here, in `spool.dir`.
    In(PathBuf),
    /// There is no directory: nothing is learned.
    Nowhere,
    /// Nothing is kept, and it is judged as if a window were open.
    OnTrial,
}

/// What a handshake does beside its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing.
    Answer,
    /// `learn_secret`: the value becomes a secret of the source.
    Learn,
    /// `confirm_out_of_band`: the operator is told the value.
    Confirm,
}

/// One condition of `when.all`.
#[derive(Debug, Clone)]
pub enum Condition {
    /// A bare expression.
    Present(Expr),
    /// `{ from: e, equals: text }`
    Equals(Expr, String),
    /// `{ absent: e }`
    Absent(Expr),
}

/// What must hold before a handshake is answered.
#[derive(Debug, Clone)]
pub enum HandshakeAuth {
    /// The source's own proof.
    Same,
    /// Nothing.
    None,
    /// A block with its own secret.
    Own(Demands),
}

impl Handshake {
    /// What it asks for that the source's deliveries are not asked for.
    #[must_use]
    pub const fn own_demands(&self) -> Option<&Demands> {
        match &self.auth {
            HandshakeAuth::Own(demands) => Some(demands),
            HandshakeAuth::Same | HandshakeAuth::None => None,
        }
    }
}

/// How `hmac_reply` signs.
#[derive(Debug, Clone)]
pub struct HandshakeMac {
    /// The function.
    pub hash: Hash,
    /// How the MAC is written.
    pub encoding: Encoding,
    /// How the secret becomes the key.
    pub format: SecretFormat,
}
