use std::time::Duration;

use super::*;
use crate::metrics::Build;

const HOUR: Duration = Duration::from_hours(1);

struct Fixture {
    clock: Clock,
    metrics: Arc<Metrics>,
    dedupe: Dedupe,
    ring: Ring,
}

fn fixture(window: Duration, max_keys: usize) -> Fixture {
    let clock = Clock::standing_at(UnixMillis(1_000_000_000_000));
    let metrics = Arc::new(Metrics::new(Build { version: "", revision: "", rustc: "" }));
    let settings = Settings { window, max_keys };
    let dedupe = Dedupe::new(HashKey::new([1; 16]), &settings, clock.clone(), Arc::clone(&metrics));
    let ring = dedupe.ring(window);
    Fixture { clock, metrics, dedupe, ring }
}

impl Fixture {
    fn reserve(&self, digests: &[Digest]) -> Answer {
        self.dedupe.reserve(&self.ring, digests)
    }

    /// Boxed, as it travels.
    #[expect(clippy::unnecessary_box_returns, reason = "a claim is settled out of its box")]
    fn fresh(&self, digests: &[Digest]) -> Box<Reservation> {
        match self.reserve(digests) {
            Answer::Fresh(reservation) => Box::new(reservation),
            other => panic!("expected a fresh key, got {other:?}"),
        }
    }

    fn is_settled(&self, digest: Digest) -> bool {
        matches!(self.reserve(&[digest]), Answer::Settled)
    }
}

#[test]
fn a_settled_key_is_a_duplicate() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1]).settle();
    assert!(fixture.is_settled(1));
    assert!(!fixture.is_settled(2));
}

#[test]
fn a_dropped_reservation_is_forgotten() {
    let fixture = fixture(HOUR, 100);
    drop(fixture.fresh(&[1]));
    drop(fixture.fresh(&[1]));
    assert_eq!(fixture.metrics.dedupe_pending.get(), 0);
}

#[tokio::test]
async fn a_second_copy_waits_and_shares_the_first_ones_outcome() {
    let fixture = fixture(HOUR, 100);
    for kept in [true, false] {
        let digest = Digest::from(kept);
        let first = fixture.fresh(&[digest]);
        let Answer::Pending(twin) = fixture.reserve(&[digest]) else { panic!("the first is pending") };
        let waiting = tokio::spawn(twin.kept());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        if kept {
            first.settle();
        } else {
            drop(first);
        }
        assert_eq!(waiting.await.expect("no panic"), kept);
        assert_eq!(fixture.is_settled(digest), kept);
    }
}

#[test]
fn either_of_two_keys_known_makes_a_duplicate() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1, 2]).settle();
    assert!(matches!(fixture.reserve(&[1, 3]), Answer::Settled));
    assert!(matches!(fixture.reserve(&[3, 2]), Answer::Settled));
    drop(fixture.fresh(&[3]));
}

#[test]
fn an_event_whose_two_keys_are_the_same_does_not_wait_for_itself() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1, 1]).settle();
    assert!(fixture.is_settled(1));
}

#[test]
fn a_key_is_remembered_for_its_window_and_not_for_ever() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1]).settle();
    for _ in 0..60 {
        assert!(fixture.is_settled(1));
        fixture.clock.advance(Duration::from_mins(1));
    }
    fixture.clock.advance(HOUR / 4);
    assert!(!fixture.is_settled(1));
    assert_eq!(fixture.metrics.dedupe_entries.get(), 0);
}

#[test]
fn a_gateway_that_slept_for_long_still_forgets_what_is_older_than_the_window() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1]).settle();
    fixture.clock.advance(HOUR * 1000);
    fixture.fresh(&[2]).settle();
    for _ in 0..4 {
        fixture.clock.advance(HOUR / 4);
        assert!(fixture.is_settled(2));
    }
    assert!(!fixture.is_settled(1));
}

#[test]
fn a_thread_that_finds_room_made_by_another_drops_nothing() {
    let fixture = fixture(HOUR, 2);
    fixture.fresh(&[1]).settle();
    // As after a turn of another thread, between this one's look and its lock.
    for _ in 0..5 {
        fixture.dedupe.0.bounds.turn_early(fixture.clock.now());
    }
    assert!(fixture.is_settled(1));
    assert_eq!(fixture.metrics.dedupe_early_turns.get(), 0);
}

#[test]
fn a_full_memory_forgets_the_oldest_keys_and_says_so() {
    let fixture = fixture(HOUR, 100);
    for digest in 0..100 {
        fixture.fresh(&[digest]).settle();
        fixture.clock.advance(Duration::from_secs(30));
    }
    fixture.fresh(&[1000]).settle();
    assert!(fixture.metrics.dedupe_entries.get() <= 100);
    assert!(fixture.metrics.dedupe_early_turns.get() >= 1);
    assert!(fixture.is_settled(1000) && fixture.is_settled(99) && !fixture.is_settled(0));
    let window = fixture.metrics.encode();
    assert!(!window.contains("hookgate_dedupe_window_seconds{window=\"1h\"} 3600"), "the window is shorter: {window}");
}

