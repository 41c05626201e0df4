//! How much a request may cost: bytes, time, and how many at once.
//!
//! Before the sender is proven only what protects the gateway itself is asked: the source's body limit, the deadline of the
//! body, the global byte budget. The source's own rate and number in flight are taken afterwards, so that a stranger can
//! neither use them up nor learn of them.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt;

use crate::throttle::{Held, Inside, TooOften, TooSlow};
use crate::units::ByteSize;

use super::lookup::Route;
use super::received::Received;
use super::reject::Reject;
use super::sources::Source;
use super::{Gateway, Incoming};

/// A body pins at least a read buffer of its connection, so that is what it counts for in the budget.
const PINNED_BYTES_MIN: u64 = 8 * 1024;

/// Reads the body, within the source's limit and the gateway's budget. The listener keeps its pace.
///
/// # Errors
/// It is too long or too slow, it broke off, there is no room for it, or this address has failed too often.
pub async fn read(gateway: &Gateway, route: &Route<'_>, incoming: Incoming) -> Result<Received, Reject> {
    let Incoming { parts, body, client, request_id } = incoming;
    if let Some(failures) = &gateway.failures {
        let too_often = |TooOften(wait)| Reject::TooManyFailures { retry_after: whole_seconds(wait) };
        failures.check(client).map_err(too_often)?;
    }
    let limit = route.body_max();
    if declared_length(&parts).is_some_and(|length| length > limit.0) {
        return Err(Reject::TooLarge);
    }
    // Not what is declared: a stranger would then take the budget with a few bytes, and keep it.
    let mut held = gateway.budget.try_acquire(PINNED_BYTES_MIN).map_err(|_| Reject::BudgetSpent)?;
    let body = collect(body, limit, &mut held).await?;
    let at = gateway.clock.wall();
    let path_secret = route.path_secret.clone();
    Ok(Received { parts, body, path_secret, client, request_id, at, held: Some(held) })
}

/// Takes the source's own limits for a delivery that has been proven.
///
/// # Errors
/// One of them is reached.
pub fn enter(source: &Source) -> Result<Inside, Reject> {
    let inside = source.in_flight.try_enter().map_err(|_| Reject::TooManyInFlight)?;
    if let Some(rate) = &source.rate {
        let too_often = |TooOften(wait)| Reject::TooOften { retry_after: whole_seconds(wait) };
        rate.try_pass().map_err(too_often)?;
    }
    Ok(inside)
}

/// The connection's reader has made sure that there is at most one, and that it is a number.
fn declared_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn collect(mut body: Body, limit: ByteSize, held: &mut Held) -> Result<Bytes, Reject> {
    let mut whole = Whole::Nothing;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        // Trailers say nothing that is part of an event.
        let Ok(data) = frame.into_data() else { continue };
        let length = u64::try_from(whole.len() + data.len()).unwrap_or(u64::MAX);
        if length > limit.0 {
            return Err(Reject::TooLarge);
        }
        held.grow_to(length.max(PINNED_BYTES_MIN)).map_err(|_| Reject::BudgetSpent)?;
        whole.push(data);
    }
    Ok(whole.into_bytes())
}

/// A body as it grows: one piece as a rule, and then it is not copied.
enum Whole {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(piece) => piece.len(),
            Self::Many(pieces) => pieces.len(),
        }
    }

    fn push(&mut self, data: Bytes) {
        match self {
            Self::Nothing => *self = Self::One(data),
            Self::One(first) => {
                let mut pieces = BytesMut::with_capacity(2 * (first.len() + data.len()));
                pieces.extend_from_slice(first);
                pieces.extend_from_slice(&data);
                *self = Self::Many(pieces);
            }
            Self::Many(pieces) => pieces.extend_from_slice(&data),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(piece) => piece,
            Self::Many(pieces) => pieces.freeze(),
        }
    }
}

fn broken(error: &axum::Error) -> Reject {
    if TooSlow::is_cause_of(error) { Reject::TooSlow } else { Reject::BrokenBody }
}

/// Rounded up, so that who comes again then is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}
