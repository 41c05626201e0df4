//! A source on trial: built alone, with nothing behind it, to say what it would do with a request.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request};

use crate::clock::{Clock, UnixMillis};
use crate::dedupe::{self, Dedupe, HashKey};
use crate::ingest::source::{BODY_MAX_DEFAULT, Settings};
use crate::ingest::sources::Source;
use crate::ingest::{Sources, judge, reply};
use crate::metrics::Metrics;

use super::CommandError;
use super::presets::vectors::{Answer, Delivery, Verdict};
use super::version::BUILD;

/// The source alone. Its dedupe forgets everything with it.
///
/// # Errors
/// A secret cannot be used.
pub(super) fn on_trial(settings: &Settings) -> Result<Sources, CommandError> {
    let clock = Clock::system();
    let metrics = Arc::new(Metrics::new(BUILD));
    let memory = dedupe::Settings { window: Duration::from_secs(1), max_keys: 1 };
    let dedupe = Dedupe::new(HashKey::new([0; HashKey::BYTES]), &memory, clock.clone(), Arc::clone(&metrics));
    // Nothing is learned on trial, and so no window is needed to see what would be.
    let settings = Settings { learned_file: None, ..settings.clone() };
    let source = Source::new(settings, &dedupe, &metrics, &clock).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CommandError::Usage(lines.join("\n"))
    })?;
    Ok(Sources::new([source], BODY_MAX_DEFAULT, &metrics))
}

/// What becomes of a test vector's delivery.
pub(super) fn vector(settings: &Settings, delivery: &Delivery, now: UnixMillis) -> Verdict {
    let ready = on_trial(settings)
        .and_then(|sources| Ok((sources, head(&delivery.method, &delivery.target, &delivery.headers)?)));
    let (sources, parts) = match ready {
        Ok(ready) => ready,
        Err(error) => return Verdict::Rejected(error.to_string()),
    };
    match judge::judge(&sources, parts, delivery.body.clone(), now, &mut ()) {
        Ok(judge::Verdict::Accepted { .. }) => Verdict::Accepted,
        Ok(judge::Verdict::Challenge(answer)) => Verdict::Challenge(as_vector(&answer)),
        Err(reject) => Verdict::Rejected(reject.to_string()),
    }
}

fn as_vector(answer: &reply::Answer) -> Answer {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Answer {
        status: answer.status().as_u16(),
        content_type: answer.headers().get(CONTENT_TYPE).map(text),
        headers: answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(answer.body()).into_owned(),
    }
}

/// A request as HTTP would have brought it.
///
/// # Errors
/// The method or the target are none.
pub(super) fn head(method: &str, target: &str, headers: &HeaderMap) -> Result<Parts, CommandError> {
    let usage = |what: &str| CommandError::Usage(format!("{what}: this is not what HTTP allows"));
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| usage("--method"))?;
    let request = Request::builder().method(method).uri(target).body(()).map_err(|_| usage("--url"))?;
    let mut parts = request.into_parts().0;
    parts.headers = headers.clone();
    Ok(parts)
}
