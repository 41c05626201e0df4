//! What a spool's directory may have gone through while nobody looked, and what becomes of its events.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::port;
use crate::support::setup::{Setup, body, event};

const EVENTS: usize = 100;

/// A gateway that was killed while its events waited for a broker.
struct Killed {
    gateway: Gateway,
    nobody: String,
    topic: String,
}

impl Killed {
    fn with_events(name: &'static str) -> Self {
        let nobody = format!("127.0.0.1:{}", port::free());
        let mut gateway = Gateway::start(&Setup::before(&nobody, name).spool().source("orders", "").text());
        let mut connection = gateway.connect();
        for id in 0..EVENTS {
            let answer = connection.ask(&event("orders", &order(id))).expect("an answer");
            assert_eq!(answer.status, 200, "{id}");
        }
        gateway.kill();
        Self { gateway, nobody, topic: format!("{name}.orders") }
    }

    /// The segment that holds an event, and where in it the event's body begins.
    fn place(&self, id: usize) -> (PathBuf, usize) {
        let needle = body(&order(id), 0);
        let found = segments(&self.gateway.spool()).into_iter().find_map(|path| {
            let bytes = fs::read(&path).expect("a segment");
            let at = bytes.windows(needle.len()).position(|window| window == needle)?;
            Some((path, at))
        });
        found.expect("the event is in a segment")
    }

    /// Starts it before a broker, and reads what arrives until the last of these is there.
    fn revive(&mut self, last: usize) -> Vec<Record> {
        self.gateway.restart_with(&self.nobody, &Kafka::shared().bootstrap());
        let last = order(last);
        let records = Kafka::shared()
            .records_until(&self.topic, |records| records.iter().any(|record| record.header("ce_id") == Some(&last)));
        self.gateway.wait_until_delivered();
        records
    }
}

fn order(id: usize) -> String {
    format!("order-{id}")
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect()
}

/// Does something to a file's bytes, at a place.
type Cut = fn(&mut Vec<u8>, usize);

/// Changes a file in place.
fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a file");
    change(&mut bytes);
    fs::write(path, bytes).expect("a file");
}

/// These and no others, whole, in order, each once.
fn assert_arrived(records: &[Record], ids: impl Iterator<Item = usize>) {
    let arrived: Vec<_> = records.iter().map(|record| record.header("ce_id").expect("an id")).collect();
    assert_eq!(arrived, ids.map(order).collect::<Vec<_>>());
    assert!(records.iter().all(|record| record.value == body(record.header("ce_id").expect("an id"), 0)));
}

#[test]
fn a_last_write_that_was_torn_is_cut_off_and_everything_before_it_delivered() {
    let cuts: [(&str, Cut); 3] = [
        ("recovery.cut", |bytes, at| bytes.truncate(at + 5)),
        ("recovery.zeroed", |bytes, at| bytes[at + 5..].fill(0)),
        ("recovery.scribbled", |bytes, at| bytes[at..at + 5].fill(b'?')),
    ];
    for (name, cut) in cuts {
        let mut killed = Killed::with_events(name);
        let (segment, at) = killed.place(EVENTS - 1);
        alter(&segment, |bytes| cut(bytes, at));
        let records = killed.revive(EVENTS - 2);
        assert_arrived(&records, 0..EVENTS - 1);
        let gateway = &killed.gateway;
        assert_eq!(gateway.number("hookgate_spool_torn_tails_total"), 1, "{name}");
        assert_eq!(gateway.number("hookgate_spool_corrupt_records_total"), 0, "{name}");
        // The lost one was never settled: its sender's next try is news.
        let again = gateway.ask(&event("orders", &order(EVENTS - 1)));
        assert_eq!((again.status, again.header("x-duplicate")), (200, None), "{name}");
        let before = gateway.ask(&event("orders", &order(EVENTS - 2)));
        assert_eq!((before.status, before.header("x-duplicate")), (200, Some("true")), "{name}");
    }
}

