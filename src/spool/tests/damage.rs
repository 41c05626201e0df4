//! Files that changed behind the spool's back.

use std::collections::BTreeSet;
use std::ops::Range;

use proptest::prelude::*;

use super::record::HEAD_BYTES;
use super::scan::{Found, Scan};
use super::segment::{DATA_AT, Header, data_end};
use super::*;

/// Where an event lies.
#[derive(Debug, Clone)]
pub(super) struct Lies {
    pub(super) file: String,
    pub(super) bytes: Range<usize>,
    pub(super) name: String,
}

/// A spool of several segments that was killed, and where everything lies in it. The first event is delivered.
fn image() -> (Twin, Vec<Lies>) {
    let mut rig = Rig::new();
    for index in 0..24u32 {
        let size = 100 + (index as usize * 397) % 1400;
        rig.keep(&event(&format!("{index}"), "t", size), Ack::Disk).expect("has room");
        if index % 3 != 1 {
            rig.write();
        }
        rig.tidy();
    }
    rig.write();
    rig.take().remove(0).delivered();
    rig.tidy();
    let twin = rig.twin.kill();
    let lies = lies(&twin);
    assert_eq!(lies.len(), 24);
    (twin, lies)
}

pub(super) fn lies(twin: &Twin) -> Vec<Lies> {
    let mut all = Vec::new();
    for file in twin.names_with(".seg") {
        let bytes = twin.bytes(&file).len() as u64;
        let handle = twin.open(&file).expect("is there");
        let header = Header::read(&*handle, bytes).expect("intact");
        let mut scan = Scan::new(&*handle, header.salt, DATA_AT, data_end(bytes));
        while let Some(found) = scan.next() {
            if let Found::Record(frame) = found {
                let view = record::view(&frame.bytes);
                let name = String::from_utf8(view.headers.get("ce_id").expect("has one").to_vec()).expect("text");
                let at = usize::try_from(frame.at).expect("small");
                all.push(Lies { file: file.clone(), bytes: at..at + frame.bytes.len(), name });
            }
        }
    }
    all
}

