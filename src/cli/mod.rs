//! The command line: one file a command. Data goes to stdout, messages to stderr.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | it did what it was asked, and the answer is no; or it failed |
//! | 2 | it was asked for something that there is not |
//! | 78 | the configuration is bad (`EX_CONFIG` of sysexits.h) |

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Problems, ProcessEnvironment};

pub mod brokers;
pub mod check;
pub mod config;
pub mod dev;
pub mod judge;
pub mod learn;
pub mod presets;
pub mod progress;
pub mod replay;
pub mod run;
pub mod send;
pub mod spool;
pub mod verify;
pub mod version;

mod given;
mod secret;

/// Webhook gateway: authenticates third-party webhooks, keeps them, answers 200 and delivers the exact bytes to Kafka.
#[derive(Debug, Parser)]
#[command(name = "hookgate", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Run(run::Args),
    /// Run a demonstration with an embedded Kafka: no file, no broker, nothing survives exit
    Dev(dev::Args),
    /// Report all errors and warnings of a configuration
    Check(check::Args),
    /// Sign a delivery as the provider would, send it, and print the answer
    Send(send::Args),
    /// Explain what the gateway would do with a request, step by step
    Verify(verify::Args),
    /// Let a source learn the secret that its sender brings, for a while
    Learn(learn::Args),
    /// Look into a spool's directory, or deliver what is in it
    Spool(spool::Args),
    /// Send kept events, or dead letters, to Kafka again
    Replay(replay::Args),
    /// The catalogue of presets
    Presets(presets::Args),
    /// Schema, example and effective configuration
    Config(config::Args),
    /// Version, revision, compiler and librdkafka
    Version(version::Args),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Success,
    /// 1: it did what it was asked, and the answer is no; or it failed.
    Failure,
    /// 2: it was asked for something that there is not.
    Usage,
    /// 78 (`EX_CONFIG`): the configuration is bad.
    BadConfig,
}

/// Why a command could not do its work.
///
/// No `std::error::Error` of its own, so that all those can become one.
#[derive(Debug)]
pub enum CommandError {
    /// The configuration is bad.
    Config(Problems),
    /// The command line asks for something that there is not.
    Usage(String),
    /// Anything else.
    Failed(anyhow::Error),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => write!(f, "the configuration is bad\n\n{problems}"),
            Self::Usage(what) => f.write_str(what),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::BadConfig => 78,
        })
    }
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::BadConfig,
            Self::Usage(_) => Exit::Usage,
            // Whoever read our output has seen enough, as `| head` does.
            Self::Failed(error) if is_broken_pipe(error) => Exit::Success,
            Self::Failed(_) => Exit::Failure,
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Reads the command line and runs it.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout or stderr leaves nobody to tell.
            drop(error.print());
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let exit = run(cli.command).unwrap_or_else(|error| {
        let exit = error.exit();
        if exit != Exit::Success {
            drop(writeln!(io::stderr(), "hookgate: {error}"));
        }
        exit
    });
    exit.into()
}

fn run(command: Command) -> Result<Exit, CommandError> {
    let environment = &ProcessEnvironment;
    let (out, messages) = (&mut io::stdout(), &mut io::stderr());
    match command {
        Command::Run(args) => run::run(&args, environment),
        Command::Dev(args) => dev::run(&args, environment, out),
        Command::Check(args) => Ok(check::run(&args, environment, &check::ask_kafka, out)?),
        Command::Send(args) => send::run(&args, environment, out),
        Command::Verify(args) => verify::run(&args, environment, out),
        Command::Learn(args) => learn::run(&args, out, messages),
        Command::Spool(args) => spool::run(&args, environment, out, messages),
        Command::Replay(args) => replay::run(&args, environment, out, messages),
        Command::Presets(args) => presets::run(&args, environment, &judge::vector, out, messages),
        Command::Config(args) => Ok(config::run(&args, environment, out, messages)?),
        Command::Version(args) => Ok(version::run(&args, out)?),
    }
}
