//! What becomes of segments, keys and checkpoints over time.

use super::io::twin::Op;
use super::*;

fn fill(rig: &mut Rig, names: std::ops::Range<u32>, topic: &str) {
    for index in names {
        rig.keep(&event(&format!("{index}"), topic, 1000), Ack::Disk).expect("has room");
        rig.write();
        rig.tidy();
    }
}

#[test]
fn delivered_segments_are_recycled_and_their_keys_outlive_them() {
    let mut rig = Rig::new();
    for round in 0..20 {
        fill(&mut rig, round * 5..round * 5 + 5, "t");
        rig.take_all().into_iter().for_each(Parcel::delivered);
        rig.tidy();
        assert!(rig.twin.names_with(".seg").len() <= 2, "{:?}", rig.twin.names());
    }
    assert!(!rig.twin.names_with(".keys").is_empty());
    let rig = rig.cut();
    let all: Vec<_> = (0..100).map(|index| digest(&format!("{index}"))).collect();
    assert!(all.iter().all(|key| rig.remembered.contains(key)));
    assert!(rig.take_all().is_empty());
}

/// Each event is delivered before the keeper looks, so that its segment is the next spare.
fn flow(rig: &mut Rig, names: std::ops::Range<u32>) {
    for index in names {
        rig.keep(&event(&format!("{index}"), "t", 1000), Ack::Disk).expect("has room");
        rig.write();
        rig.take_all().into_iter().for_each(Parcel::delivered);
        rig.tidy();
    }
}

#[test]
fn a_steady_flow_lives_on_recycled_segments() {
    let mut rig = Rig::new();
    flow(&mut rig, 0..30);
    let made = rig.twin.count(Op::Create);
    flow(&mut rig, 30..100);
    assert_eq!(rig.twin.count(Op::Create), made, "no new file for seventy events");
}

#[test]
fn a_recycled_segment_shows_nothing_of_its_earlier_life() {
    for events in 30..44 {
        let mut rig = Rig::new();
        flow(&mut rig, 0..events);
        rig.kept("only", "t");
        let rig = rig.cut();
        assert_eq!(names(&rig.take_all()), ["only"]);
        let text = rig.metrics.encode();
        for counter in ["spool_torn_tails_total 0", "spool_corrupt_records_total 0", "spool_damaged_segments 0"] {
            assert!(text.contains(&format!("hookgate_{counter}\n")), "{counter} after {events}");
        }
    }
}

#[test]
fn a_segment_that_somebody_reads_is_not_written_again() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    let file = Arc::clone(&hold(&rig.core().outlet).ledger.segments().next().expect("there is one").file);
    let mut before = [0; 8192];
    file.read_full_at(&mut before, 0).expect("can be read");
    before[800..].fill(0);
    flow(&mut rig, 0..30);
    let mut after = [0; 8192];
    file.read_full_at(&mut after, 0).expect("can be read");
    assert_eq!(after[..600], before[..600]);
}

#[test]
fn a_last_write_that_was_written_again_is_not_sent_twice() {
    let mut rig = Rig::new();
    rig.kept("owed", "t");
    rig.kept("last", "t");
    // The last write is written again in a segment of the second life, and all of that is delivered.
    let mut rig = rig.killed();
    fill(&mut rig, 0..14, "t");
    let mut parcels = rig.take_all();
    let owed = parcels.remove(parcels.iter().position(|parcel| name(parcel) == "owed").expect("is there"));
    parcels.into_iter().for_each(Parcel::delivered);
    rig.tidy();
    // A checkpoint that does not know that segment any more.
    flow(&mut rig, 14..28);
    let twin = rig.twin.kill();
    drop(owed);
    assert_eq!(names(&Rig::on(twin).take_all()), ["owed"]);
}

