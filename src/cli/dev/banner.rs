//! What `dev` says at its start: where it listens, what its secrets are, what to try.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::app::Bound;
use crate::config::Config;
use crate::name::SourceName;

/// What is known before the ports are open.
#[derive(Debug)]
pub(super) struct Banner {
    kafka: String,
    topic: String,
    sources: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    source: String,
    preset: String,
    secret: String,
}

impl Banner {
    /// `secrets_are_ours`: they come with the program, and are there to be seen; somebody's own are not.
    pub(super) fn of(
        config: &Config,
        presets: &BTreeMap<SourceName, String>,
        kafka: &str,
        secrets_are_ours: bool,
    ) -> Self {
        let rows = config.sources.iter().map(|source| Row {
            source: source.name.to_string(),
            preset: presets.get(&source.name).cloned().unwrap_or_else(|| "-".into()),
            secret: match source.demands.secrets.first() {
                None => "-".into(),
                Some(_) if !secrets_are_ours => "(yours)".into(),
                Some(secret) => String::from_utf8_lossy(secret.expose()).into_owned(),
            },
        });
        let topic = config.sources.first().map(|source| source.topic.to_string()).unwrap_or_default();
        Self { kafka: kafka.to_owned(), topic, sources: rows.collect() }
    }

    pub(super) fn print(&self, bound: &Bound, out: &mut dyn Write) -> io::Result<()> {
        let (public, private, kafka) = (bound.public()?, bound.private()?, &self.kafka);
        let version = env!("CARGO_PKG_VERSION");
        writeln!(
            out,
            "hookgate {version}  development mode: in-memory Kafka, keeps the last 5 MiB a partition, nothing survives exit\n"
        )?;
        writeln!(out, "  public   http://{public}/in/<source>")?;
        writeln!(out, "  admin    http://{private}          metrics, health")?;
        writeln!(out, "  kafka    {kafka}                kcat -b {kafka} -C -t {}\n", self.topic)?;
        let widest = |column: fn(&Row) -> &str, head: &str| {
            self.sources.iter().map(|row| column(row).len()).chain([head.len()]).max().unwrap_or_default()
        };
        let (one, two) = (widest(|row| &row.source, "source"), widest(|row| &row.preset, "preset"));
        writeln!(out, "  {:one$}  {:two$}  secret", "source", "preset")?;
        for Row { source, preset, secret } in &self.sources {
            writeln!(out, "  {source:one$}  {preset:two$}  {secret}")?;
        }
        if let Some(first) = self.sources.iter().find(|row| row.preset != "-") {
            writeln!(out, "\n  try      hookgate send {}", first.source)?;
        }
        writeln!(out)?;
        out.flush()
    }
}
