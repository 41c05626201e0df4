//! What the user typed, resolved into the parts' own settings.
//!
//! ```text
//! text ─► tree ─► presets laid under ─► file::Gateway ─► resolve ─► Config
//!        (places,  (tree over tree)     (keys, types,    (rules)
//!        variables)                      defaults)
//! ```
//!
//! No step stops at the first mistake: each adds what it finds to one list of [`Problems`], and goes on with what is
//! left. A [`Config`] comes out only where there is no error; warnings come beside it. Loading again is the same call.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::dedupe::HashKey;
use crate::ingest::source;
use crate::name::{SourceName, TopicName};
use crate::{dedupe, kafka, listener, spool, telemetry, throttle};

mod file;
mod presets;
mod resolve;

mod environment;
mod expand;
mod hash_key;
mod place;
mod problem;
mod tree;

mod decode;
mod schema;

mod sample;
mod show;

pub use environment::{CONFIG_PLACES, CONFIG_VARIABLE, Environment, ProcessEnvironment, find};
pub use hash_key::read as read_hash_key;
pub use place::Place;
pub use presets::{PresetInfo, preset_source};
pub use problem::{At, Problem, Problems, Severity};
pub use sample::{Sample, dev};
pub use show::show;

/// A commented configuration to begin with.
pub const EXAMPLE: &str = include_str!("example.yaml");

/// The JSON Schema of a configuration, draft 2020-12.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schema::document("hookgate.yaml", <file::gateway::Gateway as decode::Decode>::schema)
}

/// Reads the text of a file.
///
/// # Errors
/// It is missing, unreadable, or no text.
pub fn read(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| {
        let mut problems = Problems::default();
        problems.error(&At::default(), format!("{}: {error}", path.display()), "a file that can be read");
        problems
    })
}

/// A whole configuration, with no default open any more.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public port.
    pub listener: listener::Settings,
    /// `admin`
    pub admin: SocketAddr,
    /// The way out.
    pub kafka: kafka::Settings,
    /// Where events are kept; none without `spool.dir`.
    pub spool: Option<spool::Settings>,
    /// What is remembered.
    pub dedupe: dedupe::Settings,
    /// From `dedupe.hash_key_file`; none: made once in `spool.dir`, or at every start where there is none.
    pub hash_key: Option<HashKey>,
    /// The gateway's own limits.
    pub throttle: throttle::Settings,
    /// `shutdown`
    pub shutdown: Shutdown,
    /// `log`
    pub log: telemetry::Settings,
    /// In the order of the file.
    pub sources: Vec<source::Settings>,
}

/// How the gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// `shutdown.drain_delay`: not ready, but still accepting.
    pub drain_delay: Duration,
    /// `shutdown.timeout`: from the signal to the exit.
    pub timeout: Duration,
}

/// A configuration that is good, and what is to be said about it all the same.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// No errors among them.
    pub warnings: Problems,
    /// The secret files that were read; a change of one of them is a change of the configuration.
    pub secret_files: Vec<PathBuf>,
    /// The preset of each source that has one.
    pub presets: BTreeMap<SourceName, String>,
}

impl Config {
    /// The topics that events go to, the dead-letter topic among them; each once, in order.
    #[must_use]
    pub fn topics(&self) -> Vec<TopicName> {
        let mut topics: Vec<_> = self.sources.iter().map(|source| source.topic.clone()).collect();
        topics.push(self.kafka.dead_letter_topic.clone());
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    /// Reads a file. May be called again at any time; nothing is kept between calls.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
        Self::parse(&path.display().to_string(), &read(path)?, environment)
    }

    /// Reads a file for its sources alone, as for a trial of one: what only a running gateway needs, such as the files
    /// of Kafka's properties, may be on another machine.
    ///
    /// # Errors
    /// Everything else that is wrong with it.
    pub fn load_sources(path: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
        parse(&path.display().to_string(), &read(path)?, environment, Purpose::Sources)
    }

    /// Reads a text; `name` is what problems call it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str, environment: &dyn Environment) -> Result<Loaded, Problems> {
        parse(name, text, environment, Purpose::Run)
    }
}

/// What a configuration is read for, and so what has to be good about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To run with it: all of it.
    Run,
    /// To try its sources: all but Kafka's properties and the hash's key.
    Sources,
    /// The same, and the secrets are stand-ins for others.
    StandIns,
}

fn parse(name: &str, text: &str, environment: &dyn Environment, purpose: Purpose) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    match resolve::text(name, text, environment, purpose, &mut problems) {
        Some(loaded) if problems.errors() == 0 => Ok(Loaded { warnings: problems.sorted(), ..loaded }),
        _ => Err(problems.sorted()),
    }
}

#[cfg(test)]
mod tests;
