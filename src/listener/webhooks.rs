//! The one route of the public port: everything is for [`ingest`](crate::ingest), which looks up the path itself.
//!
//! A function and not a router: paths are matched by the sources, byte for byte, so a router would have nothing to decide.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::answering::{Answering, Caller};
use crate::ingest::{Gateway, Incoming, handle};

/// What answers on the public port.
pub fn answering(gateway: Arc<Gateway>) -> Answering {
    // Boxed where it is made: it holds all stages, and what is around it would move it from hand to hand.
    Answering::by(tower::service_fn(move |request| Box::pin(webhook(Arc::clone(&gateway), request))))
}

async fn webhook(gateway: Arc<Gateway>, mut request: Request) -> Result<Response, Infallible> {
    let Some(Caller { request_id, client }) = request.extensions_mut().remove() else {
        // The door puts it there. A request without a name is not taken.
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(response);
    };
    let (parts, body) = request.into_parts();
    Ok(handle(&gateway, Incoming { parts, body, client, request_id }).await)
}
