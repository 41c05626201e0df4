//! `hookgate spool`: what lies in a spool's directory, without the gateway that filled it.
//!
//! `ls`, `stat`, `verify` and `dump` only read: a copy, a read-only mount and a directory in use will do. `drain` is a
//! gateway without a way in, and takes the directory for itself.

use std::io::Write;

use crate::cli::{CommandError, Exit};
use crate::config::Environment;

pub mod drain;
pub mod dump;
pub mod ls;
pub mod place;
pub mod stat;
pub mod verify;

/// What `spool` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What `spool` does.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// List segments, key files and the checkpoint
    Ls(ls::Args),
    /// Sum up: records, undelivered ones, topics, sources, damage
    Stat(stat::Args),
    /// Read every record and report damage; exit 1 if there is any
    Verify(verify::Args),
    /// Print records, one JSON object a line
    Dump(dump::Args),
    /// Deliver all of it to Kafka; the directory must not be in use
    Drain(drain::Args),
}

/// Does it.
///
/// # Errors
/// The directory is not there or cannot be read, or the output cannot be written.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Ls(args) => ls::run(args, environment, out, messages),
        Command::Stat(args) => stat::run(args, environment, out, messages),
        Command::Verify(args) => verify::run(args, environment, out, messages),
        Command::Dump(args) => dump::run(args, environment, out, messages),
        Command::Drain(args) => drain::run(args, environment, out),
    }
}

#[cfg(test)]
mod tests;
