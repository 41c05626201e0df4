//! What a handshake of the kind `hmac_reply` signs with.

use crate::config::decode::Block as _;
use crate::config::file::handshake::Handshake;
use crate::config::problem::{At, Problems};
use crate::config::resolve::proof;
use crate::config::resolve::proven::{Proven, demands};
use crate::ingest::source::{HandshakeMac, Reply};
use crate::signature::scheme::{self, Allow, Encoding};
use crate::signature::{Replier, ReplyError};

/// How it signs. What is not said here is as in the source's first HMAC, and so is the secret.
pub(super) fn mac(handshake: &Handshake, proven: &Proven, problems: &mut Problems) -> Option<HandshakeMac> {
    if *handshake.allow == Allow::Text {
        problems.error(
            &handshake.allow.at,
            "`text`",
            "`token` or `hex`: whatever is signed for a stranger must never pass for a delivery",
        );
    }
    let of_source = proven.blocks.blocks.iter().find_map(|block| match &block.kind {
        scheme::Kind::Hmac(hash, signed) => Some((*hash, signed.encoding, block.secret_format.clone())),
        _ => None,
    });
    let Some(hash) = handshake.hmac.or(of_source.as_ref().map(|(hash, ..)| *hash)) else {
        problems.error(
            handshake.at(),
            "no `hmac`, and none in the source's `auth`",
            "the hash function of the answer's HMAC",
        );
        return None;
    };
    let encoding = handshake.encoding.or(of_source.as_ref().map(|(_, encoding, _)| *encoding)).unwrap_or(Encoding::Hex);
    let own = handshake.secret_format.as_ref().map(proof::secret_format);
    let format = own.or(of_source.map(|(.., format)| format)).unwrap_or_default();
    let mac = HandshakeMac { hash, encoding, format };
    check_key(handshake, &mac, proven, problems);
    Some(mac)
}

/// Makes the key for what can be wrong with it, and lets it go.
fn check_key(handshake: &Handshake, mac: &HandshakeMac, proven: &Proven, problems: &mut Problems) {
    let told = proven.blocks.need_secrets() && proven.secrets.is_empty();
    if !proven.check_keys || told {
        return;
    }
    let source = demands(&proven.blocks, &proven.secrets, None);
    let at = if handshake.secret_format.given { &handshake.secret_format.at } else { handshake.at() };
    match Replier::of(&source, mac.hash, mac.encoding, &mac.format) {
        Ok(_) => {}
        Err(ReplyError::NoSecret) => {
            problems.error(handshake.at(), "no secret to sign with", "the source's own, in its `auth` or beside it");
        }
        Err(ReplyError::Key(why)) => {
            problems.error(at, "no secret of the source that can sign", format!("another: {why}"));
        }
    }
}

/// Refuses what other kinds have no use for.
pub(super) fn refuse_keys(handshake: &Handshake, problems: &mut Problems) {
    for (given, at) in [
        (handshake.hmac.given, &handshake.hmac.at),
        (handshake.encoding.given, &handshake.encoding.at),
        (handshake.secret_format.given, &handshake.secret_format.at),
    ] {
        if given {
            problems.error(at, "a key of `hmac_reply`", "`kind: hmac_reply`, or not this key");
        }
    }
}

/// The answer is to say the MAC.
pub(super) fn check_reply(reply: &Reply, at: &At, problems: &mut Problems) {
    let says = |text: &str| reply.body.contains(text) || reply.headers.iter().any(|(_, value)| value.contains(text));
    if !says("{mac}") {
        problems.error(at, "an answer without `{mac}`", "it in `body` or one of `headers`");
    }
}
