//! Directories that can be used, and those that cannot.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::{fs, io as std_io};

use super::io::twin::{Failure, Op};
use super::segment::DATA_AT;
use super::*;

fn open_at(dir: PathBuf) -> Result<Spool, OpenError> {
    let settings = Settings { dir, ..settings() };
    Spool::open(&settings, HORIZON, Clock::standing_at(NOW), metrics(), &mut |_| None)
}

fn refused(twin: &Twin) -> OpenError {
    match Rig::with(twin.clone(), &settings(), |_| {}) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn a_missing_directory_is_made_with_its_parents_for_this_user_only() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("a/b/spool");
    let spool = open_at(dir.clone()).expect("opens");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).expect("can be read") {
        let path = entry.expect("can be read").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(spool);
}

#[test]
fn a_directory_that_another_has_is_refused_until_it_is_free() {
    let root = tempfile::tempdir().expect("a directory");
    let spool = open_at(root.path().to_owned()).expect("opens");
    let error = open_at(root.path().to_owned()).expect_err("is in use");
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(spool);
    open_at(root.path().to_owned()).expect("opens");
}

#[test]
fn a_parcel_in_flight_keeps_the_directory() {
    let rig = Rig::new();
    let twin = rig.twin.clone();
    assert!(matches!(refused(&twin), OpenError::InUse(_)));
    drop(rig);
}

#[test]
fn what_is_no_directory_is_refused() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    fs::write(&file, "x").expect("can be written");
    let error = open_at(file.clone()).expect_err("is a file");
    assert!(matches!(error, OpenError::NotADirectory(_)), "{error:?}");
    let error = open_at(file.join("below")).expect_err("is below a file");
    assert!(matches!(error, OpenError::NotADirectory(_)), "{error:?}");
}

