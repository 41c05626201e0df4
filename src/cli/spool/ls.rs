//! `hookgate spool ls`: one line a segment.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Look;
use super::place::walk;
use crate::cli::{CommandError, Exit};
use crate::config::Environment;
use crate::spool::inspect::{Inspection, KeyFile, Report};
use crate::units::ByteSize;

pub(super) fn run(
    look: &Look,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let inspection = look.place.open(environment, messages)?;
    if look.json {
        let mut segments = Vec::new();
        walk(&inspection, &mut |_, _| {}, &mut |_, report| {
            segments.push(object(report));
            Ok(())
        })?;
        let object = json!({
            "dir": inspection.path(), "in_use": inspection.is_in_use(), "checkpoint": checkpoint(&inspection),
            "segments": segments, "key_files": inspection.key_files().iter().map(key_file).collect::<Value>(),
        });
        writeln!(out, "{object:#}")?;
        return Ok(Exit::Success);
    }
    let row =
        ["segment", "state", "records", "undelivered", "first", "last", "oldest received", "newest received", "size"];
    line(&row.map(str::to_owned), out)?;
    walk(&inspection, &mut |_, _| {}, &mut |_, report| line(&cells(report), out))?;
    for KeyFile { name, bytes, keys, damage } in inspection.key_files() {
        let damage = damage.map(|damage| format!("; damaged: {damage}")).unwrap_or_default();
        writeln!(out, "{name}: {keys} keys, {}{damage}", ByteSize(bytes))?;
    }
    match inspection.reached() {
        Some(reached) => {
            let (watermark, next) = (reached.watermark, reached.next_sequence);
            writeln!(out, "checkpoint: all below {watermark} delivered, the next record is {next}")?;
        }
        None => writeln!(out, "checkpoint: none")?,
    }
    Ok(Exit::Success)
}

fn line(cells: &[String; 9], out: &mut dyn Write) -> io::Result<()> {
    let [name, state, records, undelivered, first, last, oldest, newest, size] = cells;
    let line = format!(
        "{name:28}  {state:9}  {records:>9}  {undelivered:>11}  {first:>10}  {last:>10}  {oldest:24}  {newest:24}  {size:>10}"
    );
    writeln!(out, "{}", line.trim_end())
}

fn cells(report: &Report) -> [String; 9] {
    let dash = || "–".to_owned();
    let (first, last) =
        report.sequences.map_or((dash(), dash()), |(first, last)| (first.to_string(), last.to_string()));
    let (oldest, newest) =
        report.received.map_or((dash(), dash()), |(oldest, newest)| (oldest.to_string(), newest.to_string()));
    let state = report.state.as_str().to_owned();
    let (records, undelivered) = (report.records.to_string(), report.undelivered.to_string());
    [report.name.clone(), state, records, undelivered, first, last, oldest, newest, ByteSize(report.bytes).to_string()]
}

fn object(report: &Report) -> Value {
    let (first, last) = report.sequences.unzip();
    let (oldest, newest) = report.received.unzip();
    json!({
        "file": report.name, "number": report.number, "state": report.state.as_str(), "bytes": report.bytes,
        "records": report.records, "undelivered": report.undelivered, "first_sequence": first, "last_sequence": last,
        "oldest_received_at": oldest.map(|at| at.to_string()), "newest_received_at": newest.map(|at| at.to_string()),
        "damaged_places": report.places(), "torn_at": report.torn_at,
    })
}

fn key_file(file: &KeyFile) -> Value {
    json!({ "file": file.name, "bytes": file.bytes, "keys": file.keys, "damage": file.damage })
}

fn checkpoint(inspection: &Inspection) -> Value {
    inspection.reached().map_or(
        Value::Null,
        |reached| json!({ "watermark": reached.watermark, "next_sequence": reached.next_sequence }),
    )
}
