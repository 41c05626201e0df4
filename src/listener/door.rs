//! What stands between hyper and the handlers: every request gets its name here, or its refusal.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tracing::warn;

use super::answering::{Answering, Caller, Panicked};
use super::conversation::Conversation;
use super::counts::Counts;
use super::paced::Paced;
use super::{Port, Settings, forwarded, strict};
use crate::name::RequestId;
use crate::throttle::{ClientAddress, Pace};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The door of a port: the same for all of its connections.
#[derive(Debug)]
pub(super) struct Door {
    port: Port,
    pace: Pace,
    answering: Answering,
}

/// The door as one connection sees it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) door: Arc<Door>,
    pub(super) conversation: Arc<Conversation>,
    /// Who is connected.
    pub(super) peer: ClientAddress,
}

impl Door {
    pub(super) fn new(port: Port, answering: Answering) -> Self {
        let pace = Pace { grace: port.settings.body_timeout, min_rate: port.settings.body_min_rate };
        Self { port, pace, answering }
    }

    pub(super) fn port(&self) -> &Port {
        &self.port
    }
}

impl Visit {
    /// Answers a request: the one function that hyper calls.
    pub(super) async fn receive(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Sending>, Infallible> {
        let busy = Busy::new(&self);
        self.conversation.set_unread(!request.body().is_end_stream());
        let mut response = match self.conversation.next() {
            Some(status) => self.refuse_head(status),
            None => self.answer(request).await,
        };
        if self.conversation.is_closing() {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        Ok(response.map(|body| Sending { body, _busy: busy }))
    }

    /// The head did not pass; the request in hand is only its stand-in.
    fn refuse_head(&self, status: StatusCode) -> Response<Body> {
        self.counts().bad_request.inc();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.headers_mut().insert(CONNECTION, CLOSE);
        response
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let id = RequestId::new(self.door.port.clock.wall().0);
        let mut response = match strict::check(&request) {
            Ok(()) => self.route(request, id).await,
            Err(refusal) => {
                self.count(refusal);
                refusal.response(request.method())
            }
        };
        if response.extensions_mut().remove::<Panicked>().is_some() {
            self.counts().panics.inc();
            warn!(request_id = %id, "a handler panicked, the sender was asked to try again");
        }
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }

    async fn route(&self, request: Request<Incoming>, id: RequestId) -> Response<Body> {
        let Settings { trusted_proxies: trusted, proxy_headers, .. } = &self.door.port.settings;
        let client = forwarded::client(self.peer.ip(), request.headers(), trusted);
        let mut request =
            request.map(|body| Body::new(Paced::new(body, self.door.pace, Arc::clone(&self.conversation))));
        if !forwarded::is_trusted(self.peer.ip(), trusted) {
            for name in proxy_headers {
                request.headers_mut().remove(name);
            }
        }
        request.extensions_mut().insert(Caller { request_id: id, client: ClientAddress::new(client) });
        self.door.answering.answer(request).await
    }

    fn count(&self, refusal: strict::Refusal) {
        match refusal {
            strict::Refusal::Method => self.counts().wrong_method.inc(),
            strict::Refusal::Target | strict::Refusal::Expectation | strict::Refusal::Body => {
                self.counts().bad_request.inc()
            }
        };
    }

    fn counts(&self) -> &Counts {
        &self.door.port.counts
    }
}

/// A request in hand, until its answer has been written or given up.
#[derive(Debug)]
struct Busy(Arc<Visit>);

impl Busy {
    fn new(visit: &Arc<Visit>) -> Self {
        visit.conversation.set_busy(true);
        visit.counts().idle.dec();
        visit.counts().active.inc();
        Self(Arc::clone(visit))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.conversation.set_busy(false);
        self.0.counts().active.dec();
        self.0.counts().idle.inc();
    }
}

/// The body of an answer; the request is in hand while it is sent.
#[derive(Debug)]
pub(super) struct Sending {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
