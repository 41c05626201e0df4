//! The spool as it runs: on a real disk, with its threads.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::thread::scope;

use super::*;
use crate::metrics::Custody;

fn open(dir: &Path) -> (Spool, Vec<Digest>) {
    let settings =
        Settings { dir: dir.to_owned(), max_bytes: ByteSize::mib(8), segment_bytes: ByteSize::kib(64), ..settings() };
    let mut remembered = Vec::new();
    let mut remember = |event: Remembered<'_>| {
        remembered.extend_from_slice(event.digests);
        None
    };
    let spool = Spool::open(&settings, HORIZON, Clock::system(), metrics(), &mut remember).expect("opens");
    (spool, remembered)
}

fn wait(slot: &Slot) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(slot.outcome())
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let root = tempfile::tempdir().expect("a directory");
    let (spool, _) = open(root.path());
    let slots = ["a", "b", "c"].map(|name| {
        let slot = Slot::new(Ack::Disk, None);
        spool.keep(&[(&event(name, "t", 5000), &slot)]).expect("has room");
        slot
    });
    for slot in &slots {
        assert_eq!(wait(slot), Outcome::Safe(Custody::Disk));
    }
    drop(spool);
    let (spool, remembered) = open(root.path());
    let mut parcels = Vec::new();
    while parcels.len() < 3 {
        assert!(spool.take(&mut parcels, Duration::from_secs(10)));
    }
    assert_eq!(names(&parcels), ["a", "b", "c"]);
    assert_eq!(remembered, ["a", "b", "c"].map(digest));
    assert_eq!(parcels[0].event(), event("a", "t", 5000).view());
}

#[test]
fn take_sleeps_until_there_is_something_and_ends_with_the_spool() {
    let root = tempfile::tempdir().expect("a directory");
    let (spool, _) = open(root.path());
    scope(|scope| {
        let taker = scope.spawn(|| {
            let mut parcels = Vec::new();
            while spool.take(&mut parcels, Duration::from_mins(1)) {}
            names(&parcels)
        });
        let slot = Slot::new(Ack::Disk, None);
        spool.keep(&[(&event("a", "t", 10), &slot)]).expect("has room");
        wait(&slot);
        spool.close();
        assert_eq!(taker.join().expect("no panic"), ["a"]);
    });
}

/// Four threads keep, two hand over what they keep, one takes and delivers, drops or sets aside.
#[test]
fn nothing_is_lost_or_doubled_when_many_come_at_once() {
    const EACH: usize = 400;
    let root = tempfile::tempdir().expect("a directory");
    let (spool, _) = open(root.path());
    let done = AtomicBool::new(false);
    let delivered = scope(|scope| {
        let taker = scope.spawn(|| forward(&spool, &done));
        let keepers: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn({
                    let spool = &spool;
                    move || keep_some(spool, thread, EACH)
                })
            })
            .collect();
        for keeper in keepers {
            keeper.join().expect("no panic");
        }
        done.store(true, Ordering::SeqCst);
        taker.join().expect("no panic")
    });
    assert_eq!(delivered.len(), 4 * EACH);
    assert!(delivered.values().all(|times| *times == 1), "{delivered:?}");
    drop(spool);
    let (spool, remembered) = open(root.path());
    let remembered: HashSet<_> = remembered.into_iter().collect();
    assert!(delivered.keys().all(|name| remembered.contains(&digest(name))));
    let mut parcels = Vec::new();
    spool.take(&mut parcels, Duration::from_millis(10));
    assert!(parcels.is_empty(), "the checkpoint knows that all is delivered");
}

fn keep_some(spool: &Spool, thread: usize, count: usize) {
    for index in 0..count {
        let event = event(&format!("{thread}-{index}"), if index % 7 == 0 { "paused" } else { "t" }, index * 3);
        let slot = Slot::new(if index % 3 == 0 { Ack::Both } else { Ack::Disk }, None);
        if index % 6 == 0 {
            spool.hand_over(&[(&event, &slot)]).expect("has room");
        }
        while spool.keep(&[(&event, &slot)]).is_err() {
            std::thread::yield_now();
        }
        if index % 6 == 3 {
            spool.hand_over(&[(&event, &slot)]).expect("has room");
        }
        if index % 3 != 0 {
            assert_eq!(wait(&slot), Outcome::Safe(Custody::Disk));
        }
    }
}

fn forward(spool: &Spool, done: &AtomicBool) -> HashMap<String, usize> {
    let mut delivered: HashMap<String, usize> = HashMap::new();
    let mut turn = 0usize;
    let mut idle = 0;
    while idle < 20 {
        let mut parcels = Vec::new();
        spool.take(&mut parcels, Duration::from_millis(5));
        parcels.extend(spool.read_topic("paused", 0, u64::MAX, 50).0);
        idle = if parcels.is_empty() && done.load(Ordering::SeqCst) { idle + 1 } else { 0 };
        for parcel in parcels {
            turn += 1;
            // One that is in memory only is lost by anything else than delivery.
            let on_disk = parcel.sequence().is_some();
            match turn % 5 {
                0 if on_disk => drop(parcel),
                1 if on_disk && parcel.event().topic == "paused" => parcel.set_aside(),
                _ => {
                    *delivered.entry(name(&parcel)).or_default() += 1;
                    parcel.delivered();
                }
            }
        }
    }
    delivered
}
