//! What stands behind a door: any service that answers, with its panics caught.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use http::header::{CONNECTION, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Service, ServiceExt};
use tower_http::catch_panic::CatchPanic;

use crate::name::RequestId;
use crate::throttle::ClientAddress;

/// When a sender should try again whose request ended in a panic, in seconds.
const PANIC_RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// What the door knows of a request; a service finds it among the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// As it will be answered in `x-request-id`.
    pub request_id: RequestId,
    /// Who is connected, or whom a trusted proxy names.
    pub client: ClientAddress,
}

/// A service as the door calls it. Clones are the same service.
#[derive(Clone)]
pub struct Answering(Arc<Answer>);

type Answer = dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync;

/// Marks an answer that was a panic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panicked;

impl Answering {
    /// A router, or a function where there is but one route.
    pub fn by<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let service = CatchPanic::custom(service, panicked);
        Self(Arc::new(move |request: Request<Body>| {
            let answer = service.clone().oneshot(request);
            Box::pin(async move {
                match answer.await {
                    Ok(response) => response.map(Body::new),
                    Err(never) => match never {},
                }
            })
        }))
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        (self.0)(request).await
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

/// The answer to a panic. What it was about is not for strangers, and the panic hook has logged where it was.
fn panicked(_payload: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, PANIC_RETRY_AFTER);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response.extensions_mut().insert(Panicked);
    response
}
