//! The keys of `handshake`: requests that are answered and are no event.

use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::config::decode::{Decode, Named, OneOrMany, block};
use crate::config::file::auth::{Auth, SecretFormat};
use crate::config::file::locate::is_expression_map;
use crate::config::problem::{At, Problems};
use crate::config::schema::{self, Definitions};
use crate::config::tree::Node;
use crate::locate::Expr;
use crate::signature::scheme::{Allow, Encoding, Hash};

block! {
    /// A request that is answered and is no event.
    Handshake {
        /// What is done: `value` is echoed, from query, JSON or header; a MAC of it is; a status alone is sent; `value` becomes a secret while `hookgate learn` waits for it; `value`, a URL or code, is told to the operator. Required.
        kind: Kind,
        /// When a request is this handshake; else it is an ordinary delivery.
        when: When = "{}",
        /// What must hold before it is answered: the source's own proof, nothing, or a block of its own.
        auth: HandshakeAuth = "same",
        /// What is echoed, signed, learned or told.
        value: Option<Expr>,
        /// What may stand in the value. Default of `confirm_out_of_band`: text.
        allow: Allow = "token",
        /// Hash function of `hmac_reply`; the source's otherwise.
        hmac: Option<Hash>,
        /// How the MAC of `hmac_reply` is written; the source's otherwise.
        encoding: Option<Encoding>,
        /// How the secret becomes the key of `hmac_reply`; the source's otherwise.
        secret_format: Option<SecretFormat>,
        /// The answer.
        reply: Answer = "{}",
    }
}

block! {
    /// When a request is a handshake.
    When {
        /// Its methods.
        method: OneOrMany<Method> = "[POST]",
        /// Conditions; all must hold. A bare expression: it is present.
        all: Vec<Condition>,
    }
}

block! {
    /// The answer to a handshake. `{value}`, `{mac}` and expressions in braces are put in.
    Answer {
        /// Its status.
        status: StatusCode = "200",
        /// Its content type.
        content_type: String = "text/plain",
        /// Its body.
        body: Option<String>,
        /// Its headers; one whose value is missing is left out.
        headers: Named<String>,
    }
}

block! {
    /// A condition on a value.
    Comparison {
        /// A value that must be there …
        from: Option<Expr>,
        /// … and must be this text.
        equals: Option<String>,
        /// A value that must not be there.
        absent: Option<Expr>,
    }
}

/// The kinds of handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    HmacReply,
    StatusOnly,
    Learn,
    Confirm,
}

crate::config::decode::choice!(Kind, "kind" {
    "echo_query" => Self::Echo, "echo_json" => Self::Echo, "echo_header" => Self::Echo, "hmac_reply" => Self::HmacReply,
    "status_only" => Self::StatusOnly, "learn_secret" => Self::Learn, "confirm_out_of_band" => Self::Confirm,
});

/// `handshake.auth`
#[derive(Debug)]
pub(crate) enum HandshakeAuth {
    Same,
    None,
    Own(Auth),
}

impl Decode for HandshakeAuth {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match node.text() {
            Some("same") => Some(Self::Same),
            Some("none") => Some(Self::None),
            _ => Auth::decode(node, at, problems).map(Self::Own),
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "anyOf": [schema::words(&["same"]), Auth::schema(definitions)] })
    }
}

/// One condition of `when.all`.
#[derive(Debug)]
pub(crate) enum Condition {
    Present(Expr),
    Compared(Box<Comparison>),
}

impl Decode for Condition {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        let compared = !node.entries().is_empty() && !is_expression_map(node);
        if compared {
            Comparison::decode(node, at, problems).map(|compared| Self::Compared(Box::new(compared)))
        } else {
            Expr::decode(node, at, problems).map(Self::Present)
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "anyOf": [Expr::schema(definitions), Comparison::schema(definitions)] })
    }
}
