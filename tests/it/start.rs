//! What keeps a gateway from starting, said in one sentence, and what does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::gateway::Gateway;
use crate::support::limit::wait_for;
use crate::support::port;
use crate::support::setup::{Setup, event};

fn nobody() -> String {
    format!("127.0.0.1:{}", port::free())
}

fn setup() -> Setup {
    Setup::before(&nobody(), "start").source("orders", "")
}

/// It ends with code 1 and these words on its last line.
fn assert_refuses(mut gateway: Gateway, words: &[&str]) {
    let code = gateway.end();
    let log = gateway.log();
    let last = log.lines().last().unwrap_or_default();
    assert_eq!(code, Some(1), "{log}");
    assert!(last.starts_with("hookgate: ") && words.iter().all(|word| last.contains(word)), "{words:?} in: {last}");
    assert!(!log.contains("panicked") && !log.contains("RUST_BACKTRACE"), "{log}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_missing_spool_directory_is_made_with_its_parents_and_is_nobody_elses_to_read() {
    let setup = setup().with("spool: { dir: \"{dir}/spool/deep/er\", max_bytes: 64MiB }");
    let gateway = Gateway::start(&setup.text());
    let dir = gateway.spool().join("deep/er");
    assert_eq!(gateway.ask(&event("orders", "1")).status, 200);
    assert_eq!([mode(&dir), mode(&gateway.spool())], [0o700, 0o700]);
    for file in fs::read_dir(&dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_spool_directory_that_cannot_be_used_is_refused_with_its_name_and_the_remedy() {
    let spool = setup().spool().text();
    let file = Gateway::launch_behind("touch \"$DIR/spool\"", &spool);
    assert_refuses(file, &["/spool", "is not a directory", "name another"]);
    let read_only = Gateway::launch_behind("mkdir \"$DIR/spool\"; mount -t tmpfs -o ro none \"$DIR/spool\"", &spool);
    assert_refuses(read_only, &["/spool", "cannot be written", "mount it writable"]);
    // Nobody makes a directory there, not even root.
    let absent = Gateway::launch(&setup().with("spool: { dir: /proc/self/hookgate }").text());
    assert_refuses(absent, &["/proc/self/hookgate", "cannot be made", "make it"]);
}

#[test]
fn a_second_gateway_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let first = Gateway::start(&setup().spool().text());
    let same = format!("spool: {{ dir: \"{}\" }}", first.spool().display());
    assert_refuses(Gateway::launch(&setup().with(&same).text()), &["in use by another process", "of its own"]);
    assert_eq!(first.ask(&event("orders", "1")).status, 200);
    drop(first);
}

#[test]
fn the_lock_of_a_gateway_that_was_killed_is_no_obstacle() {
    let mut gateway = Gateway::start(&setup().spool().text());
    gateway.kill();
    assert!(gateway.spool().join("lock").exists());
    gateway.restart();
}

#[test]
fn a_spool_of_a_newer_version_is_refused_and_left_as_it_is() {
    let mut gateway = Gateway::start(&setup().spool().text());
    assert_eq!(gateway.ask(&event("orders", "1")).status, 200);
    gateway.kill();
    let segment = with_extension(&gateway.spool(), "seg");
    let mut bytes = fs::read(&segment).expect("a segment");
    // As documented: the version at 8, CRC32C of the first 124 bytes behind them, and all of it once more at the end.
    let copy = bytes.len() - 512;
    for at in [0, copy] {
        bytes[at + 8] = 9;
        let sum = crc32c::crc32c(&bytes[at..at + 124]);
        bytes[at + 124..at + 128].copy_from_slice(&sum.to_le_bytes());
    }
    fs::write(&segment, &bytes).expect("a segment");
    let before = listing(&gateway.spool());
    gateway.relaunch();
    assert_eq!(gateway.end(), Some(1));
    let log = gateway.log();
    let last = log.lines().last().unwrap_or_default();
    for words in [".seg", "format version 9", "knows 1", "start the version that wrote it"] {
        assert!(last.contains(words), "{words} in: {last}");
    }
    assert!(fs::read(&segment).expect("a segment") == bytes);
    assert_eq!(listing(&gateway.spool()), before);
}

fn with_extension(dir: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    files.into_iter().find(|path| path.extension().is_some_and(|its| its == extension)).expect("such a file")
}

fn listing(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn a_port_that_is_taken_is_named() {
    let first = Gateway::start(&setup().spool().text());
    for (key, address) in [("listen", first.public), ("admin", first.admin)] {
        let second = Gateway::launch_at(key, address, &setup().text());
        assert_refuses(second, &[key, &address.to_string(), "cannot be opened"]);
    }
}

#[test]
fn a_hash_key_that_is_none_is_refused_with_the_way_to_make_one() {
    let setup = setup().spool().with("dedupe: { hash_key_file: \"{dir}/key\" }");
    let mut bad = Gateway::launch_behind("echo short > \"$DIR/key\"", &setup.text());
    assert_eq!(bad.end(), Some(78));
    let log = bad.log();
    for words in ["dedupe.hash_key_file", "32 hex digits", "openssl rand -hex 16"] {
        assert!(log.contains(words), "{words} in {log}");
    }
}

#[test]
fn one_line_at_the_start_says_what_runs() {
    let gateway = Gateway::start(&setup().spool().source("refunds", "ack: kafka").text());
    let line = wait_for("the line", || {
        let log = gateway.log();
        log.lines().find(|line| line.contains("ready; ")).map(str::to_owned)
    });
    let addresses = [gateway.public, gateway.admin].map(|address| address.to_string());
    for words in ["orders (disk)", "refunds (kafka)", "/spool", "512MiB", &addresses[0], &addresses[1]] {
        assert!(line.contains(words), "{words} in {line}");
    }
}

#[test]
fn an_outage_does_not_fill_the_log() {
    let gateway = Gateway::start(&setup().spool().text());
    let tries = "hookgate::kafka";
    // Some seconds of an outage, as told by what happens once a second in it.
    for id in 0..4 {
        assert_eq!(gateway.ask(&event("orders", &id.to_string())).status, 200);
        gateway.wait_for_number("hookgate_spool_records", |records| records > id);
    }
    let log = gateway.log();
    let lines = log.lines().filter(|line| line.contains(tries) || line.contains("librdkafka")).count();
    assert!(lines <= 5, "{lines} lines:\n{log}");
}