#[test]
fn keys_are_synced_before_their_segment_goes() {
    let mut rig = Rig::new();
    fill(&mut rig, 0..7, "t");
    rig.take_all().into_iter().for_each(Parcel::delivered);
    let segments = rig.twin.names_with(".seg");
    rig.twin.fail(Op::Create, 0, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.tidy();
    assert_eq!(rig.twin.names_with(".seg"), segments, "no key file, no removal");
    rig.twin.heal();
    rig.tidy();
    assert!(rig.twin.names_with(".seg").len() < segments.len());
}

#[test]
fn a_clock_that_jumps_ahead_costs_no_key_file() {
    let mut rig = Rig::new();
    flow(&mut rig, 0..30);
    // A new file begins with each life.
    let mut rig = rig.killed();
    flow(&mut rig, 30..60);
    let files = rig.twin.names_with(".keys");
    rig.clock.advance(HORIZON * 2);
    rig.tidy();
    assert_eq!(rig.twin.names_with(".keys"), files);
    // Events that come that late are what makes the others old.
    let late = Event { received_at: rig.clock.wall(), ..event("late", "t", 3000) };
    for _ in 0..12 {
        rig.keep(&late, Ack::Disk).expect("has room");
        rig.write();
        rig.take_all().into_iter().for_each(Parcel::delivered);
        rig.tidy();
    }
    assert!(!rig.twin.names_with(".keys").contains(&files[0]));
}

#[test]
fn a_key_file_that_failed_at_its_first_block_goes() {
    let mut rig = Rig::new();
    fill(&mut rig, 0..7, "t");
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.core().storage.as_ref().expect("has one").checkpoint(&rig.core().outlet);
    rig.twin.fail(Op::Sync, 0, 3, io::twin::Failure::Error(std::io::ErrorKind::Other));
    for _ in 0..3 {
        rig.tidy();
        assert_eq!(rig.twin.names_with(".keys").len(), 0);
    }
    rig.tidy();
    assert_eq!(rig.twin.names_with(".keys").len(), 1);
}

#[test]
fn keys_are_forgotten_after_the_horizon() {
    let mut rig = Rig::new();
    fill(&mut rig, 0..14, "t");
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.tidy();
    rig.clock.advance(HORIZON + Duration::from_mins(2));
    rig.tidy();
    let twin = rig.twin.kill();
    let mut remembered = 0;
    let clock = Clock::standing_at(UnixMillis(NOW.0 + 4 * 86_400_000));
    let limits = Limits::of(&settings(), HORIZON);
    let mut remember = |_: Remembered<'_>| {
        remembered += 1;
        None
    };
    let opened = opening::open(Arc::new(twin), Path::new("/spool"), limits, clock, metrics(), &mut remember);
    opened.expect("opens").keeper.turn();
    assert_eq!(remembered, 0);
}

#[test]
fn delivered_events_are_kept_as_long_as_asked_for() {
    let retain = Settings { retain: Duration::from_hours(1), ..settings() };
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &retain, |_| {}).expect("opens");
    fill(&mut rig, 0..14, "t");
    let segments = rig.twin.names_with(".seg").len();
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.tidy();
    assert_eq!(rig.twin.names_with(".seg").len(), segments);
    rig.clock.advance(Duration::from_hours(1));
    rig.tidy();
    assert_eq!(rig.twin.names_with(".seg").len(), 1);
}

#[test]
fn what_is_kept_for_replay_only_gives_way_when_room_is_short() {
    let retain = Settings { retain: Duration::from_hours(1), ..settings() };
    let mut rig = Rig::with(Twin::new(VOLUME_BYTES), &retain, |_| {}).expect("opens");
    for index in 0..200 {
        fill(&mut rig, index..index + 1, "t");
        rig.take_all().into_iter().for_each(Parcel::delivered);
    }
}

#[test]
fn a_checkpoint_spares_what_was_delivered() {
    let mut rig = Rig::new();
    for index in 0..5 {
        rig.kept(&format!("{index}"), "t");
    }
    for (index, parcel) in rig.take_all().into_iter().enumerate() {
        if index != 1 && index != 3 {
            parcel.delivered();
        }
    }
    rig.tidy();
    assert_eq!(names(&rig.cut().take_all()), ["1", "3"]);
}

#[test]
fn what_was_delivered_is_not_sent_again_after_any_number_of_starts() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.tidy();
    for _ in 0..3 {
        rig = rig.killed();
        assert!(rig.take_all().is_empty());
        rig.tidy();
    }
}

#[test]
fn a_compaction_leaves_no_key_of_what_it_keeps_in_a_key_file() {
    let mut rig = held_up();
    rig.tidy();
    // All that is parked is lost to damage: each sender's next try must be taken.
    let twin = rig.twin.kill();
    for name in twin.names_with(".seg") {
        twin.corrupt(&name, |bytes| bytes.fill(0xff));
    }
    let rig = Rig::on(twin);
    assert!(rig.take_all().is_empty());
    assert!(PAUSED.iter().all(|name| !rig.remembered.contains(&digest(name))));
    assert!(rig.remembered.contains(&digest("1")), "what was delivered is remembered");
}

#[test]
fn a_clock_that_is_ahead_for_a_while_costs_no_key_file_though_events_come() {
    let mut rig = Rig::new();
    flow(&mut rig, 0..30);
    let mut rig = rig.killed();
    let files = rig.twin.names_with(".keys");
    rig.clock.set_wall(NOW.plus(HORIZON * 100));
    let late = Event { received_at: rig.clock.wall(), ..event("late", "t", 3000) };
    for _ in 0..12 {
        rig.keep(&late, Ack::Disk).expect("has room");
        rig.write();
        rig.take_all().into_iter().for_each(Parcel::delivered);
        rig.tidy();
    }
    rig.clock.set_wall(NOW);
    let rig = rig.killed();
    assert!(rig.twin.names_with(".keys").contains(&files[0]));
    assert!((0..30).all(|index| rig.remembered.contains(&digest(&format!("{index}")))));
}