pub(super) fn counter(rig: &Rig, name: &str) -> u64 {
    let text = rig.metrics.encode();
    let line = text.lines().find(|line| line.starts_with(&format!("hookgate_{name} "))).expect("registered");
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

/// Opens what is left and holds it to: every event that was not hit comes out, as it was; what was hit is reported; a
/// damaged file is set aside once the rest is delivered.
fn check(twin: Twin, lies: &[Lies], hit: &BTreeSet<String>) {
    let seen = super::inspections::look(&twin);
    let mut rig = Rig::on(twin);
    let parcels = rig.take_all();
    let found: BTreeSet<String> = parcels.iter().map(name).collect();
    assert_eq!(found.len(), parcels.len(), "nothing comes twice");
    for parcel in &parcels {
        let name = name(parcel);
        let index: usize = name.parse().expect("a number");
        let size = 100 + (index * 397) % 1400;
        assert_eq!(parcel.event(), event(&name, "t", size).view());
    }
    for Lies { name, .. } in lies {
        let owed = name != "0" && !hit.contains(name);
        assert!(!owed || found.contains(name), "{name} was not hit and did not come out");
        assert!(!owed || rig.remembered.contains(&digest(name)), "{name} was not hit and is not remembered");
        assert!(found.contains(name) || name == "0" || !rig.remembered.contains(&digest(name)));
    }
    let (corrupt, torn) = (counter(&rig, "spool_corrupt_records_total"), counter(&rig, "spool_torn_tails_total"));
    assert!(hit.is_empty() || corrupt + torn > 0, "{hit:?} are gone without a word");
    seen.agrees_with(&names(&parcels), corrupt, torn);
    if corrupt > 0 {
        assert!(counter(&rig, "spool_damaged_segments") > 0);
    }
    parcels.into_iter().for_each(Parcel::delivered);
    for _ in 0..3 {
        rig.tidy();
    }
    assert_eq!(rig.twin.names_with(".seg").iter().filter(|name| !name.starts_with("damaged")).count(), 1);
    let aside = rig.twin.names().iter().filter(|name| name.starts_with("damaged/")).count();
    assert_eq!(counter(&rig, "spool_damaged_segments"), aside as u64);
    assert_eq!(corrupt > 0, aside > 0);
    // And it is still a spool.
    rig.kept("after", "t");
    assert_eq!(names(&rig.cut().take_all()), ["after"]);
}

fn hit_by(lies: &[Lies], file: &str, bytes: &Range<usize>) -> BTreeSet<String> {
    let hit = |lies: &&Lies| lies.file == file && lies.bytes.start < bytes.end && bytes.start < lies.bytes.end;
    lies.iter().filter(hit).map(|lies| lies.name.clone()).collect()
}

#[derive(Debug, Clone)]
enum Blow {
    Flip { at: usize, bit: u8 },
    ZeroSector { at: usize },
    CopySector { from: usize, to: usize },
    Truncate { at: usize },
}

fn blows() -> impl Strategy<Value = Blow> {
    let at = || 0..8192usize;
    prop_oneof![
        4 => (at(), 0..8u8).prop_map(|(at, bit)| Blow::Flip { at, bit }),
        2 => at().prop_map(|at| Blow::ZeroSector { at }),
        2 => (at(), at()).prop_map(|(from, to)| Blow::CopySector { from, to }),
        1 => at().prop_map(|at| Blow::Truncate { at }),
    ]
}

impl Blow {
    /// Strikes, and says which bytes are others now.
    fn strike(&self, bytes: &mut Vec<u8>) -> Range<usize> {
        let before = bytes.clone();
        let sector = |at: usize| at / 512 * 512..(at / 512 + 1) * 512;
        match *self {
            Self::Flip { at, bit } => bytes[at] ^= 1 << bit,
            Self::ZeroSector { at } => bytes[sector(at)].fill(0),
            Self::CopySector { from, to } => {
                let copy = bytes[sector(from)].to_vec();
                bytes[sector(to)].copy_from_slice(&copy);
            }
            Self::Truncate { at } => bytes.truncate(at),
        }
        let differs = |index: &usize| bytes.get(*index) != before.get(*index);
        let first = (0..before.len()).find(differs).unwrap_or(0);
        let last = (0..before.len()).rev().find(differs).map_or(0, |last| last + 1);
        first..last
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_what_is_damaged_is_lost_and_all_of_it_is_reported(which in 0..100usize, blow in blows()) {
        let (twin, lies) = image();
        let files = twin.names_with(".seg");
        let file = &files[which % files.len()];
        let mut changed = 0..0;
        twin.corrupt(file, |bytes| changed = blow.strike(bytes));
        let mut hit = hit_by(&lies, file, &changed);
        hit.remove("0");
        check(twin, &lies, &hit);
    }
}

#[test]
fn a_segment_cut_short_anywhere_keeps_what_is_before_the_cut() {
    let (twin, lies) = image();
    for file in twin.names_with(".seg") {
        for at in (512..8192).step_by(61) {
            let twin = twin.copy();
            twin.corrupt(&file, |bytes| bytes.truncate(at));
            let mut hit = hit_by(&lies, &file, &(at..8192));
            hit.remove("0");
            check(twin, &lies, &hit);
        }
    }
}

#[test]
fn a_segment_without_any_header_is_set_aside() {
    let (twin, lies) = image();
    let file = lies[10].file.clone();
    let end = twin.bytes(&file).len();
    twin.corrupt(&file, |bytes| {
        bytes[0] ^= 1;
        bytes[end - 512] ^= 1;
    });
    let mut hit = hit_by(&lies, &file, &(0..end));
    hit.remove("0");
    check(twin, &lies, &hit);
}

#[test]
fn a_lost_sector_with_the_header_costs_nothing() {
    let (twin, lies) = image();
    for file in twin.names_with(".seg") {
        for sector in [0..512, 8192 - 512..8192] {
            let twin = twin.copy();
            twin.corrupt(&file, |bytes| bytes[sector].fill(0xff));
            check(twin, &lies, &BTreeSet::new());
        }
    }
}

#[test]
fn a_write_that_a_power_cut_tore_is_cut_off_and_no_alarm() {
    // Each sector of the last write may have been written or not, in any order.
    for pattern in 0..64u32 {
        let mut rig = Rig::new();
        for name in ["a", "b"] {
            rig.kept(name, "t");
        }
        for name in ["c", "d", "e"] {
            rig.keep(&event(name, "t", 600), Ack::Disk).expect("has room");
        }
        rig.twin.fail(io::twin::Op::Sync, 0, 1, io::twin::Failure::Error(std::io::ErrorKind::Other));
        let twin = rig.twin.clone();
        // The sync does not return before the power is cut: what it would have made durable is in doubt.
        let image = {
            let before = twin.copy();
            rig.write();
            let file = before.names_with(".seg").remove(0);
            let (old, new) = (before.bytes(&file), twin.bytes(&file));
            before.corrupt(&file, |bytes| {
                let changed: Vec<usize> =
                    (0..16).filter(|sector| old[sector * 512..][..512] != new[sector * 512..][..512]).collect();
                for (index, sector) in changed.into_iter().enumerate() {
                    if pattern & (1 << index) != 0 {
                        bytes[sector * 512..][..512].copy_from_slice(&new[sector * 512..][..512]);
                    }
                }
            });
            before
        };
        let rig = Rig::on(image);
        let found = names(&rig.take_all());
        assert_eq!(found[..2], ["a", "b"], "{pattern:b}");
        assert_eq!(counter(&rig, "spool_corrupt_records_total"), 0, "{pattern:b} {found:?}");
        assert_eq!(counter(&rig, "spool_damaged_segments"), 0);
        assert!(counter(&rig, "spool_torn_tails_total") <= 1);
    }
}

#[test]
fn a_record_inside_a_body_is_never_taken_for_one() {
    // What a sender could send at worst: a record as this program writes it, sealed with another salt.
    let mut inner = bytes::BytesMut::new();
    record::encode(&event("forged", "t", 40), 7, &mut inner);
    record::seal(&mut inner, 7, record::Salt::new([9; 16]), DATA_AT);
    for shift in 0..8 {
        let mut value = vec![0; shift];
        value.extend_from_slice(&inner);
        let outer = Event { value: value.into(), ..event("outer", "t", 0) };
        let mut rig = Rig::new();
        rig.kept("a", "t");
        rig.keep(&outer, Ack::Disk).expect("has room");
        rig.write();
        rig.kept("b", "t");
        let twin = rig.twin.kill();
        let outer = lies(&twin).remove(1);
        twin.corrupt(&outer.file, |bytes| bytes[outer.bytes.start] ^= 1);
        let rig = Rig::on(twin);
        assert_eq!(names(&rig.take_all()), ["a", "b"]);
        assert_eq!(counter(&rig, "spool_corrupt_records_total"), 1);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_walked_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000), start in 0..64u64) {
        let twin = Twin::new(VOLUME_BYTES);
        let file = twin.create("x").expect("is new");
        file.write_all_at(&bytes, 0).expect("fits");
        let end = bytes.len() as u64;
        let mut scan = Scan::new(&*file, record::Salt::new([1; 16]), start.min(end), end);
        while let Some(found) = scan.next() {
            prop_assert!(!matches!(found, Found::Record(_)));
        }
    }

    #[test]
    fn a_view_of_arbitrary_bytes_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let view = record::view(&bytes);
        prop_assert!(view.value.len() <= bytes.len());
        prop_assert!(record::digests(&bytes).count() <= 255);
    }
}

#[test]
fn records_have_the_size_they_are_said_to_have() {
    for size in 0..40 {
        let event = event("a", "t", size);
        let mut bytes = bytes::BytesMut::new();
        record::encode(&event, 1, &mut bytes);
        assert_eq!(Some(bytes.len()), record::length(&event));
        assert!(bytes.len().is_multiple_of(8) && bytes.len() > HEAD_BYTES);
    }
}