#[test]
fn a_byte_that_has_changed_costs_its_own_record_and_no_other_and_the_file_is_set_aside() {
    let mut killed = Killed::with_events("recovery.flipped");
    let (segment, at) = killed.place(EVENTS / 2);
    alter(&segment, |bytes| bytes[at + 3] ^= 0x20);
    let damaged = fs::read(&segment).expect("a segment");
    let records = killed.revive(EVENTS - 1);
    assert_arrived(&records, (0..EVENTS).filter(|id| *id != EVENTS / 2));
    let gateway = &mut killed.gateway;
    assert_eq!(gateway.number("hookgate_spool_corrupt_records_total"), 1);
    gateway.wait_for_number("hookgate_spool_damaged_segments", |segments| segments == 1);
    let aside = gateway.spool().join("damaged").join(segment.file_name().expect("a name"));
    crate::support::limit::wait_for("the file to be set aside", || aside.exists().then_some(()));
    assert!(fs::read(&aside).expect("a file") == damaged, "a person finds what was found");
    assert!(gateway.log().contains("ERROR"), "a person is needed: {}", gateway.log());

    assert_eq!(gateway.stop(), Some(0));
    gateway.restart();
    gateway.wait_for_number("hookgate_spool_damaged_segments", |segments| segments == 1);
    assert_eq!(gateway.ask(&event("orders", "after")).status, 200);
    let records = Kafka::shared().records("recovery.flipped.orders", EVENTS);
    assert_eq!(records.len(), EVENTS, "nothing came again");
}

#[test]
fn a_head_or_a_whole_sector_that_has_gone_hides_nothing_behind_it() {
    for (name, sector) in [("recovery.header", 0), ("recovery.sector", 4096)] {
        let mut killed = Killed::with_events(name);
        let (segment, _) = killed.place(0);
        alter(&segment, |bytes| bytes[sector..sector + 512].fill(0xA5));
        let records = killed.revive(EVENTS - 1);
        let ids: BTreeSet<_> = records.iter().map(|record| record.header("ce_id").expect("an id")).collect();
        // A sector holds one record and parts of two, at most.
        let gone = EVENTS - ids.len();
        assert!(gone <= if sector == 0 { 0 } else { 4 }, "{name}: {gone} are gone");
        assert_eq!(records.len(), ids.len(), "{name}: each once");
        assert!(records.iter().all(|record| record.value == body(record.header("ce_id").expect("an id"), 0)));
    }
}

#[test]
fn without_its_checkpoint_it_delivers_again_and_loses_nothing() {
    let kafka = Kafka::shared();
    let mut gateway = Gateway::start(&Setup::new(kafka, "recovery.checkpoint").spool().source("orders", "").text());
    let mut connection = gateway.connect();
    for id in 0..EVENTS {
        assert_eq!(connection.ask(&event("orders", &order(id))).expect("an answer").status, 200);
    }
    let first = kafka.records("recovery.checkpoint.orders", EVENTS);
    assert_eq!(gateway.stop(), Some(0));
    let checkpoints = ["checkpoint.0", "checkpoint.1"].map(|name| gateway.spool().join(name));
    assert!(checkpoints.iter().any(|file| fs::remove_file(file).is_ok()), "there was one");
    for file in checkpoints {
        fs::remove_file(file).ok();
    }
    gateway.restart();
    assert_eq!(gateway.ask(&event("orders", &order(EVENTS))).status, 200);
    let records = kafka.records_until("recovery.checkpoint.orders", |records| {
        records.iter().any(|record| record.header("ce_id") == Some(&order(EVENTS)))
    });
    gateway.wait_until_delivered();
    for record in &records[first.len()..records.len() - 1] {
        let same = |before: &&Record| before.header("ce_id") == record.header("ce_id");
        let before = first.iter().find(same).expect("a copy of one that came before");
        assert_eq!((&record.value, &record.headers), (&before.value, &before.headers));
    }
    let again = gateway.ask(&event("orders", &order(3)));
    assert_eq!((again.status, again.header("x-duplicate")), (200, Some("true")));
}

#[test]
fn a_checkpoint_of_noise_and_strangers_files_are_no_obstacle() {
    let mut killed = Killed::with_events("recovery.noise");
    let spool = killed.gateway.spool();
    for name in ["checkpoint.0", "checkpoint.1", "0000000000000077.keys", "0000000000000078.new", "README", "x.seg"] {
        fs::write(spool.join(name), b"not what you expect").expect("a file");
    }
    fs::create_dir(spool.join("lost+found")).expect("a directory");
    let records = killed.revive(EVENTS - 1);
    assert_arrived(&records, 0..EVENTS);
    assert_eq!(fs::read(spool.join("README")).expect("still there"), b"not what you expect");
}

#[test]
fn a_spool_can_be_moved_to_another_place() {
    let mut killed = Killed::with_events("recovery.moved");
    let (old, new) = (killed.gateway.spool(), killed.gateway.spool().with_file_name("elsewhere"));
    fs::rename(&old, &new).expect("the same volume");
    let config = killed.gateway.config();
    let text = fs::read_to_string(&config).expect("a file");
    fs::write(config, text.replace(old.to_str().expect("UTF-8"), new.to_str().expect("UTF-8"))).expect("a file");
    assert_arrived(&killed.revive(EVENTS - 1), 0..EVENTS);
}
