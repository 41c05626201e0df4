//! `hookgate dev`: the gateway with an embedded Kafka and sample sources; nothing is needed, and nothing survives.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::app::{App, Stop};
use crate::cli::version::BUILD;
use crate::cli::{CommandError, Exit};
use crate::clock::Clock;
use crate::config::{self, Config, Environment, Loaded};
use crate::kafka::Cluster;
use crate::spool::Ack;
use crate::telemetry::{self, Stream};

mod banner;
mod demo;
mod lines;

/// What `dev` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Send one signed delivery of each source, and show the records that come out of Kafka
    #[arg(long)]
    pub demo: bool,
    /// End after the samples (with --demo)
    #[arg(long, requires = "demo")]
    pub once: bool,
    /// A configuration: its sources, with the embedded Kafka instead of its brokers and without its spool
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged to stderr
    #[arg(long, value_name = "FILTER", env = "HOOKGATE_LOG", default_value = "warn")]
    pub log: String,
}

/// Runs until it is told to stop, or with `--once` until the samples have come out of Kafka.
///
/// # Errors
/// The configuration is bad, or a part cannot be started.
pub fn run(args: &Args, environment: &dyn Environment, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let loaded = match &args.config {
        Some(path) => Config::load_sources(path, environment),
        None => config::dev().map(|(_, loaded)| loaded),
    };
    let Loaded { mut config, presets, .. } = loaded.map_err(CommandError::Config)?;
    config.log.level.clone_from(&args.log);
    telemetry::install(&config.log, Clock::system(), Stream::Stderr)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    let cluster = Cluster::start(&config.topics(), 1)?;
    embed(&mut config, &cluster);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let banner = banner::Banner::of(&config, &presets, cluster.bootstrap(), args.config.is_none());
        let app = App::build(config.clone(), BUILD)?;
        let feed = app.feed().watch();
        let bound = app.bind()?;
        banner.print(&bound, out)?;
        let exit = if args.demo {
            demo::run(&config, &presets, bound, feed, cluster.bootstrap(), args.once, out).await?
        } else {
            let stop = Stop::at_signal()?;
            let serving = bound.serve(stop.clone());
            tokio::try_join!(serving, lines::print(feed, stop, out))?;
            Exit::Success
        };
        Ok(exit)
    })
}

/// The embedded cluster takes the place of the brokers. There is no disk, so every source waits for Kafka.
fn embed(config: &mut Config, cluster: &Cluster) {
    config.kafka.brokers = vec![cluster.bootstrap().to_owned()];
    config.kafka.properties.clear();
    // The cluster has its topics, and no admin requests to make them by.
    config.kafka.create_topics = None;
    config.kafka.someone_waits = true;
    config.kafka.spooled = false;
    config.spool = None;
    config.shutdown.drain_delay = Duration::ZERO;
    for source in &mut config.sources {
        source.terms.ack = Ack::Kafka;
    }
}
