//! Bytes that this program has written once, it reads for ever.
//!
//! The files in `tests/golden/spool/` are version 1 of each format. A change of a format is a new version and new files
//! beside these; these stay and are still read.

use super::*;

const SEGMENT: &[u8] = include_bytes!("../../../tests/golden/spool/v1.seg");
const KEYS: &[u8] = include_bytes!("../../../tests/golden/spool/v1.keys");
const CHECKPOINT: &[u8] = include_bytes!("../../../tests/golden/spool/v1.checkpoint");

fn small() -> Settings {
    Settings { segment_bytes: ByteSize::kib(4), ..settings() }
}

fn events() -> [Event; 3] {
    let second = Event {
        key: Some(Bytes::from_static(b"order-7")),
        digests: vec![digest("b"), 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef],
        received_at: UnixMillis(NOW.0 + 61_000),
        ..event("b", "orders", 60)
    };
    let third = Event { digests: vec![], headers: Headers::default(), ..event("c", "t", 0) };
    [event("a", "webhooks.github", 40), second, third]
}

/// A first segment with two writes; the second of three events is delivered.
fn written() -> Rig {
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &small(), |_| {}).expect("opens");
    let [a, b, c] = events();
    rig.keep(&a, Ack::Disk).expect("has room");
    rig.write();
    rig.keep(&b, Ack::Disk).expect("has room");
    rig.keep(&c, Ack::Disk).expect("has room");
    rig.write();
    rig.take_all().remove(1).delivered();
    rig.tidy();
    rig
}

/// Writes what was found beside the expectation, for a person to compare.
fn compare(name: &str, found: &[u8], expected: &[u8]) {
    if found != expected {
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, found).expect("can be written");
        panic!("{name} is written differently now; see {}: a changed format is a new version", path.display());
    }
}

#[test]
fn a_segment_and_its_records_are_written_as_ever() {
    let rig = written();
    let file = rig.twin.names_with(".seg").remove(0);
    compare("v1.seg", &rig.twin.bytes(&file), SEGMENT);
}

#[test]
fn a_checkpoint_is_written_as_ever() {
    compare("v1.checkpoint", &written().twin.bytes("checkpoint.1"), CHECKPOINT);
}

#[test]
fn a_key_file_is_written_as_ever() {
    let mut rig = written();
    rig.take_all().into_iter().for_each(Parcel::delivered);
    let number = hold(&rig.core().outlet).ledger.segments().next().expect("there is one").number;
    rig.opened.keeper.remember_keys(&[number]).expect("can be written");
    let file = rig.twin.names_with(".keys").remove(0);
    compare("v1.keys", &rig.twin.bytes(&file), KEYS);
}

#[test]
fn files_of_version_1_are_read() {
    let twin = Twin::new(VOLUME_BYTES);
    for (name, bytes) in
        [("0000000000000002.seg", SEGMENT), ("checkpoint.1", CHECKPOINT), ("0000000000000009.keys", KEYS)]
    {
        twin.create(name).expect("is new").write_all_at(bytes, 0).expect("fits");
    }
    let rig = Rig::with(twin, &small(), |_| {}).expect("opens");
    let [a, b, c] = events();
    let parcels = rig.take_all();
    let found: Vec<_> = parcels.iter().map(Parcel::event).collect();
    assert_eq!(found, [a.view(), c.view()], "the second is delivered");
    let keys: Vec<_> = a.digests.iter().chain(&b.digests).copied().collect();
    assert_eq!(rig.remembered, [keys.clone(), keys].concat(), "from the key file and from the records");
}
