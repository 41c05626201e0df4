//! hookgate: a webhook gateway. It proves who sent a webhook, makes it safe, answers 200, and delivers it to Kafka byte
//! for byte.
//!
//! # The way of a webhook
//!
//! ```text
//! listener ─► lookup ─► limits ─► authenticate ─► handshake ─► identify ─► dedupe ─► spool ─► 200
//!                                                                                     │
//!                                                              Kafka ◄── forward ◄────┘
//! ```
//!
//! `ingest::receive` is the table of contents of the way in, [`forward`] of the way out. They meet only in the
//! [`spool`]: the way in never waits for Kafka unless a source asks for it, the way out never sees HTTP.
//!
//! # Floors
//!
//! A module imports only lower floors, and siblings are strangers; a join of two siblings is a module one floor up.
//! `tests/tidy.rs` holds the code to it. The modules below stand in reading order, from the ground up.
//!
//! | floor | modules | what they are |
//! | --- | --- | --- |
//! | 8 | `main` | argv → `cli` → exit code |
//! | 7 | `cli` | one file a command |
//! | 6 | `app` | wiring; order of start and of stop |
//! | 5 | `config` | what the user typed → the parts' own settings |
//! | 4 | `listener` `admin` `telemetry` | the edges: public port, private port, logs |
//! | 3 | `ingest` `forward` `replay` | the joins: the way in, the way out, once more |
//! | 2 | `dedupe` `spool` `kafka` `throttle` `feed` `fetch` `signature` | engines with state; signatures, pure, over `locate` |
//! | 1 | `event` `locate` | pure: no tokio, no clock, no I/O |
//! | 0 | `units` `name` `secret` `clock` `metrics` | words everybody speaks |
//!
//! # What never happens
//!
//! 1. No byte of a body is parsed before it is authenticated, but for what the scheme itself needs from it.
//! 2. No 200 before the event is safe in the sense of its source's `ack` mode.
//! 3. Credentials are compared in [`signature::gate`] and nowhere else; it alone can build `Authentic`.
//! 4. An idempotency key is settled only together with the event it marks. A second copy that comes while the first is
//!    pending shares the first one's outcome.
//! 5. The value of a Kafka record is the bytes that came. Credentials and signatures go nowhere.
//! 6. Everything has a limit with a name and a unit.
//! 7. An unknown source, a disabled one and a bad signature answer with the same status, bytes and work.
//! 8. A provider is data: no line of Rust names one.
//! 9. Only `config` reads settings, only `spool::io` touches data on disk, only `clock` reads the time, only `metrics`
//!    names a metric, only `ingest::reject` names the status of a refusal, only `secret` reads secret files.
//! 10. The gateway makes no outbound request because of what a payload says; [`fetch`] asks for what is configured.

pub mod clock;
pub mod metrics;
pub mod name;
pub mod secret;
pub mod units;

pub mod event;
pub mod locate;

pub mod dedupe;
pub mod feed;
pub mod fetch;
pub mod kafka;
pub mod signature;
pub mod spool;
pub mod throttle;

pub mod forward;
pub mod ingest;
pub mod replay;

pub mod admin;
pub mod listener;
pub mod telemetry;

pub mod config;

pub mod app;

pub mod cli;

#[cfg(test)]
mod chaos;
