//! `hookgate spool`: what lies in a directory whose gateway is gone, or is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::gateway::{Gateway, hookgate};
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::limit::wait_for;
use crate::support::process::Process;
use crate::support::said::Said;
use crate::support::setup::{Setup, body, event, event_of};
use crate::support::{port, scratch};

const EVENTS: usize = 50;

fn nobody() -> String {
    format!("127.0.0.1:{}", port::free())
}

/// A gateway whose events wait, since nobody is there to take them.
fn waiting(name: &'static str) -> Gateway {
    let sources = Setup::before(&nobody(), name).spool().source("orders", "").source("bills", "");
    let gateway = Gateway::start(&sources.text());
    let mut connection = gateway.connect();
    for id in 0..EVENTS {
        let source = if id % 5 == 0 { "bills" } else { "orders" };
        assert_eq!(connection.ask(&event(source, &id.to_string())).expect("an answer").status, 200, "{id}");
    }
    gateway
}

/// The same, killed.
fn killed(name: &'static str) -> Gateway {
    let mut gateway = waiting(name);
    gateway.kill();
    gateway
}

/// A copy of a spool, as somebody takes it from a dead machine.
fn copied(spool: &Path) -> (TempDir, PathBuf) {
    let dir = scratch::dir("copy-");
    let copy = dir.path().join("taken");
    let copied = Command::new("cp").arg("-r").args([spool, &copy]).status().expect("cp");
    assert!(copied.success());
    (dir, copy)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths.filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes))).collect();
    files.sort();
    files
}

/// The segment that holds an event, and where its body begins.
fn place(spool: &Path, id: usize) -> (PathBuf, usize) {
    let needle = body(&id.to_string(), 0);
    let found = files(spool).into_iter().filter(|(path, _)| path.extension().is_some_and(|its| its == "seg"));
    let mut found = found.filter_map(|(path, bytes)| {
        let at = bytes.windows(needle.len()).position(|window| window == needle)?;
        Some((path, at))
    });
    found.next().expect("the event is in a segment")
}

/// Each event once, whole.
fn assert_all_are_there(records: &[Record], ids: impl Iterator<Item = usize>) {
    let mut arrived: Vec<usize> =
        records.iter().map(|record| record.header("ce_id").expect("an id").parse().expect("a number")).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, ids.collect::<Vec<_>>());
    assert!(records.iter().all(|record| record.value == body(record.header("ce_id").expect("an id"), 0)));
}

#[test]
fn a_dead_gateways_spool_is_listed_summed_up_verified_and_dumped_without_being_touched() {
    let gateway = killed("offline");
    let spool = gateway.spool();
    let dir = text(&spool);
    let before = files(&spool);

    let stat = Said::hookgate(&["spool", "stat", dir, "--json"]).good().json();
    assert_eq!((&stat["records"], &stat["undelivered"]), (&EVENTS.into(), &EVENTS.into()));
    assert_eq!(
        (&stat["topics"]["offline.bills"]["records"], &stat["sources"]["orders"]["undelivered"]),
        (&10.into(), &40.into())
    );
    let config = text(&gateway.config()).to_owned();
    let list = Said::hookgate(&["spool", "ls", "-c", &config, "--json"]).good().json();
    let segments = list["segments"].as_array().expect("a list");
    let live = segments.iter().filter(|segment| segment["state"] == "live");
    let records: u64 = live.map(|segment| segment["records"].as_u64().expect("a number")).sum();
    assert_eq!((records, &list["in_use"]), (EVENTS as u64, &false.into()));
    let verify = Said::hookgate(&["spool", "verify", dir]).good();
    assert!(verify.text().contains("50 records in") && verify.text().ends_with(": good\n"), "{}", verify.text());

    let dump = Said::hookgate(&["spool", "dump", dir]).good().text();
    for (id, line) in dump.lines().enumerate() {
        let record: Value = serde_json::from_str(line).expect("an object a line");
        assert_eq!(record["headers"]["ce_id"], id.to_string());
        assert_eq!((&record["sequence"], &record["value_encoding"]), (&(id + 1).into(), &"base64".into()));
        let value = BASE64.decode(record["value"].as_str().expect("text").as_bytes()).expect("base64");
        assert!(value == body(&id.to_string(), 0), "{id} is not what was sent");
    }
    assert_eq!(dump.lines().count(), EVENTS);
    let raw = Said::hookgate(&["spool", "dump", dir, "--raw", "--id", "7"]).good();
    assert!(raw.out == body("7", 0));
    assert_eq!(Said::hookgate(&["spool", "dump", "3..5", "-c", &config]).good().text().lines().count(), 3);
    assert!(files(&spool) == before, "something was written");
}

