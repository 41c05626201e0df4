//! `hookgate spool`: what lies in a spool's directory, without the gateway that filled it.
//!
//! `ls`, `stat`, `verify` and `dump` only read: a copy, a read-only mount and a directory in use will do. `drain` is a
//! gateway without a way in, and takes the directory for itself.

use std::io::Write;

use self::place::Place;
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
    Ls(Look),
    /// Sum up: records, undelivered ones, topics, sources, damage
    Stat(Look),
    /// Read every record and report damage; exit 1 if there is any
    Verify(Look),
    /// Print records, one JSON object a line
    Dump(dump::Args),
    /// Deliver all of it to Kafka; the directory must not be in use
    Drain(drain::Args),
}

/// What is to be looked at.
#[derive(Debug, Clone, clap::Args)]
pub struct Look {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
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
        Command::Ls(look) => ls::run(look, environment, out, messages),
        Command::Stat(look) => stat::run(look, environment, out, messages),
        Command::Verify(look) => verify::run(look, environment, out, messages),
        Command::Dump(args) => dump::run(args, environment, out, messages),
        Command::Drain(args) => drain::run(args, environment, out),
    }
}

#[cfg(test)]
mod tests;
