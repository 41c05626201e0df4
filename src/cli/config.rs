//! `hookgate config`: the schema, an example, the effective file.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};

use crate::cli::Exit;
use crate::config::{self, Environment, Problems};

/// What `config` is asked.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// What to print
    #[command(subcommand)]
    pub command: Command,
}

/// What `config` prints.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// The JSON Schema (draft 2020-12), for editors
    Schema,
    /// A commented example
    Example,
    /// The effective file: presets laid under, defaults written out, secrets hidden
    Show {
        /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Prints to `out`; what is wrong goes to `messages`.
///
/// # Errors
/// One of them cannot be written.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> io::Result<Exit> {
    match &args.command {
        Command::Schema => writeln!(out, "{:#}", config::json_schema())?,
        Command::Example => out.write_all(config::EXAMPLE.as_bytes())?,
        Command::Show { config } => match show(config.as_ref(), environment) {
            Ok(text) => out.write_all(text.as_bytes())?,
            Err(problems) => {
                writeln!(messages, "{problems}")?;
                return Ok(Exit::BadConfig);
            }
        },
    }
    Ok(Exit::Success)
}

fn show(named: Option<&PathBuf>, environment: &dyn Environment) -> Result<String, Problems> {
    let path = config::find(named.map(PathBuf::as_path), environment)?;
    config::show(&path.display().to_string(), &config::read(&path)?, environment)
}
