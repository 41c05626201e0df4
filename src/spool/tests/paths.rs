//! The two ways to the forwarder, and how parcels end.

use super::*;
use crate::metrics::Custody;

#[test]
fn without_a_directory_there_is_only_the_hand_over_queue() {
    let spool = Spool::without_directory(Clock::standing_at(NOW), metrics());
    let (event, slot) = (event("a", "t", 10), Slot::new(Ack::Memory, None));
    assert_eq!(spool.room(), Room::None);
    assert_eq!(spool.keep(&[(&event, &slot)]), Err(Refusal::NoDisk));
    assert_eq!(spool.hand_over(&[(&event, &slot)]), Ok(()));
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Memory)));
    let mut parcels = Vec::new();
    assert!(spool.take(&mut parcels, Duration::ZERO));
    assert_eq!((parcels[0].event(), parcels[0].sequence()), (event.view(), None));
    spool.close();
    assert!(!spool.take(&mut Vec::new(), Duration::ZERO));
    assert_eq!(spool.hand_over(&[(&event, &slot)]), Err(Refusal::Closed));
}

#[test]
fn what_a_caller_waits_for_goes_first() {
    let mut rig = Rig::new();
    rig.kept("kept", "t");
    let slot = Slot::new(Ack::Kafka, None);
    rig.hand_over(&event("waited", "t", 10), &slot).expect("has room");
    assert_eq!(names(&rig.take()), ["waited", "kept"]);
}

#[test]
fn what_nobody_waits_for_is_not_starved() {
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), |limits| limits.take_parcels = 8).expect("opens");
    for index in 0..4 {
        rig.kept(&format!("kept-{index}"), "t");
    }
    for index in 0..20 {
        rig.hand_over(&event(&format!("waited-{index}"), "t", 10), &Slot::new(Ack::Kafka, None)).expect("has room");
    }
    let taken = names(&rig.take());
    assert_eq!(taken.len(), 8);
    assert_eq!(taken.iter().filter(|name| name.starts_with("kept")).count(), 2);
}

#[test]
fn the_hand_over_queue_has_a_bound_and_takes_all_or_nothing() {
    let mut rig =
        Rig::with(Twin::new(VOLUME_BYTES), &settings(), |limits| limits.handed_over_bytes = 1000).expect("opens");
    let (small, large) = (event("small", "t", 100), event("large", "t", 900));
    let slots: Vec<_> = (0..3).map(|_| Slot::new(Ack::Kafka, None)).collect();
    // One that is larger than the bound goes alone.
    rig.hand_over(&large, &slots[0]).expect("the queue is empty");
    let refused = rig.core().hand_over(&[(&small, &slots[1]), (&large, &slots[2])]);
    assert_eq!(refused, Err(Refusal::QueueFull));
    assert_eq!(names(&rig.take()), ["large"]);
    rig.write();
    assert!(rig.take().is_empty());
}

#[test]
fn an_event_given_to_both_custodies_reaches_the_forwarder_once() {
    for kept_first in [true, false] {
        let mut rig = Rig::new();
        let claims = Claims::default();
        let (event, slot) = (event("a", "t", 100), Slot::new(Ack::Both, Some(claims.one())));
        if kept_first {
            rig.core().keep(&[(&event, &slot)]).expect("has room");
        }
        rig.hand_over(&event, &slot).expect("has room");
        if !kept_first {
            rig.core().keep(&[(&event, &slot)]).expect("has room");
        }
        rig.write();
        let mut parcels = rig.take_all();
        assert_eq!(names(&parcels), ["a"], "kept first: {kept_first}");
        assert_eq!(now(&slot), None);
        parcels.remove(0).delivered();
        assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Kafka)));
        assert_eq!(claims.counts(), (1, 0));
        assert!(rig.take_all().is_empty());
        rig.tidy();
        // Kafka has it: the checkpoint knows, although the parcel had no number.
        assert!(rig.killed().take_all().is_empty());
    }
}

#[test]
fn an_event_whose_record_the_forwarder_has_is_not_handed_over_again() {
    let mut rig = Rig::new();
    let (event, slot) = (event("a", "t", 100), Slot::new(Ack::Disk, None));
    rig.core().keep(&[(&event, &slot)]).expect("has room");
    rig.write();
    let mut parcels = rig.take();
    rig.hand_over(&event, &slot).expect("has room");
    assert!(rig.take().is_empty());
    parcels.remove(0).delivered();
    rig.hand_over(&event, &slot).expect("has room");
    assert!(rig.take().is_empty());
}

