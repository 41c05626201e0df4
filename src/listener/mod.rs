//! The public port.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::units::{ByteRate, ByteSize};

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
    /// `server.max_connections_per_address`; none: no cap.
    pub max_connections_per_address: Option<usize>,
    /// `server.max_headers`
    pub max_headers: usize,
    /// `server.max_header_bytes`: the whole head.
    pub max_header_bytes: ByteSize,
    /// `server.proxy_protocol`
    pub proxy_protocol: bool,
    /// `server.trusted_proxies`
    pub trusted_proxies: Vec<IpNet>,
}
