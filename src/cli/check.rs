//! `hookgate check`: everything that is to be said about a configuration.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Arguments, ValueEnum};
use serde_json::json;

use crate::cli::Exit;
use crate::config::{self, Config, Environment, Loaded, Problems, Severity};
use crate::kafka;
use crate::kafka::admin::{self, Finding};

/// A step that the brokers do not answer within this ends the asking.
const KAFKA_LIMIT: Duration = Duration::from_secs(10);

/// What `check` is asked.
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Ask Kafka as well: brokers, topics, permissions, size limits
    #[arg(long)]
    pub kafka: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: one finding a paragraph, with the line it is about.
    Human,
    /// One object.
    Json,
}

/// What `--kafka` finds; it adds to the findings of the file. The caller brings it, since it needs a runtime and time.
pub type AskKafka<'a> = &'a dyn Fn(&Config) -> Problems;

/// Asks the brokers about every topic of the configuration. It changes nothing there: what is to be created is created at
/// the start of the gateway.
#[must_use]
pub fn ask_kafka(config: &Config) -> Problems {
    ask(config, KAFKA_LIMIT)
}

fn ask(config: &Config, limit: Duration) -> Problems {
    let mut problems = Problems::default();
    let settings = kafka::Settings { create_topics: None, ..config.kafka.clone() };
    match admin::examine(&settings, &config.topics(), limit) {
        Err(error) => problems.report(Severity::Error, "kafka", error.to_string()),
        Ok(findings) => findings.iter().for_each(|finding| report(finding, config, &mut problems)),
    }
    problems
}

fn report(finding: &Finding, config: &Config, problems: &mut Problems) {
    let severity = match (finding, finding.severity()) {
        (Finding::Missing(topic), _) if config.kafka.create_topics.is_some() => {
            let sentence = format!("{topic}: does not exist yet; the gateway creates it at its start, if it may");
            return problems.report(Severity::Warning, "kafka", sentence);
        }
        // Whoever asks wants to know that it could not be looked at.
        (Finding::Unread(..), _) | (_, admin::Severity::Warning) => Severity::Warning,
        (_, admin::Severity::Info) => return,
        (_, admin::Severity::Error) => Severity::Error,
    };
    problems.report(severity, "kafka", finding.to_string());
}

/// Prints all findings to `out`: [`Exit::Success`] where none of them is an error.
///
/// # Errors
/// `out` cannot be written.
pub fn run(
    args: &Args,
    environment: &dyn Environment,
    ask_kafka: AskKafka<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let (name, findings) = match config::find(args.config.as_deref(), environment) {
        Err(problems) => (String::new(), problems),
        Ok(path) => {
            let findings = match Config::load(&path, environment) {
                Err(problems) => problems,
                Ok(Loaded { config, mut warnings, .. }) => {
                    if args.kafka {
                        warnings.extend(ask_kafka(&config));
                    }
                    warnings
                }
            };
            (path.display().to_string(), findings)
        }
    };
    match args.format {
        Format::Human => human(&name, &findings, out)?,
        Format::Json => json(&name, &findings, out)?,
    }
    Ok(if findings.errors() == 0 { Exit::Success } else { Exit::BadConfig })
}