#[test]
fn a_caller_learns_of_a_delivery_that_happens_through_the_disk() {
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), |limits| limits.window_bytes = 0).expect("opens");
    let slot = rig.keep(&event("a", "t", 100), Ack::Both).expect("has room");
    rig.write();
    assert_eq!(now(&slot), None);
    let mut parcels = rig.take();
    // The forwarder could not send it, and gets it again.
    drop(parcels.remove(0));
    rig.take().remove(0).delivered();
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Kafka)));
}

#[test]
fn a_memory_parcel_that_is_dropped_is_lost_and_its_caller_told() {
    let rig = Rig::new();
    let claims = Claims::default();
    let slot = Slot::new(Ack::Kafka, Some(claims.one()));
    rig.hand_over(&event("a", "t", 10), &slot).expect("has room");
    drop(rig.take());
    assert_eq!(now(&slot), Some(Outcome::Lost));
    drop(slot);
    assert_eq!(claims.counts(), (0, 1));
}

#[test]
fn a_memory_parcel_that_is_dropped_comes_again_from_disk() {
    for (dropped, before_sync) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut rig = Rig::new();
        let (event, slot) = (event("a", "t", 100), Slot::new(Ack::Both, None));
        rig.hand_over(&event, &slot).expect("has room");
        rig.core().keep(&[(&event, &slot)]).expect("has room");
        let parcel = rig.take().remove(0);
        let end = |parcel: Parcel| if dropped { drop(parcel) } else { parcel.set_aside() };
        if before_sync {
            end(parcel);
            rig.write();
        } else {
            rig.write();
            end(parcel);
        }
        let mut again = rig.take_all();
        assert_eq!(names(&again), ["a"]);
        assert!(again[0].sequence().is_some());
        again.remove(0).delivered();
        assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Kafka)));
    }
}

#[test]
fn a_dropped_parcel_comes_again_before_what_is_queued_behind_it() {
    let mut rig = Rig::new();
    for name in ["a", "b"] {
        rig.kept(name, "t");
    }
    let parcels = rig.take();
    rig.kept("c", "t");
    drop(parcels);
    assert_eq!(names(&rig.take_all()), ["a", "b", "c"]);
}

#[test]
fn a_parcel_that_was_set_aside_is_had_by_its_topic_only() {
    let mut rig = Rig::new();
    for (name, topic) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        rig.kept(name, topic);
    }
    for parcel in rig.take() {
        if parcel.event().topic == "red" { parcel.set_aside() } else { parcel.delivered() }
    }
    assert!(rig.take_all().is_empty());
    assert!(rig.read_topic("blue").is_empty());
    let parked = rig.read_topic("red");
    assert_eq!(names(&parked), ["a", "c"]);
    assert!(rig.read_topic("red").is_empty(), "they are in the forwarder's hands");
    parked.into_iter().for_each(Parcel::set_aside);
    assert_eq!(names(&rig.read_topic("red")), ["a", "c"]);
}

#[test]
fn a_topic_is_read_between_two_numbers_and_no_further_than_asked() {
    let mut rig = Rig::new();
    for index in 0..10 {
        rig.kept(&format!("{index}"), "red");
    }
    let numbers: Vec<u64> = rig.take_all().iter().filter_map(Parcel::sequence).collect();
    let read = |from, before, max| {
        let (items, _) = reader::read_topic(rig.core(), "red", from, before, max);
        items.iter().filter_map(|item| item.sequence).collect::<Vec<_>>()
    };
    assert_eq!(read(numbers[2], numbers[5], 100), numbers[2..5]);
    assert_eq!(read(numbers[6], u64::MAX, 2), numbers[6..8]);
    assert!(read(numbers[9] + 1, u64::MAX, 2).is_empty());
}

#[test]
fn a_forwarder_that_is_behind_reads_from_disk_and_catches_up() {
    let bounds = |limits: &mut Limits| {
        limits.window_bytes = 2000;
        limits.take_parcels = 2;
    };
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), bounds).expect("opens");
    let mut expected = Vec::new();
    let mut taken = Vec::new();
    for index in 0..30 {
        rig.kept(&format!("{index}"), "t");
        rig.tidy();
        expected.push(format!("{index}"));
        if index % 3 == 0 {
            taken.extend(rig.take());
        }
    }
    let reads = rig.twin.count(io::twin::Op::Read);
    assert!(reads > 0, "it was behind");
    taken.extend(rig.take_all());
    assert_eq!(names(&taken), expected);
    let reads = rig.twin.count(io::twin::Op::Read);
    rig.kept("last", "t");
    assert_eq!(names(&rig.take_all()), ["last"]);
    assert_eq!(rig.twin.count(io::twin::Op::Read), reads, "it had caught up");
}

