//! The senders that README shows from end to end: its blocks are taken out and run, so that they cannot rot.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::gateway::{Gateway, hookgate};
use crate::support::kafka::Kafka;

/// One sender: its block of `sources`, the command line, the record.
struct Example {
    title: String,
    source: String,
    line: String,
    record: Value,
}

fn examples() -> Vec<Example> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README is there");
    let (_, rest) = readme.split_once("### Five senders from end to end\n").expect("the section");
    let (section, _) = rest.split_once("\n## ").expect("its end");
    let example = |text: &str| {
        let block = |language: &str| {
            let (_, rest) =
                text.split_once(&format!("```{language}\n")).unwrap_or_else(|| panic!("no {language} in {text}"));
            rest.split_once("```").expect("its end").0.trim().to_owned()
        };
        let title = text.lines().next().expect("a title").to_owned();
        let record = serde_json::from_str(&block("json")).unwrap_or_else(|error| panic!("{title}: {error}"));
        Example { title, source: block("yaml"), line: block("sh"), record }
    };
    section.split("\n#### ").skip(1).map(example).collect()
}

/// `${VAR}` is a secret that is long enough.
fn with_secrets(text: &str) -> String {
    let mut pieces = text.split("${");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (name, rest) = piece.split_once('}').expect("a variable");
        format!("{text}secret-of-{}{rest}", name.to_lowercase().replace('_', "-"))
    })
}

/// Whether the text is what README shows, in which `…` stands for anything.
fn is_like(text: &str, shown: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.split_at(at + piece.len()).1;
        last = Some(piece);
    }
    rest.is_empty() || last.is_some_and(|piece| piece.is_empty() || text.ends_with(piece))
}

#[test]
fn what_readme_shows_of_five_senders_comes_out_so() {
    let examples = examples();
    assert_eq!(examples.len(), 5);
    let brokers = Kafka::shared().bootstrap();
    let sources: Vec<_> = examples.iter().map(|example| with_secrets(&example.source)).collect();
    let sources = sources.join("\n  ");
    let gateway = Gateway::start(&format!(
        "kafka: {{ brokers: [\"{brokers}\"], create_topics: {{ partitions: 1, replication: 1 }}, dead_letter_topic: examples.dead }}\n\
         spool: {{ dir: \"{{dir}}/spool\", max_bytes: 256MiB, segment_bytes: 8MiB }}\n\
         public_url: https://hooks.example.com\nsources:\n  {sources}\n"
    ));
    for Example { title, line, record: shown, .. } in &examples {
        let config = gateway.config().display().to_string();
        let line = line.replace("hookgate.yaml", &config);
        let arguments = line.strip_prefix("hookgate ").expect("a command of ours").split(' ');
        let sent =
            hookgate().args(arguments).args(["--to", &format!("http://{}", gateway.public)]).output().expect("it runs");
        let said = String::from_utf8_lossy(&sent.stdout);
        assert!(sent.status.success(), "{title}: {said}{}", String::from_utf8_lossy(&sent.stderr));
        let (_, id) = said.split_once("x-request-id: ").expect("an id");
        let id = id.split_whitespace().next().expect("an id").to_owned();
        let topic = shown["topic"].as_str().expect("a topic");
        let is_its = |record: &crate::support::kafka::record::Record| record.header("hookgate-request-id") == Some(&id);
        let records = Kafka::shared().records_until(topic, |records| records.iter().any(is_its));
        let record = records.iter().find(|record| is_its(record)).expect("it is there");
        let value = String::from_utf8_lossy(&record.value);
        assert!(is_like(&value, shown["value"].as_str().expect("a value")), "{title}: {value}");
        for (name, text) in shown["headers"].as_object().expect("headers") {
            let header = record.header(name).unwrap_or_default();
            assert!(is_like(header, text.as_str().expect("text")), "{title}: {name}: {header}");
        }
    }
}

#[test]
fn what_differs_is_found_and_what_readme_leaves_open_is_not() {
    for (text, shown, like) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abcd", "a…d", true),
        ("abcdd", "a…d", true),
        ("abc", "a…d", false),
        ("abc", "…", true),
        ("abc", "b…", false),
        ("a1b2c", "a…b…c", true),
    ] {
        assert_eq!(is_like(text, shown), like, "{text} {shown}");
    }
}
