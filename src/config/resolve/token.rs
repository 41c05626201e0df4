//! The kind `jws`: a token, and the keys that it may be signed with.

use std::path::Path;

use crate::config::decode::Block as _;
use crate::config::file::auth::Block;
use crate::config::file::token::{Claims, KeySet};
use crate::config::problem::Problems;
use crate::config::resolve::secrets::{Files, Found};
use crate::fetch::{Url, certificates};
use crate::secret::Secret;
use crate::signature::FetchedKeys;
use crate::signature::scheme::{BodyHash, Jws, Kind, TokenAlgorithm};

/// Resolves the kind; what is wrong with it is reported.
pub(super) fn kind(block: &Block, files: &mut Files, problems: &mut Problems) -> Option<Kind> {
    let algorithm = (*block.jws)?;
    let Some(token) = block.token.as_ref().map(|token| token.0.clone()) else {
        if !block.token.given {
            problems.error(block.at(), "no `token`", "where it is, such as header:Authorization");
        }
        return None;
    };
    let Claims { claims, open } = block.claims.clone().unwrap_or_default();
    for at in open.iter().filter(|_| !files.on_trial) {
        problems.error(at, "a claim that is left open", "the text that it has to be");
    }
    let body_hash = block.body_hash.as_ref().map(|hash| BodyHash {
        claim: hash.claim.clone(),
        hash: *hash.hash,
        encoding: *hash.encoding,
    });
    // Who signs with a key that all may know signs for others too: their tokens are no proof here.
    if algorithm.public().is_some()
        && claims.aud.is_empty()
        && body_hash.is_none()
        && open.is_empty()
        && block.claims.sound
    {
        let expected = "`claims: { aud: … }`, whom it is for, or `body_hash`";
        problems.error(block.at(), "a token that was perhaps made for somebody else", expected);
    }
    let fetched = match &*block.keys {
        Some(keys) if keys.jwks.given => Some(fetched(keys, algorithm, files, problems)?),
        _ => None,
    };
    let prefix = block.prefix.0.clone();
    Some(Kind::Jws(Box::new(Jws { algorithm, token, prefix, claims, fetched, body_hash })))
}

/// Keys from a URL.
fn fetched(
    keys: &KeySet,
    algorithm: TokenAlgorithm,
    files: &mut Files,
    problems: &mut Problems,
) -> Option<FetchedKeys> {
    let url = keys.jwks.as_ref()?;
    if let Err(error) = url.parse::<Url>() {
        problems.error(&keys.jwks.at, "another URL", error.to_string());
        return None;
    }
    let roots = match &*keys.ca_file {
        None => None,
        Some(path) => Some(authorities(keys, path, files, problems)?),
    };
    Some(FetchedKeys::for_tokens(url.clone(), roots, algorithm))
}

fn authorities(keys: &KeySet, path: &Path, files: &mut Files, problems: &mut Problems) -> Option<Vec<u8>> {
    files.read.push(path.to_owned());
    let mut refuse = |why: String| problems.error(&keys.ca_file.at, why, "a file with certificates in PEM");
    let pem = Secret::from_file(path).map_err(|error| refuse(error.to_string())).ok()?;
    certificates(pem.expose()).map_err(|error| refuse(format!("{}: {error}", path.display()))).ok()?;
    Some(pem.expose().to_vec())
}

/// The keys in a file, if they are in one: secrets of the block like any other. None where something is wrong.
pub(super) fn keys(block: &Block, keys: &KeySet, files: &mut Files, problems: &mut Problems) -> Option<Vec<Found>> {
    if block.jws.is_some_and(|algorithm| algorithm.public().is_none()) {
        problems.error(keys.at(), "`keys` beside HS256", "`secret` or `secret_file`: both sides have the same one");
        return None;
    }
    if keys.file.given == keys.jwks.given || (keys.ca_file.given && !keys.jwks.given) {
        problems.error(keys.at(), "keys that are in no one place", "`file`, or `jwks` and perhaps `ca_file`");
        return None;
    }
    let mut found = Vec::new();
    for path in keys.file.iter() {
        files.read.push(path.clone());
        match Secret::from_file(path) {
            Ok(secret) => found.push(Found { secret, at: keys.file.at.clone() }),
            Err(error) => {
                problems.error(&keys.file.at, error.to_string(), "a file with a JWK set or a public key");
                return None;
            }
        }
    }
    Some(found)
}
