//! What holds for every preset, ours and an operator's own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{assert_error, good};
use crate::config::{PresetInfo, presets};
use crate::ingest::source::Settings;

/// The most impatient of the senders that say so want an answer within 3 s; most of the others wait 5 s or longer.
const DEADLINE_MAX: Duration = Duration::from_secs(3);

fn all() -> Vec<PresetInfo> {
    PresetInfo::all().unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_preset_answers_before_its_sender_hangs_up_and_spools_for_one_that_sends_once() {
    for PresetInfo { preset, settings, .. } in all() {
        let Settings { terms, dedupe_window, demands, .. } = settings;
        assert!(terms.deadline <= DEADLINE_MAX, "{preset}: a deadline of {:?}", terms.deadline);
        assert!(terms.retries || terms.spool_when_unavailable, "{preset}: sent once, and refused while Kafka is away");
        for timestamp in demands.blocks.iter().filter_map(|block| block.timestamp.as_ref()) {
            let fresh = timestamp.past + timestamp.future;
            assert!(dedupe_window.is_some_and(|window| window >= fresh), "{preset}: forgotten while it is still fresh");
        }
    }
}

#[test]
fn every_preset_is_written_alike() {
    for PresetInfo { preset, name, docs, secret, unverified, text, .. } in all() {
        assert!(docs.starts_with("https://"), "{preset}: about.docs");
        let sentences = unverified.iter().chain([&name, &secret]);
        for sentence in sentences {
            assert!(!sentence.is_empty() && sentence.trim() == sentence, "{preset}: `{sentence}`");
            assert!(!sentence.ends_with('.'), "{preset}: a full stop at the end of `{sentence}`");
        }
        let mut keys = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        assert_eq!(keys.next(), Some("about:"), "{preset}: `about` comes first");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{preset}: one newline at its end");
        for line in text.lines() {
            assert!(!line.contains('\t') && line.trim_end() == line, "{preset}: tabs or spaces at the end of `{line}`");
        }
    }
}

#[test]
fn every_directory_of_samples_is_a_presets() {
    let presets: BTreeSet<String> = all().into_iter().map(|preset| preset.preset).collect();
    let samples = presets::directories("samples/");
    assert!(samples.len() >= 17);
    assert!(samples.is_subset(&presets), "{:?}", samples.difference(&presets));
}

/// A file that uses an operator's directory.
fn with_own(files: &[(&str, &str)], source: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    let directory = dir.path().display().to_string();
    let secret = "secret: a-secret-of-acme-0123";
    let text = format!(
        "kafka: {{ brokers: [k:1] }}\npresets: '{directory}'\nsources: {{ a: {{ preset: {source}, {secret} }} }}\n"
    );
    (dir, text)
}

const ACME: &str = "about: { name: Acme, docs: 'https://acme.example', secret: The key }\n\
                    auth: { hmac: sha1, signature: header:X-Acme-Sig }\nid: json:/n\nretries: false\n";

#[test]
fn an_operators_own_preset_is_one_like_ours() {
    let (_dir, text) = with_own(&[("acme.yaml", ACME), ("notes.txt", "not a preset")], "acme");
    let source = good(&text).config.sources.remove(0);
    assert_eq!(source.demands.blocks[0].kind.verified(), "hmac-sha1");
    assert!(!source.terms.retries);
}

#[test]
fn what_is_wrong_with_an_operators_presets_is_told_with_its_place() {
    let (_dir, text) = with_own(&[("acme.yaml", ACME)], "acmee");
    assert_error(&text, "sources.a.preset", "one of the catalogue (`hookgate presets list`) or `acme`");
    let (_dir, text) = with_own(&[("github.yaml", ACME)], "github");
    assert_error(&text, "presets", "which is also a preset of hookgate");
    let (_dir, text) = with_own(&[("acme.yaml", "auth: none\n")], "acme");
    assert_error(&text, "", "no `about`");
    let (_dir, text) = with_own(&[("acme.yaml", "about: { name: a, docs: 'https://a.example', secret: b }\n")], "acme");
    assert_error(&text, "sources.a.preset", "no `auth`");
    let missing = text.replace("presets: '", "presets: '/nowhere");
    assert_error(&missing, "presets", "/nowhere");
}
