//! Tries to break the one promise: nothing that was answered 2xx is lost. Each file is a row of the table in README.
//!
//! A row hurts the real binary, the broker or the disk in one way, round after round, while senders go on and write down
//! what they were promised; at the end the judge holds their ledger against what Kafka has. The small size runs with the
//! other tests, the large one by `tests/chaos.sh`.

#![expect(clippy::expect_used, reason = "this is how a test fails")]
#![expect(clippy::print_stderr, reason = "a row says how far it has come")]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the integration tests need all of it, we a part")]
mod support;

mod judge;
mod ledger;
mod row;
mod senders;
mod volume;

mod broker;
mod errors;
mod full;
mod kill;
mod outage;
mod power;
mod stop;
mod together;
