//! A disk that fails, and one that is full.

use std::io::ErrorKind;

use super::io::twin::{Failure, Op};
use super::*;
use crate::metrics::Custody;

const EIO: Failure = Failure::Error(ErrorKind::Other);

fn counter(rig: &Rig, name: &str) -> u64 {
    let text = rig.metrics.encode();
    let line = text.lines().find(|line| line.starts_with(&format!("hookgate_{name} "))).expect("registered");
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

#[test]
fn a_failed_sync_poisons_the_segment_and_the_batch_is_written_elsewhere() {
    for op in [Op::Sync, Op::Write] {
        let mut rig = Rig::new();
        rig.kept("a", "t");
        let before = rig.twin.names_with(".seg");
        rig.twin.fail(op, 0, 1, EIO);
        let slot = rig.keep(&event("b", "t", 100), Ack::Disk).expect("has room");
        rig.write();
        assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Disk)), "{op:?}");
        assert_eq!(counter(&rig, "spool_poisoned_segments_total"), 1);
        assert_eq!(rig.twin.names_with(".seg").len(), before.len() + 1);
        let rig = rig.cut();
        assert_eq!(names(&rig.take_all()), ["a", "b"], "{op:?}");
        assert_eq!(counter(&rig, "spool_corrupt_records_total"), 0);
        assert_eq!(counter(&rig, "spool_damaged_segments"), 0);
    }
}

#[test]
fn a_segment_whose_successor_could_not_be_begun_is_not_poisoned() {
    let mut rig = Rig::new();
    rig.keep(&event("a", "t", 5000), Ack::Disk).expect("has room");
    rig.write();
    rig.tidy();
    let slot = rig.keep(&event("b", "t", 5000), Ack::Disk).expect("has room");
    rig.twin.fail(Op::Write, 0, 1, EIO);
    rig.write();
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Disk)));
    assert_eq!(counter(&rig, "spool_poisoned_segments_total"), 0);
    assert_eq!(names(&rig.cut().take_all()), ["a", "b"]);
}

#[test]
fn a_segment_whose_sync_failed_is_never_synced_again() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let poisoned = rig.twin.names_with(".seg").remove(0);
    rig.twin.fail(Op::Sync, 0, 1, EIO);
    rig.kept("b", "t");
    let bytes = rig.twin.bytes(&poisoned);
    for name in ["c", "d"] {
        rig.kept(name, "t");
    }
    assert_eq!(rig.twin.bytes(&poisoned), bytes);
    // All that is known of it is what the first sync had written.
    assert_eq!(names(&rig.cut().take_all()), ["a", "b", "c", "d"]);
}

/// "a" was told safe; "b" lies behind it in memory, its sync failed, and the start after that could write nothing.
fn in_doubt() -> Rig {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.twin.fail(Op::Sync, 0, 9, EIO);
    rig.kept("b", "t");
    let twin = rig.twin.kill();
    twin.fail(Op::Create, 0, 1, EIO);
    let rig = Rig::on(twin);
    assert_eq!(rig.room(), Room::None);
    rig
}

#[test]
fn what_could_not_be_written_again_is_delivered_and_nobody_vouches_for_it() {
    let mut rig = in_doubt();
    let mut parcels = rig.take_all();
    assert_eq!(names(&parcels), ["a", "b"]);
    parcels.remove(0).delivered();
    rig.tidy();
    let rig = rig.cut();
    assert_eq!(rig.take_all().len(), 0, "the power cut has taken it");
    assert_eq!(counter(&rig, "spool_corrupt_records_total"), 0);
}