#[test]
fn a_pending_key_is_never_forgotten() {
    let fixture = fixture(HOUR, 4);
    let pending = fixture.fresh(&[1]);
    for digest in 10..100 {
        fixture.fresh(&[digest]).settle();
    }
    fixture.clock.advance(HOUR * 10);
    assert!(matches!(fixture.reserve(&[1]), Answer::Pending(_)));
    pending.settle();
    assert!(fixture.is_settled(1));
}

#[test]
fn a_restored_key_lives_for_the_rest_of_its_window() {
    let fixture = fixture(HOUR, 100);
    let now = fixture.clock.wall();
    for (digest, minutes) in [(1, 1), (30, 30), (59, 59), (90, 90)] {
        let received_at = UnixMillis(now.0 - minutes * 60_000);
        fixture.dedupe.restore(&fixture.ring, digest, received_at);
    }
    assert!(fixture.is_settled(1) && fixture.is_settled(30) && fixture.is_settled(59));
    assert!(!fixture.is_settled(90), "older than its window");
    fixture.clock.advance(Duration::from_mins(29));
    assert!(fixture.is_settled(1) && fixture.is_settled(30) && !fixture.is_settled(59));
}

#[test]
fn a_key_from_the_future_counts_as_new() {
    let fixture = fixture(HOUR, 100);
    let tomorrow = fixture.clock.wall().plus(HOUR * 24);
    fixture.dedupe.restore(&fixture.ring, 1, tomorrow);
    assert!(fixture.is_settled(1));
}

#[test]
fn a_jump_of_the_wall_flushes_nothing() {
    let fixture = fixture(HOUR, 100);
    fixture.fresh(&[1]).settle();
    fixture.clock.set_wall(UnixMillis(0));
    assert!(fixture.is_settled(1));
    fixture.clock.set_wall(UnixMillis(4_000_000_000_000));
    assert!(fixture.is_settled(1));
}

#[test]
fn sources_of_one_window_share_a_ring_and_the_bound_is_over_all() {
    let fixture = fixture(HOUR, 10);
    let day = fixture.dedupe.ring(HOUR * 24);
    for digest in 0..100 {
        fixture.fresh(&[digest]).settle();
        let Answer::Fresh(other) = fixture.dedupe.reserve(&day, &[digest + 1000]) else { panic!("a fresh key") };
        Box::new(other).settle();
    }
    assert!(fixture.metrics.dedupe_entries.get() <= 10);
}

/// Boxed, as it travels.
fn restored(fixture: &Fixture, digests: &[Digest]) -> Option<Box<Reservation>> {
    fixture.dedupe.reserve_restored(&fixture.ring, digests).map(Box::new)
}

#[tokio::test]
async fn a_key_that_is_reserved_again_is_pending_until_its_event_is_safe() {
    let fixture = fixture(HOUR, 100);
    let first = restored(&fixture, &[1, 2, 2]).expect("nobody has it");
    assert_eq!(fixture.metrics.dedupe_pending.get(), 2);
    let Answer::Pending(twin) = fixture.reserve(&[3, 2]) else { panic!("the first is pending") };
    let waiting = tokio::spawn(twin.kept());
    first.settle();
    assert!(waiting.await.expect("no panic"));
    assert!(fixture.is_settled(1) && fixture.is_settled(2));
    assert_eq!(fixture.metrics.dedupe_pending.get(), 0);
    drop(restored(&fixture, &[4]));
    drop(fixture.fresh(&[4]));
}

#[test]
fn a_key_that_an_older_event_has_settled_is_pending_while_a_newer_one_is() {
    let fixture = fixture(HOUR, 100);
    fixture.dedupe.restore(&fixture.ring, 1, fixture.clock.wall());
    let newer = restored(&fixture, &[1]).expect("it is not pending");
    fixture.dedupe.restore(&fixture.ring, 1, fixture.clock.wall());
    assert!(matches!(fixture.reserve(&[1]), Answer::Pending(_)));
    newer.settle();
    assert!(fixture.is_settled(1));
}

#[test]
fn of_two_restored_events_with_one_key_the_first_has_it() {
    let fixture = fixture(HOUR, 100);
    let first = restored(&fixture, &[1]).expect("nobody has it");
    assert!(restored(&fixture, &[1]).is_none());
    let second = restored(&fixture, &[1, 2]).expect("nobody has the other key");
    second.settle();
    assert!(matches!(fixture.reserve(&[1]), Answer::Pending(_)));
    assert!(fixture.is_settled(2));
    first.settle();
    assert!(fixture.is_settled(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_copies_at_once_exactly_one_is_fresh() {
    let fixture = fixture(HOUR, 100_000);
    for key in 0..200 {
        let copies: Vec<_> = (0..100)
            .map(|_| {
                let (dedupe, ring) = (fixture.dedupe.clone(), fixture.ring.clone());
                tokio::spawn(async move {
                    match dedupe.reserve(&ring, &[key]) {
                        Answer::Fresh(reservation) => {
                            tokio::task::yield_now().await;
                            Box::new(reservation).settle();
                            1
                        }
                        Answer::Pending(twin) => {
                            assert!(twin.kept().await);
                            0
                        }
                        Answer::Settled => 0,
                    }
                })
            })
            .collect();
        let mut fresh = 0;
        for copy in copies {
            fresh += copy.await.expect("no panic");
        }
        assert_eq!(fresh, 1, "key {key}");
    }
}
