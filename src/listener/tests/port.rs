//! A port that runs, and a client that sends exactly the bytes it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::answers::Answer;
use crate::clock::{Clock, UnixMillis};
use crate::listener::{Answering, Caller};
use crate::listener::{Counts, Drained, Port, Settings, bind, serve};
use crate::throttle::TooSlow;

/// A request of its own behind the bytes of a test: it is answered only if they left the connection open and in step.
pub(super) const SENTINEL: &str = "GET /sentinel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A port with handlers that show what reached them.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) counts: Counts,
    pub(super) seen: Arc<Seen>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
}

/// What the handlers saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) targets: Mutex<Vec<String>>,
    /// A request for `/wait` has come.
    pub(super) waiting: Notify,
    /// Lets it go on.
    pub(super) go: Notify,
}

impl Running {
    pub(super) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::private("127.0.0.1:0".parse().expect("an address"));
        settings.header_timeout = Duration::from_secs(10);
        settings.body_timeout = Duration::from_secs(10);
        settings.body_min_rate = "1KiB/s".parse().expect("a rate");
        change(&mut settings);
        let listener = bind(settings.address).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let counts = Counts::private();
        let port = Port {
            settings,
            clock: Clock::standing_at(UnixMillis(1_800_000_000_000)),
            counts: counts.clone(),
            drain_timeout: Duration::from_secs(20),
        };
        let seen = Arc::new(Seen::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().fallback(show).with_state(Arc::clone(&seen));
        let served = tokio::spawn(serve(listener, port, Answering::by(router), async { drop(stopped.await) }));
        Self { address, counts, seen, stop, served }
    }

    pub(super) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.expect("connected"))
    }

    /// Sends `bytes` and nothing more, and gives all that comes back.
    pub(super) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> Vec<Answer> {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.finish().await
    }

    /// The signal to stop.
    pub(super) fn stop(self) -> JoinHandle<Drained> {
        self.stop.send(()).expect("serving");
        self.served
    }
}

/// A connection.
pub(super) struct Client(pub(super) TcpStream);

impl Client {
    /// Sends bytes; a port that has closed already will not take them.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.0.write_all(bytes.as_ref()).await);
    }

    /// Says that nothing more is sent, and reads to the end.
    pub(super) async fn finish(mut self) -> Vec<Answer> {
        drop(self.0.shutdown().await);
        self.read_to_end().await
    }

    /// Reads until the port closes.
    pub(super) async fn read_to_end(&mut self) -> Vec<Answer> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).await.expect("closed in order");
        Answer::read_all(&bytes)
    }

    /// Whether the port ends the connection at `bytes` without an answer; unread bytes may make that a reset.
    pub(super) async fn refuses(mut self, bytes: &str) -> bool {
        self.send(bytes).await;
        let mut rest = Vec::new();
        drop(self.0.read_to_end(&mut rest).await);
        rest.is_empty()
    }

    /// Reads one answer; the connection stays open.
    pub(super) async fn read_one(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            assert_ne!(self.0.read_buf(&mut bytes).await.expect("open"), 0, "closed after {bytes:?}");
            if let Some((answer, _)) = Answer::read(&bytes) {
                return answer;
            }
        }
    }
}

/// Answers with what it got: method, target and body; and some targets do more.
async fn show(State(seen): State<Arc<Seen>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string);
    seen.targets.lock().expect("not poisoned").push(target.clone());
    match target.as_str() {
        "/panic" => panic!("told to"),
        "/early" => return Response::new(Body::from("early")),
        "/wait" => {
            seen.waiting.notify_one();
            seen.go.notified().await;
        }
        "/client" => {
            let caller = head.extensions.get::<Caller>().expect("known");
            return Response::new(Body::from(caller.client.ip().to_string()));
        }
        "/id" => {
            let caller = head.extensions.get::<Caller>().expect("named");
            return Response::new(Body::from(caller.request_id.to_string()));
        }
        _ => {}
    }
    match body.collect().await {
        Ok(body) => {
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            let mut response = Response::new(Body::from(format!("{} {target} {body}", head.method)));
            if head.method == Method::HEAD {
                response.headers_mut().insert("x-head", HeaderValue::from_static("1"));
            }
            response
        }
        Err(error) => {
            let slow = TooSlow::is_cause_of(&error);
            let status = if slow { StatusCode::REQUEST_TIMEOUT } else { StatusCode::BAD_REQUEST };
            Response::builder().status(status).body(Body::from("no body")).expect("an answer")
        }
    }
}
