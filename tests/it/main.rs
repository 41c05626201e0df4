//! The integration tests: the real binary, a real Apache Kafka, real sockets.
//!
//! `tests/run.sh` fetches what they need and runs them. A test that cannot run says why and fails: nothing is skipped in
//! silence.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

mod support {
    pub(crate) mod client;
    pub(crate) mod gateway;
    pub(crate) mod kafka;
    pub(crate) mod limit;
    pub(crate) mod port;
    pub(crate) mod process;
}

mod deploy;
mod harness;
mod outage;
