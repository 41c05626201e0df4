//! When an event is safe, and what becomes of its claim.

use super::*;
use crate::metrics::Custody::{Disk, Kafka, Memory};

/// What happens to a slot.
#[derive(Debug, Clone, Copy)]
enum Happens {
    OnDisk,
    InKafka,
    DiskTakes,
    KafkaTakes,
    DiskGivesUp,
    KafkaGivesUp,
    EitherWillDo,
    Queued,
}
use Happens::{DiskGivesUp, DiskTakes, EitherWillDo, InKafka, KafkaGivesUp, KafkaTakes, OnDisk, Queued};

fn after(ack: Ack, happens: &[Happens]) -> (Option<Outcome>, (usize, usize)) {
    let claims = Claims::default();
    let slot = Slot::new(ack, Some(claims.one()));
    for what in happens {
        match what {
            OnDisk => slot.done(Disk),
            InKafka => slot.done(Kafka),
            DiskTakes => slot.begins(Disk),
            KafkaTakes => slot.begins(Kafka),
            DiskGivesUp => slot.gave_up(Disk),
            KafkaGivesUp => slot.gave_up(Kafka),
            EitherWillDo => slot.either_will_do(),
            Queued => slot.queued(),
        }
    }
    (now(&slot), claims.counts())
}

#[test]
fn the_ack_says_which_custody_makes_an_event_safe() {
    let safe = |custody| Some(Outcome::Safe(custody));
    let table: &[(Ack, &[Happens], Option<Outcome>)] = &[
        (Ack::Disk, &[OnDisk], safe(Disk)),
        (Ack::Disk, &[KafkaTakes, DiskTakes, InKafka], None),
        (Ack::Disk, &[DiskTakes, KafkaTakes, InKafka, EitherWillDo], safe(Kafka)),
        (Ack::Disk, &[EitherWillDo, KafkaTakes, InKafka], safe(Kafka)),
        // The disk gave it up, and the writer gave it to Kafka.
        (Ack::Disk, &[DiskTakes, KafkaTakes, DiskGivesUp], None),
        (Ack::Disk, &[DiskTakes, KafkaTakes, DiskGivesUp, InKafka], safe(Kafka)),
        (Ack::Disk, &[DiskTakes, KafkaTakes, InKafka, DiskGivesUp], safe(Kafka)),
        (Ack::Kafka, &[InKafka], safe(Kafka)),
        (Ack::Kafka, &[KafkaTakes, OnDisk], None),
        (Ack::Kafka, &[KafkaTakes, OnDisk, KafkaGivesUp], None),
        (Ack::Kafka, &[KafkaTakes, OnDisk, EitherWillDo], safe(Disk)),
        (Ack::Kafka, &[Queued], None),
        (Ack::Both, &[OnDisk], None),
        (Ack::Both, &[InKafka], None),
        (Ack::Both, &[OnDisk, InKafka], safe(Kafka)),
        (Ack::Both, &[InKafka, OnDisk], safe(Disk)),
        (Ack::Both, &[OnDisk, KafkaTakes, KafkaGivesUp, InKafka], safe(Kafka)),
        (Ack::Both, &[OnDisk, EitherWillDo], safe(Disk)),
        // A disk that failed: to forget a key of what Kafka has would only send it twice.
        (Ack::Both, &[DiskTakes, InKafka, DiskGivesUp], safe(Kafka)),
        (Ack::Both, &[DiskTakes, DiskGivesUp, InKafka], safe(Kafka)),
        (Ack::Memory, &[KafkaTakes, Queued], safe(Memory)),
        (Ack::Memory, &[DiskTakes, OnDisk], safe(Disk)),
    ];
    for (ack, happens, expected) in table {
        let (outcome, claims) = after(*ack, happens);
        assert_eq!(outcome, *expected, "{ack:?} {happens:?}");
        let settled = usize::from(expected.is_some());
        // An undecided slot was dropped at the end, and its claim with it.
        assert_eq!(claims, (settled, 0), "{ack:?} {happens:?}");
    }
}

#[test]
fn an_event_is_lost_when_every_custody_that_had_it_gave_it_up() {
    let table: &[(Ack, &[Happens], bool)] = &[
        (Ack::Disk, &[DiskTakes, DiskGivesUp], true),
        (Ack::Kafka, &[KafkaTakes, KafkaGivesUp], true),
        (Ack::Both, &[DiskTakes, DiskGivesUp], true),
        (Ack::Both, &[DiskTakes, KafkaTakes, KafkaGivesUp], false),
        (Ack::Both, &[DiskTakes, KafkaTakes, KafkaGivesUp, DiskGivesUp], true),
        (Ack::Disk, &[EitherWillDo], false),
        (Ack::Disk, &[DiskTakes], false),
    ];
    for (ack, happens, lost) in table {
        let (outcome, claims) = after(*ack, happens);
        assert_eq!(outcome, lost.then_some(Outcome::Lost), "{ack:?} {happens:?}");
        // The caller may still find another custody, so the claim is held.
        assert_eq!(claims, (0, 0), "{ack:?} {happens:?}");
    }
}

#[test]
fn an_event_that_every_custody_gave_up_can_be_given_to_another_and_keeps_its_claim() {
    let second = [DiskTakes, DiskGivesUp, EitherWillDo, KafkaTakes];
    assert_eq!(after(Ack::Disk, &second), (None, (0, 0)));
    let safe = [&second[..], &[InKafka]].concat();
    assert_eq!(after(Ack::Disk, &safe), (Some(Outcome::Safe(Kafka)), (1, 0)));
    let lost = [&second[..], &[KafkaGivesUp]].concat();
    assert_eq!(after(Ack::Disk, &lost), (Some(Outcome::Lost), (0, 0)));
}

#[test]
fn what_is_safe_stays_safe() {
    let (outcome, claims) = after(Ack::Disk, &[OnDisk, InKafka, DiskGivesUp, KafkaGivesUp, OnDisk]);
    assert_eq!((outcome, claims), (Some(Outcome::Safe(Disk)), (1, 0)));
}

#[test]
fn a_slot_that_everybody_dropped_undecided_drops_its_claim() {
    let claims = Claims::default();
    let slot = Slot::new(Ack::Both, Some(claims.one()));
    slot.done(Disk);
    let clone = Arc::clone(&slot);
    drop(slot);
    assert_eq!(claims.counts(), (0, 0));
    drop(clone);
    assert_eq!(claims.counts(), (0, 1));
}

#[tokio::test]
async fn everybody_who_waits_is_woken() {
    let slot = Slot::new(Ack::Disk, None);
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let slot = Arc::clone(&slot);
            tokio::spawn(async move { slot.outcome().await })
        })
        .collect();
    tokio::task::yield_now().await;
    slot.done(Disk);
    for waiter in waiters {
        assert_eq!(waiter.await.expect("no panic"), Outcome::Safe(Disk));
    }
    assert_eq!(slot.outcome().await, Outcome::Safe(Disk));
}

#[test]
fn waiting_may_be_given_up_and_begun_again() {
    let slot = Slot::new(Ack::Kafka, None);
    assert_eq!(now(&slot), None);
    assert_eq!(now(&slot), None);
    slot.done(Kafka);
    assert_eq!(now(&slot), Some(Outcome::Safe(Kafka)));
}
