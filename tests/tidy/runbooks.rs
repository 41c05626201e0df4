//! An error in the log names the page that says what to do, in a field of its own.

use crate::source::{self, Source, assert_found, assert_none, planted};

/// The pages, as `deploy/runbooks/<name>.md`.
const PAGES: &[&str] = &[
    "panics",
    "file-descriptors",
    "kafka-topic-paused",
    "dead-letter-refused",
    "kafka-producer-fails",
    "spool-damaged",
    "spool-broken",
    "events-lost",
];

fn unnamed(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        for (place, (number, line)) in source.lines.iter().enumerate() {
            if !line.trim_start().trim_start_matches("tracing::").starts_with("error!(") {
                continue;
            }
            let rest = source.lines.iter().skip(place).map(|(_, line)| line.as_str());
            let end = rest.clone().position(|line| line.contains(");")).map_or(usize::MAX, |last| last + 1);
            let text: String = rest.take(end).collect();
            if !page(source, &text).is_some_and(|page| PAGES.contains(&page)) {
                findings.push(format!("src/{}:{number}: an error without the field `runbook` of a page", source.path));
            }
        }
    }
    findings
}

/// What the field says, itself or by a constant of the file.
fn page<'a>(source: &'a Source, text: &'a str) -> Option<&'a str> {
    let value = text.split_once("runbook = ")?.1.split([',', ')']).next()?;
    let literal = if value.starts_with('"') {
        value
    } else {
        let begin = format!("const {value}: &str = ");
        source.lines.iter().find_map(|(_, line)| line.strip_prefix(&begin))?
    };
    Some(literal.trim_end_matches(';').trim_matches('"'))
}

#[test]
fn every_error_names_its_page() {
    assert_none(&unnamed(&source::ours()));
}

#[test]
fn an_error_without_a_page_is_found() {
    let text = "const RUNBOOK: &str = \"panics\";\nfn f() {\n    error!(runbook = RUNBOOK, \"x\");\n    \
                tracing::error!(\n        %error,\n        runbook = \"spool-broken\",\n        \"x\"\n    );\n    \
                error!(\"x; runbook: panics\");\n    error!(runbook = \"nowhere\", \"x\");\n}";
    let expected = [9, 10].map(|line| format!("src/a.rs:{line}: an error without the field `runbook` of a page"));
    assert_found(&unnamed(&planted(&[("a.rs", text)])), &expected.each_ref().map(String::as_str));
}
