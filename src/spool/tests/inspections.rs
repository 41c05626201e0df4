//! Who only looks sees what a start would find, and leaves everything as it is.

use std::fs;
use std::ops::ControlFlow;

use tempfile::TempDir;

use super::inspect::{Inspection, Report, State};
use super::*;

/// What an inspection saw.
#[derive(Debug)]
pub(super) struct Seen {
    /// Names of events that Kafka does not have, in order.
    pub(super) waiting: Vec<String>,
    reports: Vec<Report>,
}

/// The twin's files in a directory of the machine.
fn laid_out(twin: &Twin) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for name in twin.names() {
        let path = dir.path().join(&name);
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        fs::write(path, twin.bytes(&name)).expect("written");
    }
    dir
}

/// Looks at a copy of what is on the twin.
pub(super) fn look(twin: &Twin) -> Seen {
    look_at(laid_out(twin).path())
}

fn look_at(path: &Path) -> Seen {
    let inspection = Inspection::open(path).expect("can be read");
    let mut seen = Seen { waiting: Vec::new(), reports: Vec::new() };
    for segment in inspection.segments() {
        let report = inspection.read(segment, &mut |kept| {
            let id = kept.event.headers.get("ce_id").expect("every event has one");
            if segment.counts() && !kept.delivered {
                seen.waiting.push(String::from_utf8(id.to_vec()).expect("text"));
            }
            ControlFlow::Continue(())
        });
        seen.reports.push(report);
    }
    seen
}

impl Seen {
    /// As many as that are so.
    fn count(&self, state: State) -> usize {
        self.reports.iter().filter(|report| report.state == state).count()
    }

    /// Holds it to what a start found of the same files.
    pub(super) fn agrees_with(&self, delivered: &[String], corrupt: u64, torn: u64) {
        assert_eq!(self.waiting, delivered);
        let reports = &self.reports;
        assert_eq!(self.count(State::Damaged) > 0, corrupt > 0, "{reports:#?}");
        assert_eq!(reports.iter().filter(|report| report.torn_at.is_some()).count() as u64, torn, "{reports:#?}");
        assert!(reports.iter().all(|report| report.state.is_bad() == (report.places() > 0)), "{reports:#?}");
    }
}

#[test]
fn figures_are_those_of_the_records() {
    let mut rig = Rig::new();
    for (name, topic) in [("a", "t"), ("b", "u"), ("c", "t")] {
        rig.kept(name, topic);
    }
    rig.take().remove(0).delivered();
    rig.tidy();
    let dir = laid_out(&rig.twin);
    let seen = look_at(dir.path());
    assert_eq!(seen.waiting, ["b", "c"]);
    let report = &seen.reports[0];
    assert_eq!((report.state, report.records, report.undelivered), (State::Live, 3, 2));
    assert_eq!((report.sequences, report.received), (Some((1, 3)), Some((NOW, NOW))));
    assert_eq!(seen.count(State::Spare), 1);
    let inspection = Inspection::open(dir.path()).expect("can be read");
    assert_eq!(inspection.reached().map(|reached| (reached.watermark, reached.next_sequence)), Some((2, 4)));
    assert!(!inspection.is_in_use());
}

#[test]
fn to_look_changes_nothing_and_takes_no_lock() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let dir = laid_out(&rig.twin);
    let list = || {
        let entries = fs::read_dir(dir.path()).expect("a directory").map(|entry| entry.expect("an entry"));
        let mut all: Vec<_> = entries.map(|entry| (entry.file_name(), fs::read(entry.path()).ok())).collect();
        all.sort();
        all
    };
    let before = list();
    look_at(dir.path());
    assert!(list() == before);
}

#[test]
fn a_directory_that_is_in_use_is_known_for_one_and_read_all_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = Settings { dir: dir.path().to_owned(), ..settings() };
    let open = || Spool::open(&settings, HORIZON, Clock::standing_at(NOW), metrics(), &mut |_| None);
    let spool = open().expect("opens");
    let slot = Slot::new(Ack::Disk, None);
    spool.keep(&[(&event("a", "t", 10), &slot)]).expect("has room");
    let inspection = || Inspection::open(dir.path()).expect("can be read");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert!(matches!(runtime.block_on(slot.outcome()), Outcome::Safe(_)));
    assert!(inspection().is_in_use());
    assert_eq!(look_at(dir.path()).waiting, ["a"]);
    drop(spool);
    assert!(!inspection().is_in_use());
    let looking = inspection();
    drop(open().expect("who looks is in nobody's way"));
    drop(looking);
}

