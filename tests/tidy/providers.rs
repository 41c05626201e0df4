//! A provider is data: no line of Rust names one, and each has vectors that prove what its preset takes and refuses.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::source::{self, Source, assert_found, assert_none, root};

/// Presets whose name is also a word that code has reason to use. `standard-webhooks` and `cloudevents` are
/// standards, not providers.
/// Names below four letters (`x`) are left out as well.
const ALSO_WORDS: [&str; 17] = [
    "alchemy",
    // As in `auth.0` and "log to".
    "auth0",
    "box",
    "bridge",
    "cloudevents",
    "front",
    "kick",
    "line",
    "linear",
    "logto",
    "meta",
    "notion",
    "orb",
    "segment",
    "square",
    "standard-webhooks",
    "telegram",
];

const SHORTEST_NAME: usize = 4;

/// The names of all presets, without those of our own making (`generic-…`).
fn presets(dir: &Path) -> Vec<String> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names
}

/// A line of code or of comment that says a provider's name, however it is written: `post-affiliate-pro`,
/// `PostAffiliatePro`, `post affiliate pro`.
fn named(sources: &[Source], presets: &[String]) -> Vec<String> {
    let counts = |name: &&String| {
        !name.starts_with("generic-") && name.len() >= SHORTEST_NAME && !ALSO_WORDS.contains(&name.as_str())
    };
    let names: Vec<_> = presets.iter().filter(counts).collect();
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in &source.lines {
            let words = words(line);
            for name in names.iter().filter(|name| says(&words, name)) {
                findings.push(format!("src/{}:{number}: names {name}", source.path));
            }
        }
    }
    findings
}

/// Words in lower case, cut at case changes too: `GitHubEvent` → `git`, `hub`, `event`.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.iter_mut().next_back().expect("at least one").extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether some run of words, joined, is the name without its hyphens.
fn says(words: &[String], name: &str) -> bool {
    let name = name.replace('-', "");
    (0..words.len()).any(|start| {
        let mut rest = name.as_str();
        for word in words.iter().skip(start) {
            match rest.strip_prefix(word.as_str()) {
                Some("") => return true,
                Some(left) => rest = left,
                None => return false,
            }
        }
        false
    })
}

/// What a preset's vectors do not prove. A bad vector counts only where it is a good one with one thing changed: what
/// then refuses it can only be that.
fn unproven(preset: &str, text: &str, vectors: &[Value]) -> Vec<String> {
    let bad: Vec<_> = vectors.iter().filter(|vector| vector["valid"] == Value::Bool(false)).collect();
    let good: Vec<_> = vectors.iter().filter(|vector| vector["valid"] == Value::Bool(true)).collect();
    let differ_only_in = |parts: &[&str]| {
        let all = ["secret", "method", "url", "headers", "body", "now"];
        bad.iter()
            .any(|bad| good.iter().any(|good| all.iter().all(|part| (bad[part] != good[part]) == parts.contains(part))))
    };
    let says_time = |line: &str| ["timestamp:", "exp: true", "iat:"].iter().any(|key| line.contains(key));
    let has_time = text.lines().any(|line| !line.trim_start().starts_with('#') && says_time(line));
    let needs = [
        ("a good one", !good.is_empty()),
        ("one that was tampered with", ["body", "url", "headers"].iter().any(|part| differ_only_in(&[part]))),
        ("one under a wrong secret", differ_only_in(&["secret"])),
        ("a stale one", !has_time || differ_only_in(&["now"])),
    ];
    let missing = needs.into_iter().filter(|(_, proven)| !proven);
    missing.map(|(what, _)| format!("tests/vectors: {preset} lacks {what}")).collect()
}

/// Every vector under `dir`; one that names no preset is for that of its file.
fn vectors(dir: &Path) -> Vec<Value> {
    let read = |name: String| {
        let text = fs::read(dir.join(format!("{name}.json"))).expect("a readable file");
        let mut vectors: Vec<Value> = serde_json::from_slice(&text).expect("an array of vectors");
        for vector in &mut vectors {
            if vector["preset"].is_null() {
                vector["preset"] = Value::from(name.as_str());
            }
        }
        vectors
    };
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    names.into_iter().flat_map(read).collect()
}

#[test]
fn no_line_of_rust_names_a_provider() {
    let presets = presets(&root().join("src/presets"));
    assert!(!presets.is_empty(), "no preset in src/presets");
    assert_none(&named(&source::ours(), &presets));
}

#[test]
fn every_preset_has_vectors_good_and_bad() {
    let dir = root().join("src/presets");
    let vectors = vectors(&root().join("tests/vectors"));
    let findings: Vec<_> = presets(&dir)
        .iter()
        .flat_map(|preset| {
            let text = fs::read_to_string(dir.join(format!("{preset}.yaml"))).expect("a readable file");
            let its: Vec<_> = vectors.iter().filter(|vector| vector["preset"] == **preset).cloned().collect();
            unproven(preset, &text, &its)
        })
        .collect();
    assert_none(&findings);
}

#[test]
fn a_providers_name_is_found_however_it_is_written() {
    let presets = ["acme", "post-office-pro", "x", "meta", "generic-hmac"].map(str::to_owned);
    let text = "// As Acme does.\nstruct PostOfficePro;\nfn acmed() { meta(x) }\nconst POST_OFFICE_PRO: u8 = 1;\n\
                #[cfg(test)]\nfn t() { acme() }";
    assert_found(
        &named(&source::planted(&[("a.rs", text)]), &presets),
        &["src/a.rs:1: names acme", "src/a.rs:2: names post-office-pro", "src/a.rs:4: names post-office-pro"],
    );
}

#[test]
fn a_preset_without_its_vectors_is_found() {
    let vector = |body: &str, secret: &str, now: u64, valid: bool| serde_json::json!({"body": body, "secret": secret, "now": now, "valid": valid});
    let timed = "auth: { timestamp: { from: header:T } }";
    let good = vector("a", "s", 1, true);
    let all = [good.clone(), vector("b", "s", 1, false), vector("a", "t", 1, false), vector("a", "s", 999, false)];
    assert_none(&unproven("acme", timed, &all));
    // Two things changed at once prove neither.
    let vague = [good, vector("b", "t", 999, false)];
    assert_found(
        &unproven("acme", timed, &vague),
        &[
            "tests/vectors: acme lacks one that was tampered with",
            "tests/vectors: acme lacks one under a wrong secret",
            "tests/vectors: acme lacks a stale one",
        ],
    );
    assert_found(
        &unproven("acme", "# timestamp: none", &vague).len().to_string().lines().map(str::to_owned).collect::<Vec<_>>(),
        &["2"],
    );
    assert_eq!(unproven("acme", "", &[]).len(), 3);
}