#[test]
fn a_mount_that_cannot_be_written_is_read() {
    let gateway = killed("read-only");
    let mut command = Command::new("unshare");
    let script = "mount --bind -o ro \"$SPOOL\" \"$SPOOL\"; if touch \"$SPOOL/x\" 2>&-; then exit 9; fi; exec \"$@\"";
    command
        .args(["--map-root-user", "--mount", "--propagation", "slave", "sh", "-ec", script, "sh"])
        .arg(hookgate().get_program());
    command.args(["spool", "verify"]).arg(gateway.spool()).env("SPOOL", gateway.spool());
    let said = Said::by(&mut command).good();
    assert!(said.text().contains("50 records"), "{}", said.text());
}

/// Segments of about forty events each, so that several are begun.
const BUSY: &str = "max_bytes: 8MiB, segment_bytes: 256KiB";
const MANY: u64 = 400;

/// Verifies the directory again and again while events come. How many were taken: where a segment is full before the
/// next one lies ready, the disk refuses one.
fn verify_while_they_come(gateway: &Gateway) -> u64 {
    let send = || {
        let mut connection = gateway.connect();
        let ask = |id: u64| connection.ask(&event_of("orders", &id.to_string(), 5000)).expect("an answer").status;
        (0..MANY).map(ask).filter(|status| *status == 200).count() as u64
    };
    let spool = gateway.spool();
    std::thread::scope(|scope| {
        let sending = scope.spawn(send);
        loop {
            let verify = Said::hookgate(&["spool", "verify", text(&spool)]).good();
            assert!(verify.messages.contains("in use by a running process"), "{}", verify.messages);
            if sending.is_finished() {
                return sending.join().expect("sent");
            }
        }
    })
}

#[test]
fn a_directory_in_use_is_read_while_it_is_written_and_nothing_in_it_looks_damaged() {
    let setup = Setup::before(&nobody(), "in-use").spool_with(BUSY).source("orders", "");
    let gateway = Gateway::start(&setup.text());
    let taken = verify_while_they_come(&gateway);
    let stat = Said::hookgate(&["spool", "stat", text(&gateway.spool()), "--json"]).good().json();
    let records = stat["records"].as_u64().expect("a number");
    assert!((taken..=MANY).contains(&records), "of {taken} that were taken {records} are there");
    assert_eq!(stat["damaged_segments"], 0);
}

#[test]
fn a_directory_whose_segments_are_recycled_under_the_reader_does_not_look_damaged() {
    let setup = Setup::new(Kafka::shared(), "in-flow").spool_with(BUSY).source("orders", "");
    let mut gateway = Gateway::start(&setup.text());
    assert_eq!(verify_while_they_come(&gateway), MANY, "what the disk refuses Kafka takes");
    let stat = || Said::hookgate(&["spool", "stat", text(&gateway.spool()), "--json"]).good().json();
    wait_for("segments to be recycled", || (stat()["records"].as_u64()? < MANY / 2).then_some(()));
    assert_eq!(gateway.stop(), Some(0));
    let stat = Said::hookgate(&["spool", "stat", text(&gateway.spool()), "--json"]).good().json();
    assert_eq!((&stat["undelivered"], &stat["damaged_segments"]), (&0.into(), &0.into()));
    assert!(stat["keys"].as_u64().is_some_and(|keys| keys > 0), "{stat}");
}

