//! What an operator reads: one behaviour a test.

use super::{Config, Loaded, Problem, Problems, Severity};

mod catalogue;
mod form;
mod handshakes;
mod identities;
mod laying;
mod rules;
mod shipped;
mod sources;
mod tokens;

/// The environment of all tests.
fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some("0123456789abcdef0123456789abcdef".into()),
        "LIMIT" => Some("2MiB".into()),
        "BARE" => Some("10".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Loaded, Problems> {
    Config::parse("hookgate.yaml", text, &environment)
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().flat_map(|line| [margin, line, "\n"]).collect()
}

/// A file with these sources (indented by nothing), and Kafka.
fn with_sources(sources: &str) -> String {
    format!("kafka: {{ brokers: [kafka:9092] }}\nsources:\n{}", indented(sources, "  "))
}

/// A file with this one source's keys, a credential and Kafka.
fn with_source(keys: &str) -> String {
    let keys = indented(keys, "    ");
    format!("kafka: {{ brokers: [kafka:9092] }}\nsources:\n  a:\n    secret: ${{SECRET}}\n{keys}")
}

/// The same, with a header as its proof.
fn with_header_source(keys: &str) -> String {
    with_source(&format!("auth: {{ header: X-Key }}\n{keys}"))
}

fn good(text: &str) -> Loaded {
    match parse(text) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{problems}\nin\n{text}"),
    }
}

fn findings(text: &str) -> Vec<Problem> {
    match parse(text) {
        Ok(loaded) => loaded.warnings.iter().cloned().collect(),
        Err(problems) => problems.iter().cloned().collect(),
    }
}

fn of(severity: Severity, text: &str) -> Vec<Problem> {
    findings(text).into_iter().filter(|problem| problem.severity == severity).collect()
}

/// There is exactly one error; it is at this path and says this.
#[track_caller]
fn assert_error(text: &str, path: &str, says: &str) {
    assert_one(&of(Severity::Error, text), path, says, text);
}

/// The file is good, and there is exactly one warning.
#[track_caller]
fn assert_warning(text: &str, path: &str, says: &str) {
    good(text);
    assert_one(&of(Severity::Warning, text), path, says, text);
}

#[track_caller]
fn assert_one(found: &[Problem], path: &str, says: &str, text: &str) {
    let listed: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "expected one finding at {path}, found {listed:#?} in\n{text}");
    assert_eq!(found[0].at.path, path, "{listed:#?}");
    assert!(listed[0].contains(says), "expected {says:?} in {listed:#?}");
    assert!(found[0].at.place.is_some(), "{listed:#?}");
}
