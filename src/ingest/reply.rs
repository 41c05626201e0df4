//! What a sender is answered: a receipt or a refusal as HTTP.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Receipt;
use super::reject::Reject;
use super::source::Reply;

/// Marks the answer to a second copy.
const DUPLICATE: HeaderName = HeaderName::from_static("x-duplicate");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// A prepared answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Prepares what the configuration says. A header value that HTTP does not allow was refused there.
    pub(super) fn new(reply: &Reply) -> Self {
        let content_type = (!reply.content_type.is_empty()).then_some((CONTENT_TYPE, &reply.content_type));
        let listed = reply.headers.iter().map(|(name, value)| (name.clone(), value));
        let headers = content_type.into_iter().chain(listed);
        let headers = headers.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect();
        Self { status: reply.status, headers, body: Bytes::from(reply.body.clone()) }
    }

    /// Its status, for `hookgate verify`.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A receipt as HTTP.
pub(super) fn accepted(receipt: Receipt) -> Response {
    let duplicate = receipt.is_duplicate();
    let Answer { status, headers, body } = receipt.into_answer();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if duplicate {
        response.headers_mut().insert(DUPLICATE, TRUE);
    }
    response
}

/// A refusal as HTTP: nothing but the status, and when to come again.
pub(super) fn refused(reject: Reject) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = reject.status();
    if let Some(seconds) = reject.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if reject.closes() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
