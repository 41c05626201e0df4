//! `hookgate verify`: what the gateway would do with a request, and why, step by step. Nothing is sent or kept.

use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use http::Uri;

use crate::cli::judge::{head, on_trial};
use crate::cli::{CommandError, Exit, given, secret};
use crate::clock::{Clock, UnixMillis};
use crate::config::{self, Config, Environment, preset_source};
use crate::ingest::judge::judge;
use crate::ingest::source::Settings;

mod explain;
mod report;

use explain::Explanation;

/// What `verify` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A preset, with the secrets given here
    #[arg(long, value_name = "PRESET", required_unless_present = "source", conflicts_with = "source")]
    pub preset: Option<String>,
    /// A secret: text, @FILE or env:VARIABLE; may be repeated
    #[arg(long, value_name = "SECRET")]
    pub secret: Vec<String>,
    /// A source of a configuration, with its secrets
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The configuration of --source; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The request's method
    #[arg(long, default_value = "POST")]
    pub method: String,
    /// The URL as it is registered with the provider; its path and query alone will do where no URL is signed
    #[arg(long)]
    pub url: String,
    /// A header, `Name: value`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// The exact body: text, or @FILE
    #[arg(long, value_name = "TEXT|@FILE", default_value = "")]
    pub body: String,
    /// The time of the gateway's clock: Unix seconds or RFC 3339; now where nothing is said
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<UnixMillis>,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Explains; exit 0 where the request would be accepted or answered as a handshake, 1 where it would be refused.
///
/// # Errors
/// The preset, the source or the request is not there, or no HTTP.
pub fn run(args: &Args, environment: &dyn Environment, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let (origin, target) = split(&args.url)?;
    let settings = match (&args.preset, &args.source) {
        (Some(preset), _) => of_preset(args, preset, origin.as_deref(), &target, environment)?,
        (None, Some(source)) => of_source(args, source, environment)?,
        (None, None) => return Err(CommandError::Usage("give --preset or --source".into())),
    };
    let target = behind(settings.demands.public_url.as_deref(), &args.url).unwrap_or(target);
    let sources = on_trial(&settings)?;
    let parts = head(&args.method, &target, &given::headers(&args.header)?)?;
    let body = given::body(&args.body)?;
    let now = args.at.unwrap_or_else(|| Clock::system().wall());
    let mut explanation = Explanation::default();
    let judged = judge(&sources, parts, Bytes::from(body), now, &mut explanation);
    if args.json {
        writeln!(out, "{:#}", report::json(&judged))?;
    } else {
        explanation.print(out)?;
        report::human(&judged, out)?;
    }
    Ok(if judged.is_ok() { Exit::Success } else { Exit::Failure })
}

fn of_preset(
    args: &Args,
    preset: &str,
    origin: Option<&str>,
    target: &str,
    environment: &dyn Environment,
) -> Result<Settings, CommandError> {
    let secrets = args.secret.iter().map(|text| secret::given(text, environment)).collect::<Result<Vec<_>, _>>()?;
    if secrets.is_empty() {
        return Err(CommandError::Usage("give at least one --secret".into()));
    }
    let path = target.split('?').next().unwrap_or(target);
    let as_usage = |problems: config::Problems| CommandError::Usage(problems.to_string());
    preset_source(preset, &secrets, origin, path).map_err(as_usage)
}

/// The source as configured.
fn of_source(args: &Args, name: &str, environment: &dyn Environment) -> Result<Settings, CommandError> {
    let path = config::find(args.config.as_deref(), environment).map_err(CommandError::Config)?;
    let loaded = Config::load_sources(&path, environment).map_err(CommandError::Config)?;
    super::send::source(&loaded.config, name).cloned()
}

/// `https://host/path?query` → origin and target; a target alone has no origin.
fn split(url: &str) -> Result<(Option<String>, String), CommandError> {
    let uri = url.parse::<Uri>().map_err(|error| CommandError::Usage(format!("--url {url}: {error}")))?;
    let target = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let origin = uri.scheme_str().zip(uri.authority()).map(|(scheme, host)| format!("{scheme}://{host}"));
    Ok((origin, target))
}

/// What the gateway sees of the URL that is registered: a proxy in front takes the path of `public_url` away.
fn behind(public_url: Option<&str>, url: &str) -> Option<String> {
    let rest = url.strip_prefix(public_url?).filter(|rest| rest.starts_with('/'))?;
    Some(rest.split('#').next().unwrap_or(rest).to_owned())
}

fn parse_time(text: &str) -> Result<UnixMillis, String> {
    let expected = || format!("`{text}`: expected Unix seconds such as 1614265330, or 2021-02-25T15:02:10Z");
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e11).contains(seconds));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10¹⁴ fits")]
    let from_seconds = seconds.map(|seconds| UnixMillis((seconds * 1000.0).round() as u64));
    let from_text = || u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok().map(UnixMillis);
    from_seconds.or_else(from_text).ok_or_else(expected)
}

#[cfg(test)]
mod tests;
