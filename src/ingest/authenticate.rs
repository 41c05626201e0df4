//! Who sent it: the stage that turns what was received into what is authentic, or refuses.

use std::sync::Arc;

use crate::clock::UnixMillis;
use crate::signature::{Authentic, Denied, Gate, Proof, Subject, Witness};

use super::challenge::Challenge;
use super::lookup::{Route, Target};
use super::received::Received;
use super::reject::Reject;
use super::source::Purpose;
use super::sources::Source;

/// A request whose sender has been proven, one way or another.
#[derive(Debug)]
pub enum Passed<'s> {
    /// As the source: a delivery.
    Delivery(Authentic<Received>, &'s Arc<Source>),
    /// As a handshake of the source demands; that proves no delivery.
    Handshake(Authentic<Received>, &'s Challenge, &'s Arc<Source>),
}

impl Passed<'_> {
    /// How it was proven.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        match self {
            Self::Delivery(authentic, _) | Self::Handshake(authentic, ..) => authentic.proof(),
        }
    }
}

/// Asks the source's gate, and the handshakes' own where the request is one.
///
/// # Errors
/// Nothing proves the sender.
pub fn check<'s>(route: &Route<'s>, received: Received, now: UnixMillis) -> Result<Passed<'s>, Reject> {
    check_with(route, received, now, &mut ())
}

/// The same, step by step before a witness.
///
/// # Errors
/// Nothing proves the sender.
pub fn check_with<'s>(
    route: &Route<'s>,
    received: Received,
    now: UnixMillis,
    witness: &mut impl Witness,
) -> Result<Passed<'s>, Reject> {
    let checked = route.gate().check_with(received, now, witness);
    match (route.target, checked) {
        (Target::Decoy { why, .. }, _) => Err(why),
        (Target::Source(source), Ok(authentic)) => delivery_or_handshake(source, authentic, now),
        (Target::Source(source), Err(denied)) => handshake_alone(source, denied, now),
    }
}

/// The source's own proof holds for its deliveries, and for those handshakes that ask for no other.
fn delivery_or_handshake(
    source: &Arc<Source>,
    authentic: Authentic<Received>,
    now: UnixMillis,
) -> Result<Passed<'_>, Reject> {
    let request = authentic.get().request();
    match source.challenges.iter().find(|challenge| challenge.fits(&request)) {
        Some(challenge) => match challenge.gate() {
            None => Ok(Passed::Handshake(authentic, challenge, source)),
            Some(gate) => handshake(gate, challenge, source, authentic.into_parts().0, now),
        },
        None if source.methods.contains(&authentic.get().parts.method) => Ok(Passed::Delivery(authentic, source)),
        None => Err(Reject::WrongMethod),
    }
}

/// Without the source's proof only a handshake with a proof of its own can be answered.
///
/// One that learns is not even looked at while no window is open: its 401 costs what any other costs.
fn handshake_alone(source: &Arc<Source>, denied: Denied<Received>, now: UnixMillis) -> Result<Passed<'_>, Reject> {
    let request = denied.subject.request();
    let awake = |challenge: &Challenge| {
        challenge.purpose() != Purpose::Learn || source.learner.as_ref().is_some_and(|learner| learner.is_awake())
    };
    let with_gate = |challenge: &Challenge| challenge.gate().is_some() && awake(challenge) && challenge.fits(&request);
    let fitting = source.challenges.iter().find(|challenge| with_gate(challenge));
    match fitting.and_then(|challenge| Some((challenge.gate()?, challenge))) {
        Some((gate, challenge)) => handshake(gate, challenge, source, denied.subject, now),
        None => Err(Reject::Denied(denied.reason)),
    }
}

fn handshake<'s>(
    gate: &Gate,
    challenge: &'s Challenge,
    source: &'s Arc<Source>,
    received: Received,
    now: UnixMillis,
) -> Result<Passed<'s>, Reject> {
    let authentic = gate.check(received, now).map_err(|denied| Reject::Denied(denied.reason))?;
    Ok(Passed::Handshake(authentic, challenge, source))
}
