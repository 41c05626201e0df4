//! What the gateway would do with a request, without doing it: for `hookgate verify` and for test vectors.
//!
//! The same stages as in `receive`, as far as they only look: nothing is limited, reserved or kept.

use bytes::Bytes;
use http::request::Parts;

use crate::clock::UnixMillis;
use crate::signature::{Proof, Witness};

use super::handshake::{self, Step};
use super::identify::{self, Identified};
use super::received::Received;
use super::reply::Answer;
use super::{Reject, Sources, authenticate, lookup};

/// What would become of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It would be kept, and answered so.
    Accepted {
        /// How the sender is proven.
        proof: Proof,
        /// Its events.
        identified: Identified,
        /// The answer.
        answer: Answer,
    },
    /// It would be answered as a handshake.
    Challenge(Answer),
}

/// Judges a request at that time, step by step before a witness.
///
/// # Errors
/// It would be refused.
pub fn judge(
    sources: &Sources,
    parts: Parts,
    body: Bytes,
    now: UnixMillis,
    witness: &mut impl Witness,
) -> Result<Verdict, Reject> {
    let route = lookup::route(sources, &parts);
    let received = Received::on_trial(parts, body, route.path_secret.clone(), now);
    let passed = authenticate::check_with(&route, received, now, witness)?;
    let proof = passed.proof().clone();
    match handshake::answer(passed)? {
        Step::Answered(answer, _) => Ok(Verdict::Challenge(answer)),
        Step::Delivery(authentic, source) => {
            let identified = identify::events(&source.identifier, authentic)?;
            Ok(Verdict::Accepted { proof, identified, answer: source.accepted.clone() })
        }
    }
}
