//! `hookgate presets`: the catalogue, and test vectors run against it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};
use serde_json::json;

use crate::cli::Exit;
use crate::config::{PresetInfo, Problems};

pub mod vectors;

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
    /// All presets and their providers
    List {
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// A preset's file, and what to fill in
    Show {
        /// Its name
        name: String,
    },
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
/// One of them cannot be written.
pub fn run(args: &Args, judge: Judge<'_>, out: &mut dyn Write, messages: &mut dyn Write) -> io::Result<Exit> {
    let done = match &args.command {
        Command::List { json } => match PresetInfo::all() {
            Ok(presets) => list(&presets, *json, out).map(|()| Ok(Exit::Success)),
            Err(problems) => Ok(Err(problems)),
        },
        Command::Show { name } => match PresetInfo::of(name) {
            Ok(preset) => out.write_all(preset.text.as_bytes()).map(|()| Ok(Exit::Success)),
            Err(problems) => Ok(Err(problems)),
        },
        Command::Test { file, preset } => {
            return match vectors::read(file) {
                Ok(vectors) => vectors::run(&vectors, preset.as_deref(), judge, out),
                Err(error) => {
                    writeln!(messages, "{error}")?;
                    Ok(Exit::Usage)
                }
            };
        }
    };
    done?.or_else(|problems: Problems| {
        writeln!(messages, "{problems}")?;
        Ok(Exit::Usage)
    })
}

fn list(presets: &[PresetInfo], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        let object = |preset: &PresetInfo| {
            json!({
                "preset": preset.preset, "name": preset.name, "docs": preset.docs, "secret": preset.secret,
                "unverified": preset.unverified,
            })
        };
        return writeln!(out, "{:#}", presets.iter().map(object).collect::<serde_json::Value>());
    }
    let width = presets.iter().map(|preset| preset.preset.len()).max().unwrap_or_default();
    for preset in presets {
        writeln!(out, "{:width$}  {}", preset.preset, preset.name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: Command) -> (Exit, String, String) {
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        let judge: Judge<'_> = &|_, _, _| Verdict::Accepted;
        let exit = super::run(&Args { command }, judge, &mut out, &mut messages).expect("written");
        (exit, String::from_utf8(out).expect("text"), String::from_utf8(messages).expect("text"))
    }

    #[test]
    fn the_list_names_presets_and_providers() {
        let (exit, out, _) = run(Command::List { json: false });
        assert_eq!(exit, Exit::Success);
        assert!(out.lines().any(|line| line.starts_with("github ") && line.ends_with("GitHub")), "{out}");
        let (_, out, _) = run(Command::List { json: true });
        let list: serde_json::Value = serde_json::from_str(&out).expect("json");
        assert!(list.as_array().is_some_and(|list| list.iter().any(|preset| preset["preset"] == "github")));
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
