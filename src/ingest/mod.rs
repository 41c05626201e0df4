//! The way in: from a request to a receipt.
//!
//! `receive` lists all stages. Each takes what only the stage before can build, so that none can be left out:
//! `Incoming → Route → Received → Authentic → Identified → Reserved → Accepted → Receipt`; any may end in [`Reject`].

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;

use crate::clock::Clock;
use crate::dedupe::Dedupe;
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::name::RequestId;
use crate::spool::Spool;
use crate::throttle::{Budget, ClientAddress, FailedAuth};

pub mod accept;
pub mod authenticate;
pub mod challenge;
pub mod handshake;
pub mod identify;
pub mod judge;
pub mod learn;
pub mod limits;
pub mod lookup;
pub mod prepare;
pub mod received;
pub mod reject;
pub mod reply;
pub mod source;
pub mod sources;

mod confirm;
mod refusals;
mod template;
mod trail;

pub use lookup::Sources;
pub use refusals::Refusals;
pub use reject::Reject;

use accept::Accepted;
use handshake::Step;
use reply::Answer;
use trail::Trail;

/// What the way in works with. The sources can be swapped while it runs.
#[derive(Debug)]
#[expect(missing_docs, reason = "each part is described by its type")]
pub struct Gateway {
    pub sources: ArcSwap<Sources>,
    pub dedupe: Dedupe,
    pub spool: Spool,
    pub budget: Budget,
    pub failures: Option<FailedAuth>,
    pub refusals: Refusals,
    pub feed: Feed,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
}

/// A request as the listener hands it over: its head has been read and found to be proper HTTP.
#[derive(Debug)]
pub struct Incoming {
    /// The head.
    pub parts: Parts,
    /// Not read yet; the listener keeps its pace.
    pub body: Body,
    /// Who is connected, or whom a trusted proxy names.
    pub client: ClientAddress,
    /// As it will be answered in `x-request-id`.
    pub request_id: RequestId,
}

/// A request that ended well.
#[derive(Debug)]
pub enum Receipt {
    /// A delivery is safe.
    Kept(Accepted, Answer),
    /// A handshake was answered.
    Handshake(Answer),
}

/// The way of a webhook.
///
/// # Errors
/// Any stage may refuse; [`reject`] says what that means to the sender.
async fn receive<'s>(
    gateway: &Gateway,
    sources: &'s Sources,
    incoming: Incoming,
    trail: &mut Trail<'s>,
) -> Result<Receipt, Reject> {
    let route = lookup::source(sources, &incoming);
    trail.follow(route.named());
    let received = limits::read(gateway, &route, incoming).await?;
    trail.read(&received);
    let passed = authenticate::check(&route, received, gateway.clock.wall())?;
    trail.proven(passed.proof());
    let (authentic, source) = match handshake::answer(passed)? {
        Step::Answered(answer, errand) => {
            errand.run().await?;
            return Ok(Receipt::Handshake(answer));
        }
        Step::Delivery(authentic, source) => (authentic, source),
    };
    let _inside = limits::enter(source)?;
    let identified = identify::events(&source.identifier, authentic)?;
    trail.identified(&gateway.feed, &identified);
    let reserved = accept::reserve(&gateway.dedupe, source.ring.as_ref(), identified);
    let accepted = accept::keep(&gateway.spool, &source.terms, reserved).await?;
    Ok(Receipt::Kept(accepted, source.accepted.clone()))
}

/// Receives a request and answers it; counts, logs and tells how it ended.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    // A request keeps the sources that it began with, also when they are swapped meanwhile.
    let sources = gateway.sources.load_full();
    let mut trail = Trail::begin(&gateway.clock, &incoming);
    let ended = receive(gateway, &sources, incoming, &mut trail).await;
    trail.end(gateway, &ended);
    match ended {
        Ok(receipt) => reply::accepted(receipt),
        Err(reject) => reply::refused(reject),
    }
}

impl Receipt {
    /// Every event of the delivery was known before.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Kept(accepted, _) if accepted.is_duplicate())
    }

    fn into_answer(self) -> Answer {
        match self {
            Self::Kept(_, answer) | Self::Handshake(answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests;
