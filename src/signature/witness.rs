//! What the gate does, told step by step to whoever explains it to an operator.

use super::candidates::Refusal;
use super::content::{Content, Gap};
use super::freshness::Freshness;
use super::jws::TokenFault;
use super::proof::Denial;

/// Is told each step of a check. It sees what was signed, never what the signature should have been.
///
/// The gateway's own witness is `()`: it looks away, so one code path serves `run` and `verify`.
pub trait Witness {
    /// A step was taken.
    fn saw(&mut self, step: Step<'_>);
}

impl Witness for () {
    fn saw(&mut self, _: Step<'_>) {}
}

/// A step of a check, in the order in which they come.
#[derive(Debug)]
pub enum Step<'a> {
    /// A block is tried.
    Block {
        /// Its place in `any_of`, from 0.
        index: usize,
        /// Its name.
        name: Option<&'a str>,
        /// The word of `hookgate-verified`.
        kind: &'static str,
        /// How many secrets it can use.
        secrets: usize,
    },
    /// The credential of that element of a batch, from 0; each must have one that fits.
    Element(usize),
    /// What was found where the credential should be.
    Credential {
        /// Whether anything was there.
        present: bool,
        /// How many of it can be a credential.
        candidates: usize,
        /// How many pieces cannot.
        passed_over: usize,
        /// Why nothing of it is looked at.
        refused: Option<Refusal>,
    },
    /// A token is there, and why it is not looked at any further.
    Token(TokenFault),
    /// A part of the content is not there, or there twice: nothing can be signed.
    Gap(Gap<'a>),
    /// A handshake of this source would sign the content for anyone: its signature proves nothing.
    SignedForStrangers,
    /// What was signed.
    Signed(&'a Content<'a>),
    /// A secret, by its index (none: the kind has none), and whether it fitted.
    Secret {
        /// Its index.
        index: Option<usize>,
        /// Whether a candidate fitted.
        matched: bool,
    },
    /// When the request was made. Only looked at where a secret fitted, as all that follows.
    Time(Freshness),
    /// A claim of a token, by its name, and whether it is what it has to be.
    Claim {
        /// Its name.
        name: &'a str,
        /// Whether it held.
        held: bool,
    },
    /// Whether the digest of the body was right.
    BodyDigest(bool),
    /// A further condition, by its index, and whether it held.
    Check {
        /// Its place in `checks`, from 0.
        index: usize,
        /// Whether it held.
        held: bool,
    },
    /// How the block ended: `None` where it opened.
    Verdict(Option<Denial>),
}