#[test]
fn what_could_not_be_written_again_is_written_as_soon_as_anything_can_be() {
    for delivered in [0, 1, 2] {
        let mut rig = in_doubt();
        let mut parcels = rig.take_all();
        parcels.drain(..delivered).for_each(Parcel::delivered);
        rig.write();
        assert_eq!(rig.room(), Room::Plenty);
        rig.kept("c", "t");
        assert_eq!(names(&rig.take_all()), ["c"], "what is in the forwarder's hands stays there");
        rig.tidy();
        let rig = rig.cut();
        assert_eq!(names(&rig.take_all()), ["a", "b", "c"][delivered..]);
        assert_eq!(counter(&rig, "spool_corrupt_records_total"), 0);
        drop(parcels);
    }
}

#[test]
fn a_write_that_stops_half_way_is_finished() {
    let mut rig = Rig::new();
    rig.twin.fail(Op::Write, 0, 5, Failure::Short);
    rig.kept("a", "t");
    assert_eq!(names(&rig.cut().take_all()), ["a"]);
}

#[test]
fn when_the_second_try_fails_too_the_event_is_offered_to_kafka() {
    let mut rig = Rig::new();
    let claims = Claims::default();
    let slot = Slot::new(Ack::Disk, Some(claims.one()));
    let event = event("a", "t", 100);
    rig.core().keep(&[(&event, &slot)]).expect("has room");
    rig.twin.fail(Op::Sync, 0, 9, EIO);
    rig.write();
    assert_eq!(now(&slot), None);
    assert_eq!(rig.room(), Room::None);
    let mut parcels = rig.take();
    assert_eq!(parcels[0].event(), event.view());
    parcels.remove(0).delivered();
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Kafka)));
    assert_eq!(claims.counts(), (1, 0));
}

#[test]
fn what_neither_disk_nor_queue_can_take_is_lost_and_its_caller_told() {
    let bounds = |limits: &mut Limits| limits.handed_over_bytes = 1;
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), bounds).expect("opens");
    rig.hand_over(&event("other", "t", 10), &Slot::new(Ack::Kafka, None)).expect("the queue is empty");
    let claims = Claims::default();
    let slot = Slot::new(Ack::Disk, Some(claims.one()));
    rig.core().keep(&[(&event("a", "t", 100), &slot)]).expect("has room");
    rig.twin.fail(Op::Write, 0, 99, EIO);
    rig.write();
    assert_eq!(now(&slot), Some(Outcome::Lost));
    drop(slot);
    assert_eq!(claims.counts(), (0, 1));
    assert_eq!(names(&rig.take_all()), ["other"]);
}

#[test]
fn a_broken_disk_takes_nothing_and_comes_back_without_a_restart() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.twin.fail(Op::Write, 0, u32::MAX, EIO);
    rig.keep(&event("b", "t", 100), Ack::Disk).expect("has room");
    rig.write();
    assert_eq!(rig.keep(&event("c", "t", 100), Ack::Disk).err(), Some(Refusal::NoDisk));
    rig.write();
    assert_eq!(rig.room(), Room::None);
    rig.twin.heal();
    rig.write();
    assert_eq!(rig.room(), Room::Plenty);
    let slot = rig.kept("d", "t");
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Disk)));
    let rig = rig.cut();
    assert_eq!(names(&rig.take_all()), ["a", "d"]);
    assert_eq!(counter(&rig, "spool_corrupt_records_total"), 0);
}

#[test]
fn events_given_up_are_not_remembered_although_the_file_shows_them() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    // The write is seen in the page cache, and no sync works.
    rig.twin.fail(Op::Sync, 0, 2, EIO);
    rig.keep(&event("lost", "t", 100), Ack::Disk).expect("has room");
    rig.write();
    drop(rig.take());
    rig.twin.heal();
    rig.write();
    rig.kept("b", "t");
    let rig = rig.killed();
    assert_eq!(rig.remembered, ["a", "b"].map(digest));
    assert_eq!(names(&rig.take_all()), ["a", "b"]);
}