#[test]
fn damage_is_reported_with_its_place_and_the_rest_can_be_had() {
    let gateway = killed("damaged");
    let spool = gateway.spool();
    let (segment, at) = place(&spool, 20);
    let mut bytes = fs::read(&segment).expect("a segment");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("a segment");
    for what in [&spool, &segment] {
        let said = Said::hookgate(&["spool", "verify", "--json", text(what)]);
        let object = said.json();
        assert_eq!((said.code, &object["records"]), (Some(1), &(EVENTS - 1).into()), "{object}");
        let damage = &object["damage"][0];
        let (from, bytes) = (damage["at"].as_u64().expect("a place"), damage["bytes"].as_u64().expect("a length"));
        assert!((from..from + bytes).contains(&(at as u64)), "{damage} {at}");
        assert!(damage["file"].as_str().is_some_and(|file| segment.ends_with(file)), "{damage}");
        let dump = Said::hookgate(&["spool", "dump", text(what)]).good();
        assert_eq!(dump.text().lines().count(), EVENTS - 1);
        assert!(dump.messages.contains("see spool verify"), "{}", dump.messages);
    }
    // A write that the crash tore is none.
    let torn = killed("torn");
    let (segment, at) = place(&torn.spool(), EVENTS - 1);
    let mut bytes = fs::read(&segment).expect("a segment");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("a segment");
    let said = Said::hookgate(&["spool", "verify", text(&torn.spool())]).good();
    assert!(said.text().contains("a write that was not finished"), "{}", said.text());
}

#[test]
fn a_spool_from_a_dead_machine_is_drained_by_one_command_each_event_once_and_whole() {
    let kafka = Kafka::shared();
    let gateway = killed("drain");
    let (_dir, copy) = copied(&gateway.spool());
    kafka.create_topic("drain.orders", 1);
    kafka.create_topic("drain.bills", 1);
    let brokers = kafka.bootstrap();
    let drain = |more: &[&str]| Said::hookgate(&[&["spool", "drain", text(&copy), "--json"], more].concat());
    let outcome = drain(&["--brokers", &brokers]).good().json();
    assert_eq!((&outcome["delivered"], &outcome["remaining"]), (&EVENTS.into(), &0.into()));
    let bills = (0..EVENTS).filter(|id| id % 5 == 0);
    assert_all_are_there(&kafka.records("drain.bills", EVENTS / 5), bills);
    assert_all_are_there(&kafka.records("drain.orders", EVENTS - EVENTS / 5), (0..EVENTS).filter(|id| id % 5 != 0));

    assert_eq!(Said::hookgate(&["spool", "stat", text(&copy), "--json"]).good().json()["undelivered"], 0);
    let again = drain(&["--brokers", &brokers]).good().json();
    assert_eq!((&again["delivered"], &again["remaining"]), (&0.into(), &0.into()));
    // What the gateway itself had is still there: the copy alone was drained.
    assert_eq!(Said::hookgate(&["spool", "stat", text(&gateway.spool()), "--json"]).good().json()["undelivered"], 50);
}

#[test]
fn a_drain_takes_kafka_from_a_configuration_whose_own_spool_is_another() {
    let kafka = Kafka::shared();
    let gateway = killed("drain-config");
    let other = scratch::dir("other-");
    let config = other.path().join("hookgate.yaml");
    let setup = Setup::new(kafka, "drain-config").with(&format!("spool: {{ dir: \"{}/own\" }}", text(other.path())));
    fs::write(&config, setup.source("orders", "").text()).expect("written");
    let said = Said::hookgate(&["spool", "drain", text(&gateway.spool()), "-c", text(&config)]).good();
    assert!(said.text().ends_with(": 50 delivered, 0 left\n"), "{}", said.text());
    assert_eq!(kafka.records("drain-config.orders", 40).len(), 40);
    assert!(!other.path().join("own").exists(), "the configuration's own directory is not touched");
}

