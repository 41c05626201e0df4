//! One connection, from the first byte to the last.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use super::addresses::{Addresses, Place};
use super::conversation::Conversation;
use super::door::{Door, Visit};
use super::head::Limits;
use super::wire::{Timeouts, Wire};
use super::{Settings, forwarded, proxy_protocol};
use crate::throttle::ClientAddress;

/// hyper's own limit of headers, up to which it needs no memory for them.
const HYPER_HEADERS: usize = 100;
/// What hyper wants at least for its buffer, in bytes.
const HYPER_BUFFER_MIN: usize = 8192;

/// What all connections are told. The order is the order in which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Go on.
    Open,
    /// End after the answer in hand.
    Draining,
    /// End.
    Over,
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    door: Arc<Door>,
    addresses: Arc<Addresses>,
    mut phase: watch::Receiver<Phase>,
) {
    let settings = &door.port().settings;
    let welcome = welcome(&mut stream, peer.ip(), settings, &addresses);
    let welcome = tokio::select! {
        biased;
        () = reached(&mut phase, Phase::Draining) => return,
        welcome = timeout(settings.header_timeout, welcome) => welcome,
    };
    let (client, first_bytes, _place) = match welcome {
        Ok(Ok(welcome)) => welcome,
        Ok(Err(error)) => return debug!(%peer, %error, "connection refused"),
        Err(_elapsed) => return debug!(%peer, "no PROXY header came in time"),
    };
    let conversation = Arc::new(Conversation::default());
    let limits = Limits { bytes_max: settings.max_header_bytes.as_usize(), fields_max: settings.max_headers };
    let timeouts = Timeouts { head: settings.header_timeout, idle: settings.idle_timeout };
    let mut wire = Wire::new(stream, limits, timeouts, Arc::clone(&conversation));
    wire.begin_with(&first_bytes);
    let visit = Arc::new(Visit { door: Arc::clone(&door), conversation, peer: client });
    visit.converse(wire, settings, phase).await;
}

impl Visit {
    /// Speaks HTTP until the connection ends or must.
    async fn converse(self: Arc<Self>, wire: Wire<TcpStream>, settings: &Settings, mut phase: watch::Receiver<Phase>) {
        let _open = Open::new(&self);
        let visit = Arc::clone(&self);
        let service = service_fn(move |request: Request<Incoming>| Arc::clone(&visit).receive(request));
        let mut connection = pin!(protocol(settings).serve_connection(TokioIo::new(wire), service));
        let ended = tokio::select! {
            biased;
            ended = &mut connection => Some(ended),
            () = reached(&mut phase, Phase::Draining) => None,
        };
        let ended = if let Some(ended) = ended {
            ended
        } else {
            tokio::select! {
                biased;
                ended = drain(connection, &self.conversation, http1::Connection::graceful_shutdown) => ended,
                () = reached(&mut phase, Phase::Over) => return,
            }
        };
        if let Err(error) = ended {
            debug!(peer = %self.peer.ip(), %error, "connection ended");
        }
    }
}

/// How hyper speaks. The limits of heads and the timers are [`Wire`]'s.
///
/// `half_close`: a sender that closes its side, or hangs up, does not end the work on its request; and nothing reads the
/// connection while a request is in hand. `pipeline_flush` would save a write where requests are pipelined, which senders
/// of webhooks do not; hyper 1.12 calls it experimental, and with it a connection that closes over unread bytes may
/// leave its last answer unwritten.
fn protocol(settings: &Settings) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    let buffer = settings.max_header_bytes.as_usize().saturating_mul(2).max(HYPER_BUFFER_MIN);
    protocol.timer(TokioTimer::new()).header_read_timeout(None).half_close(true).max_buf_size(buffer);
    if settings.max_headers > HYPER_HEADERS {
        protocol.max_headers(settings.max_headers);
    }
    protocol
}

/// Lets a connection answer what has come, and ends it as soon as it is quiet.
async fn drain<C: Future>(mut connection: Pin<&mut C>, conversation: &Conversation, end: fn(Pin<&mut C>)) -> C::Output {
    conversation.close();
    let mut told = false;
    poll_fn(|cx| {
        loop {
            if !told && conversation.is_quiet() {
                told = true;
                end(connection.as_mut());
            }
            let poll = connection.as_mut().poll(cx);
            if poll.is_ready() || told || !conversation.is_quiet() {
                return poll;
            }
        }
    })
    .await
}

/// Ends when that phase has come, or when nobody is left who could announce it.
pub(super) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    drop(phase.wait_for(|phase| *phase >= wanted).await);
}

/// Finds out who is connected, gives them their place among the connections of their address, and hands over the bytes
/// that were read too far.
async fn welcome(
    stream: &mut TcpStream,
    peer: IpAddr,
    settings: &Settings,
    addresses: &Arc<Addresses>,
) -> io::Result<(ClientAddress, Vec<u8>, Place)> {
    let from_proxy = forwarded::is_trusted(peer, &settings.trusted_proxies);
    let named = if from_proxy && settings.proxy_protocol { read_proxy_header(stream).await? } else { Named::default() };
    let client = ClientAddress::new(named.client.unwrap_or(peer));
    let place = match named.client {
        None if from_proxy => Addresses::uncounted(),
        _ => addresses.enter(client).ok_or_else(|| io::Error::other("too many connections from this address"))?,
    };
    Ok((client, named.rest, place))
}

/// Whom a PROXY header names, and what came behind it.
#[derive(Debug, Default)]
struct Named {
    client: Option<IpAddr>,
    rest: Vec<u8>,
}

async fn read_proxy_header(stream: &mut TcpStream) -> io::Result<Named> {
    let mut bytes = Vec::with_capacity(proxy_protocol::BYTES_MAX);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header = proxy_protocol::parse(&bytes).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "a trusted proxy did not begin with a PROXY header")
        })?;
        if let Some(header) = header {
            let rest = bytes.split_off(header.bytes);
            return Ok(Named { client: header.client, rest });
        }
    }
}

/// A connection that counts as open: idle, until a request says otherwise.
#[derive(Debug)]
struct Open<'a>(&'a Visit);

impl<'a> Open<'a> {
    fn new(visit: &'a Visit) -> Self {
        visit.door.port().counts.idle.inc();
        Self(visit)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.door.port().counts.idle.dec();
    }
}
