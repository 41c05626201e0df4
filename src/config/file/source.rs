//! The keys of a source, and of a preset, which is the same block in a file of ours.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use crate::config::decode::{Decode, Named, OneOrMany, Placed, block};
use crate::config::file::auth::Auth;
use crate::config::file::handshake::Handshake;
use crate::config::file::scalars::{OnBrokerUnavailable, OnMalformed};
use crate::config::problem::{At, Problems};
use crate::config::schema::{self, Definitions};
use crate::config::tree::Node;
use crate::ingest::source::Payload;
use crate::locate::{Batch, Expr};
use crate::secret::Secret;
use crate::spool::Ack;
use crate::units::{ByteSize, Rate};

block! {
    /// A source: somebody who sends webhooks.
    Source {
        /// A preset that these keys lie over; `hookgate presets list` shows them.
        preset: Option<String>,
        /// Where it is served, instead of `/in/<name>`; `{secret}` as a whole segment where the credential is there.
        path: Option<String>,
        /// How it proves itself.
        auth: Option<Auth>,
        /// The secret.
        secret: Option<Secret>,
        /// Several secrets; each is tried, so that they can be changed without a gap.
        secrets: Option<Vec<Secret>>,
        /// A file with the secret; one newline at its end is not part of it.
        secret_file: Option<PathBuf>,
        /// Several such files.
        secret_files: Option<Vec<PathBuf>>,
        /// Idempotency key: copies with the same one are one event. Default: the content hash.
        id: Expr = "hash",
        /// Type of the event.
        kind ("type"): Option<Expr>,
        /// Key of the Kafka record.
        key: Option<Expr>,
        /// Topic of this source; `{source}` is its name. Default: kafka.topic.
        topic: Option<String>,
        /// Request headers carried to the record.
        headers: Vec<Placed<HeaderName>>,
        /// The array whose elements are the events.
        batch: Option<Batch>,
        /// Methods of a delivery.
        methods: OneOrMany<Method> = "[POST]",
        /// What becomes the record's value. Default: the query for GET, else the body.
        payload: Option<Payload>,
        /// Whether this sender tries again when it is refused.
        retries: bool = "true",
        /// How duplicates are known, or `off`.
        dedupe: SourceDedupe = "{}",
        /// When a 200 is sent. Default: the gateway's.
        ack: Option<Ack>,
        /// From when the body has been read to the answer.
        deadline: Duration = "2s",
        /// How much is taken at once.
        limits: Limits = "{}",
        /// An authentic delivery that lacks what the source describes: keep it, or refuse it with 422.
        on_malformed: OnMalformed = "accept",
        /// While Kafka is away and the disk is second custody: keep it there, or refuse it. Default: spool for a sender that does not try again, else reject.
        on_broker_unavailable: Option<OnBrokerUnavailable>,
        /// false: answers as if there were no such source.
        enabled: bool = "true",
        /// Where this source is registered under another name; the gateway's `public_url` otherwise.
        public_url: Option<String>,
        /// What senders are told.
        reply: Replies = "{}",
        /// Requests that are answered and are no event; of a list the first whose `when` holds.
        handshake: OneOrMany<Handshake>,
    }
}

block! {
    /// Where a recipe comes from; of presets only.
    About {
        /// The provider's own name.
        name: String,
        /// Where the recipe is documented.
        docs: String,
        /// What to fill in as the secret, and where the provider shows it.
        secret: String,
        /// What has not been checked against a live account.
        unverified: Vec<String>,
    }
}

block! {
    /// How much of a source is taken at once.
    Limits {
        /// The largest body.
        body: ByteSize = "1MiB",
        /// Authentic deliveries; above it 429. Absent: no limit.
        rate: Option<Rate>,
        /// Authentic deliveries at once.
        in_flight: usize = "1024",
    }
}

block! {
    /// What senders are told.
    Replies {
        /// Of a delivery that was accepted.
        accepted: Accepted = "{}",
        /// Of an authentic one that was refused as malformed.
        malformed: Malformed = "{}",
    }
}

block! {
    /// The answer to an accepted delivery.
    Accepted {
        /// Its status.
        status: StatusCode = "200",
        /// Its content type; empty: none.
        content_type: String = "application/json",
        /// Its body.
        body: String = "'{\"status\":\"accepted\"}'",
        /// Further headers.
        headers: Named<String>,
    }
}

block! {
    /// The answer to a malformed delivery.
    Malformed {
        /// Its status.
        status: StatusCode = "422",
    }
}

/// `dedupe` of a source.
#[derive(Debug)]
pub(crate) enum SourceDedupe {
    Off,
    On(Box<Remember>),
}

block! {
    /// How this source's duplicates are known.
    Remember {
        /// How long its keys are remembered. Default: the gateway's.
        window: Option<Duration>,
        /// A second key, reserved and settled with the first; either known means duplicate.
        also: Option<Expr>,
    }
}

impl Decode for SourceDedupe {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match node.text() {
            Some("off") => Some(Self::Off),
            Some(_) => {
                problems.error(at, node.shown(), "`off`, or a map with some of `window`, `also`");
                None
            }
            None => Remember::decode(node, at, problems).map(|remember| Self::On(Box::new(remember))),
        }
    }

    fn schema(definitions: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [Remember::schema(definitions), schema::words(&["off"])] })
    }
}
