//! `hookgate spool drain`: delivers what a directory holds, as the gateway that filled it would have.
//!
//! It opens the spool as a gateway does, with its lock and its recovery, and lets a forwarder work until nothing is left.
//! What is interrupted is a spool as before: the next drain, or a gateway, goes on.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::place;
use crate::app::Stop;
use crate::cli::brokers::{Brokers, Means};
use crate::cli::progress::Progress;
use crate::cli::version::BUILD;
use crate::cli::{CommandError, Exit};
use crate::clock::Clock;
use crate::config::Environment;
use crate::forward::{Forwarder, Parts};
use crate::kafka;
use crate::metrics::Metrics;
use crate::name::TopicName;
use crate::spool::inspect::{Inspection, Segment};
use crate::spool::{Settings, Spool};
use crate::telemetry::{self, Stream};
use crate::units::{ByteSize, Share, parse_duration};

/// So often it is looked whether anything is left.
const STEP: Duration = Duration::from_millis(50);
/// What is in flight at the end is waited for.
const FLUSH: Duration = Duration::from_secs(5);
/// Keys are kept, however old: who fills the directory again will want them.
const HORIZON: Duration = Duration::MAX;
/// Room for the directory where no configuration says how much it may have.
const MAX_BYTES: ByteSize = ByteSize::mib(10 << 10);
const SEGMENT_BYTES: ByteSize = ByteSize::mib(64);

/// What `spool drain` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The spool's directory; else `spool.dir` of the configuration
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where to.
    #[command(flatten)]
    pub brokers: Brokers,
    /// Give up after so long; what is left stays in the directory
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How far it came.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    delivered: u64,
    /// Of these, to the dead-letter topic.
    dead: u64,
    left: usize,
    /// Records that were damaged.
    unreadable: u64,
}

pub(super) fn run(args: &Args, environment: &dyn Environment, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let Means { mut kafka, spool, log } = args.brokers.means(environment)?;
    telemetry::install(&log, Clock::system(), Stream::Stderr)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    let dir = args.dir.clone().or_else(|| spool.as_ref().map(|spool| spool.dir.clone()));
    let dir = dir.ok_or_else(|| CommandError::Usage("no spool.dir in the configuration; name a directory".into()))?;
    let settings = settings(&dir, spool)?;
    let metrics = Arc::new(Metrics::new(BUILD));
    let spool = Spool::open(&settings, HORIZON, Clock::system(), Arc::clone(&metrics), &mut |_| None)?;
    // What lies on disk is not given up by a clock, and nobody waits for it.
    (kafka.spooled, kafka.someone_waits) = (true, false);
    kafka.properties.retain(|(name, _)| !matches!(name.as_str(), "message.timeout.ms" | "delivery.timeout.ms"));
    // Only now: nobody changes it any more.
    let topics = look(&dir, &mut kafka)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(drain(spool, kafka, topics, &metrics, args.timeout))?;
    tell(&dir, outcome, args.json, out)?;
    Ok(if outcome.left == 0 && outcome.unreadable == 0 { Exit::Success } else { Exit::Failure })
}

/// Those of the configuration, for this directory; its segments keep their size.
fn settings(dir: &Path, of_config: Option<Settings>) -> Result<Settings, CommandError> {
    let inspection = place::look(dir)?;
    let sizes = || inspection.segments().iter().map(Segment::bytes);
    let all = ByteSize(sizes().sum());
    let segment_bytes = sizes().max().map_or(SEGMENT_BYTES, ByteSize);
    let room = MAX_BYTES.max(all).max(ByteSize(segment_bytes.0.saturating_mul(8)));
    let dir = dir.to_owned();
    Ok(match of_config {
        Some(settings) => Settings { dir, segment_bytes, max_bytes: settings.max_bytes.max(room), ..settings },
        None => Settings {
            dir,
            scratch: false,
            max_bytes: room,
            segment_bytes,
            high_water: Share::percent(80),
            low_water: Share::percent(70),
            retain: Duration::ZERO,
        },
    })
}

