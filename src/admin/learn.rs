//! `POST /learn/<source>`: opens a window in which a sender may bring its secret, for as long as the asker stays.
//!
//! Who opens a window decides who the sender is, so it is for who is on the machine itself: the port may be open to
//! scrapers, and they have no say. A web page in a browser there has none either: it cannot set the header.
//!
//! The answer is a line for each secret (`learned <secret>`) and an empty one now and then, whose only use is that the
//! window is closed when nobody reads them any more. It ends with the window.

use std::convert::Infallible;
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
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
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
    let here = client.is_some_and(|client| client.ip().is_loopback());
    if !here || !headers.contains_key(HEADER) {
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
        NotOpened::Open | NotOpened::Full { .. } => (StatusCode::CONFLICT, why.to_string()),
        NotOpened::Unreadable(_) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()),
    })
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
