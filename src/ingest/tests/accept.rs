//! When a delivery is accepted, in time that only passes where nothing else can happen.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tokio::task::{JoinHandle, spawn_blocking};

use super::*;
use crate::ingest::Reject;
use crate::ingest::accept::{Accepted, keep, reserve};
use crate::ingest::identify;
use crate::locate::Batch;
use crate::metrics::Custody;
use crate::spool::{self, Parcel, Spool};
use crate::units::{ByteSize, Share};

#[test]
fn the_disk_is_enough_where_it_may_stand_in_for_the_first_custody() {
    let enough = |ack, spool_when_unavailable| {
        Terms { ack, spool_when_unavailable, deadline: Duration::ZERO, retries: true }.disk_is_enough()
    };
    for spools in [true, false] {
        let each = [Ack::Disk, Ack::Kafka, Ack::Both, Ack::Memory].map(|ack| enough(ack, spools));
        assert_eq!(each, [true, spools, false, true]);
    }
}

struct Scene {
    ground: Ground,
    source: Source,
    spool: Spool,
}

impl Scene {
    fn new(ack: Ack) -> Self {
        Self::with(ack, |_| {})
    }

    fn with(ack: Ack, change: impl FnOnce(&mut Settings)) -> Self {
        let ground = Ground::new();
        let mut settings = settings("orders");
        settings.terms.ack = ack;
        change(&mut settings);
        let spool = Spool::without_directory(ground.clock.clone(), Arc::clone(&ground.metrics));
        Self { source: ground.source(settings), ground, spool }
    }

    /// The same with a disk.
    fn on_disk(mut self, dir: &Path) -> Self {
        let share = |text: &str| text.parse::<Share>().expect("a share");
        let settings = spool::Settings {
            dir: dir.to_owned(),
            scratch: true,
            max_bytes: ByteSize::mib(16),
            segment_bytes: ByteSize::mib(1),
            high_water: share("80%"),
            low_water: share("70%"),
            retain: Duration::ZERO,
        };
        let (clock, metrics) = (self.ground.clock.clone(), Arc::clone(&self.ground.metrics));
        self.spool = Spool::open(&settings, WINDOW, clock, metrics, &mut |_| None).expect("a spool");
        self
    }

    async fn deliver(&self, body: &str) -> Result<Accepted, Reject> {
        let identified = identify::events(self.source.identifier(), delivery(body))?;
        let reserved = reserve(&self.ground.dedupe, self.source.ring.as_ref(), identified);
        keep(&self.spool, self.source.terms(), reserved).await
    }

