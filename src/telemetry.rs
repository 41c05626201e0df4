//! Logs: one line an event, for people on a terminal and in JSON off one.
//!
//! The log of a gateway that runs is what it is asked for, and goes to stdout, where a container's log is collected.
//! Commands whose output is data send their messages to stderr. The application decides which; what is logged never
//! holds a body, a query string or a header's value, and the hook of panics leaves out what could hold one.

use std::fmt;
use std::io::{self, IsTerminal};
use std::panic::{PanicHookInfo, set_hook};
use std::str::FromStr;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{self as lines, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

use crate::clock::Clock;

/// What the operator sets under `log`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `log.level`: a filter such as `info,hookgate::spool=debug`.
    pub level: String,
    /// `log.format`
    pub format: Format,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON off a terminal, human on one.
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Human,
}

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The log is what the command is for.
    Stdout,
    /// The command writes data to stdout.
    Stderr,
}

/// Why nothing can be logged.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Only one subscriber can be in a process.
    #[error("logs are set up already")]
    Twice,
}

/// The part of a filter that is none; the text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no log filter; expected off, error, warn, info, debug or trace, and after commas such as \
     hookgate::spool=debug"
)]
pub struct FilterError(pub String);

/// Which lines are written: a level, and other levels for parts of the code.
#[derive(Debug, Clone)]
pub struct Filter(Targets);

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut targets = Targets::new();
        for part in text.split(',') {
            let wrong = || FilterError(part.to_owned());
            let level = |text: &str| match text.trim() {
                // `LevelFilter` would read digits too, and nothing as an error.
                name @ ("off" | "error" | "warn" | "info" | "debug" | "trace") => {
                    LevelFilter::from_str(name).map_err(|_| wrong())
                }
                _ => Err(wrong()),
            };
            targets = match part.split_once('=') {
                None => targets.with_default(level(part)?),
                Some((target, text)) if is_target(target.trim()) => targets.with_target(target.trim(), level(text)?),
                Some(_) => return Err(wrong()),
            };
        }
        Ok(Self(targets))
    }
}

/// A path of the code, such as `hookgate::spool`.
fn is_target(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// Writes the process's logs, and its panics, to `stream` from now on.
///
/// # Errors
/// The filter is none, or this was called before.
pub fn install(settings: &Settings, clock: Clock, stream: Stream) -> Result<(), TelemetryError> {
    let filter = settings.level.parse()?;
    let installed = match stream {
        Stream::Stdout => {
            let format = settings.format.on(io::stdout().is_terminal());
            tracing::subscriber::set_global_default(subscriber(filter, format, clock, io::stdout))
        }
        Stream::Stderr => {
            let format = settings.format.on(io::stderr().is_terminal());
            tracing::subscriber::set_global_default(subscriber(filter, format, clock, io::stderr))
        }
    };
    installed.map_err(|_| TelemetryError::Twice)?;
    set_hook(Box::new(log_panic));
    Ok(())
}

/// How lines look, with nothing left to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Json,
    /// In colours, unless `NO_COLOR` is set.
    Terminal,
    Plain,
}

impl Format {
    fn on(self, terminal: bool) -> Look {
        match (self, terminal) {
            (Self::Json, _) | (Self::Auto, false) => Look::Json,
            (Self::Human | Self::Auto, true) => Look::Terminal,
            (Self::Human, false) => Look::Plain,
        }
    }
}

fn subscriber<W>(filter: Filter, look: Look, clock: Clock, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = lines::layer().with_timer(WallTime(clock)).with_writer(writer);
    let layer = match look {
        Look::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        // Left as it is, the layer asks `NO_COLOR` itself.
        Look::Terminal => layer.boxed(),
        Look::Plain => layer.with_ansi(false).boxed(),
    };
    Registry::default().with(layer.with_filter(filter.0))
}

/// RFC 3339, from our clock.
struct WallTime(Clock);

impl FormatTime for WallTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", self.0.wall())
    }
}

/// A panic's message is logged only where it stands in the code as it is: one that was put together may quote a request.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    error!(message, place, runbook = "panics", "panic");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing::{debug, info, subscriber::with_default};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, look: Look, log: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let clock = Clock::standing_at(UnixMillis(1_614_265_330_007));
        with_default(subscriber(filter.parse().expect("a filter"), look, clock, move || writer.clone()), log);
        String::from_utf8(page.0.lock().expect("not poisoned").clone()).expect("text")
    }

    #[test]
    fn off_a_terminal_a_line_is_an_object() {
        let line = logged("info", Look::Json, || info!(source = "a", count = 3, "refused"));
        let object: serde_json::Value = serde_json::from_str(&line).expect("one object");
        assert_eq!(object["timestamp"], "2021-02-25T15:02:10.007Z");
        assert_eq!(object["level"], "INFO");
        assert_eq!(object["message"], "refused");
        assert_eq!((&object["source"], &object["count"]), (&"a".into(), &3.into()));
    }

    #[test]
    fn a_line_for_people_has_no_colours_off_a_terminal() {
        let line = logged("info", Look::Plain, || info!(source = "a", "refused"));
        assert_eq!(line, "2021-02-25T15:02:10.007Z  INFO hookgate::telemetry::tests: refused source=\"a\"\n");
    }

    #[test]
    fn the_filter_decides_by_level_and_place() {
        let both = || {
            debug!(target: "hookgate::spool", "wanted");
            debug!(target: "hookgate::kafka", "not wanted");
        };
        let page = logged("info, hookgate::spool=debug", Look::Plain, both);
        assert!(page.contains(" wanted") && !page.contains("not wanted"), "{page}");
        assert_eq!(logged("off", Look::Plain, both), "");
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in
            ["", "loud", "info,", "INFO", "3", "a=loud", "=info", "a=", "a b=info", "[span]=info", "info;debug"]
        {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong:?}");
        }
        let error = "info,loud".parse::<Filter>().expect_err("no filter").to_string();
        assert!(error.starts_with("\"loud\" is no log filter; expected off,"), "{error}");
    }

    #[test]
    fn auto_means_json_off_a_terminal() {
        assert_eq!(Format::Auto.on(false), Look::Json);
        assert_eq!(Format::Auto.on(true), Look::Terminal);
        assert_eq!(Format::Json.on(true), Look::Json);
        assert_eq!(Format::Human.on(false), Look::Plain);
    }

    #[test]
    fn a_line_cannot_be_forged_from_a_value() {
        let line = logged("info", Look::Plain, || info!(source = "a\n2021 ERROR forged\u{1b}[2J", "refused"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
