//! What can be wrong with blocks and secrets, for whoever writes the configuration.

use std::fmt;

use thiserror::Error;

use super::demands::Demands;
use super::key::KeyError;
use super::scheme::{Block, Check, Kind, Part, What};
use crate::locate::Expr;

/// A secret of fewer bytes can be guessed.
pub const SECRET_BYTES_MIN: usize = 16;

/// Which secret: by its index in the source's list, or in a block's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretAt {
    /// The block that it is of, by its place in `any_of`; none: the source's.
    pub block: Option<usize>,
    /// Its place in that list, from 0; learned ones follow the source's own.
    pub index: usize,
}

impl fmt::Display for SecretAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.block {
            Some(block) => write!(f, "secret {} of block {block}", self.index),
            None => write!(f, "secret {}", self.index),
        }
    }
}

/// A secret that works and should be longer: fewer than [`SECRET_BYTES_MIN`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at} has {bytes} bytes; one of 16 or more cannot be guessed")]
pub struct WeakSecret {
    /// Which.
    pub at: SecretAt,
    /// Its length once decoded.
    pub bytes: usize,
}

/// Why a gate cannot be built; says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GateError {
    /// No block can use it.
    #[error("{at} cannot be used: {why}")]
    Secret {
        /// Which.
        at: SecretAt,
        /// What is wrong with it.
        why: KeyError,
    },
    /// A block that could not prove anything.
    #[error("block {block}: {problem}")]
    Block {
        /// Its place in `any_of`, from 0.
        block: usize,
        /// What is wrong with it.
        problem: BlockProblem,
    },
}

/// What makes a block useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockProblem {
    /// No place to look for a signature.
    #[error("`signature` names no place")]
    NoSignature,
    /// Nothing is signed.
    #[error("`content` has no parts")]
    NoContent,
    /// Anyone can compute a plain digest of what everyone can see.
    #[error("`hash` needs `secret` among the parts of each `content`")]
    HashWithoutSecret,
    /// The URL as the sender knows it is not known.
    #[error("a `url` part needs `public_url`")]
    NoPublicUrl,
    /// `kv:` looks at pieces, and there are none.
    #[error("`kv:` needs `separator`")]
    NoSeparator,
    /// The work would grow with the square of the body, before anyone is authenticated.
    #[error("a signature of each element (`item:`) cannot be over the whole body")]
    BodyOfEachItem,
    /// A block of `checks` is to hold a secret of its own.
    #[error("a block among `checks` needs a secret of its own and a kind from `header` to `basic`")]
    CheckWithoutSecret,
}

/// Everything that makes the block useless.
pub(super) fn problems(block: &Block, demands: &Demands) -> Vec<BlockProblem> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, problem| {
        if !holds {
            found.push(problem);
        }
    };
    if let Some(signed) = block.kind.signed() {
        let parts = || signed.contents.iter().flatten();
        let has_secret = |parts: &Vec<_>| parts.iter().any(|part: &Part| part.what == What::Secret);
        let is_kv = |expr: &Expr| expr.any(&|expr| matches!(expr, Expr::KeyValue(_)));
        let uses_kv = signed.exprs().any(is_kv) || block.timestamp.as_ref().is_some_and(|time| is_kv(&time.from));
        demand(!signed.signature.is_empty(), BlockProblem::NoSignature);
        demand(!signed.contents.is_empty() && !signed.contents.iter().any(Vec::is_empty), BlockProblem::NoContent);
        demand(
            !matches!(block.kind, Kind::Hash(..)) || signed.contents.iter().all(has_secret),
            BlockProblem::HashWithoutSecret,
        );
        let of_each = demands.batch.is_some() && block.is_of_items();
        let of_whole = |what: &What| matches!(what, What::Body | What::FormSorted | What::FormAsJson | What::BodyCrc32);
        demand(!of_each || !parts().any(|part| of_whole(&part.what)), BlockProblem::BodyOfEachItem);
        demand(
            demands.public_url.is_some() || !parts().any(|part| part.what.needs_public_url()),
            BlockProblem::NoPublicUrl,
        );
        demand(signed.separator.is_some() || !uses_kv, BlockProblem::NoSeparator);
    }
    for check in &block.checks {
        if let Check::Block(inner) = check {
            let plain = inner.kind.signed().is_none() && !matches!(inner.kind, Kind::None);
            demand(plain && !inner.secrets.is_empty(), BlockProblem::CheckWithoutSecret);
        }
    }
    found
}