    /// What the forwarder has been given.
    fn taken(&self) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        self.spool.take(&mut parcels, Duration::ZERO);
        parcels
    }

    /// The same, once there is something.
    async fn next(&self) -> Vec<Parcel> {
        loop {
            let parcels = self.taken();
            if !parcels.is_empty() {
                return parcels;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Kafka has what comes next.
    async fn deliver_next(&self) {
        self.next().await.into_iter().for_each(Parcel::delivered);
    }

    /// Kafka will not have it.
    async fn refuse_next(&self) {
        self.next().await.into_iter().for_each(Parcel::set_aside);
    }
}

/// Paused time passes by itself when nobody has anything to do, but not while a thread of the runtime works: so the disk,
/// whose thread the runtime does not know, has all the time it needs.
struct Standstill {
    done: SyncSender<()>,
    working: JoinHandle<()>,
}

impl Standstill {
    fn begin() -> Self {
        let (done, wait) = sync_channel(1);
        Self { done, working: spawn_blocking(move || wait.recv().expect("the end")) }
    }

    async fn end(self) {
        self.done.send(()).expect("it waits");
        self.working.await.expect("it ends");
    }
}

fn custody(accepted: &Result<Accepted, Reject>) -> Option<Custody> {
    accepted.as_ref().expect("accepted").custody()
}

#[tokio::test(start_paused = true)]
async fn what_kafka_has_is_accepted_and_known_from_then_on() {
    let scene = Scene::new(Ack::Kafka);
    let (first, ()) = tokio::join!(scene.deliver(r#"{"id":1}"#), scene.deliver_next());
    assert_eq!(custody(&first), Some(Custody::Kafka));
    assert!(!first.expect("accepted").is_duplicate());
    let second = scene.deliver(r#"{"id":1}"#).await.expect("accepted");
    assert!(second.is_duplicate() && second.custody().is_none());
    assert!(scene.taken().is_empty(), "a duplicate goes nowhere");
}

#[tokio::test(start_paused = true)]
async fn memory_is_enough_where_it_was_asked_for() {
    let scene = Scene::new(Ack::Memory);
    assert!(scene.deliver(r#"{"id":1}"#).await.is_ok());
    assert_eq!(scene.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_sender_is_told_to_come_again_and_a_late_custody_settles_the_key() {
    let scene = Scene::new(Ack::Kafka);
    assert_eq!(scene.deliver(r#"{"id":1}"#).await.err(), Some(Reject::Deadline));
    let late = scene.next().await;
    assert_eq!(scene.deliver(r#"{"id":1}"#).await.err(), Some(Reject::Deadline), "a twin waits no longer");
    late.into_iter().for_each(Parcel::delivered);
    assert!(scene.deliver(r#"{"id":1}"#).await.expect("accepted").is_duplicate());
    assert!(scene.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_given_up_is_new_when_it_comes_again() {
    let scene = Scene::new(Ack::Kafka);
    let (lost, ()) = tokio::join!(scene.deliver(r#"{"id":1}"#), scene.refuse_next());
    assert_eq!(lost.err(), Some(Reject::NoCustody));
    let (again, ()) = tokio::join!(scene.deliver(r#"{"id":1}"#), scene.deliver_next());
    assert_eq!(custody(&again), Some(Custody::Kafka));
}

#[tokio::test(start_paused = true)]
async fn twins_share_the_outcome_of_the_first() {
    let scene = Scene::new(Ack::Kafka);
    let copy = || scene.deliver(r#"{"id":1}"#);
    let (first, second, third, ()) = tokio::join!(copy(), copy(), copy(), scene.deliver_next());
    assert_eq!(custody(&first), Some(Custody::Kafka));
    for twin in [second, third] {
        assert!(twin.expect("accepted").is_duplicate());
    }
    let copy = || scene.deliver(r#"{"id":2}"#);
    let (first, second, ()) = tokio::join!(copy(), copy(), scene.refuse_next());
    assert_eq!((first.err(), second.err()), (Some(Reject::NoCustody), Some(Reject::TwinLost)));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gives_up_does_not_take_its_event_away() {
    let scene = Scene::new(Ack::Kafka);
    tokio::select! {
        biased;
        _ = scene.deliver(r#"{"id":1}"#) => panic!("nobody has it"),
        () = tokio::task::yield_now() => {}
    }
    scene.deliver_next().await;
    assert!(scene.deliver(r#"{"id":1}"#).await.expect("accepted").is_duplicate());
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_accepted_when_each_of_its_events_is_safe() {
    let scene = Scene::with(Ack::Kafka, |settings| {
        settings.identify.batch = Some(Batch::parse("json:/").expect("a batch"));
        settings.identify.id = expr("item:/");
    });
    let (all, ()) = tokio::join!(scene.deliver("[1,2,1]"), scene.deliver_next());
    assert_eq!(custody(&all), Some(Custody::Kafka));
    let all_but_one = async {
        let mut parcels = scene.next().await;
        assert_eq!(parcels.len(), 2, "one of them is known");
        parcels.remove(0).delivered();
        parcels
    };
    let (one_is_missing, _held) = tokio::join!(scene.deliver("[1,3,4]"), all_but_one);
    assert_eq!(one_is_missing.err(), Some(Reject::Deadline));
    let empty = scene.deliver("[]").await.expect("accepted");
    assert!(!empty.is_duplicate() && empty.custody().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_a_ring_nothing_is_a_duplicate() {
    let scene = Scene::with(Ack::Memory, |settings| settings.dedupe_window = None);
    for _ in 0..2 {
        assert!(!scene.deliver(r#"{"id":1}"#).await.expect("accepted").is_duplicate());
    }
    assert_eq!(scene.taken().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_disk_kafka_is_second_custody_for_one() {
    let scene = Scene::new(Ack::Disk);
    let (kept, ()) = tokio::join!(scene.deliver(r#"{"id":1}"#), scene.deliver_next());
    assert_eq!(custody(&kept), Some(Custody::Kafka));
    assert_eq!(Scene::new(Ack::Both).deliver(r#"{"id":1}"#).await.err(), Some(Reject::NoCustody), "both is both");
}

#[tokio::test(start_paused = true)]
async fn at_half_of_the_deadline_the_disk_is_tried_for_a_sender_that_sends_once() {
    for (spool_when_unavailable, expected) in [(true, Ok(Some(Custody::Disk))), (false, Err(Reject::Deadline))] {
        let dir = tempfile::tempdir().expect("a directory");
        let change = |settings: &mut Settings| settings.terms.spool_when_unavailable = spool_when_unavailable;
        let scene = Scene::with(Ack::Kafka, change).on_disk(dir.path());
        let standstill = Standstill::begin();
        let deadline = scene.source.terms().deadline;
        let halves = async {
            let asked_first = scene.next().await;
            tokio::time::advance(deadline / 2).await;
            if !spool_when_unavailable {
                tokio::time::advance(deadline / 2).await;
            }
            asked_first
        };
        let (kept, _asked_first) = tokio::join!(scene.deliver(r#"{"id":1}"#), halves);
        assert_eq!(kept.map(|kept| kept.custody()), expected);
        standstill.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_kafka_gives_up_early_the_disk_is_asked_to_keep() {
    let dir = tempfile::tempdir().expect("a directory");
    let scene = Scene::with(Ack::Kafka, |settings| settings.terms.spool_when_unavailable = true).on_disk(dir.path());
    let standstill = Standstill::begin();
    let (kept, ()) = tokio::join!(scene.deliver(r#"{"id":1}"#), scene.refuse_next());
    assert_eq!(kept.map(|kept| kept.custody()), Ok(Some(Custody::Disk)));
    assert!(scene.deliver(r#"{"id":1}"#).await.expect("accepted").is_duplicate());
    standstill.end().await;
}

#[tokio::test]
async fn a_disk_that_had_no_segment_ready_is_asked_again_while_kafka_is_away() {
    // Larger than half a segment: each needs one of its own, and only one lies ready.
    let body = |id: u8| format!(r#"{{"id":{id},"text":"{}"}}"#, "x".repeat(600 << 10));
    let dir = tempfile::tempdir().expect("a directory");
    let patient = |settings: &mut Settings| settings.terms.deadline = Duration::from_secs(16);
    let scene = Scene::with(Ack::Disk, patient).on_disk(dir.path());
    let [one, two, three, four] = [1, 2, 3, 4].map(body);
    let (one, two, three, four, parcels) = tokio::join!(
        scene.deliver(&one),
        scene.deliver(&two),
        scene.deliver(&three),
        scene.deliver(&four),
        scene.next()
    );
    assert!(parcels.iter().any(|parcel| parcel.sequence().is_none()), "the disk has refused none: nothing was shown");
    for kept in [one, two, three, four] {
        assert_eq!(custody(&kept), Some(Custody::Disk));
    }
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_is_closed_takes_nothing() {
    for ack in [Ack::Disk, Ack::Kafka, Ack::Both, Ack::Memory] {
        let dir = tempfile::tempdir().expect("a directory");
        let scene = Scene::with(ack, |settings| settings.terms.spool_when_unavailable = true).on_disk(dir.path());
        let spool = scene.spool.clone();
        thread::spawn(move || spool.close()).join().expect("closed");
        assert_eq!(scene.deliver(r#"{"id":1}"#).await.err(), Some(Reject::NoCustody), "{ack:?}");
        assert_eq!(scene.deliver(r#"{"id":1}"#).await.err(), Some(Reject::NoCustody), "and its key is free again");
    }
}
