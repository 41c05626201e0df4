//! What the design pages promise about the source, held to it by reading the source.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `tidy/floors.rs` | the table in `src/lib.rs`: a module imports only lower floors, siblings are strangers |
//! | `tidy/cycles.rs` | the files of one room do not import each other in a circle |
//! | `tidy/owners.rs` | only one place compares credentials, reads the time, touches a disk, … |
//! | `tidy/shape.rs` | short files, short functions, a first line that says what a file is, names that say something |
//! | `tidy/debt.rs` | no marks of unfinished work, no way to panic |
//! | `tidy/providers.rs` | a provider is data: no line of Rust names one, and each has its vectors |
//! | `tidy/runbooks.rs` | an error in the log names the page that says what to do |
//! | `tidy/supply.rs` | dependencies: from one registry, under licences that we can keep, none twice without a reason |
//!
//! A rule takes sources and returns findings, one line each with file and line. Beside each rule stands a test that
//! plants what it forbids: a rule that cannot fail would hold nothing.

#![expect(clippy::expect_used, reason = "this is how a test fails")]

#[path = "tidy/cycles.rs"]
mod cycles;
#[path = "tidy/debt.rs"]
mod debt;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/owners.rs"]
mod owners;
#[path = "tidy/providers.rs"]
mod providers;
#[path = "tidy/reference.rs"]
mod reference;
#[path = "tidy/runbooks.rs"]
mod runbooks;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/supply.rs"]
mod supply;
