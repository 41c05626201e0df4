//! `hookgate spool stat`: what it comes to.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Look;
use super::place::walk;
use crate::cli::{CommandError, Exit};
use crate::clock::UnixMillis;
use crate::config::Environment;
use crate::spool::inspect::{Kept, Segment, State};
use crate::units::ByteSize;

/// Records of one topic or source.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    records: u64,
    undelivered: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Sum {
    all: Count,
    topics: BTreeMap<String, Count>,
    sources: BTreeMap<String, Count>,
    oldest: Option<UnixMillis>,
    newest: Option<UnixMillis>,
    oldest_undelivered: Option<UnixMillis>,
    segments: u64,
    file_bytes: u64,
    damaged: u64,
    aside: u64,
    torn: u64,
}

pub(super) fn run(
    look: &Look,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let inspection = look.place.open(environment, messages)?;
    let (mut sum, mut files) = (Sum::default(), Vec::new());
    walk(&inspection, &mut |segment, kept| sum.add(segment, kept), &mut |segment, report| {
        files.push((segment.counts(), report.state, report.bytes, report.torn_at.is_some()));
        Ok(())
    })?;
    for (counts, state, bytes, torn) in files {
        sum.add_file(counts, state, bytes, torn);
    }
    let keys = inspection.key_files().iter().map(|file| file.keys).sum();
    if look.json {
        writeln!(out, "{:#}", sum.object(keys))?;
    } else {
        sum.print(keys, out)?;
    }
    Ok(Exit::Success)
}

impl Count {
    fn add(&mut self, kept: &Kept<'_>) {
        self.records += 1;
        self.undelivered += u64::from(!kept.delivered);
        self.bytes += kept.bytes;
    }
}

impl Sum {
    fn add(&mut self, segment: &Segment, kept: &Kept<'_>) {
        if !segment.counts() {
            return;
        }
        let at = kept.event.received_at;
        let earlier = |time: Option<UnixMillis>| Some(time.map_or(at, |time| time.min(at)));
        self.all.add(kept);
        self.oldest = earlier(self.oldest);
        self.newest = self.newest.max(Some(at));
        if !kept.delivered {
            self.oldest_undelivered = earlier(self.oldest_undelivered);
        }
        for (counts, name) in [(&mut self.topics, kept.event.topic), (&mut self.sources, kept.event.source)] {
            if let Some(count) = counts.get_mut(name) {
                count.add(kept);
            } else {
                let mut count = Count::default();
                count.add(kept);
                counts.insert(name.to_owned(), count);
            }
        }
    }

    fn add_file(&mut self, counts: bool, state: State, bytes: u64, torn: bool) {
        self.segments += u64::from(counts);
        self.file_bytes += bytes;
        self.damaged += u64::from(matches!(state, State::Damaged | State::Alien));
        self.aside += u64::from(state == State::Aside);
        self.torn += u64::from(torn);
    }

    fn print(&self, keys: u64, out: &mut dyn Write) -> io::Result<()> {
        let time = |at: Option<UnixMillis>| at.map_or_else(|| "–".to_owned(), |at| at.to_string());
        writeln!(out, "records             {}", self.all.records)?;
        writeln!(out, "undelivered         {}", self.all.undelivered)?;
        writeln!(out, "bytes               {} of records, {} of files", self.all.bytes, self.file_bytes)?;
        writeln!(out, "oldest              {}", time(self.oldest))?;
        writeln!(out, "newest              {}", time(self.newest))?;
        writeln!(out, "oldest undelivered  {}", time(self.oldest_undelivered))?;
        writeln!(out, "segments            {}", self.segments)?;
        writeln!(out, "damaged segments    {}, and {} set aside", self.damaged, self.aside)?;
        writeln!(out, "unfinished writes   {}", self.torn)?;
        writeln!(out, "keys                {keys}")?;
        for (what, counts) in [("topic", &self.topics), ("source", &self.sources)] {
            let width = counts.keys().map(String::len).max().unwrap_or_default().max(what.len());
            writeln!(out, "\n{what:width$}     records  undelivered         bytes")?;
            for (name, Count { records, undelivered, bytes }) in counts {
                writeln!(out, "{name:width$}  {records:>10}  {undelivered:>11}  {:>12}", ByteSize(*bytes).to_string())?;
            }
        }
        Ok(())
    }

    fn object(&self, keys: u64) -> Value {
        let count =
            |count: &Count| json!({ "records": count.records, "undelivered": count.undelivered, "bytes": count.bytes });
        let counts = |counts: &BTreeMap<String, Count>| {
            counts.iter().map(|(name, its)| (name.clone(), count(its))).collect::<serde_json::Map<_, _>>()
        };
        let time = |at: Option<UnixMillis>| at.map(|at| at.to_string());
        json!({
            "records": self.all.records, "undelivered": self.all.undelivered, "bytes": self.all.bytes,
            "file_bytes": self.file_bytes, "oldest_received_at": time(self.oldest),
            "newest_received_at": time(self.newest), "oldest_undelivered_at": time(self.oldest_undelivered),
            "segments": self.segments, "damaged_segments": self.damaged, "set_aside": self.aside,
            "unfinished_writes": self.torn, "keys": keys, "topics": counts(&self.topics),
            "sources": counts(&self.sources),
        })
    }
}
