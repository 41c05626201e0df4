//! `hookgate replay`: kept events, or dead letters, to Kafka once more.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::cli::brokers::{Brokers, Means};
use crate::cli::progress::Progress;
use crate::cli::version::BUILD;
use crate::cli::{CommandError, Exit};
use crate::clock::Clock;
use crate::config::Environment;
use crate::kafka;
use crate::metrics::Metrics;
use crate::replay::{self, Letter, Passed, Sender, Tally};
use crate::spool::inspect::{Inspection, Range, Segment, Selection};
use crate::telemetry::{self, Stream};
use crate::units::ByteSize;

/// A broker answers in that time, or is not there.
const ANSWER: Duration = Duration::from_secs(10);
/// A dead letter may have that size, or that of the largest event of the configuration.
const DEAD_BYTES_MAX: ByteSize = ByteSize::mib(64);

/// What `replay` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Both ends included: sequence numbers or RFC 3339 times of receipt, either left out; or one number
    #[arg(value_name = "FROM..TO")]
    pub range: Option<Range>,
    /// Those with this `ce_id`; may be repeated
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// What the dead-letter topic holds, each to the topic that it was meant for, instead of what the spool has kept
    #[arg(long)]
    pub dead_letter: bool,
    /// Only those of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only those of this topic
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Print what would be sent, a line each, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The spool's directory; else `spool.dir` of the configuration
    #[arg(long, value_name = "DIR", conflicts_with = "dead_letter")]
    pub dir: Option<PathBuf>,
    /// Where to.
    #[command(flatten)]
    pub brokers: Brokers,
    /// The outcome as one JSON object; of --dry-run one object a line
    #[arg(long)]
    pub json: bool,
}

/// Sends, and says how many; exit 1 where some were not delivered, or none has the id that was asked for.
///
/// # Errors
/// The configuration is bad, the directory or the topic cannot be read, or nobody answers.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let usage = |what: &str| Err(CommandError::Usage(what.to_owned()));
    if args.range.is_none() && args.id.is_empty() && !args.dead_letter {
        return usage("say what: FROM..TO (all: ..), --id or --dead-letter");
    }
    if args.dead_letter && args.range.is_some_and(|range| range.has_sequence()) {
        return usage("dead letters have no sequence numbers; give times");
    }
    let Means { mut kafka, spool, log } = args.brokers.means(environment)?;
    telemetry::install(&log, Clock::system(), Stream::Stderr)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    let inspection = match (args.dead_letter, args.dir.clone().or(spool.map(|spool| spool.dir))) {
        (true, _) => None,
        (false, Some(dir)) => Some(Inspection::open(&dir)?),
        (false, None) => return usage("no spool.dir in the configuration; give --dir"),
    };
    // No record is larger than its segment; how large dead letters are nobody says.
    let sizes = inspection.iter().flat_map(Inspection::segments).map(Segment::bytes);
    kafka.largest_body = kafka.largest_body.max(sizes.max().map_or(DEAD_BYTES_MAX, ByteSize));
    let selection = Selection {
        range: args.range.unwrap_or_default(),
        ids: args.id.iter().cloned().collect(),
        source: args.source.clone(),
        topic: args.topic.clone(),
    };
    let read = Read { kafka: &kafka, inspection: inspection.as_ref(), selection };
    let (count, failures) = if args.dry_run {
        (preview(&read, args.json, out, messages)?, 0)
    } else {
        let (tally, passed) = send(&read)?;
        told(&tally, passed, args.json, out, messages)?;
        (tally.sent + tally.failures(), tally.failures())
    };
    if count == 0 && !args.id.is_empty() {
        writeln!(messages, "no event that is kept has this id")?;
        return Ok(Exit::Failure);
    }
    Ok(if failures == 0 { Exit::Success } else { Exit::Failure })
}

/// Where letters come from.
struct Read<'a> {
    kafka: &'a kafka::Settings,
    /// None: from the dead-letter topic.
    inspection: Option<&'a Inspection>,
    selection: Selection,
}

impl Read<'_> {
    fn each(&self, each: &mut dyn FnMut(Letter) -> ControlFlow<()>) -> Result<Passed, CommandError> {
        match self.inspection {
            Some(inspection) => Ok(replay::kept(inspection, &self.selection, each)),
            None => Ok(replay::dead(self.kafka, ANSWER, &self.selection, each)?),
        }
    }
}

fn preview(read: &Read<'_>, as_json: bool, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u64, CommandError> {
    let (mut count, mut written) = (0, Ok(()));
    let passed = read.each(&mut |letter| {
        count += 1;
        written = line(&letter, as_json, out);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    warn(passed, messages)?;
    if as_json {
        writeln!(messages, "{count} would be sent")?;
    } else {
        writeln!(out, "{count} would be sent")?;
    }
    Ok(count)
}

fn line(letter: &Letter, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    let (from, topic, id) = (&letter.from, &letter.topic, letter.id());
    let (at, bytes) = (letter.received_at(), letter.view("").value.len());
    if as_json {
        let at = at.to_string();
        let object = json!({ "from": from, "topic": topic, "ce_id": id, "received_at": at, "bytes": bytes });
        return writeln!(out, "{object}");
    }
    writeln!(out, "{from}  {at}  {topic}  {id}  {bytes} bytes")
}

fn send(read: &Read<'_>) -> Result<(Tally, Passed), CommandError> {
    let metrics = Arc::new(Metrics::new(BUILD));
    let mut sender = Sender::start(read.kafka.clone(), Clock::system().wall(), metrics, ANSWER)?;
    let mut progress = Progress::new();
    let passed = read.each(&mut |letter| {
        progress.show(|| {
            let tally = sender.tally();
            format!("{} sent, {} failed, now at {}", tally.sent, tally.failures(), letter.from)
        });
        sender.send(letter);
        ControlFlow::Continue(())
    });
    drop(progress);
    // What has been sent is told, also where the reading broke off.
    let tally = sender.finish();
    match passed {
        Ok(passed) => Ok((tally, passed)),
        Err(CommandError::Failed(error)) => {
            Err(error.context(format!("{} sent before it broke off", tally.sent)).into())
        }
        Err(error) => Err(error),
    }
}

fn told(tally: &Tally, passed: Passed, as_json: bool, out: &mut dyn Write, messages: &mut dyn Write) -> io::Result<()> {
    warn(passed, messages)?;
    for (from, id, reason) in &tally.named {
        writeln!(messages, "{from}  {id}: {reason}")?;
    }
    if as_json {
        let object = json!({
            "sent": tally.sent, "failed": tally.failures(), "reasons": tally.failed, "aimless": passed.aimless,
            "damaged_places": passed.damaged, "gone_segments": passed.gone,
        });
        return writeln!(out, "{object:#}");
    }
    let reasons: Vec<_> = tally.failed.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    match reasons.as_slice() {
        [] => writeln!(out, "{} sent", tally.sent),
        reasons => writeln!(out, "{} sent, {} not: {}", tally.sent, tally.failures(), reasons.join(", ")),
    }
}

fn warn(passed: Passed, messages: &mut dyn Write) -> io::Result<()> {
    if passed.damaged > 0 {
        writeln!(messages, "{} places of the spool cannot be read; see `hookgate spool verify`", passed.damaged)?;
    }
    if passed.gone > 0 {
        writeln!(messages, "{} segments were recycled while they were read", passed.gone)?;
    }
    if passed.aimless > 0 {
        writeln!(messages, "{} records do not say which topic they were meant for; left alone", passed.aimless)?;
    }
    Ok(())
}