#[test]
fn events_given_up_stay_so_when_the_segment_that_says_it_is_delivered() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let owed = rig.take();
    rig.twin.fail(Op::Sync, 0, 2, EIO);
    rig.keep(&event("lost", "t", 100), Ack::Disk).expect("has room");
    rig.write();
    drop(rig.take());
    rig.twin.heal();
    rig.write();
    for index in 0..20 {
        rig.kept(&format!("{index}"), "t");
        rig.take().into_iter().for_each(Parcel::delivered);
        rig.tidy();
    }
    drop(owed);
    let rig = rig.killed();
    assert!(!rig.remembered.contains(&digest("lost")));
    assert_eq!(names(&rig.take_all())[0], "a");
}

#[test]
fn a_segment_given_up_while_it_was_made_is_set_aside() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    // It has its name, and neither the directory can be synced nor the name be taken back.
    rig.twin.fail(Op::Sync, 0, 1, EIO);
    rig.twin.fail(Op::SyncDirectory, 0, 1, EIO);
    rig.twin.fail(Op::Remove, 0, 2, EIO);
    rig.keep(&event("b", "t", 100), Ack::Disk).expect("has room");
    rig.write();
    assert_eq!(rig.room(), Room::None);
    drop(rig.take());
    rig.twin.heal();
    rig.write();
    rig.kept("c", "t");
    let rig = rig.killed();
    assert_eq!(names(&rig.take_all()), ["a", "c"]);
    assert_eq!(rig.remembered, ["a", "c"].map(digest));
    assert_eq!(rig.twin.names().iter().filter(|name| name.starts_with("damaged/")).count(), 1);
}

#[test]
fn a_checkpoint_that_could_not_be_written_leaves_the_one_before_and_is_tried_again() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.kept(name, "t");
    }
    let mut parcels = rig.take_all();
    for _ in 0..2 {
        parcels.remove(0).delivered();
        rig.tidy();
    }
    let newer = rig.twin.bytes("checkpoint.0");
    parcels.remove(0).delivered();
    rig.twin.fail(Op::Sync, 0, 3, EIO);
    for _ in 0..3 {
        rig.tidy();
    }
    assert_eq!(rig.twin.bytes("checkpoint.0"), newer);
    assert_eq!(names(&Rig::on(rig.twin.copy().cut(&mut || false)).take_all()), ["c"]);
    // Nothing was delivered since, and it is written all the same.
    rig.tidy();
    assert!(rig.cut().take_all().is_empty());
}

#[test]
fn a_full_spool_says_so_refuses_and_comes_back_as_it_drains() {
    let mut rig = Rig::new();
    let mut rooms = vec![];
    let mut kept = 0;
    while rig.keep(&event(&format!("{kept}"), "t", 1500), Ack::Disk).is_ok() {
        kept += 1;
        rig.write();
        rig.tidy();
        rooms.push(rig.room());
        assert!(kept < 100, "it has a bound");
    }
    rooms.dedup();
    assert_eq!(rooms, [Room::Plenty, Room::High, Room::Full]);
    assert_eq!(rig.keep(&event("more", "t", 10), Ack::Disk).err(), Some(Refusal::Full));
    let files: u64 = rig.twin.names().iter().map(|name| rig.twin.bytes(name).len() as u64).sum();
    assert!(files <= settings().max_bytes.0 + 1024, "{files}");
    let parcels = rig.take_all();
    assert_eq!(parcels.len(), kept);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    rig.tidy();
    assert_eq!(rig.room(), Room::Plenty);
    rig.kept("more", "t");
    assert_eq!(names(&rig.take_all()), ["more"]);
}

#[test]
fn what_was_accepted_does_not_meet_a_full_volume() {
    let mut rig = Rig::new();
    rig.tidy();
    rig.twin.set_capacity(0);
    let mut slots = Vec::new();
    while let Ok(slot) = rig.keep(&event(&format!("{}", slots.len()), "t", 1500), Ack::Disk) {
        slots.push(slot);
    }
    assert!(slots.len() >= 6, "a segment and a spare were ready");
    rig.write();
    assert!(slots.iter().all(|slot| now(slot) == Some(Outcome::Safe(Custody::Disk))));
    assert_eq!(rig.cut().take_all().len(), slots.len());
}

