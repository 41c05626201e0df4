//! What the commands print of a spool that a gateway left behind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::clock::{Clock, UnixMillis};
use crate::event::{Event, Headers};
use crate::metrics::{Build, Metrics};
use crate::spool::{Ack, Outcome, Settings, Slot, Spool};
use crate::units::{ByteSize, Share};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Runs `spool …`; exit code, stdout, stderr.
fn ran(words: &[&str]) -> (Exit, String, String) {
    let line = Line::try_parse_from([&["spool"], words].concat()).expect("well formed");
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let environment = |_: &str| None;
    let exit = run(&line.args, &environment, &mut out, &mut messages).expect("runs");
    (exit, String::from_utf8(out).expect("text"), String::from_utf8(messages).expect("text"))
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&ran(words).1).expect("one object")
}

fn event(id: &str, topic: &str, value: &[u8], at: UnixMillis) -> Event {
    let mut headers = Headers::default();
    headers.push("ce_id", id.as_bytes()).expect("short");
    headers.push("http-x-odd", b"\xff").expect("short");
    Event {
        source: "orders".parse().expect("a name"),
        topic: topic.parse().expect("a name"),
        key: (id == "keyed").then(|| "k".into()),
        headers,
        value: value.to_vec().into(),
        received_at: at,
        digests: vec![1],
    }
}

/// A spool with three events, the first of which is delivered.
fn left_behind(dir: &Path) {
    let settings = Settings {
        dir: dir.to_owned(),
        scratch: false,
        max_bytes: ByteSize::mib(1),
        segment_bytes: ByteSize::kib(64),
        high_water: Share::percent(80),
        low_water: Share::percent(70),
        retain: Duration::ZERO,
    };
    let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
    let spool = Spool::open(&settings, Duration::ZERO, Clock::standing_at(NOW), metrics, &mut |_| None).expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (index, (id, topic, value)) in
        [("first", "t", &b"text"[..]), ("keyed", "u", b"\xff\x00"), ("last", "t", b"{\"a\":1}")].into_iter().enumerate()
    {
        let slot = Slot::new(Ack::Disk, None);
        let at = NOW.plus(Duration::from_secs(index as u64));
        spool.keep(&[(&event(id, topic, value, at), &slot)]).expect("has room");
        assert!(matches!(runtime.block_on(slot.outcome()), Outcome::Safe(_)));
    }
    let mut parcels = Vec::new();
    spool.take(&mut parcels, Duration::from_secs(10));
    parcels.remove(0).delivered();
    drop(parcels);
    spool.close();
}

fn spool() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    left_behind(dir.path());
    let name = dir.path().to_str().expect("text").to_owned();
    (dir, name)
}

#[test]
fn ls_lists_segments_and_the_checkpoint() {
    let (_dir, name) = spool();
    let (exit, out, messages) = ran(&["ls", &name]);
    assert_eq!((exit, messages.as_str()), (Exit::Success, ""));
    let row = out.lines().find(|line| line.contains(" live ")).expect("a segment");
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells[1..6], ["live", "3", "2", "1", "3"]);
    assert_eq!(cells[6..], ["2027-01-15T08:00:00.000Z", "2027-01-15T08:00:02.000Z", "64KiB"]);
    assert!(out.ends_with("checkpoint: all below 2 delivered, the next record is 4\n"), "{out}");
    let object = json(&["ls", &name, "--json"]);
    let live: Vec<_> =
        object["segments"].as_array().expect("a list").iter().filter(|its| its["state"] == "live").collect();
    assert_eq!((live.len(), &live[0]["undelivered"], &live[0]["last_sequence"]), (1, &2.into(), &3.into()));
    assert_eq!((&object["in_use"], &object["checkpoint"]["watermark"]), (&false.into(), &2.into()));
}

#[test]
fn stat_sums_up_by_topic_and_source() {
    let (_dir, name) = spool();
    let object = json(&["stat", &name, "--json"]);
    assert_eq!((&object["records"], &object["undelivered"], &object["segments"]), (&3.into(), &2.into(), &1.into()));
    assert_eq!(object["oldest_undelivered_at"], "2027-01-15T08:00:01.000Z");
    assert_eq!(object["topics"]["t"]["records"], 2);
    assert_eq!(object["topics"]["u"]["undelivered"], 1);
    assert_eq!(object["sources"]["orders"]["undelivered"], 2);
    let (_, out, _) = ran(&["stat", &name]);
    assert!(out.contains("\nundelivered         2\n") && out.contains("\norders           3            2"), "{out}");
}

