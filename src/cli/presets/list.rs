//! The catalogue: as a table, as JSON, and as the page that README links to.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::Value;

use super::facts;
use crate::config::PresetInfo;

/// How the catalogue is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line each.
    Table,
    /// One array.
    Json,
    /// deploy/catalogue.md.
    Markdown,
}

const SCHEME_CHARS_MAX: usize = 48;
const HEADS: [&str; 5] = ["preset", "scheme", "handshake", "batch", "tries again"];

pub(super) fn print(presets: &[PresetInfo], format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table(presets, out),
        Format::Json => writeln!(out, "{:#}", presets.iter().map(facts::json).collect::<Value>()),
        Format::Markdown => page(presets, out),
    }
}

fn table(presets: &[PresetInfo], out: &mut dyn Write) -> io::Result<()> {
    let rows = presets.iter().map(|preset| {
        let batch = if facts::batch(preset).is_some() { "yes" } else { "-" };
        let columns = [&preset.preset, &scheme(preset), &handshakes(preset), batch, again(preset)];
        columns.map(str::to_owned)
    });
    let rows: Vec<[String; 5]> = std::iter::once(HEADS.map(str::to_owned)).chain(rows).collect();
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|column| rows.iter().map(|row| row.get(column).map_or(0, String::len)).max().unwrap_or(0))
        .collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A line has an end.
fn scheme(preset: &PresetInfo) -> String {
    let scheme = facts::scheme(preset);
    if scheme.len() <= SCHEME_CHARS_MAX {
        return scheme;
    }
    format!("any of {} kinds", scheme.split(", ").count())
}

fn handshakes(preset: &PresetInfo) -> String {
    if preset.handshakes.is_empty() { "-".to_owned() } else { preset.handshakes.join(", ") }
}

fn again(preset: &PresetInfo) -> &'static str {
    if preset.settings.terms.retries { "yes" } else { "no" }
}

fn page(presets: &[PresetInfo], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# The catalogue\n")?;
    writeln!(
        out,
        "{} presets. `preset: NAME` uses one; `hookgate presets show NAME` prints it with what to fill in. The id is where the idempotency\n\
         key of an event is found, in the words of [expressions](../README.md#expressions-where-a-value-is); `hash` is the content hash.\n\
         *Unverified* is what the sender's documentation leaves open, or what no live account has shown yet.\n\n\
         Made by `hookgate presets list --format markdown > deploy/catalogue.md`.\n",
        presets.len()
    )?;
    writeln!(out, "| preset | provider | scheme | handshake | batch | id | tries again | unverified |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for preset in presets {
        let batch = facts::batch(preset).map_or_else(|| "–".to_owned(), |batch| format!("`{batch}`"));
        let provider = if preset.docs.is_empty() {
            cell(&preset.name)
        } else {
            format!("[{}]({})", cell(&preset.name), preset.docs)
        };
        let unverified: Vec<String> = preset.unverified.iter().map(|text| cell(text)).collect();
        let handshakes: Vec<String> = preset.handshakes.iter().map(|kind| format!("`{kind}`")).collect();
        writeln!(
            out,
            "| `{}` | {provider} | {} | {} | {} | `{}` | {} | {} |",
            preset.preset,
            facts::scheme(preset),
            if handshakes.is_empty() { "–".to_owned() } else { handshakes.join(" ") },
            cell(&batch),
            cell(&preset.settings.identify.id.to_string()),
            again(preset),
            if unverified.is_empty() { "–".to_owned() } else { unverified.join("<br>") },
        )?;
    }
    Ok(())
}

/// A text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
