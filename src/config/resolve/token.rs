//! The kind `jws`: a token, and the keys that it may be signed with.

use crate::config::decode::Block as _;
use crate::config::file::auth::Block;
use crate::config::file::token::KeySet;
use crate::config::problem::Problems;
use crate::config::resolve::secrets::{Files, Found};
use crate::secret::Secret;
use crate::signature::scheme::{BodyHash, Jws, Kind};

/// Resolves the kind; what is wrong with it is reported.
pub(super) fn kind(block: &Block, problems: &mut Problems) -> Option<Kind> {
    let algorithm = (*block.jws)?;
    let Some(token) = block.token.as_ref().map(|token| token.0.clone()) else {
        if !block.token.given {
            problems.error(block.at(), "no `token`", "where it is, such as header:Authorization");
        }
        return None;
    };
    let claims = block.claims.as_ref().map(|claims| claims.0.clone()).unwrap_or_default();
    let body_hash = block.body_hash.as_ref().map(|hash| BodyHash {
        claim: hash.claim.clone(),
        hash: *hash.hash,
        encoding: *hash.encoding,
    });
    // Who signs with a key that all may know signs for others too: their tokens are no proof here.
    if algorithm.public().is_some() && claims.aud.is_empty() && body_hash.is_none() && block.claims.sound {
        let expected = "`claims: { aud: … }`, whom it is for, or `body_hash`";
        problems.error(block.at(), "a token that was perhaps made for somebody else", expected);
    }
    Some(Kind::Jws(Box::new(Jws { algorithm, token, prefix: block.prefix.0.clone(), claims, body_hash })))
}

/// The keys in a file: a secret of the block like any other.
pub(super) fn keys(block: &Block, keys: &KeySet, files: &mut Files, problems: &mut Problems) -> Option<Found> {
    if block.jws.is_some_and(|algorithm| algorithm.public().is_none()) {
        problems.error(keys.at(), "`keys` beside HS256", "`secret` or `secret_file`: both sides have the same one");
        return None;
    }
    files.read.push(keys.file.clone());
    match Secret::from_file(&keys.file) {
        Ok(secret) => Some(Found { secret, at: keys.file.at.clone() }),
        Err(error) => {
            problems.error(&keys.file.at, error.to_string(), "a file with a JWK set or a public key");
            None
        }
    }
}
