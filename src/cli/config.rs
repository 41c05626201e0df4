//! `hookgate config`: the schema, an example, the effective file.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};

use crate::cli::Exit;
use crate::config::{self, Environment, Problems};

/// What `config` is asked.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// What to print
    #[command(subcommand)]
    pub command: Command,
}

/// What `config` prints.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// The JSON Schema (draft 2020-12), for editors
    Schema,
    /// A commented example
    Example,
    /// The effective file: presets laid under, defaults written out, secrets hidden
    Show {
        /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Prints to `out`; what is wrong goes to `messages`.
///
/// # Errors
/// One of them cannot be written.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> io::Result<Exit> {
    match &args.command {
        Command::Schema => writeln!(out, "{:#}", config::json_schema())?,
        Command::Example => out.write_all(config::EXAMPLE.as_bytes())?,
        Command::Show { config } => match show(config.as_ref(), environment) {
            Ok(text) => out.write_all(text.as_bytes())?,
            Err(problems) => {
                writeln!(messages, "{problems}")?;
                return Ok(Exit::BadConfig);
            }
        },
    }
    Ok(Exit::Success)
}

fn show(named: Option<&PathBuf>, environment: &dyn Environment) -> Result<String, Problems> {
    let path = config::find(named.map(PathBuf::as_path), environment)?;
    config::show(&path.display().to_string(), &config::read(&path)?, environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: Command) -> (Exit, String, String) {
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        let environment = |name: &str| Some(format!("a-secret-for-{name}"));
        let exit = super::run(&Args { command }, &environment, &mut out, &mut messages).expect("written");
        (exit, String::from_utf8(out).expect("text"), String::from_utf8(messages).expect("text"))
    }

    #[test]
    fn the_schema_is_one_of_draft_2020_12() {
        let (exit, out, _) = run(Command::Schema);
        let schema: serde_json::Value = serde_json::from_str(&out).expect("json");
        assert_eq!((exit, &schema["$schema"]), (Exit::Success, &"https://json-schema.org/draft/2020-12/schema".into()));
    }

    #[test]
    fn the_example_can_be_shown_and_hides_its_secrets() {
        let (_, example, _) = run(Command::Example);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hookgate.yaml");
        std::fs::write(&path, example).expect("written");
        let (exit, out, messages) = run(Command::Show { config: Some(path) });
        assert_eq!((exit, messages.as_str()), (Exit::Success, ""));
        assert!(out.contains("in_flight: 200") && !out.contains("a-secret-for"), "{out}");
    }

    #[test]
    fn a_bad_file_is_not_shown_but_told() {
        let (exit, out, messages) = run(Command::Show { config: Some("/nowhere.yaml".into()) });
        assert_eq!((exit, out.as_str()), (Exit::BadConfig, ""));
        assert!(messages.contains("/nowhere.yaml"), "{messages}");
    }
}
