//! `auth` and the secrets of a source: what the gate demands.

use std::time::Duration;

use crate::config::decode::{Block as _, Field};
use crate::config::file::auth::{Auth, Block, Timestamp};
use crate::config::problem::{At, Problems};
use crate::config::resolve::secrets::{Files, Found};
use crate::config::resolve::{checks, proof};
use crate::signature::scheme::{self, Kind};

/// The blocks of a source, and where each stands.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) blocks: Vec<scheme::Block>,
    /// Where each block stands, and the secrets of its own.
    pub(super) origins: Vec<(At, Vec<Found>)>,
}

/// Resolves an `auth`, whichever form it has. What is wrong is reported; what is good comes back all the same.
pub(super) fn blocks(auth: &Auth, path_has_secret: bool, files: &mut Files, problems: &mut Problems) -> Blocks {
    let mut blocks = Blocks::default();
    let block = &auth.0;
    if block.any_of.given {
        any_of(block, path_has_secret, files, problems, &mut blocks);
    } else if block.path.given && !path_has_secret {
        problems.error(block.at(), "`auth: path`, and no `{secret}` in the source's `path`", "such as /hooks/{secret}");
    } else {
        blocks.add(block, files, problems);
    }
    blocks
}

impl Blocks {
    fn add(&mut self, block: &Block, files: &mut Files, problems: &mut Problems) {
        if let Some((resolved, secrets)) = proof::block(block, files, problems) {
            self.blocks.push(resolved);
            self.origins.push((block.at().clone(), secrets));
        }
    }

    /// Whether any of them proves nothing without a secret of the source.
    pub(super) fn need_secrets(&self) -> bool {
        self.blocks.iter().any(|block| match &block.kind {
            Kind::None => false,
            Kind::Jws(jws) => block.secrets.is_empty() && jws.fetched.is_none(),
            _ => block.secrets.is_empty(),
        })
    }

    /// The largest tolerance of a timestamp among them.
    pub(super) fn tolerance(&self) -> Option<Duration> {
        let each = self.blocks.iter().filter_map(|block| block.timestamp.as_ref());
        each.map(|timestamp| timestamp.past.max(timestamp.future)).max()
    }
}

fn any_of(block: &Block, path_has_secret: bool, files: &mut Files, problems: &mut Problems, into: &mut Blocks) {
    if proof::kind(block, problems).is_none() {
        return;
    }
    proof::refuse_strange_keys(block, "any_of", problems);
    let before = problems.errors();
    let alternatives: Vec<&Block> = block.any_of.iter().flatten().map(|auth| &*auth.0).collect();
    let chosen = only(&block.only, &alternatives, problems);
    for inner in &chosen {
        if inner.any_of.given {
            problems.error(&inner.any_of.at, "`any_of` inside of `any_of`", "its blocks in the outer one");
        } else if !inner.path.given || path_has_secret {
            into.add(inner, files, problems);
        }
    }
    if let Some(timestamp) = &*block.timestamp {
        lay_tolerance(timestamp, into, problems);
    }
    // Conditions beside `any_of` are conditions of every block.
    let further: Vec<_> = block.checks.iter().filter_map(|check| checks::resolve(check, files, problems)).collect();
    into.blocks.iter_mut().for_each(|block| block.checks.extend(further.iter().cloned()));
    if into.blocks.is_empty() && problems.errors() == before && block.any_of.sound {
        problems.error(
            &block.any_of.at,
            "no block that could ever match",
            "at least one; a `path` block needs `{secret}` in the source's `path`",
        );
    }
}

/// The blocks that `only` leaves.
fn only<'a>(only: &Field<Option<Vec<String>>>, blocks: &[&'a Block], problems: &mut Problems) -> Vec<&'a Block> {
    let Some(wanted) = &**only else { return blocks.to_vec() };
    let named = |block: &&Block, name: &String| block.name.as_ref() == Some(name);
    let known: Vec<&str> = blocks.iter().filter_map(|block| block.name.as_deref()).collect();
    for (index, name) in wanted.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            problems.unknown(&only.at.index(index), "block", name, &known);
        }
    }
    if wanted.is_empty() {
        problems.error(&only.at, "an empty list", "at least one name of a block");
    }
    blocks.iter().filter(|block| wanted.iter().any(|name| named(block, name))).copied().collect()
}

/// A tolerance beside `any_of` is one for every block that has a timestamp.
fn lay_tolerance(over: &Timestamp, blocks: &mut Blocks, problems: &mut Problems) {
    let (past, future) = (over.past.or(*over.tolerance), over.future.or(*over.tolerance));
    for at in over.from.given.then_some(&over.from.at).into_iter().chain(over.format.given.then_some(&over.format.at)) {
        problems.error(
            at,
            "where or how a timestamp is, beside `any_of`",
            "only `tolerance`, `past` and `future` here",
        );
    }
    let mut any = false;
    for timestamp in blocks.blocks.iter_mut().filter_map(|block| block.timestamp.as_mut()) {
        timestamp.past = past.unwrap_or(timestamp.past);
        timestamp.future = future.unwrap_or(timestamp.future);
        any = true;
    }
    if !any {
        problems.error(
            over.at(),
            "a `timestamp` beside `any_of`, and no block with one",
            "it in the blocks themselves",
        );
    }
}