#[test]
fn a_segment_that_begins_another_life_while_it_is_read_is_gone_and_not_damaged() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.kept("b", "t");
    let dir = laid_out(&rig.twin);
    let inspection = Inspection::open(dir.path()).expect("can be read");
    let segment = inspection.segments().iter().find(|segment| segment.counts()).expect("one");
    let path = dir.path().join(&rig.twin.names_with(".seg")[0]);
    let read = || inspection.read(segment, &mut |_| ControlFlow::Continue(()));
    assert_eq!(read().state, State::Live);
    let file = fs::File::options().read(true).write(true).open(&path).expect("a file");
    let header = segment::Header::read(&file, segment.bytes()).expect("intact");
    io::File::write_all_at(&file, &[0xaa; 64], segment::DATA_AT).expect("written");
    assert_eq!(read().state, State::Damaged);
    let next = segment::Header { number: 9, salt: record::Salt::new([9; 16]), ..header };
    next.write(&file).expect("written");
    let report = read();
    assert_eq!((report.state, report.records, report.places()), (State::Gone, 1, 0));
    header.write(&file).expect("written");
    assert_eq!(read().state, State::Damaged);
    fs::remove_file(&path).expect("removed");
    assert_eq!(read().state, State::Gone);
}

#[test]
fn damage_is_told_with_its_place_in_the_directory_and_in_a_single_file() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.kept(name, "t");
    }
    let dir = laid_out(&rig.twin);
    let path = dir.path().join(&rig.twin.names_with(".seg")[0]);
    let mut bytes = fs::read(&path).expect("a file");
    let at = bytes.windows(3).position(|window| window == b"b..").expect("its value");
    bytes[at + 2] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let aside = dir.path().join("damaged");
    fs::create_dir(&aside).expect("made");
    fs::copy(&path, aside.join("0000000000000001.seg.2")).expect("copied");

    let seen = look_at(dir.path());
    assert_eq!((seen.count(State::Damaged), seen.count(State::Aside)), (1, 1));
    assert_eq!(seen.waiting, ["a", "c"]);
    for file in [path, aside.join("0000000000000001.seg.2")] {
        let report = &look_at(&file).reports[..];
        let [report] = report else { panic!("one file: {report:?}") };
        let [damage] = &report.damage[..] else { panic!("one place: {report:?}") };
        assert!((damage.at..damage.at + damage.bytes).contains(&(at as u64)), "{damage:?} {at}");
        assert_eq!(damage.what, "1 record whose bytes are not what was written");
        assert_eq!(report.records, 2);
    }
}

#[test]
fn keys_are_counted_and_only_what_is_behind_a_damaged_block_is_not() {
    let mut rig = Rig::new();
    for index in 0..40 {
        rig.kept(&format!("{index}"), "t");
        rig.take_all().into_iter().for_each(Parcel::delivered);
        rig.tidy();
    }
    let dir = laid_out(&rig.twin);
    let path = dir.path().join(&rig.twin.names_with(".keys")[0]);
    let file = || Inspection::open(dir.path()).expect("can be read").key_files().remove(0);
    let good = file();
    assert!(good.keys > 20 && good.damage.is_none(), "{good:?}");
    let bytes = fs::read(&path).expect("a file");
    fs::write(&path, &bytes[..bytes.len() - 3]).expect("written");
    let unfinished = file();
    assert!(unfinished.keys < good.keys && unfinished.damage.is_none(), "{unfinished:?}");
    let mut damaged = bytes;
    let at = damaged.len() - 3;
    damaged[at] ^= 1;
    fs::write(&path, &damaged).expect("written");
    assert!(file().damage.is_some());
}

#[test]
fn what_a_newer_program_wrote_is_called_so() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let file = rig.twin.names_with(".seg").remove(0);
    rig.twin.corrupt(&file, |bytes| {
        for copy in [0, bytes.len() - 512] {
            bytes[copy + 8] = 9;
            let checksum = crc32c::crc32c(&bytes[copy..copy + 124]).to_le_bytes();
            bytes[copy + 124..copy + 128].copy_from_slice(&checksum);
        }
    });
    let seen = look(&rig.twin);
    assert_eq!(seen.count(State::Alien), 1);
    let what = &seen.reports.iter().find(|report| report.state == State::Alien).expect("one").damage[0].what;
    assert_eq!(what, "it has format version 9; this program knows 1");
}

#[test]
fn what_is_no_directory_and_no_segment_is_said_to_be_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let nowhere = dir.path().join("nowhere");
    let error = Inspection::open(&nowhere).expect_err("is not there").to_string();
    assert!(error.starts_with(nowhere.to_str().expect("text")), "{error}");
    fs::write(dir.path().join("notes"), "anything").expect("written");
    let seen = look_at(&dir.path().join("notes"));
    assert_eq!((seen.reports.len(), seen.count(State::Aside)), (1, 1));
    assert!(look_at(dir.path()).reports.is_empty(), "a stranger's file is not ours");
}
