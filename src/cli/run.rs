//! `hookgate run`: the gateway.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::app::{App, Stop};
use crate::cli::version::BUILD;
use crate::cli::{CommandError, Exit};
use crate::clock::Clock;
use crate::config::{self, Config, Environment, Loaded};
use crate::telemetry::{self, Stream};

/// What `run` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged, instead of `log.level`: info, or `info,hookgate::spool=debug`
    #[arg(long, value_name = "FILTER", env = "HOOKGATE_LOG")]
    pub log: Option<String>,
}

/// Runs until it is told to stop. A bad configuration ends it before a port is open.
///
/// # Errors
/// The configuration is bad, or a part cannot be started.
pub fn run(args: &Args, environment: &dyn Environment) -> Result<Exit, CommandError> {
    let path = config::find(args.config.as_deref(), environment).map_err(CommandError::Config)?;
    let Loaded { mut config, warnings, .. } = Config::load(&path, environment).map_err(CommandError::Config)?;
    if let Some(level) = &args.log {
        config.log.level.clone_from(level);
    }
    telemetry::install(&config.log, Clock::system(), Stream::Stdout)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    for warning in &warnings {
        drop(writeln!(io::stderr(), "{warning}\n"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = Stop::at_signal()?;
        let app = App::build(config, BUILD)?;
        app.bind()?.serve(stop).await
    })?;
    Ok(Exit::Success)
}