/// The topics of what is to be delivered; and makes room for the largest record.
fn look(dir: &Path, kafka: &mut kafka::Settings) -> Result<Vec<TopicName>, CommandError> {
    let inspection = Inspection::open(dir)?;
    let mut topics: Vec<TopicName> = Vec::new();
    let mut progress = Progress::new();
    for segment in inspection.segments().iter().filter(|segment| segment.counts()) {
        inspection.read(segment, &mut |kept| {
            progress.show(|| format!("looking at what there is: record {}", kept.sequence));
            if !kept.delivered {
                kafka.largest_body = kafka.largest_body.max(ByteSize(kept.bytes));
                if !topics.iter().any(|topic| topic.as_str() == kept.event.topic) {
                    topics.extend(kept.event.topic.parse::<TopicName>());
                }
            }
            ControlFlow::Continue(())
        });
    }
    Ok(topics)
}

async fn drain(
    spool: Spool,
    kafka: kafka::Settings,
    topics: Vec<TopicName>,
    metrics: &Arc<Metrics>,
    timeout: Option<Duration>,
) -> anyhow::Result<Outcome> {
    let stop = Stop::at_signal()?;
    let clock = Clock::system();
    let all = spool.outstanding();
    let (delivered, dead) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counts = (Arc::clone(&delivered), Arc::clone(&dead));
    let forwarder = Forwarder::start(Parts {
        spool: spool.clone(),
        settings: kafka,
        topics,
        clock: clock.clone(),
        metrics: Arc::clone(metrics),
        observer: Some(Arc::new(move |event, topic, _| {
            counts.0.fetch_add(1, Ordering::Relaxed);
            counts.1.fetch_add(u64::from(topic != event.topic), Ordering::Relaxed);
        })),
    })?;
    let began = clock.now();
    let mut progress = Progress::new();
    let mut stopped = std::pin::pin!(stop.wait());
    while spool.outstanding() > 0 && !metrics.has_fallen() {
        let elapsed = clock.now().since(began);
        if timeout.is_some_and(|timeout| elapsed >= timeout) {
            break;
        }
        progress.show(|| {
            let done = delivered.load(Ordering::Relaxed);
            #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
            let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
            format!("{done} delivered of {all}, {} outstanding, {rate:.0}/s", spool.outstanding())
        });
        tokio::select! {
            () = stopped.as_mut() => break,
            () = tokio::time::sleep(STEP) => {}
        }
    }
    drop(progress);
    let end = spool.clone();
    tokio::task::spawn_blocking(move || {
        forwarder.stop(FLUSH);
        end.close();
    })
    .await?;
    let (delivered, dead) = (delivered.load(Ordering::Relaxed), dead.load(Ordering::Relaxed));
    anyhow::ensure!(!metrics.has_fallen(), "a background thread ended in a panic; what it held stays in the directory");
    Ok(Outcome { delivered, dead, left: spool.outstanding(), unreadable: metrics.spool_corrupt_records.get() })
}

fn tell(dir: &Path, outcome: Outcome, as_json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let Outcome { delivered, dead, left, unreadable } = outcome;
    if left > 0 || unreadable > 0 {
        tracing::error!(left, unreadable, runbook = "machine-died", "not all that the spool held has been delivered");
    }
    if as_json {
        let object =
            json!({ "delivered": delivered, "dead_lettered": dead, "remaining": left, "unreadable": unreadable });
        return writeln!(out, "{object:#}");
    }
    writeln!(out, "{}: {delivered} delivered, {left} left", dir.display())?;
    if dead > 0 {
        writeln!(out, "{dead} of them went to the dead-letter topic, since Kafka refuses them")?;
    }
    if unreadable > 0 {
        writeln!(out, "{unreadable} records cannot be read; see `hookgate spool verify`")?;
    }
    Ok(())
}