#[test]
fn a_drain_of_a_damaged_spool_delivers_what_is_intact_and_says_what_is_not() {
    let kafka = Kafka::shared();
    let gateway = killed("drain-damaged");
    let (segment, at) = place(&gateway.spool(), 20);
    let mut bytes = fs::read(&segment).expect("a segment");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("a segment");
    kafka.create_topic("drain-damaged.orders", 1);
    kafka.create_topic("drain-damaged.bills", 1);
    let brokers = kafka.bootstrap();
    let said = Said::hookgate(&["spool", "drain", text(&gateway.spool()), "--brokers", &brokers, "--json"]);
    let outcome = said.json();
    assert_eq!((said.code, &outcome["unreadable"], &outcome["delivered"]), (Some(1), &1.into(), &(EVENTS - 1).into()));
    assert_all_are_there(&kafka.records("drain-damaged.orders", 40), (0..EVENTS).filter(|id| id % 5 != 0));
    let bills = (0..EVENTS).filter(|id| id % 5 == 0 && *id != 20);
    assert_all_are_there(&kafka.records("drain-damaged.bills", 9), bills);
}

#[test]
fn a_drain_that_is_stopped_says_what_is_left_and_loses_nothing() {
    let kafka = Kafka::shared();
    let gateway = killed("drain-stop");
    let spool = gateway.spool();
    let nobody = nobody();
    let said = Said::hookgate(&["spool", "drain", text(&spool), "--brokers", &nobody, "--timeout", "1s", "--json"]);
    assert_eq!((said.code, &said.json()["remaining"]), (Some(1), &EVENTS.into()));
    assert!(said.messages.contains("machine-died"), "it names its page: {}", said.messages);

    let log = gateway.config().with_file_name("drain.log");
    let mut command = hookgate();
    command.args(["spool", "drain", text(&spool), "--brokers", &nobody]);
    let mut drain = Process::start(&command, &log);
    wait_for("the drain to have the directory", || {
        Said::hookgate(&["spool", "stat", text(&spool)]).messages.contains("in use").then_some(())
    });
    // The handler of the signal is there a moment after the lock.
    let ended = wait_for("its end", || {
        drain.ended().or_else(|| {
            drain.signal("INT");
            std::thread::sleep(std::time::Duration::from_millis(200));
            drain.ended()
        })
    });
    assert_ne!(ended.code(), Some(0));

    kafka.create_topic("drain-stop.orders", 1);
    kafka.create_topic("drain-stop.bills", 1);
    Said::hookgate(&["spool", "drain", text(&spool), "--brokers", &kafka.bootstrap()]).good();
    assert_eq!(kafka.records("drain-stop.orders", 40).len(), 40);
    assert_eq!(kafka.records("drain-stop.bills", 10).len(), 10);
}

#[test]
fn a_drain_refuses_a_directory_in_use_and_one_without_a_spool() {
    let gateway = waiting("drain-in-use");
    let said = Said::hookgate(&["spool", "drain", text(&gateway.spool()), "--brokers", &nobody()]);
    assert_eq!(said.code, Some(1));
    assert!(said.messages.contains("the spool is in use by another process"), "{}", said.messages);
    assert_eq!(gateway.ask(&event("orders", "after")).status, 200);
    let empty = scratch::dir("empty-");
    for dir in [empty.path().to_owned(), empty.path().join("nowhere")] {
        let said = Said::hookgate(&["spool", "drain", text(&dir), "--brokers", &nobody()]);
        assert_eq!(said.code, Some(1), "{}", said.messages);
        assert_eq!(fs::read_dir(empty.path()).expect("a directory").count(), 0, "nothing is made");
    }
}
