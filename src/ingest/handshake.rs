//! Handshakes: requests that are answered and are no event. What is answered here never reaches Kafka.

use std::sync::Arc;

use crate::secret::Secret;
use crate::signature::{Authentic, Subject};

use super::authenticate::Passed;
use super::received::Received;
use super::reject::Reject;
use super::reply::Answer;
use super::source::Purpose;
use super::sources::Source;

/// Whether a proven request has been answered or goes on.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and is moved once")]
pub enum Step<'s> {
    /// It was a handshake; the answer holds once its errand is done.
    Answered(Answer, Errand<'s>),
    /// It is a delivery.
    Delivery(Authentic<Received>, &'s Arc<Source>),
}

/// What a handshake asks for beside its answer.
#[derive(Debug)]
pub struct Errand<'s> {
    purpose: Purpose,
    source: &'s Source,
    /// It may be a secret, and is treated as one.
    value: Secret,
}

/// Answers a handshake; lets a delivery pass.
///
/// # Errors
/// The value that it is about is missing or not allowed.
pub fn answer(passed: Passed<'_>) -> Result<Step<'_>, Reject> {
    match passed {
        Passed::Delivery(authentic, source) => Ok(Step::Delivery(authentic, source)),
        Passed::Handshake(authentic, challenge, source) => {
            let (answer, value) = challenge.answer(&authentic.get().request())?;
            Ok(Step::Answered(answer, Errand { purpose: challenge.purpose(), source, value: Secret::new(value) }))
        }
    }
}

impl Errand<'_> {
    /// Does it: before the answer goes out.
    ///
    /// # Errors
    /// A secret came that is not to be learned, or cannot be kept.
    pub(super) async fn run(self) -> Result<(), Reject> {
        let Self { purpose, source, value } = self;
        match (purpose, &source.learner, &source.confirmations) {
            (Purpose::Learn, Some(learner), _) => learner.learn(value).await?,
            (Purpose::Confirm, _, Some(confirmations)) => confirmations.tell(&String::from_utf8_lossy(value.expose())),
            _ => {}
        }
        Ok(())
    }
}