#[test]
fn a_lost_checkpoint_costs_duplicates_only() {
    let mut rig = Rig::new();
    for index in 0..5 {
        rig.kept(&format!("{index}"), "t");
    }
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.tidy();
    let twin = rig.twin.kill();
    for name in ["checkpoint.0", "checkpoint.1"] {
        if twin.names().contains(&name.to_owned()) {
            twin.corrupt(name, |bytes| bytes[20] ^= 1);
        }
    }
    assert_eq!(Rig::on(twin).take_all().len(), 5);
}

#[test]
fn a_checkpoint_says_nothing_about_records_made_after_it() {
    let mut rig = Rig::new();
    for index in 0..5 {
        rig.kept(&format!("{index}"), "t");
    }
    rig.take_all().into_iter().for_each(Parcel::delivered);
    rig.tidy();
    // Everything but the checkpoint is gone, such as when an operator empties the directory by halves.
    let twin = rig.twin.kill();
    for name in twin.names().iter().filter(|name| !name.starts_with("checkpoint")) {
        twin.remove(name).expect("is there");
    }
    let mut rig = Rig::on(twin);
    for index in 0..5 {
        rig.kept(&format!("new-{index}"), "t");
    }
    assert_eq!(rig.killed().take_all().len(), 5);
}

#[test]
fn the_checkpoint_is_not_written_when_nothing_was_delivered() {
    let mut rig = Rig::new();
    rig.kept("a", "t");
    rig.tidy();
    let syncs = rig.twin.count(Op::Sync);
    for _ in 0..5 {
        rig.tidy();
    }
    assert_eq!(rig.twin.count(Op::Sync), syncs);
}

/// Half a dozen segments, each with one record of a topic that waits.
fn held_up() -> Rig {
    let mut rig = Rig::new();
    for index in 0..36 {
        fill(&mut rig, index..index + 1, if index % 6 == 0 { "paused" } else { "t" });
    }
    for parcel in rig.take_all() {
        if parcel.event().topic == "paused" { parcel.set_aside() } else { parcel.delivered() }
    }
    rig
}

const PAUSED: [&str; 6] = ["0", "6", "12", "18", "24", "30"];

#[test]
fn segments_held_up_by_a_paused_topic_are_compacted() {
    let mut rig = held_up();
    for _ in 0..8 {
        rig.tidy();
    }
    let segments = rig.twin.names_with(".seg");
    let bytes: usize = segments.iter().map(|name| rig.twin.bytes(name).len()).sum();
    assert!(bytes <= 3 * 8192, "{segments:?} have {bytes} bytes");
    let parked = rig.read_topic("paused");
    assert_eq!(names(&parked), PAUSED);
    parked.into_iter().for_each(Parcel::set_aside);
    let rig = rig.cut();
    assert_eq!(names(&rig.take_all()), PAUSED);
    let all: Vec<_> = (0..36).map(|index| digest(&format!("{index}"))).collect();
    assert!(all.iter().all(|key| rig.remembered.contains(key)));
}

#[test]
fn compacted_segments_go_when_their_records_are_delivered() {
    let mut rig = held_up();
    for _ in 0..8 {
        rig.tidy();
    }
    rig.read_topic("paused").into_iter().for_each(Parcel::delivered);
    for _ in 0..8 {
        rig.tidy();
    }
    assert!(rig.twin.names_with(".seg").len() <= 2, "{:?}", rig.twin.names());
    assert!(rig.cut().take_all().is_empty());
}

