//! `POST /learn/<source>`: opens a window in which a sender may bring its secret, for as long as the asker stays.
//!
//! Who opens a window decides who the sender is, so it is for who is on the machine itself: the port may be open to
//! scrapers, and they have no say. Neither has a proxy on the machine, whose clients are anywhere, nor a web page in a
//! browser there: the first says for whom it asks, or asks from an address of its own; the second cannot set the header,
//! and one that has rebound its name asks for that.
//!
//! The answer is a line for each secret (`learned <secret>`) and an empty one now and then, whose only use is that the
//! window is closed when nobody reads them any more. It ends with the window.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, HOST, VIA};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Frame;
use tokio::time::{Interval, interval};

use super::{TEXT, text};
use crate::ingest::Gateway;
use crate::ingest::learn::{LEARNED_MAX, NotOpened, Window};
use crate::throttle::ClientAddress;

/// A request without it is not from `hookgate learn`.
pub const HEADER: &str = "x-hookgate-learn";
/// The longest window.
pub const TIME_MAX: Duration = Duration::from_hours(24);
/// No source of that name learns anything.
pub const UNKNOWN: StatusCode = StatusCode::NOT_FOUND;
/// What stands before a secret.
pub const LEARNED: &str = "learned ";
/// So often it is looked whether the asker is still there.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// The one route.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().route("/learn/{source}", post(open)).with_state(gateway)
}

async fn open(
    State(gateway): State<Arc<Gateway>>,
    Path(source): Path<String>,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    match window(&gateway, &source, query.as_deref().unwrap_or_default(), request.headers(), client(&request)) {
        Ok(window) => telling(window),
        Err((status, why)) => text(status, format!("{why}\n")),
    }
}

/// The application puts it there. A request without it is not taken.
fn client(request: &Request<Body>) -> Option<ClientAddress> {
    request.extensions().get().copied()
}

fn window(
    gateway: &Gateway,
    source: &str,
    query: &str,
    headers: &HeaderMap,
    client: Option<ClientAddress>,
) -> Result<Window, (StatusCode, String)> {
    if !client.is_some_and(|client| is_here(client.ip(), headers)) || !headers.contains_key(HEADER) {
        let why = "only `hookgate learn` on the gateway's own machine (in its container or pod) opens a window";
        return Err((StatusCode::FORBIDDEN, why.into()));
    }
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse::<u32>().ok()).filter(|number| *number > 0)
    };
    let time = number("seconds").map(|seconds| Duration::from_secs(seconds.into())).filter(|time| *time <= TIME_MAX);
    let count = number("count").and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= LEARNED_MAX);
    let (Some(time), Some(count)) = (time, count) else {
        let why = format!("seconds=1 to {} and count=1 to {LEARNED_MAX}", TIME_MAX.as_secs());
        return Err((StatusCode::BAD_REQUEST, why));
    };
    let sources = gateway.sources.load();
    let learner = sources
        .named(source)
        .and_then(|source| source.learner())
        .ok_or_else(|| (UNKNOWN, format!("no source `{source}` has a handshake of the kind `learn_secret`")))?;
    learner.open(time, count).map_err(|why| match why {
        NotOpened::Open | NotOpened::Full { .. } | NotOpened::Nowhere => (StatusCode::CONFLICT, why.to_string()),
        NotOpened::Unreadable(_) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()),
    })
}

/// Whether who asks is on this machine, and for itself.
fn is_here(client: IpAddr, headers: &HeaderMap) -> bool {
    let own = |ip: IpAddr| ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Authority>().ok());
    let is_own = |host: &str| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(own)
    };
    let passed_on = |name: &HeaderName| [FORWARDED, VIA].contains(name) || name.as_str().starts_with("x-forwarded-");
    own(client.to_canonical()) && host.is_some_and(|host| is_own(host.host())) && !headers.keys().any(passed_on)
}

fn telling(window: Window) -> Response {
    let mut response = Response::new(Body::new(Telling { window, heartbeat: interval(HEARTBEAT) }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What is told while a window is open. Dropped, also because nobody reads it, it takes the window along.
#[derive(Debug)]
struct Telling {
    window: Window,
    heartbeat: Interval,
}

impl hyper::body::Body for Telling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let line = match self.window.poll_next(cx) {
            Poll::Ready(Some(secret)) => Bytes::from([LEARNED.as_bytes(), secret.expose(), b"\n"].concat()),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                ready!(self.heartbeat.poll_tick(cx));
                if self.window.is_over() {
                    return Poll::Ready(None);
                }
                Bytes::from_static(b"\n")
            }
        };
        Poll::Ready(Some(Ok(Frame::data(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(client: &str, headers: &[(&'static str, &str)]) -> bool {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        is_here(client.parse().expect("an address"), &headers.iter().map(header).collect())
    }

    #[test]
    fn who_is_on_the_machine_and_asks_for_itself_is_here() {
        for (client, host) in
            [("127.0.0.1", "127.0.0.1:8081"), ("::1", "[::1]:8081"), ("::ffff:127.0.0.1", "localhost")]
        {
            assert!(here(client, &[("host", host)]), "{client} {host}");
        }
        for (client, headers) in [
            ("10.0.0.1", &[("host", "127.0.0.1:8081")][..]),
            // A mesh's proxy.
            ("127.0.0.6", &[("host", "127.0.0.1:8081")]),
            // A name that a page has rebound.
            ("127.0.0.1", &[("host", "page.example:8081")]),
            ("127.0.0.1", &[]),
            ("127.0.0.1", &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")]),
            ("127.0.0.1", &[("host", "localhost"), ("forwarded", "for=192.0.2.1")]),
            ("127.0.0.1", &[("host", "localhost"), ("via", "1.1 proxy")]),
        ] {
            assert!(!here(client, headers), "{client} {headers:?}");
        }
    }
}
