//! `hookgate spool dump`: the records themselves.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::place::Place;
use crate::cli::{CommandError, Exit};
use crate::config::Environment;
use crate::spool::inspect::{Kept, Range, Selection, State};

/// What `spool dump` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Only these, both ends included: sequence numbers or RFC 3339 times, either left out; or one number
    #[arg(value_name = "FROM..TO")]
    pub range: Option<Range>,
    /// Only those with this `ce_id`; may be repeated
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// Only those of this topic
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Only those of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The values alone, exactly as they came, with nothing between them
    #[arg(long)]
    pub raw: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let (place, range) = args.place_and_range();
    let inspection = place.open(environment, messages)?;
    let selection = Selection {
        range: range.unwrap_or_default(),
        ids: args.id.iter().cloned().collect(),
        source: args.source.clone(),
        topic: args.topic.clone(),
    };
    // What has been set aside is dumped where it is named.
    let is_alone = inspection.segments().len() == 1;
    let wanted = inspection.segments().iter().filter(|segment| segment.counts() || is_alone);
    let (mut written, mut count) = (Ok(()), 0u64);
    let mut out = BufWriter::new(out);
    for segment in wanted.filter(|segment| !selection.passes_over(segment)) {
        let report = inspection.read(segment, &mut |kept| {
            selection.tell(&kept, &mut || {
                count += 1;
                written = print(&kept, args.raw, &mut out);
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
        });
        std::mem::replace(&mut written, Ok(()))?;
        if report.places() > 0 {
            writeln!(messages, "{}: some of it cannot be read; see spool verify", report.name)?;
        }
        if report.state == State::Gone {
            writeln!(messages, "{}: recycled while it was read: Kafka has what it held", report.name)?;
        }
    }
    out.flush()?;
    Ok(if count == 0 && !args.id.is_empty() { Exit::Failure } else { Exit::Success })
}

impl Args {
    /// A range may stand alone, where the configuration names the directory.
    fn place_and_range(&self) -> (Place, Option<Range>) {
        let mut place = self.place.clone();
        let alone = || place.dir.as_ref().filter(|dir| !dir.exists())?.to_str()?.parse().ok();
        match self.range.or_else(alone) {
            Some(range) if self.range.is_none() => {
                place.dir = None;
                (place, Some(range))
            }
            range => (place, range),
        }
    }
}

fn print(kept: &Kept<'_>, raw: bool, out: &mut dyn Write) -> io::Result<()> {
    if raw {
        return out.write_all(kept.event.value);
    }
    let event = &kept.event;
    let headers: Map<String, Value> =
        event.headers.iter().map(|(name, value)| (name.to_owned(), text_or_base64(value))).collect();
    let (key, key_encoding) = event.key.map(encoded).unzip();
    let (value, value_encoding) = encoded(event.value);
    let object = json!({
        "sequence": kept.sequence, "received_at": event.received_at.to_string(), "delivered": kept.delivered,
        "source": event.source, "topic": event.topic, "key": key, "key_encoding": key_encoding, "headers": headers,
        "value": value, "value_encoding": value_encoding,
    });
    writeln!(out, "{object}")
}

/// As text where it is some, and how it is written.
fn encoded(bytes: &[u8]) -> (String, &'static str) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), "utf8"),
        Err(_) => (BASE64.encode(bytes), "base64"),
    }
}

fn text_or_base64(bytes: &[u8]) -> Value {
    match encoded(bytes) {
        (text, "utf8") => text.into(),
        (base64, encoding) => json!({ encoding: base64 }),
    }
}