#[test]
fn closing_keeps_what_was_taken_and_refuses_the_rest() {
    let mut rig = Rig::new();
    let slot = rig.keep(&event("a", "t", 100), Ack::Disk).expect("has room");
    rig.core().close();
    assert_eq!(rig.keep(&event("b", "t", 100), Ack::Disk).err(), Some(Refusal::Closed));
    while rig.write() {}
    assert_eq!(now(&slot), Some(Outcome::Safe(Custody::Disk)));
    rig.core().close_outlet();
    let mut items = Vec::new();
    assert!(rig.core().take(&mut items, Duration::ZERO));
    assert!(!rig.core().take(&mut items, Duration::ZERO));
    assert_eq!(items.len(), 1);
}

#[test]
fn what_is_delivered_after_closing_is_not_sent_again() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let twin = rig.twin.clone();
    let parcels = rig.take();
    rig.core().close();
    while rig.write() {}
    rig.core().close_outlet();
    drop(rig);
    parcels.into_iter().for_each(Parcel::delivered);
    assert!(Rig::on(twin.kill()).take_all().is_empty());
}

#[test]
fn events_that_nobody_will_take_are_lost_at_the_end_and_their_callers_told() {
    let rig = Rig::new();
    let slot = Slot::new(Ack::Kafka, None);
    rig.hand_over(&event("a", "t", 10), &slot).expect("has room");
    drop(rig);
    assert_eq!(now(&slot), Some(Outcome::Lost));
}

#[test]
fn every_part_of_an_event_is_kept() {
    let full = Event {
        key: Some(Bytes::from_static(b"key")),
        digests: vec![1, u128::MAX],
        received_at: UnixMillis(NOW.0 + 7),
        ..event("a", "t", 3000)
    };
    let empty_key = Event { key: Some(Bytes::new()), ..event("b", "t", 0) };
    let bare =
        Event { key: None, headers: Headers::default(), value: Bytes::new(), digests: vec![], ..event("c", "t", 0) };
    let mut rig = Rig::new();
    for event in [&full, &empty_key, &bare] {
        rig.keep(event, Ack::Disk).expect("has room");
    }
    rig.write();
    let rig = rig.cut();
    let parcels = rig.take_all();
    let events: Vec<_> = parcels.iter().map(Parcel::event).collect();
    assert_eq!(events, [full.view(), empty_key.view(), bare.view()]);
    assert_eq!(rig.remembered, [1, u128::MAX, digest("b")]);
}

#[test]
fn a_topic_is_looked_for_among_some_megabytes_at_once() {
    let settings = Settings { segment_bytes: ByteSize::mib(4), max_bytes: ByteSize::mib(64), ..settings() };
    let mut rig = Rig::with(Twin::new(80 << 20), &settings, |_| ()).expect("opens");
    for index in 0..16 {
        rig.keep(&event(&format!("{index}"), "blue", 500_000), Ack::Disk).expect("has room");
        rig.write();
        rig.tidy();
    }
    rig.kept("last", "red");
    rig.take_all().into_iter().for_each(Parcel::set_aside);
    let (none, next) = reader::read_topic(rig.core(), "red", 0, u64::MAX, 10);
    assert!(none.is_empty());
    let mut next = next.expect("there is more");
    assert!(next > 4 && next < 14, "{next}");
    loop {
        let (found, further) = reader::read_topic(rig.core(), "red", next, u64::MAX, 10);
        let Some(further) = further else {
            assert_eq!(found.len(), 1);
            return;
        };
        assert!(found.is_empty() && further > next);
        next = further;
    }
}

#[test]
fn a_parcel_keeps_no_more_in_memory_than_its_record() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.keep(&event(name, "red", 1000), Ack::Disk).expect("has room");
    }
    rig.write();
    let mut items = Vec::new();
    rig.core().take(&mut items, Duration::ZERO);
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| item.frame.is_unique()));
}

#[test]
fn what_needs_both_is_refused_while_too_much_of_it_waits_for_kafka() {
    let bounds = |limits: &mut Limits| (limits.window_bytes, limits.owed_slots) = (0, 2);
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &settings(), bounds).expect("opens");
    let claims = Claims::default();
    let keep = |rig: &mut Rig, name: &str| {
        let slot = Slot::new(Ack::Both, Some(claims.one()));
        let kept = rig.core().keep(&[(&event(name, "t", 10), &slot)]);
        rig.write();
        kept
    };
    // The caller of each has given up waiting; its slot waits on.
    for name in ["a", "b"] {
        keep(&mut rig, name).expect("is within the bound");
    }
    assert_eq!(claims.counts(), (0, 0));
    assert_eq!(keep(&mut rig, "c"), Err(Refusal::Full));
    rig.keep(&event("d", "t", 10), Ack::Disk).expect("needs no Kafka");
    rig.write();
    rig.take_all().into_iter().for_each(Parcel::delivered);
    assert_eq!(claims.counts(), (2, 1), "the keys of both are known, and the one refused may come again");
    keep(&mut rig, "c").expect("is within the bound again");
}
