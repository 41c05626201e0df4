//! Every target of the fuzzers, over every file of its corpus: the seeds, and what was found and mended.

#![expect(clippy::expect_used, clippy::panic, reason = "a property that does not hold ends the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod targets;

use targets::TARGETS;

fn corpus(target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    files.map(|file| file.expect("a directory that can be read").path()).collect()
}

#[test]
fn every_target_holds_over_its_corpus() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            let data = fs::read(&file).expect("a file that can be read");
            let held = std::panic::catch_unwind(|| target(&data));
            assert!(held.is_ok(), "{name} does not hold over {}", file.display());
        }
    }
}

#[test]
fn no_corpus_is_without_a_target() {
    let all = corpus("").into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(all.collect::<BTreeSet<_>>(), names);
}
