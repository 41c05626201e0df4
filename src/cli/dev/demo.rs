//! `dev --demo`: one signed delivery of each source through the real front door, and the records that come out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;

use crate::app::{Bound, Stop};
use crate::cli::Exit;
use crate::cli::send::delivery::Sender;
use crate::cli::send::http;
use crate::clock::Clock;
use crate::config::{Config, Sample};
use crate::event::header;
use crate::feed::Line;
use crate::ingest::source::Settings;
use crate::kafka::{Record, tail};
use crate::name::SourceName;

use super::lines;

/// Longer than the samples take on any machine.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);
/// So much of a value is shown, in characters.
const VALUE_SHOWN: usize = 160;

pub(super) async fn run(
    config: &Config,
    presets: &BTreeMap<SourceName, String>,
    bound: Bound,
    feed: Receiver<Line>,
    bootstrap: &str,
    once: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let (trigger, by_hand) = Stop::by_hand();
    let stop = if once { by_hand } else { Stop::at_signal()? };
    let front_door = format!("http://{}", bound.public()?).parse()?;
    let records = tail(bootstrap, &config.topics(), 1)?;
    let serving = tokio::spawn(bound.serve(stop.clone()));

    let mut demo = Demo { feed, records, expected: BTreeSet::new(), refused: 0 };
    for source in &config.sources {
        let Some(sample) = sample(presets, source)? else { continue };
        let sender = Sender::new(source, sample, ::http::Uri::clone(&front_door), None);
        demo.send(&sender, source, out).await?;
    }
    let arrived = demo.show_records(out).await?;
    let good = arrived && demo.refused == 0;
    if once {
        trigger.pull();
    } else {
        lines::print(demo.feed, stop, out).await?;
    }
    serving.await??;
    Ok(if good { Exit::Success } else { Exit::Failure })
}

fn sample(presets: &BTreeMap<SourceName, String>, source: &Settings) -> Result<Option<Sample>> {
    let Some(preset) = presets.get(&source.name) else { return Ok(None) };
    let samples = Sample::all(preset).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(samples.into_iter().next())
}

struct Demo {
    feed: Receiver<Line>,
    records: mpsc::Receiver<Record>,
    /// Source and id of the events that have been answered 200, and are not seen in Kafka yet.
    expected: BTreeSet<(String, String)>,
    refused: usize,
}

impl Demo {
    async fn send(&mut self, sender: &Sender<'_>, source: &Settings, out: &mut dyn Write) -> Result<()> {
        let letter = match sender.letter(Clock::system().wall()) {
            Ok(letter) => letter,
            // Of some sources only the provider has what signs.
            Err(error) => return Ok(writeln!(out, "→ {}  not sent: {error}", source.name)?),
        };
        let line = format!("{} {}", letter.method, letter.url.path());
        let answer = http::send(letter).await?;
        writeln!(out, "→ {line}  {}", answer.status)?;
        if !answer.status.is_success() {
            self.refused += 1;
        }
        // The lines of a request are told before it is answered.
        while let Ok(line) = self.feed.try_recv() {
            if let Line::Answered(answered) = line
                && let Some(id) = answered.id
            {
                self.expected.insert((answered.source, id));
            }
        }
        Ok(())
    }

    /// True once every event has been seen.
    async fn show_records(&mut self, out: &mut dyn Write) -> Result<bool> {
        let mut timeout = std::pin::pin!(tokio::time::sleep(ARRIVAL_TIMEOUT));
        while !self.expected.is_empty() {
            let record = tokio::select! {
                record = self.records.recv() => record.context("reading from Kafka has ended")?,
                () = timeout.as_mut() => {
                    writeln!(out, "{} events have not come out of Kafka", self.expected.len())?;
                    return Ok(false);
                }
            };
            let named = record.header(header::SOURCE).zip(record.header(header::CE_ID));
            if let Some(named) = named {
                self.expected.remove(&named);
            }
            show(&record, out)?;
        }
        writeln!(out, "\nevery event has come out of Kafka")?;
        out.flush()?;
        Ok(true)
    }
}

fn show(record: &Record, out: &mut dyn Write) -> std::io::Result<()> {
    let key = record.key.as_deref().map_or_else(|| "none".into(), String::from_utf8_lossy);
    writeln!(out, "\n{}-{}@{}  key: {key}", record.topic, record.partition, record.offset)?;
    for (name, value) in &record.headers {
        writeln!(out, "  {name}: {}", String::from_utf8_lossy(value))?;
    }
    let value = String::from_utf8_lossy(&record.value);
    let shown: String = value.chars().take(VALUE_SHOWN).collect();
    let rest = if shown.len() < value.len() { "…" } else { "" };
    writeln!(out, "  {shown}{rest}")
}