#[test]
fn a_directory_that_cannot_be_made_is_refused() {
    let error = open_at(PathBuf::from("/proc/no/such")).expect_err("cannot be made");
    assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("make it"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    for kind in [std_io::ErrorKind::PermissionDenied, std_io::ErrorKind::ReadOnlyFilesystem] {
        let twin = Twin::new(VOLUME_BYTES);
        twin.fail(Op::Create, 0, u32::MAX, Failure::Error(kind));
        let error = refused(&twin);
        assert!(matches!(error, OpenError::NotWritable { .. }), "{kind:?}: {error:?}");
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let root = tempfile::tempdir().expect("a directory");
    let elsewhere = root.path().join("elsewhere");
    fs::write(&elsewhere, "precious").expect("can be written");
    let dir = root.path().join("spool");
    fs::create_dir(&dir).expect("can be made");
    symlink(&elsewhere, dir.join("lock")).expect("can be made");
    assert!(open_at(dir).is_err());
    assert_eq!(fs::read(&elsewhere).expect("is there"), b"precious");
}

#[test]
fn another_version_is_refused_and_nothing_is_changed() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let twin = rig.twin.kill();
    let file = twin.names_with(".seg").remove(0);
    twin.corrupt(&file, |bytes| {
        for at in [0, bytes.len() - 512] {
            bytes[at + 8] = 2;
            let checksum = crc32c::crc32c(&bytes[at..at + 124]);
            bytes[at + 124..at + 128].copy_from_slice(&checksum.to_le_bytes());
        }
    });
    let (names, bytes) = (twin.names(), twin.bytes(&file));
    let error = refused(&twin.copy());
    assert!(matches!(error, OpenError::Version { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("start the version that wrote it"), "{error}");
    let refused_twin = twin.copy();
    drop(refused(&refused_twin));
    assert_eq!((refused_twin.names(), refused_twin.bytes(&file)), (names, bytes));
}

#[test]
fn a_record_of_another_version_is_refused_too() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let twin = rig.twin.kill();
    let file = twin.names_with(".seg").remove(0);
    twin.corrupt(&file, |bytes| {
        let salt = record::Salt::new(*bytes[64..].first_chunk().expect("long enough"));
        let at = 512;
        let length = u32::from_le_bytes(*bytes[at + 8..].first_chunk().expect("long enough")) as usize;
        bytes[at + 12] = 2;
        record::seal(&mut bytes[at..at + length.next_multiple_of(8)], 1, salt, DATA_AT);
    });
    assert!(matches!(refused(&twin), OpenError::Version { found: 2, .. }));
}

#[test]
fn files_that_are_not_ours_are_left_alone_and_half_made_ones_removed() {
    let twin = Twin::new(VOLUME_BYTES);
    for name in ["hash.key", "learned.json", "notes.seg.bak"] {
        twin.create(name).expect("is new").write_all_at(b"precious", 0).expect("fits");
    }
    for name in ["0000000000000007.new", "0000000000000008.spare"] {
        twin.create(name).expect("is new").write_all_at(b"half made", 0).expect("fits");
    }
    let mut rig = Rig::on(twin);
    rig.kept("a", "t");
    for name in ["hash.key", "learned.json", "notes.seg.bak"] {
        assert_eq!(rig.twin.bytes(name), b"precious");
    }
    let names = rig.twin.names();
    assert!(!names.contains(&"0000000000000007.new".to_owned()), "{names:?}");
    assert!(!names.contains(&"0000000000000008.spare".to_owned()), "{names:?}");
}

#[test]
fn a_copy_of_a_segment_is_not_taken_for_it() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let segment = rig.twin.names_with(".seg").remove(0);
    let older = rig.twin.bytes(&segment);
    rig.kept("b", "t");
    let twin = rig.twin.kill();
    // With a name of a person's making, and with one that looks like ours.
    for name in ["backup5.seg", "notes.seg", "+000000000000007.seg", "00000000000000aa.seg"] {
        twin.create(name).expect("is new").write_all_at(&older, 0).expect("fits");
    }
    for name in ["x.spare", "x.new", "x.keys"] {
        twin.create(name).expect("is new").write_all_at(b"precious", 0).expect("fits");
    }
    let mut rig = Rig::on(twin);
    let parcels = rig.take_all();
    assert_eq!(names(&parcels), ["a", "b"]);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.clock.advance(HORIZON * 2);
    rig.tidy();
    for name in ["backup5.seg", "notes.seg", "+000000000000007.seg", "damaged/00000000000000aa.seg"] {
        assert_eq!(rig.twin.bytes(name), older, "{name}");
    }
    for name in ["x.spare", "x.new", "x.keys"] {
        assert_eq!(rig.twin.bytes(name), b"precious", "{name}");
    }
}

/// Four segments of one event each, killed.
fn four_segments() -> Twin {
    let mut rig = Rig::new();
    for name in ["a", "b", "c", "d"] {
        rig.keep(&event(name, "t", 4000), Ack::Disk).expect("has room");
        rig.write();
        rig.tidy();
    }
    rig.twin.kill()
}

#[test]
fn segments_whose_names_have_changed_places_are_told_by_their_headers() {
    let twin = four_segments();
    let names = twin.names_with(".seg");
    let contents: Vec<_> = names.iter().map(|name| twin.bytes(name)).collect();
    for (name, content) in names.iter().zip(contents.iter().cycle().skip(1)) {
        twin.corrupt(name, |bytes| bytes.clone_from(content));
    }
    let mut rig = Rig::on(twin);
    let parcels = rig.take_all();
    assert_eq!(super::names(&parcels), ["a", "b", "c", "d"]);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    assert_eq!(rig.twin.names_with(".seg").len(), 1, "each is removed under its own name");
}

#[test]
fn a_segment_with_another_ones_first_sector_is_told_by_its_name_and_its_last_sector() {
    let twin = four_segments();
    let names = twin.names_with(".seg");
    for (name, other) in names.iter().flat_map(|name| names.iter().map(move |other| (name, other))) {
        let twin = twin.copy();
        let first = twin.bytes(other)[..512].to_vec();
        twin.corrupt(name, |bytes| bytes[..512].copy_from_slice(&first));
        let seen = inspections::look(&twin);
        let found = super::names(&Rig::on(twin).take_all());
        assert_eq!(found, ["a", "b", "c", "d"], "{other} over {name}");
        seen.agrees_with(&found, 0, 0);
    }
}

#[test]
fn a_power_cut_at_the_first_write_after_a_start_costs_nothing_of_the_last_one_before() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    // The segment of the first life is empty now, and the next start makes it the spare that "b" is written to again.
    let mut rig = rig.killed();
    rig.kept("b", "t");
    let twin = rig.twin.kill();
    for operations in 0..40 {
        let twin = twin.copy();
        twin.end_after(operations);
        drop(Rig::with(twin.clone(), &settings(), |_| {}));
        // Of that start nothing is there but the first sector that it wrote.
        let mut first = true;
        let rig = Rig::on(twin.cut(&mut || std::mem::take(&mut first)));
        assert_eq!(super::names(&rig.take_all()), ["a", "b"], "after {operations}");
    }
}

#[test]
fn a_spare_that_is_a_live_segment_by_another_name_is_not_written_to() {
    let mut rig = Rig::new();
    for name in ["a", "b"] {
        rig.kept(name, "t");
    }
    let twin = rig.twin.kill();
    let live = twin.names_with(".seg").remove(0);
    // A rename of which a power cut has left the old name too, and one of which it has left the new one.
    for spare in ["0000000000000001.spare", &live.replace(".seg", ".spare")] {
        let twin = twin.copy();
        twin.link(&live, spare);
        let mut rig = Rig::on(twin);
        rig.kept("c", "t");
        let rig = rig.cut();
        assert_eq!(super::names(&rig.take_all()), ["a", "b", "c"], "{spare}");
    }
}

