//! A request that has been read: what the stages from here on look at.

use std::net::Ipv4Addr;
use std::ops::Range;

use bytes::Bytes;
use http::request::Parts;

use crate::clock::UnixMillis;
use crate::locate::Request;
use crate::name::RequestId;
use crate::signature::Subject;
use crate::throttle::{ClientAddress, Held};

/// A request that has been read whole, within its limits.
#[derive(Debug)]
pub struct Received {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) path_secret: Option<Range<usize>>,
    pub(super) client: ClientAddress,
    pub(super) request_id: RequestId,
    pub(super) at: UnixMillis,
    /// What its body takes from the byte budget, given back when its events are safe or the request ends.
    pub(super) held: Option<Held>,
}

impl Received {
    /// A request that did not come through the door: to be judged, and not to be kept. Nothing can be found out from it
    /// about a source that the caller does not have already.
    pub(super) fn on_trial(parts: Parts, body: Bytes, path_secret: Option<Range<usize>>, now: UnixMillis) -> Self {
        let client = ClientAddress::new(Ipv4Addr::LOCALHOST.into());
        Self { parts, body, path_secret, client, request_id: RequestId::new(now.0), at: now, held: None }
    }

    /// Path and query as they came.
    pub(super) fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }
}

impl Subject for Received {
    fn request(&self) -> Request<'_> {
        let target = self.target();
        Request {
            method: self.parts.method.as_str(),
            target,
            headers: &self.parts.headers,
            body: &self.body,
            path_secret: self.path_secret.clone().and_then(|range| target.get(range)),
            peer: Some(self.client.ip()),
        }
    }
}