#[test]
fn dump_prints_what_is_asked_for_exactly() {
    let (_dir, name) = spool();
    let dumped = |more: &[&str]| -> Vec<Value> {
        let (_, out, _) = ran(&[&["dump", &name], more].concat());
        out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    };
    let all = dumped(&[]);
    assert_eq!(
        all.iter().map(|record| record["headers"]["ce_id"].as_str()).collect::<Vec<_>>(),
        [Some("first"), Some("keyed"), Some("last")]
    );
    assert_eq!((&all[0]["delivered"], &all[0]["key"], &all[0]["value"]), (&true.into(), &Value::Null, &"text".into()));
    let odd = &all[1];
    assert_eq!((&odd["value"], &odd["value_encoding"]), (&"/wA=".into(), &"base64".into()));
    assert_eq!((&odd["key"], &odd["key_encoding"], &odd["sequence"]), (&"k".into(), &"utf8".into(), &2.into()));
    assert_eq!(odd["headers"]["http-x-odd"]["base64"], "/w==");
    let sequences = |more: &[&str]| dumped(more).iter().map(|record| record["sequence"].as_u64()).collect::<Vec<_>>();
    assert_eq!(sequences(&["2.."]), [Some(2), Some(3)]);
    assert_eq!(sequences(&["..2027-01-15T08:00:00Z"]), [Some(1)]);
    assert_eq!(sequences(&["--topic", "t"]), [Some(1), Some(3)]);
    assert_eq!(sequences(&["--id", "last", "--id", "first"]), [Some(1), Some(3)]);
    assert_eq!(ran(&["dump", &name, "--id", "none"]).0, Exit::Failure);
    assert_eq!(ran(&["dump", &name, "--raw", "3"]).1, "{\"a\":1}");
}

#[test]
fn verify_tells_good_from_damaged() {
    let (dir, name) = spool();
    let (exit, out, _) = ran(&["verify", &name]);
    assert_eq!(exit, Exit::Success);
    assert!(out.ends_with(": good\n"), "{out}");
    let files = std::fs::read_dir(dir.path()).expect("a directory").map(|entry| entry.expect("an entry").path());
    let segment = files.into_iter().find(|path| path.extension().is_some_and(|its| its == "seg")).expect("one");
    let mut bytes = std::fs::read(&segment).expect("a file");
    let at = bytes.windows(4).position(|window| window == b"text").expect("the first value");
    bytes[at] = b'T';
    std::fs::write(&segment, bytes).expect("written");
    let (exit, out, _) = ran(&["verify", &name]);
    assert_eq!(exit, Exit::Failure);
    assert!(out.contains("at 512, ") && out.contains("1 record whose bytes are not what was written"), "{out}");
    assert!(out.contains("\n2 records in ") && out.ends_with(": 1 damaged or set aside\n"), "{out}");
    let object = json(&["verify", &name, "--json"]);
    assert_eq!((&object["damaged_files"], &object["damage"][0]["at"]), (&1.into(), &512.into()));
    let (exit, out, messages) = ran(&["dump", segment.to_str().expect("text")]);
    assert_eq!((exit, out.lines().count()), (Exit::Success, 2), "what is intact can be had");
    assert!(messages.contains("see spool verify"), "{messages}");
}

#[test]
fn a_directory_without_a_spool_is_not_good_news() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("notes"), "anything").expect("written");
    let name = dir.path().to_str().expect("text");
    for command in ["ls", "stat", "verify", "dump"] {
        let line = Line::try_parse_from(["spool", command, name]).expect("well formed");
        let environment = |_: &str| None;
        let error = run(&line.args, &environment, &mut Vec::new(), &mut Vec::new()).expect_err(command).to_string();
        assert!(error.ends_with(": there is no spool in it"), "{command}: {error}");
    }
}
