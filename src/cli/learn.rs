//! `hookgate learn`: lets a source learn the secret that its sender brings unsigned.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::admin::learn::{HEADER, LEARNED, TIME_MAX, UNKNOWN};
use crate::cli::progress::Progress;
use crate::cli::send::http::{self as client, Letter};
use crate::cli::{CommandError, Exit};
use crate::clock::Clock;
use crate::name::SourceName;
use crate::units::{parse_duration, show_duration};

/// What `learn` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The source's name; it has a handshake of the kind `learn_secret`
    pub source: SourceName,
    /// How long the window stays open, from 1s to 24h; it closes with the last secret, or when this command ends
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub time: Duration,
    /// How many secrets may be learned; some senders bring one for each webhook
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub count: u32,
    /// The `admin` address of the gateway, on this machine
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub admin: String,
}

/// Opens the window and prints each secret once, on a line of its own; exit 0 if there was one, 1 if the time was over first.
///
/// # Errors
/// No gateway answers there, or it does not open a window.
pub fn run(args: &Args, out: &mut dyn Write, messages: &mut dyn Write) -> Result<Exit, CommandError> {
    if args.time < Duration::from_secs(1) || args.time > TIME_MAX {
        return Err(CommandError::Usage(format!("--for: 1s to {}", show_duration(TIME_MAX))));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(learn(args, out, messages))
}

async fn learn(args: &Args, out: &mut dyn Write, messages: &mut dyn Write) -> Result<Exit, CommandError> {
    let (answer, _connection) = client::open(letter(args)?).await?;
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK {
        let why = body.collect().await?.to_bytes();
        let why = String::from_utf8_lossy(&why).trim().to_owned();
        return Err(match head.status {
            UNKNOWN => CommandError::Usage(why),
            status => anyhow!("{status}: {why}").into(),
        });
    }
    let (source, time) = (&args.source, show_duration(args.time));
    writeln!(messages, "{source} may learn {} for {time}: create the webhook now; Ctrl-C closes", secrets(args.count))?;
    let learned = follow(args, body, out).await?;
    writeln!(messages, "the window is closed: {} learned", secrets(learned))?;
    Ok(if learned > 0 { Exit::Success } else { Exit::Failure })
}

fn letter(args: &Args) -> Result<Letter, CommandError> {
    let admin = args.admin.trim_end_matches('/');
    let target = format!("{admin}/learn/{}?seconds={}&count={}", args.source.as_str(), args.time.as_secs(), args.count);
    let url = target.parse::<Uri>().map_err(|error| CommandError::Usage(format!("--admin {admin}: {error}")))?;
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(HEADER), HeaderValue::from_static("1"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    Ok(Letter { method: Method::POST, url, headers, body: Bytes::new() })
}

/// Prints what is learned until the window closes; how many.
async fn follow(args: &Args, mut body: Incoming, out: &mut dyn Write) -> Result<u32, CommandError> {
    let clock = Clock::system();
    let began = clock.now();
    let mut progress = Progress::new();
    let (mut learned, mut rest) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.context("the gateway went away, and the window with it")?.into_data() else { continue };
        rest.extend_from_slice(&data);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if let Some(secret) = line.strip_prefix(LEARNED.as_bytes()) {
                out.write_all(secret)?;
                out.flush()?;
                learned += 1;
            }
        }
        let left = args.time.saturating_sub(clock.now().since(began)).as_secs();
        progress.show(|| format!("waiting for {}: {left}s left", args.source));
    }
    Ok(learned)
}

fn secrets(count: u32) -> String {
    format!("{count} secret{}", if count == 1 { "" } else { "s" })
}
