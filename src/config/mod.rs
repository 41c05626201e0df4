//! What the user typed, resolved into the parts' own settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::ingest::source;
use crate::{dedupe, kafka, listener, spool, telemetry, throttle};

/// A whole configuration, with no default open any more.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public port.
    pub listener: listener::Settings,
    /// `admin`
    pub admin: SocketAddr,
    /// The way out.
    pub kafka: kafka::Settings,
    /// Where events are kept; none without `spool.dir`.
    pub spool: Option<spool::Settings>,
    /// What is remembered.
    pub dedupe: dedupe::Settings,
    /// `dedupe.hash_key_file`; none: made once in `spool.dir`, or at every start where there is none.
    pub hash_key_file: Option<PathBuf>,
    /// The gateway's own limits.
    pub throttle: throttle::Settings,
    /// `shutdown`
    pub shutdown: Shutdown,
    /// `log`
    pub log: telemetry::Settings,
    /// In the order of the file.
    pub sources: Vec<source::Settings>,
}

/// How the gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// `shutdown.drain_delay`: not ready, but still accepting.
    pub drain_delay: Duration,
    /// `shutdown.timeout`: from the signal to the exit.
    pub timeout: Duration,
}
