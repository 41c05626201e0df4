//! Handshakes: requests that are answered and are no event. What is answered here never reaches Kafka.

use std::sync::Arc;

use crate::signature::{Authentic, Subject};

use super::authenticate::Passed;
use super::received::Received;
use super::reject::Reject;
use super::reply::Answer;
use super::sources::Source;

/// Whether a proven request has been answered or goes on.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and is moved once")]
pub enum Step<'s> {
    /// It was a handshake.
    Answered(Answer),
    /// It is a delivery.
    Delivery(Authentic<Received>, &'s Arc<Source>),
}

/// Answers a handshake; lets a delivery pass.
///
/// # Errors
/// The value that it is about is missing or not allowed.
pub fn answer(passed: Passed<'_>) -> Result<Step<'_>, Reject> {
    match passed {
        Passed::Delivery(authentic, source) => Ok(Step::Delivery(authentic, source)),
        Passed::Handshake(authentic, challenge) => challenge.answer(&authentic.get().request()).map(Step::Answered),
    }
}
