//! A port: the accept loop, the limits of its connections, and what is refused before any handler sees it.
//!
//! The way of a connection, one module a step:
//!
//! ```text
//! accept ─► (proxy_protocol) ─► wire ─► hyper ─► door ─► strict ─► forwarded ─► router
//!                                │                ▲
//!                             framing             │
//!                              head chunks    conversation
//! ```
//!
//! - `accept` takes connections while there is room (`addresses`: per address), and drains them when told to stop.
//! - `wire` stands under hyper: it passes on only heads that are well formed, and ends what is slow.
//! - `door` stands above hyper: it names every request, refuses what `strict` does not take, says who sent it, turns a
//!   panic into an answer, and holds the body to its pace.
//!
//! What no limit here can know, a body's size and the source's own limits, is for the handlers.

mod accept;
mod addresses;
mod answering;
mod chunks;
mod connection;
mod conversation;
mod counts;
mod door;
pub mod forwarded;
pub mod framing;
mod head;
mod paced;
pub mod proxy_protocol;
mod strict;
pub mod webhooks;
mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;

use crate::clock::Clock;
use crate::units::{ByteRate, ByteSize};

pub use accept::{Drained, bind, serve};
pub use answering::{Answering, Caller};
pub use counts::Counts;

/// What the operator sets under `listen` and `server`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `listen`
    pub address: SocketAddr,
    /// `server.header_timeout`: from the first byte of a head to its last.
    pub header_timeout: Duration,
    /// `server.body_timeout`
    pub body_timeout: Duration,
    /// `server.body_min_rate`
    pub body_min_rate: ByteRate,
    /// `server.idle_timeout`: a connection between requests.
    pub idle_timeout: Duration,
    /// `server.max_connections`
    pub max_connections: usize,
    /// `server.max_connections_per_address`; none: no cap. A trusted proxy itself is never capped.
    pub max_connections_per_address: Option<usize>,
    /// `server.max_headers`
    pub max_headers: usize,
    /// `server.max_header_bytes`: the whole head.
    pub max_header_bytes: ByteSize,
    /// `server.proxy_protocol`
    pub proxy_protocol: bool,
    /// `server.trusted_proxies`
    pub trusted_proxies: Vec<IpNet>,
    /// What only a trusted proxy may say, such as which client certificate it saw: taken away where anybody else says it.
    pub proxy_headers: Vec<HeaderName>,
}

impl Settings {
    /// The fixed limits of the private port, which a few scrapers, probes and operators use.
    #[must_use]
    pub fn private(address: SocketAddr) -> Self {
        Self {
            address,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            body_min_rate: ByteRate(64 << 10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 256,
            max_connections_per_address: None,
            max_headers: 64,
            max_header_bytes: ByteSize::kib(16),
            proxy_protocol: false,
            trusted_proxies: Vec::new(),
            proxy_headers: Vec::new(),
        }
    }
}

/// What a port needs beside its socket and its router.
#[derive(Debug, Clone)]
pub struct Port {
    /// Its limits.
    pub settings: Settings,
    /// Names the requests by their time.
    pub clock: Clock,
    /// What is counted here.
    pub counts: Counts,
    /// How long the answers in flight may take after the signal to stop.
    pub drain_timeout: Duration,
}

#[cfg(test)]
mod tests;
