//! `hookgate presets`: the catalogue, and test vectors run against it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};

use crate::cli::{CommandError, Exit};
use crate::config::{Environment, PresetInfo, Problems};

pub mod list;
pub mod new;
pub mod vectors;

mod facts;
mod show;

pub use list::Format;
pub use vectors::{Judge, Verdict};

/// What `presets` is asked.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What `presets` does.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// All presets: how their senders prove themselves, and what else is special about them
    List {
        /// As one JSON array
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// A preset's file, what to fill in and where the provider shows it, and a block to begin with
    Show {
        /// Its name
        name: String,
    },
    /// From a captured request and its secret to a source that accepts it; exit 1 where nothing fits
    New(new::Args),
    /// Run a file of test vectors; a line each, exit 1 on any difference
    Test {
        /// A JSON array of vectors
        file: PathBuf,
        /// The preset of vectors that name none
        #[arg(long, value_name = "NAME")]
        preset: Option<String>,
    },
}

/// Prints to `out`; what is wrong with the question goes to `messages`. `judge` says what the gateway does with a
/// delivery.
///
/// # Errors
/// One of them cannot be written, or what `new` is given is not there.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    judge: Judge<'_>,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let done = match &args.command {
        Command::List { json, format } => match PresetInfo::all() {
            Ok(presets) => {
                let format = if *json { Format::Json } else { *format };
                list::print(&presets, format, out).map(|()| Ok(Exit::Success))
            }
            Err(problems) => Ok(Err(problems)),
        },
        Command::Show { name } => match PresetInfo::of(name) {
            Ok(preset) => show::print(&preset, out).map(|()| Ok(Exit::Success)),
            Err(problems) => Ok(Err(problems)),
        },
        Command::New(args) => return new::run(args, environment, judge, out, messages),
        Command::Test { file, preset } => {
            return match vectors::read(file) {
                Ok(vectors) => Ok(vectors::run(&vectors, preset.as_deref(), judge, out)?),
                Err(error) => {
                    writeln!(messages, "{error}")?;
                    Ok(Exit::Usage)
                }
            };
        }
    };
    Ok(done?.or_else(|problems: Problems| {
        writeln!(messages, "{problems}")?;
        Ok::<_, io::Error>(Exit::Usage)
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::scheme::{Encoding, Kind};

    fn run(command: Command) -> (Exit, String, String) {
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        let judge: Judge<'_> = &|_, _, _| Verdict::Accepted;
        let exit = super::run(&Args { command }, &|_: &str| None, judge, &mut out, &mut messages).expect("written");
        (exit, String::from_utf8(out).expect("text"), String::from_utf8(messages).expect("text"))
    }

    fn listed(format: Format) -> String {
        let (exit, out, _) = run(Command::List { json: false, format });
        assert_eq!(exit, Exit::Success);
        out
    }

    #[test]
    fn the_list_says_in_a_line_each_how_senders_prove_themselves() {
        let out = listed(Format::Table);
        let line = |name: &str| out.lines().find(|line| line.starts_with(&format!("{name} "))).expect(name);
        let words =
            |name: &str| line(name).split("  ").map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        assert_eq!(words("preset"), ["preset", "scheme", "handshake", "batch", "tries again"]);
        assert_eq!(words("github"), ["github", "hmac-sha256 hex", "-", "-", "no"]);
        assert_eq!(words("meta"), ["meta", "hmac-sha256 hex", "echo_query", "yes", "yes"]);
        assert_eq!(words("rebrandly"), ["rebrandly", "header", "-", "yes", "no"]);
        assert_eq!(words("post-affiliate-pro"), ["post-affiliate-pro", "any of path, query, form", "-", "-", "no"]);
        assert_eq!(words("standard-webhooks")[1], "any of hmac-sha256 base64, ed25519");
        let widest = out.lines().map(str::len).max().unwrap_or_default();
        assert!(widest <= 120, "{widest} columns are too many for a terminal");
    }

    #[test]
    fn json_says_what_a_program_needs_to_know() {
        let list: serde_json::Value = serde_json::from_str(&listed(Format::Json)).expect("json");
        let preset =
            |name: &str| list.as_array().expect("a list").iter().find(|one| one["preset"] == name).expect(name).clone();
        let twilio = preset("twilio");
        assert_eq!(twilio["blocks"][1]["covers_body"], true, "by a digest");
        assert_eq!((&twilio["signs_url"], &twilio["retries"]), (&true.into(), &false.into()));
        assert_eq!(preset("rebrandly")["on_broker_unavailable"], "spool");
        assert_eq!(preset("pipedrive")["blocks"][0]["covers_body"], false);
        let webhooks = preset("standard-webhooks");
        assert_eq!(
            (&webhooks["blocks"][0]["timestamp"], &webhooks["blocks"][1]["private_key"]),
            (&true.into(), &true.into())
        );
        assert_eq!(webhooks["blocks"][1]["secret_start"], "whpk_");
    }

    #[test]
    fn the_page_has_a_row_for_each_and_no_text_ends_its_cell() {
        let page = listed(Format::Markdown);
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), PresetInfo::all().expect("presets").len() + 2);
        for row in rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 9, "{row}");
        }
    }

    #[test]
    fn the_block_that_is_shown_is_a_good_source_of_every_preset() {
        for preset in PresetInfo::all().expect("presets") {
            let (_, out, _) = run(Command::Show { name: preset.preset.clone() });
            let (shipped, block) = out.split_once("\n---\n").expect("two documents");
            assert!(shipped.ends_with(preset.text.trim_end()) && block.contains(&preset.secret), "{out}");
            let text = format!("kafka: {{ brokers: [k:1] }}\n{block}");
            let blocks = &preset.settings.demands.blocks;
            let secret = match blocks.first().and_then(|block| block.secret_format.decode) {
                None => "user:a-long-password",
                Some(Encoding::Hex) => "612d6c6f6e672d7365637265742d6f662d6e6f626f6479",
                Some(_) => "YS1sb25nLXNlY3JldC1vZi1ub2JvZHk=",
            };
            let loaded = crate::config::Config::parse("x", &text, &|_: &str| Some(secret.to_owned()));
            // No text of ours is somebody's public key.
            let fetches = blocks.iter().any(|block| matches!(&block.kind, Kind::Jws(jws) if jws.fetched.is_some()));
            let needs_public_key = !fetches && blocks.iter().all(|block| block.kind.takes_public_keys());
            assert_eq!(loaded.is_err(), needs_public_key, "{}: {loaded:?}\n{block}", preset.preset);
        }
    }

    #[test]
    fn a_preset_is_shown_as_its_file_and_an_unknown_one_is_a_wrong_question() {
        let (exit, out, _) = run(Command::Show { name: "github".into() });
        assert_eq!(exit, Exit::Success);
        assert!(out.contains("header:X-Hub-Signature-256"), "{out}");
        let (exit, _, messages) = run(Command::Show { name: "githb".into() });
        assert_eq!(exit, Exit::Usage);
        assert!(messages.contains("did you mean `github`?"), "{messages}");
    }
}