#[test]
fn a_compaction_that_is_cut_off_loses_and_doubles_nothing() {
    // Every operation of the keeper's turn is the last one before the power is cut, with all or nothing unsynced kept.
    for op in [Op::Create, Op::Write, Op::Sync, Op::Rename, Op::SyncDirectory, Op::Remove] {
        for after in 0..12 {
            // Of the changes that were not synced all, none, or every second one is there afterwards.
            for kept in [0, 0b11, 0b01, 0b10] {
                let mut rig = held_up();
                rig.twin.fail(op, after, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
                for _ in 0..4 {
                    rig.tidy();
                    rig.clock.advance(Duration::from_mins(1));
                }
                let mut pattern = kept;
                let mut rig = Rig::on(rig.twin.cut(&mut || {
                    pattern = (pattern & 1) << 1 | pattern >> 1;
                    pattern & 1 == 1
                }));
                let mut found = names(&rig.take_all());
                found.sort_by_key(|name| name.parse::<u32>().expect("a number"));
                found.retain(|name| PAUSED.contains(&name.as_str()));
                assert_eq!(found, PAUSED, "{op:?} {after} {kept:b}");
                rig.tidy();
                let live = rig.twin.names_with(".seg").len();
                assert!(live <= 8, "{op:?} {after} {kept:b}: {:?}", rig.twin.names());
            }
        }
    }
}

#[test]
fn a_compaction_that_finds_no_space_writes_no_keys_and_waits() {
    let mut rig = held_up();
    let keys = |rig: &Rig| rig.twin.names_with(".keys").iter().map(|name| rig.twin.bytes(name).len()).sum::<usize>();
    let before = keys(&rig);
    rig.twin.fail(Op::Write, 0, 1, io::twin::Failure::Error(std::io::ErrorKind::StorageFull));
    for _ in 0..3 {
        rig.opened.keeper.compact();
    }
    assert_eq!(keys(&rig), before);
    assert_eq!(rig.twin.names_with(".new").len(), 0);
    rig.clock.advance(Duration::from_mins(1));
    rig.opened.keeper.compact();
    assert!(keys(&rig) > before);
}

#[test]
fn what_a_compaction_replaced_goes_at_the_next_start() {
    let mut rig = held_up();
    let before = rig.twin.names_with(".seg").len();
    rig.twin.fail(Op::Remove, 0, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.twin.fail(Op::Rename, 1, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.tidy();
    assert!(rig.twin.names_with(".seg").len() > before, "old and new are both there");
    let rig = rig.killed();
    assert!(rig.twin.names_with(".seg").len() < before, "{:?}", rig.twin.names());
    assert_eq!(names(&rig.take_all()), PAUSED);
}

#[test]
fn a_compaction_that_came_out_damaged_gives_way_to_what_it_replaced() {
    let mut rig = held_up();
    rig.twin.fail(Op::Remove, 0, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.twin.fail(Op::Rename, 1, u32::MAX, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.tidy();
    let compacted = rig.twin.names_with(".seg").pop().expect("there is one");
    let twin = rig.twin.kill();
    twin.corrupt(&compacted, |bytes| bytes[700] ^= 1);
    assert_eq!(names(&Rig::on(twin).take_all()), PAUSED);
}

#[test]
fn a_compaction_that_came_out_damaged_stays_where_some_of_what_it_replaced_has_gone() {
    let mut rig = held_up();
    // The first of the old ones cannot be removed; the others are.
    rig.twin.fail(Op::Remove, 0, 1, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.twin.fail(Op::Rename, 1, 1, io::twin::Failure::Error(std::io::ErrorKind::Other));
    rig.tidy();
    let compacted = rig.twin.names_with(".seg").pop().expect("there is one");
    let twin = rig.twin.kill();
    twin.corrupt(&compacted, |bytes| bytes[700] ^= 1);
    let rig = Rig::on(twin);
    assert_eq!(names(&rig.take_all()), PAUSED[1..], "what was not hit comes");
    assert!(!rig.metrics.encode().contains("hookgate_spool_corrupt_records_total 0\n"));
    assert_eq!(rig.twin.names().iter().filter(|name| name.starts_with("damaged/")).count(), 1);
}

#[test]
fn the_writer_and_the_keeper_judge_by_one_measure() {
    let mut rig = Rig::new();
    flow(&mut rig, 0..30);
    let bytes = |rig: &Rig| {
        let text = rig.metrics.encode();
        text.lines().find(|line| line.starts_with("hookgate_spool_bytes ")).expect("registered").to_owned()
    };
    assert!(!rig.twin.names_with(".keys").is_empty());
    let before = bytes(&rig);
    rig.keep(&event("small", "t", 10), Ack::Disk).expect("has room");
    rig.write();
    assert_eq!(bytes(&rig), before, "as the keeper saw it");
    rig.tidy();
    assert_eq!(bytes(&rig), before);
}

#[test]
fn gauges_show_what_is_owed() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.kept(name, "t");
    }
    rig.take_all().remove(0).delivered();
    rig.clock.advance(Duration::from_secs(90));
    rig.tidy();
    let text = rig.metrics.encode();
    assert!(text.contains("hookgate_spool_records 2\n"), "{text}");
    assert!(text.contains("hookgate_spool_oldest_age_seconds 90"), "{text}");
    assert!(text.contains("hookgate_spool_capacity_bytes 65536\n"), "{text}");
    assert!(text.contains("hookgate_spool_bytes 16384\n"), "{text}");
    assert!(!text.contains("hookgate_spool_fsync_seconds_count 0\n"), "{text}");
}
