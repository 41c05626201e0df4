//! `hookgate send`: what a provider would send, signed as it would sign it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use ::http::Uri;
use anyhow::Context;

use crate::cli::{CommandError, Exit, secret};
use crate::clock::Clock;
use crate::config::{self, Config, Environment, Loaded, Sample};
use crate::ingest::source::Settings;
use crate::units::Rate;

pub(super) mod delivery;
pub(super) mod http;

use delivery::{Flaw, Sender};

/// What `send` is asked.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// The source's name
    pub source: String,
    /// The configuration that it is in; without one, that of `hookgate dev`
    #[arg(short, long, value_name = "FILE", env = config::CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
    /// Where to: the gateway, or the full URL of the source
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub to: String,
    /// Which of the preset's samples
    #[arg(long, value_name = "TYPE")]
    pub event: Option<String>,
    /// A body of your own: text, or @FILE
    #[arg(long, value_name = "TEXT|@FILE")]
    pub body: Option<String>,
    /// Sign with this instead of the source's own: text, @FILE or env:VARIABLE. Where the source has a public key, the
    /// private one
    #[arg(long, value_name = "SECRET")]
    pub secret: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: u64,
    /// How often, such as 10/s; as fast as they are answered where nothing is said
    #[arg(long, value_name = "RATE")]
    pub rate: Option<Rate>,
    /// Send each twice
    #[arg(long)]
    pub duplicate: bool,
    /// Spoil the proof: it is to be refused
    #[arg(long, group = "flaw")]
    pub bad_signature: bool,
    /// Make and sign it as of an hour ago, or twice what the source allows: it is to be refused where the scheme has a time
    #[arg(long, group = "flaw")]
    pub stale: bool,
    /// Change the body after it has been signed: it is to be refused where the signature covers it
    #[arg(long, group = "flaw")]
    pub tampered: bool,
    /// Print the signed request as HTTP/1.1 instead of sending it; its credentials are in it
    #[arg(long)]
    pub dry_run: bool,
}

/// Sends and prints each answer; exit 0 if every one was a 2xx.
///
/// # Errors
/// The source is not there, the delivery cannot be signed, or nobody answers.
pub fn run(args: &Args, environment: &dyn Environment, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let loaded = match &args.config {
        Some(path) => Config::load_sources(path, environment),
        None => config::dev().map(|(_, loaded)| loaded),
    };
    let Loaded { config, presets, .. } = loaded.map_err(CommandError::Config)?;
    let settings = source(&config, &args.source)?;
    let preset = presets.get(&settings.name).map(String::as_str);
    let sample = sample(args, preset)?;
    let to = args.to.parse::<Uri>().map_err(|error| CommandError::Usage(format!("--to {}: {error}", args.to)))?;
    let flaws = [(args.bad_signature, Flaw::BadSignature), (args.stale, Flaw::Stale), (args.tampered, Flaw::Tampered)];
    let flaw = flaws.into_iter().find_map(|(asked, flaw)| asked.then_some(flaw));
    let secret = args.secret.as_deref().map(|text| secret::given(text, environment)).transpose()?;
    let sender = Sender::new(settings, sample, to, flaw).with_secret(secret);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send_all(args, &sender, out))
}

async fn send_all(args: &Args, sender: &Sender<'_>, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let clock = Clock::system();
    let mut every = args.rate.filter(|rate| rate.count > 0).map(|rate| tokio::time::interval(rate.per / rate.count));
    let mut exit = Exit::Success;
    for _ in 0..args.count {
        if let Some(every) = &mut every {
            every.tick().await;
        }
        let letter = sender.letter(clock.wall())?;
        if args.dry_run {
            letter.write(out)?;
            continue;
        }
        for _ in 0..=u8::from(args.duplicate) {
            let began = clock.now();
            let answer = http::send(letter.clone()).await?;
            print(&answer, clock.now().since(began), out)?;
            if !answer.status.is_success() {
                exit = Exit::Failure;
            }
        }
    }
    Ok(exit)
}

fn print(answer: &http::Answer, took: Duration, out: &mut dyn Write) -> std::io::Result<()> {
    let header = |name| answer.headers.get(name).and_then(|value: &::http::HeaderValue| value.to_str().ok());
    write!(out, "{}  {:.1} ms", answer.status, took.as_secs_f64() * 1000.0)?;
    for name in ["x-request-id", "x-duplicate", "retry-after"] {
        if let Some(value) = header(name) {
            write!(out, "  {name}: {value}")?;
        }
    }
    if answer.body.is_empty() { writeln!(out) } else { writeln!(out, "  {}", String::from_utf8_lossy(&answer.body)) }
}

/// The source of that name.
pub(super) fn source<'c>(config: &'c Config, name: &str) -> Result<&'c Settings, CommandError> {
    config.sources.iter().find(|source| source.name.as_str() == name).ok_or_else(|| {
        let names: Vec<_> = config.sources.iter().map(|source| source.name.as_str()).collect();
        CommandError::Usage(format!("no source `{name}`; there are {}", names.join(", ")))
    })
}

fn sample(args: &Args, preset: Option<&str>) -> Result<Sample, CommandError> {
    let samples = preset.map_or(Ok(Vec::new()), Sample::all).map_err(CommandError::Config)?;
    let chosen = match &args.event {
        None => samples.first(),
        Some(event) => Some(samples.iter().find(|sample| sample.event == *event).ok_or_else(|| {
            let events: Vec<_> = samples.iter().map(|sample| sample.event.as_str()).collect();
            CommandError::Usage(format!("no sample `{event}`; there are: {}", events.join(", ")))
        })?),
    };
    let mut sample = chosen.cloned().unwrap_or_else(Sample::plain);
    if let Some(body) = &args.body {
        sample.body = match body.strip_prefix('@') {
            None => body.clone(),
            Some(path) => std::fs::read_to_string(path).with_context(|| path.to_owned())?,
        };
    }
    Ok(sample)
}
