//! The integration tests: the real binary, a real Apache Kafka, real sockets.
//!
//! `tests/run.sh` fetches what they need and runs them. A test that cannot run says why and fails: nothing is skipped in
//! silence.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

mod support;

mod deploy;
mod harness;
mod outage;
