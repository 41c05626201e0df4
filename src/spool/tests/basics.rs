//! What the spool promises when nothing goes wrong, and at a plain crash.

use super::*;

#[test]
fn nothing_is_told_before_the_sync_has_returned() {
    let mut rig = Rig::new();
    let slot = rig.keep(&event("a", "t", 100), Ack::Disk).expect("has room");
    assert_eq!(now(&slot), None);
    assert!(rig.take().is_empty());
    rig.write();
    assert_eq!(now(&slot), Some(Outcome::Safe(crate::metrics::Custody::Disk)));
    assert_eq!(names(&rig.take()), ["a"]);
}

#[test]
fn what_was_told_safe_survives_a_power_cut() {
    let mut rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.kept(name, "t");
    }
    let unsynced = rig.keep(&event("d", "t", 100), Ack::Disk).expect("has room");
    let rig = rig.cut();
    assert_eq!(now(&unsynced), None);
    assert_eq!(names(&rig.take_all()), ["a", "b", "c"]);
    assert_eq!(rig.remembered, ["a", "b", "c"].map(digest));
}

#[test]
fn a_batch_is_one_write_and_one_sync() {
    let mut rig = Rig::new();
    let before = rig.twin.count(io::twin::Op::Sync);
    for name in ["a", "b", "c"] {
        rig.keep(&event(name, "t", 100), Ack::Disk).expect("has room");
    }
    rig.write();
    assert_eq!(rig.twin.count(io::twin::Op::Sync), before + 1);
    assert_eq!(names(&rig.take()), ["a", "b", "c"]);
}