#[test]
fn a_segment_that_cannot_be_opened_is_set_aside_and_the_others_are_delivered() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c", "d"] {
        rig.keep(&event(name, "t", 4000), Ack::Disk).expect("has room");
        rig.write();
        rig.tidy();
    }
    let twin = rig.twin.kill();
    assert!(twin.names_with(".seg").len() > 2, "{:?}", twin.names());
    // Behind the two checkpoints.
    twin.fail(Op::Open, 2, 1, Failure::Error(std_io::ErrorKind::Other));
    let rig = Rig::on(twin);
    assert_eq!(names(&rig.take_all()), ["b", "c", "d"]);
    assert_eq!(rig.twin.names_with(".seg").iter().filter(|name| name.starts_with("damaged/")).count(), 1);
}

#[test]
fn a_segment_that_is_passed_over_comes_back_with_all_of_its_records() {
    for passed_over in 0..4 {
        let mut twin = four_segments();
        let mut after = Vec::new();
        for later in ["e", "f"] {
            // Behind the two checkpoints.
            twin.fail(Op::Open, 2 + passed_over, 1, Failure::Error(std_io::ErrorKind::Other));
            twin.fail(Op::Rename, 0, 1, Failure::Error(std_io::ErrorKind::Other));
            let mut rig = Rig::on(twin);
            rig.kept(later, "t");
            let mut parcels = rig.take_all();
            after = names(&parcels);
            assert!(after.iter().any(|name| name == later), "{after:?}");
            parcels.drain(..).for_each(Parcel::delivered);
            // What the checkpoint says of these numbers must not be said of the other's.
            rig.core().storage.as_ref().expect("has one").checkpoint(&rig.core().outlet);
            twin = rig.twin.kill();
        }
        let rig = Rig::on(twin);
        assert_eq!(names(&rig.take_all()), ["a", "b", "c", "d", "e", "f"], "{passed_over}, after {after:?}");
        assert_eq!(rig.remembered.len(), 6);
        assert_eq!(rig.twin.names_with(".seg").iter().filter(|name| name.starts_with("damaged/")).count(), 0);
    }
}

#[test]
fn a_file_set_aside_takes_no_other_files_place() {
    let root = tempfile::tempdir().expect("a directory");
    let disk = io::Directory::open(root.path()).expect("opens");
    for content in ["one", "two", "three"] {
        fs::write(root.path().join("x.seg"), content).expect("can be written");
        disk.set_aside("x.seg").expect("can be moved");
    }
    let read = |name: &str| fs::read(root.path().join("damaged").join(name)).expect("is there");
    assert_eq!([read("x.seg"), read("x.seg.2"), read("x.seg.3")], [&b"one"[..], b"two", b"three"]);
}

#[test]
fn the_size_of_segments_may_change_between_lives() {
    let mut rig = Rig::new();
    for name in ["a", "b"] {
        rig.kept(name, "t");
    }
    rig.tidy();
    let smaller = Settings { segment_bytes: ByteSize::kib(4), ..settings() };
    let mut rig = Rig::with(rig.twin.kill(), &smaller, |_| {}).expect("opens");
    rig.kept("c", "t");
    let parcels = rig.take_all();
    assert_eq!(names(&parcels), ["a", "b", "c"]);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    rig.tidy();
    assert!(rig.twin.names_with(".seg").iter().all(|name| rig.twin.bytes(name).len() == 4096));
}

#[test]
fn the_last_write_of_larger_segments_is_kept_by_smaller_ones() {
    let smaller = Settings { segment_bytes: ByteSize::kib(4), ..settings() };
    // One write of several records, and one record that alone is larger than a segment now.
    for sizes in [&[1500, 1500, 1500][..], &[5000]] {
        let rig = Rig::new();
        let all: Vec<String> = (0..sizes.len()).map(|index| index.to_string()).collect();
        for (name, size) in all.iter().zip(sizes) {
            rig.keep(&event(name, "t", *size), Ack::Disk).expect("has room");
        }
        let mut rig = rig;
        rig.write();
        let mut rig = Rig::with(rig.twin.kill(), &smaller, |_| {}).expect("opens");
        rig.tidy();
        rig.kept("after", "t");
        // In a second life, and in a third.
        for _ in 0..2 {
            rig = Rig::with(rig.twin.cut(&mut || false), &smaller, |_| {}).expect("opens");
            assert_eq!(rig.remembered.len(), sizes.len() + 1);
        }
        let found = names(&rig.take_all());
        assert_eq!(found[..sizes.len()], all[..]);
        assert!(!rig.metrics.encode().contains("hookgate_spool_corrupt_records_total 1"));
    }
}

#[test]
fn restarts_leave_no_trail_of_files() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    for _ in 0..50 {
        rig = rig.killed();
        rig.tidy();
    }
    let names = rig.twin.names();
    assert!(names.len() <= 6, "{names:?}");
    assert_eq!(super::names(&rig.take_all()), ["a"]);
}