fn human(name: &str, findings: &Problems, out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}\n")?;
    }
    let (errors, warnings) = counts(findings);
    let name = if name.is_empty() { "configuration" } else { name };
    match (errors, warnings) {
        (0, 0) => writeln!(out, "{name}: good"),
        (0, warnings) => writeln!(out, "{name}: good, {}", counted(warnings, "warning")),
        (errors, 0) => writeln!(out, "{name}: {}", counted(errors, "error")),
        (errors, warnings) => writeln!(out, "{name}: {}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

fn json(name: &str, findings: &Problems, out: &mut dyn Write) -> io::Result<()> {
    let (errors, warnings) = counts(findings);
    let findings: Vec<_> = findings.iter().map(config::Problem::json).collect();
    let object = json!({ "file": name, "errors": errors, "warnings": warnings, "findings": findings });
    writeln!(out, "{object:#}")
}

fn counts(findings: &Problems) -> (usize, usize) {
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    (findings.errors(), warnings)
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, format: Format) -> (Exit, String) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hookgate.yaml");
        std::fs::write(&path, text).expect("written");
        let args = Args { config: Some(path), format, kafka: false };
        let mut out = Vec::new();
        let nothing = |_: &Config| Problems::default();
        let exit = run(&args, &|_: &str| None, &nothing, &mut out).expect("written");
        (exit, String::from_utf8(out).expect("text"))
    }

    const GOOD: &str =
        "kafka: { brokers: [kafka:9092] }\nsources: { a: { auth: { header: X-Key }, secret: 0123456789abcdef } }\n";

    #[test]
    fn a_good_file_ends_with_0() {
        let (exit, out) = check(GOOD, Format::Human);
        assert_eq!(exit, Exit::Success);
        assert!(out.ends_with(": good\n"), "{out}");
    }

    #[test]
    fn warnings_alone_end_with_0() {
        let (exit, out) = check(&GOOD.replace("0123456789abcdef", "short"), Format::Human);
        assert_eq!(exit, Exit::Success);
        assert!(out.contains("warning: ") && out.contains(": good, 1 warning\n"), "{out}");
    }

    #[test]
    fn a_bad_file_ends_with_78_and_shows_the_line() {
        let (exit, out) = check(&GOOD.replace("brokers", "broker"), Format::Human);
        assert_eq!(exit, Exit::BadConfig);
        assert!(out.contains("hookgate.yaml:1:10: kafka.broker: found unknown key `broker`"), "{out}");
        assert!(
            out.contains("did you mean `brokers`?\n  1 | kafka: { broker: [**********] }\n    |          ^^^^^^\n"),
            "{out}"
        );
    }

    #[test]
    fn a_missing_file_ends_with_78() {
        let args = Args { config: Some("/nowhere.yaml".into()), format: Format::Human, kafka: false };
        let mut out = Vec::new();
        let exit = run(&args, &|_: &str| None, &|_: &Config| Problems::default(), &mut out).expect("written");
        assert_eq!(exit, Exit::BadConfig);
    }

    #[test]
    fn json_says_where_what_and_what_instead() {
        let (exit, out) = check(&GOOD.replace("brokers", "broker"), Format::Json);
        assert_eq!(exit, Exit::BadConfig);
        let object: serde_json::Value = serde_json::from_str(&out).expect("json");
        let findings = object["findings"].as_array().expect("a list");
        let finding = findings.iter().find(|finding| finding["path"] == "kafka.broker").expect("it");
        assert_eq!((finding["line"].as_u64(), finding["column"].as_u64()), (Some(1), Some(10)));
        assert_eq!(object["errors"], 2);
        assert_eq!(finding["did_you_mean"], "brokers");
    }

    #[test]
    fn asking_kafka_creates_nothing_and_hides_nothing() {
        let cluster = kafka::Cluster::start(&[], 1).expect("a cluster");
        let text = GOOD.replace(
            "kafka:9092]",
            &format!("'{}'], create_topics: {{ partitions: 1, replication: 1 }}", cluster.bootstrap()),
        );
        let mut config = Config::parse("x", &text, &|_: &str| None).expect("good").config;
        let said = |problems: &Problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = ask_kafka(&config);
        assert_eq!((found.errors(), said(&found).len()), (0, 2), "{found}");
        assert!(said(&found).iter().all(|line| line.contains("does not exist yet")), "{found}");
        config.kafka.create_topics = None;
        assert_eq!(ask_kafka(&config).errors(), 2);

        // The embedded cluster does not answer about settings.
        let cluster = kafka::Cluster::start(&config.topics(), 1).expect("a cluster");
        config.kafka.brokers = vec![cluster.bootstrap().to_owned()];
        let found = ask(&config, Duration::from_secs(3));
        assert_eq!((found.errors(), said(&found).len()), (0, 2), "{found}");
        assert!(said(&found)[0].starts_with("warning: kafka: webhooks.a: its settings cannot be read"), "{found}");
    }
}