#[test]
fn a_volume_that_others_have_filled_counts_as_full() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.twin.set_capacity(0);
    rig.tidy();
    while rig.keep(&event("x", "t", 10), Ack::Disk).is_ok() {
        rig.write();
    }
    assert_eq!(rig.room(), Room::Full);
    rig.twin.set_capacity(VOLUME_BYTES);
    rig.tidy();
    assert!(rig.room() < Room::Full);
}

#[test]
fn a_spool_on_a_full_volume_opens_and_delivers_what_it_has() {
    let mut rig = Rig::new();
    for name in ["a", "b"] {
        rig.kept(name, "t");
    }
    let twin = rig.twin.kill();
    for spare in twin.names_with(".spare") {
        twin.remove(&spare).expect("is there");
    }
    twin.set_capacity(0);
    let mut rig = Rig::on(twin);
    assert_eq!(rig.room(), Room::Full);
    assert_eq!(rig.keep(&event("c", "t", 10), Ack::Disk).err(), Some(Refusal::Full));
    let parcels = rig.take_all();
    assert_eq!(names(&parcels), ["a", "b"]);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    rig.write();
    assert_eq!(rig.room(), Room::Plenty, "the delivered segment made room");
    rig.kept("c", "t");
}

#[test]
fn callers_that_come_faster_than_the_disk_are_turned_away() {
    let bounds = |limits: &mut Limits| limits.waiting_bytes = 1000;
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), bounds).expect("opens");
    rig.keep(&event("larger than the bound", "t", 3000), Ack::Disk).expect("goes alone");
    assert_eq!(rig.keep(&event("b", "t", 10), Ack::Disk).err(), Some(Refusal::Full));
    rig.write();
    rig.keep(&event("b", "t", 10), Ack::Disk).expect("has room again");
}

#[test]
fn an_event_larger_than_a_segment_is_refused_with_all_of_its_delivery() {
    let rig = Rig::new();
    let (small, large) = (event("small", "t", 10), event("large", "t", 8 << 10));
    let slots = [Slot::new(Ack::Disk, None), Slot::new(Ack::Disk, None)];
    let refused = rig.core().keep(&[(&small, &slots[0]), (&large, &slots[1])]);
    assert_eq!(refused, Err(Refusal::TooLarge));
    let mut rig = rig;
    rig.write();
    assert!(rig.take().is_empty());
}

#[test]
fn a_read_that_fails_costs_no_event() {
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), |limits| limits.window_bytes = 0).expect("opens");
    for name in ["a", "b", "c"] {
        rig.kept(name, "t");
    }
    rig.twin.fail(Op::Read, 0, u32::MAX, EIO);
    assert!(rig.take_all().is_empty());
    rig.tidy();
    assert_eq!(rig.twin.names_with("damaged/").len(), 0, "nothing is moved while it holds what is owed");
    assert_eq!(names(&rig.killed().take_all()), ["a", "b", "c"]);
}

#[test]
fn a_page_that_cannot_be_read_costs_a_topic_that_waited_the_records_in_it_and_no_other() {
    let settings = Settings { segment_bytes: ByteSize::kib(64), max_bytes: ByteSize::mib(1), ..settings() };
    let mut rig = Rig::with(Twin::new(2 << 20), &settings, |_| ()).expect("opens");
    for name in ["a", "b", "c"] {
        rig.keep(&event(name, "red", 5000), Ack::Disk).expect("has room");
    }
    rig.write();
    rig.take_all().into_iter().for_each(Parcel::set_aside);
    // The chunk, and then its first page.
    rig.twin.fail(Op::Read, 0, 2, EIO);
    assert_eq!(names(&rig.read_topic("red")), ["b", "c"]);
    assert_eq!(counter(&rig, "spool_corrupt_records_total"), 1);
}
