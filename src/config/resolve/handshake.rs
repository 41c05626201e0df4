//! Handshakes of a source.

use crate::config::decode::Block as _;
use crate::config::file::handshake::{Condition, Handshake, HandshakeAuth, Kind};
use crate::config::file::source::Source;
use crate::config::problem::Problems;
use crate::config::resolve::auth;
use crate::config::resolve::hmac_reply;
use crate::config::resolve::proven::{Proven, demands};
use crate::config::resolve::reply::{content_type, headers};
use crate::config::resolve::secrets::Files;
use crate::config::resolve::source_keys;
use crate::ingest::source::{self as settled, Purpose, Reply};
use crate::signature::Gate;
use crate::signature::scheme::{self, Allow};

/// Resolves all of them.
pub(super) fn resolve(
    source: &Source,
    proven: &Proven,
    files: &mut Files,
    problems: &mut Problems,
) -> Vec<settled::Handshake> {
    let mut resolved = Vec::new();
    for handshake in &source.handshake.0 {
        let signs = *handshake.kind == Kind::HmacReply;
        let mac = if signs { hmac_reply::mac(handshake, proven, problems) } else { None };
        check(handshake, problems);
        check_condition(handshake, source, problems);
        resolved.push(settled::Handshake {
            purpose: match *handshake.kind {
                Kind::Learn => Purpose::Learn,
                Kind::Confirm => Purpose::Confirm,
                _ => Purpose::Answer,
            },
            methods: handshake.when.method.0.clone(),
            when: handshake.when.all.iter().filter_map(|condition| self::condition(condition, problems)).collect(),
            auth: own_proof(handshake, proven, files, problems),
            value: (*handshake.value).clone(),
            allow: allow(handshake),
            mac,
            reply: reply(handshake, problems),
        });
    }
    resolved
}

/// A URL or code that is told to the operator, and no stranger's browser, may be any text.
fn allow(handshake: &Handshake) -> Allow {
    if *handshake.kind == Kind::Confirm && !handshake.allow.given { Allow::Text } else { *handshake.allow }
}

fn check(handshake: &Handshake, problems: &mut Problems) {
    let kind = *handshake.kind;
    if handshake.value.is_none() && !handshake.value.given && kind != Kind::StatusOnly {
        problems.error(
            handshake.at(),
            "no `value`",
            "what is echoed, signed, learned or told, such as query:challenge",
        );
    }
    if kind != Kind::HmacReply {
        hmac_reply::refuse_keys(handshake, problems);
    }
    if handshake.when.method.0.is_empty() && handshake.when.method.sound {
        problems.error(&handshake.when.method.at, "an empty list", "at least one method");
    }
}

/// A handshake is never an event, so one that every delivery fits would lose them all.
fn check_condition(handshake: &Handshake, source: &Source, problems: &mut Problems) {
    let when = &handshake.when;
    let whole = when.sound && when.method.sound && when.all.sound && source.methods.sound;
    let also_delivers = |method| source.methods.0.contains(method);
    if let Some(method) =
        when.method.0.iter().find(|method| also_delivers(method)).filter(|_| whole && when.all.is_empty())
    {
        let at = if when.given { &when.at } else { handshake.at() };
        let found = format!("a handshake that every {method} is, and deliveries are {method} too");
        problems.error(at, found, "`when.all` that only the handshake fits, or another `when.method`");
    }
}

fn condition(condition: &Condition, problems: &mut Problems) -> Option<settled::Condition> {
    let compared = match condition {
        Condition::Present(expression) => return Some(settled::Condition::Present(expression.clone())),
        Condition::Compared(compared) => compared.as_ref(),
    };
    match ((*compared.from).clone(), (*compared.equals).clone(), (*compared.absent).clone()) {
        (Some(from), Some(equals), None) => Some(settled::Condition::Equals(from, equals)),
        (None, None, Some(absent)) => Some(settled::Condition::Absent(absent)),
        _ => {
            problems.error(compared.at(), "a condition", "{ from: e, equals: text } or { absent: e }");
            None
        }
    }
}

fn own_proof(
    handshake: &Handshake,
    proven: &Proven,
    files: &mut Files,
    problems: &mut Problems,
) -> settled::HandshakeAuth {
    let auth = match &*handshake.auth {
        HandshakeAuth::Same => return settled::HandshakeAuth::Same,
        HandshakeAuth::None => return settled::HandshakeAuth::None,
        HandshakeAuth::Own(auth) => auth,
    };
    let blocks = auth::blocks(auth, proven.path_has_secret, files, problems);
    let mut secrets = [].as_slice();
    if blocks.need_secrets() {
        secrets = &proven.secrets;
        let found = "no secret of the handshake's own";
        if !secrets.is_empty() {
            let expected = "one: without it the source's own secret is what has to be told there";
            problems.warn(&handshake.auth.at, found, expected);
        } else if !proven.blocks.need_secrets() {
            // Where the source needs one as well, that has been told.
            problems.error(&handshake.auth.at, found, "one: the source has none beside its `auth` either");
        }
    }
    if blocks.blocks.iter().any(|block| matches!(block.kind, scheme::Kind::None)) {
        // However it is written, it is nothing.
        return settled::HandshakeAuth::None;
    }
    let demands = demands(&blocks, secrets, proven.public_url.clone());
    // The source's own secrets have been looked at, but not whether they are any for these blocks.
    let looked_at = !secrets.is_empty() && Gate::new(demands.clone()).is_ok();
    if proven.check_keys && !looked_at && handshake.auth.sound {
        source_keys::check(&demands, &blocks, secrets, &handshake.auth.at, problems);
    }
    settled::HandshakeAuth::Own(demands)
}

fn reply(handshake: &Handshake, problems: &mut Problems) -> Reply {
    let answer = &handshake.reply;
    let by_default = match *handshake.kind {
        Kind::StatusOnly | Kind::Learn | Kind::Confirm => "",
        Kind::Echo | Kind::HmacReply => "{value}",
    };
    let content_type = content_type(&answer.content_type, problems);
    if content_type.to_ascii_lowercase().contains("xml") {
        let expected = "another one: a browser runs scripts in XML too, and a stranger may write what is echoed";
        problems.error(&answer.content_type.at, format!("`{content_type}`"), expected);
    }
    let reply = Reply {
        content_type,
        status: *answer.status,
        body: answer.body.clone().unwrap_or_else(|| by_default.to_owned()),
        headers: headers(&answer.headers, problems),
    };
    if *handshake.kind == Kind::HmacReply {
        hmac_reply::check_reply(&reply, &answer.at, problems);
    }
    reply
}
