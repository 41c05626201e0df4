//! What an earlier life left on disk for a source that wants Kafka to have it too: its keys are pending until Kafka has.

use super::io::twin::{Failure, Op};
use super::*;

/// Keeps and writes an event that the disk alone does not make safe, and makes room for the next.
fn kept(rig: &mut Rig, name: &str, topic: &str) {
    rig.keep(&demanding(name, topic, 500), Ack::Both).expect("has room");
    rig.write();
    rig.tidy();
}

/// Twenty of them, in two segments and the last write.
fn left() -> Rig {
    let mut rig = Rig::new();
    for index in 0..20 {
        kept(&mut rig, &format!("{index}"), if index % 5 == 0 { "paused" } else { "t" });
    }
    assert!(rig.twin.names_with(".seg").len() > 1);
    rig
}

fn all() -> Vec<Digest> {
    (0..20).map(|index| digest(&format!("{index}"))).collect()
}

#[test]
fn a_key_is_settled_by_the_delivery_of_its_record_wherever_that_lies() {
    for restart in [Rig::killed, Rig::cut] {
        let rig = restart(left());
        assert_eq!((&rig.pending, rig.remembered.len()), (&all(), 0));
        assert_eq!(rig.claims.counts(), (0, 0));
        let parcels = rig.take_all();
        assert_eq!((parcels.len(), rig.claims.counts()), (20, (0, 0)));
        for (before, parcel) in parcels.into_iter().enumerate() {
            assert_eq!(rig.claims.counts(), (before, 0));
            parcel.delivered();
        }
        assert_eq!(rig.claims.counts(), (20, 0));
    }
}

#[test]
fn a_key_stays_pending_over_every_way_that_does_not_end_in_kafka() {
    let mut rig = left().killed();
    rig.take_all().into_iter().for_each(drop);
    rig.take_all().into_iter().for_each(Parcel::set_aside);
    for _ in 0..8 {
        rig.tidy();
    }
    assert_eq!(rig.claims.counts(), (0, 0));
    let rig = rig.killed();
    assert_eq!((&rig.pending, rig.remembered.len()), (&all(), 0));
    rig.take_all().into_iter().for_each(Parcel::set_aside);
    rig.read_topic("paused").into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (4, 0));
    rig.read_topic("t").into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (20, 0));
}

#[test]
fn what_kafka_is_known_to_have_is_settled_and_what_it_may_have_is_sent_once_more() {
    let mut rig = left();
    let mut parcels = rig.take_all();
    let unknown = parcels.split_off(15);
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    unknown.into_iter().for_each(Parcel::delivered);
    // Killed before the next checkpoint.
    let rig = Rig::on(rig.twin.kill());
    let (known, unknown) = (all()[..15].to_vec(), all()[15..].to_vec());
    assert_eq!((&rig.remembered, &rig.pending), (&known, &unknown));
    rig.take_all().into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (5, 0));
}

#[test]
fn a_compaction_tells_no_key_for_delivered_that_it_only_moves() {
    let mut rig = Rig::new();
    for index in 0..36 {
        kept(&mut rig, &format!("{index}"), if index % 6 == 0 { "paused" } else { "t" });
    }
    for parcel in rig.take_all() {
        if parcel.event().topic == "paused" { parcel.set_aside() } else { parcel.delivered() }
    }
    for _ in 0..8 {
        rig.tidy();
    }
    assert!(!rig.twin.names_with(".keys").is_empty());
    let rig = rig.killed();
    let paused = ["0", "6", "12", "18", "24", "30"].map(digest);
    assert_eq!(rig.pending, paused);
    assert!(paused.iter().all(|key| !rig.remembered.contains(key)));
    assert_eq!(rig.remembered.len(), 30);
    rig.take_all().into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (6, 0));
}

#[test]
fn keys_beyond_the_bound_are_not_known_and_their_events_are_delivered() {
    let rig = left();
    let rig = Rig::with(rig.twin.kill(), &settings(), |limits| limits.recovered_slots = 12).expect("opens");
    assert_eq!(rig.claims.counts(), (0, 8));
    let parcels = rig.take_all();
    assert_eq!(parcels.len(), 20);
    parcels.into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (12, 8));
}

#[test]
fn while_many_are_recovered_no_more_is_promised() {
    let rig = left();
    let mut rig = Rig::with(rig.twin.kill(), &settings(), |limits| limits.owed_slots = 20).expect("opens");
    assert_eq!(rig.keep(&demanding("new", "t", 10), Ack::Both).err(), Some(Refusal::Full));
    rig.kept("enough", "t");
    rig.take().remove(0).delivered();
    rig.keep(&demanding("new", "t", 10), Ack::Both).expect("has room");
}

#[test]
fn a_last_write_that_cannot_be_written_again_has_no_key() {
    let mut rig = Rig::new();
    kept(&mut rig, "a", "t");
    kept(&mut rig, "b", "t");
    let twin = rig.twin.kill();
    twin.fail(Op::Sync, 0, u32::MAX, Failure::Error(std::io::ErrorKind::Other));
    let rig = Rig::on(twin);
    assert_eq!(rig.pending, [digest("a")]);
    rig.take_all().into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (1, 0));
}

#[test]
fn what_is_on_its_way_is_known_however_old_it_is() {
    let mut rig = Rig::new();
    let long_ago = UnixMillis(NOW.0 - 30 * 86_400_000);
    for name in ["delivered", "waiting", "last"] {
        rig.keep(&Event { received_at: long_ago, ..demanding(name, "t", 10) }, Ack::Both).expect("has room");
        rig.write();
    }
    rig.take().remove(0).delivered();
    rig.tidy();
    let rig = rig.killed();
    assert_eq!((&rig.pending[..], rig.remembered.len()), (&["waiting", "last"].map(digest)[..], 0));
}

#[test]
fn two_keys_of_one_event_are_one_claim() {
    let mut rig = Rig::new();
    let event = Event { digests: vec![7, 8], ..demanding("a", "t", 10) };
    rig.keep(&event, Ack::Both).expect("has room");
    rig.write();
    let rig = rig.killed();
    assert_eq!(rig.pending, [7, 8]);
    rig.take_all().into_iter().for_each(Parcel::delivered);
    assert_eq!(rig.claims.counts(), (1, 0));
}
