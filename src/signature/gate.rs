//! The gate: the one place where a credential is compared, and the only one that can build [`Authentic`].

use crate::clock::UnixMillis;
use crate::locate::{Batch, Request};
use crate::secret::Secret;
use crate::signature::scheme::{Allow, Block};

/// What a source demands of a request, with its keys prepared.
#[derive(Debug)]
pub struct Gate {
    blocks: Vec<Block>,
}

/// What a gate is built from.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// Any may match; all are evaluated.
    pub blocks: Vec<Block>,
    /// The source's own secrets, tried by every block that has none of its own.
    pub secrets: Vec<Secret>,
    /// `public_url` without a slash at its end, for signatures over the URL.
    pub public_url: Option<String>,
    /// Where the elements are, for credentials and signatures of each (`item:`).
    pub batch: Option<Batch>,
    /// A handshake of this source signs any such value for a stranger: as signed content it proves nothing.
    pub signs_for_strangers: Option<Allow>,
}

/// Something that can be authenticated: a request that has been read.
pub trait Subject {
    /// What the scheme looks at.
    fn request(&self) -> Request<'_>;
}

/// A `T` whose sender has been proven. Only the gate builds one; grep for `Authentic {` to audit it.
#[derive(Debug)]
pub struct Authentic<T> {
    subject: T,
    proof: Proof,
}

/// How it was proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The word of `hookgate-verified`: `hmac-sha256`, `header`, … `none`.
    pub kind: &'static str,
    /// Which of the secrets matched; none where there are none.
    pub secret: Option<usize>,
    /// How far the request's timestamp lies behind our clock in seconds, where it has one (negative: ahead of it).
    pub skew_seconds: Option<f64>,
}

/// A subject that has not been proven, given back.
#[derive(Debug)]
pub struct Denied<T> {
    /// What was checked.
    pub subject: T,
    /// For the operator; the sender never learns it.
    pub reason: Denial,
}

/// Why a request was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// No credential of any block was there.
    Missing,
    /// One was there and none fitted.
    Wrong,
    /// One fitted, but its time is outside the window.
    Stale,
}

impl<T> Authentic<T> {
    /// What was proven.
    pub fn get(&self) -> &T {
        &self.subject
    }

    /// How.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Apart again, when the proof has served.
    pub fn into_parts(self) -> (T, Proof) {
        (self.subject, self.proof)
    }
}

impl Gate {
    /// What stands in for an unknown or disabled source: one HMAC-SHA256 over the body, and nothing satisfies it.
    #[must_use]
    pub fn decoy() -> Self {
        Self { blocks: Vec::new() }
    }

    /// Prepares the keys.
    ///
    /// # Errors
    /// Every secret that is empty, cannot be decoded, or that no block can use.
    pub fn new(demands: Demands) -> Result<Self, Vec<GateError>> {
        let _ = demands;
        todo!()
    }

    /// Evaluates every block, content, secret and candidate, whatever the first ones said, and never less work than the
    /// decoy's.
    ///
    /// # Errors
    /// Gives the subject back with the reason.
    pub fn check<T: Subject>(&self, subject: T, now: UnixMillis) -> Result<Authentic<T>, Denied<T>> {
        let _ = (&self.blocks, subject, now);
        todo!()
    }
}

/// Why a gate cannot be built; says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Nothing in it.
    #[error("secret {0} is empty; an empty key would verify for anyone")]
    Empty(usize),
}
