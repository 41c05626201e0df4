//! `hookgate spool verify`: is every record what was written?

use std::io::{self, Write};

use serde_json::json;

use super::Look;
use super::place::walk;
use crate::cli::{CommandError, Exit};
use crate::config::Environment;
use crate::spool::inspect::{Report, State};

pub(super) fn run(
    look: &Look,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let inspection = look.place.open(environment, messages)?;
    let (mut files, mut records, mut bad, mut found, mut torn) = (0, 0, 0, Vec::new(), Vec::new());
    walk(&inspection, &mut |_, _| {}, &mut |_, report| {
        files += u64::from(!matches!(report.state, State::Spare | State::Gone));
        records += report.records;
        bad += u64::from(report.state.is_bad());
        if look.json {
            found.extend(report.damage.iter().map(
                |damage| json!({ "file": report.name, "at": damage.at, "bytes": damage.bytes, "what": damage.what }),
            ));
            torn.extend(report.torn_at.map(|at| json!({ "file": report.name, "at": at })));
            return Ok(());
        }
        print(report, out)
    })?;
    for file in inspection.key_files() {
        let Some(damage) = file.damage else { continue };
        bad += 1;
        let what = format!("keys cannot be read to the end ({damage}); duplicates are possible");
        if look.json {
            found.push(json!({ "file": file.name, "at": null, "bytes": null, "what": what }));
        } else {
            writeln!(out, "{}: {what}", file.name)?;
        }
    }
    if look.json {
        let object =
            json!({ "records": records, "files": files, "damaged_files": bad, "damage": found, "unfinished": torn });
        writeln!(out, "{object:#}")?;
    } else {
        let verdict = if bad == 0 { "good".to_owned() } else { format!("{bad} damaged or set aside") };
        writeln!(out, "{records} records in {files} segments: {verdict}")?;
    }
    Ok(if bad == 0 { Exit::Success } else { Exit::Failure })
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let name = &report.name;
    for damage in &report.damage {
        match damage.bytes {
            0 => writeln!(out, "{name}: at {}: {}", damage.at, damage.what)?,
            bytes => writeln!(out, "{name}: at {}, {bytes} bytes: {}", damage.at, damage.what)?,
        }
    }
    if report.more_damage > 0 {
        writeln!(out, "{name}: {} more such places", report.more_damage)?;
    }
    if let Some(at) = report.torn_at {
        writeln!(out, "{name}: at {at}: a write that was not finished; nobody was told that it was safe: no damage")?;
    }
    if report.state.is_bad() && report.damage.is_empty() {
        writeln!(out, "{name}: {}, with {} intact records", report.state.as_str(), report.records)?;
    }
    Ok(())
}
