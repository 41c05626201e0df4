//! The integration tests: the real binary, a real Apache Kafka, real sockets.
//!
//! `tests/run.sh` fetches what they need and runs them. A test that cannot run says why and fails: nothing is skipped in
//! silence.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

#[expect(dead_code, reason = "the rows of tests/chaos need some of it that we do not")]
mod support;

mod ack_modes;
mod answers;
mod bad_input;
mod batch;
mod catalogue;
mod commands;
mod dead_letters;
mod deploy;
mod disk_failure;
mod duplicates;
mod examples;
mod full;
mod handshake;
mod handshake_kinds;
mod harness;
mod identity;
mod keys;
mod learn;
mod memory;
mod metrics;
mod outage;
mod presets;
mod query;
mod readme;
mod record;
mod replay;
mod shutdown;
mod spool_commands;
mod spool_recovery;
mod start;
mod strangers;
mod topics;
