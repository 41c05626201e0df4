//! Every reason to refuse a request, and the one table of what each means: status, label, Retry-After.
//!
//! What a stranger sees tells nothing: all reasons that have to do with who is asking share one status without a body. The
//! reason itself goes to the operator, as the label of a metric and in the log.

use http::StatusCode;

use crate::metrics::Outcome;
use crate::signature::Denial;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// No source has that path.
    #[error("no source has this path")]
    UnknownSource,
    /// The source is configured with `enabled: false`.
    #[error("the source is disabled")]
    Disabled,
    /// The source does not take the method.
    #[error("the source does not take this method")]
    WrongMethod,
    /// The sender was not proven.
    #[error("{}", denial(*.0))]
    Denied(Denial),
    /// The value of a handshake is missing, too long, or has characters that it may not have.
    #[error("the handshake's value is missing or not allowed")]
    Challenge,
    /// Longer than the source's `limits.body`.
    #[error("the body is longer than limits.body")]
    TooLarge,
    /// The body did not arrive within `server.body_timeout`, or slower than `server.body_min_rate`.
    #[error("the body came too slowly")]
    TooSlow,
    /// The body broke off, or its framing is broken.
    #[error("the body broke off")]
    BrokenBody,
    /// More than `limits.rate`.
    #[error("above the source's limits.rate")]
    TooOften {
        /// When the next one may come, in seconds.
        retry_after: u64,
    },
    /// More than `limits.in_flight`.
    #[error("above the source's limits.in_flight")]
    TooManyInFlight,
    /// More than `server.failed_auth` from this address.
    #[error("above server.failed_auth for this address")]
    TooManyFailures {
        /// When the next one may come, in seconds.
        retry_after: u64,
    },
    /// `server.body_budget` is spent.
    #[error("server.body_budget is spent")]
    BudgetSpent,
    /// No custody can take the event.
    #[error("no custody can keep the event")]
    NoCustody,
    /// No custody had the event by the source's `deadline`.
    #[error("the event was not safe by the source's deadline")]
    Deadline,
    /// The first copy of the event was lost, and this one waited for it.
    #[error("the first copy of the event was lost")]
    TwinLost,
    /// Authentic, but not what the source describes, and the source says `on_malformed: reject`.
    #[error("the delivery is not what the source describes")]
    Malformed {
        /// `reply.malformed.status`
        status: StatusCode,
    },
}

/// Seconds until a sender may come again after a 503; the sender's own back-off goes from there.
const RETRY_AFTER_S: u64 = 2;

impl Reject {
    /// The status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Denied(Denial::NoKeysYet) | Self::BudgetSpent | Self::NoCustody | Self::Deadline | Self::TwinLost => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::UnknownSource | Self::Disabled | Self::WrongMethod | Self::Denied(_) | Self::Challenge => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::TooOften { .. } | Self::TooManyInFlight | Self::TooManyFailures { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Malformed { status } => status,
        }
    }

    /// The label.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::UnknownSource => Outcome::UnknownSource,
            Self::Disabled => Outcome::Disabled,
            Self::WrongMethod => Outcome::WrongMethod,
            Self::Denied(Denial::Missing) => Outcome::MissingCredential,
            Self::Denied(Denial::Wrong) | Self::Challenge => Outcome::BadSignature,
            Self::Denied(Denial::Stale) => Outcome::Stale,
            Self::TooLarge => Outcome::TooLarge,
            Self::TooSlow => Outcome::TooSlow,
            Self::BrokenBody => Outcome::BadRequest,
            Self::TooOften { .. } | Self::TooManyInFlight | Self::TooManyFailures { .. } => Outcome::RateLimited,
            Self::Denied(Denial::NoKeysYet) | Self::BudgetSpent | Self::NoCustody | Self::Deadline | Self::TwinLost => {
                Outcome::Unavailable
            }
            Self::Malformed { .. } => Outcome::Malformed,
        }
    }

    /// `Retry-After` in seconds, where coming again makes sense.
    #[must_use]
    pub const fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooOften { retry_after } | Self::TooManyFailures { retry_after } => Some(retry_after),
            Self::TooManyInFlight => Some(1),
            Self::Denied(Denial::NoKeysYet) | Self::BudgetSpent | Self::NoCustody | Self::Deadline | Self::TwinLost => {
                Some(RETRY_AFTER_S)
            }
            Self::UnknownSource
            | Self::Disabled
            | Self::WrongMethod
            | Self::Denied(_)
            | Self::Challenge
            | Self::TooLarge
            | Self::TooSlow
            | Self::BrokenBody
            | Self::Malformed { .. } => None,
        }
    }

    /// Whether it may be a stranger who guesses, and counts for `server.failed_auth`.
    #[must_use]
    pub const fn is_of_a_stranger(self) -> bool {
        match self {
            Self::Denied(denial) => !matches!(denial, Denial::NoKeysYet),
            _ => matches!(self, Self::UnknownSource | Self::Disabled | Self::WrongMethod | Self::Challenge),
        }
    }

    /// The rest of the request cannot be read, so the connection has to end.
    #[must_use]
    pub const fn closes(self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::TooSlow | Self::BrokenBody | Self::BudgetSpent | Self::TooManyFailures { .. }
        )
    }
}

const fn denial(reason: Denial) -> &'static str {
    match reason {
        Denial::Missing => "no credential was there",
        Denial::Wrong => "no credential fitted",
        Denial::Stale => "the credential fitted, but its time is outside the window",
        Denial::NoKeysYet => "the keys that could prove it are not fetched yet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGERS: [Reject; 7] = [
        Reject::UnknownSource,
        Reject::Disabled,
        Reject::WrongMethod,
        Reject::Denied(Denial::Missing),
        Reject::Denied(Denial::Wrong),
        Reject::Denied(Denial::Stale),
        Reject::Challenge,
    ];

    #[test]
    fn a_stranger_cannot_tell_one_reason_from_another() {
        for reject in STRANGERS {
            assert_eq!(reject.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(reject.retry_after(), None);
            assert!(!reject.closes() && reject.is_of_a_stranger());
        }
    }

    #[test]
    fn what_is_ours_is_503_and_says_when_to_come_again() {
        let no_keys = Reject::Denied(Denial::NoKeysYet);
        for reject in [Reject::BudgetSpent, Reject::NoCustody, Reject::Deadline, Reject::TwinLost, no_keys] {
            assert_eq!((reject.status(), reject.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_S)));
            assert_eq!(reject.outcome(), Outcome::Unavailable);
            assert!(!reject.is_of_a_stranger());
        }
    }
}
