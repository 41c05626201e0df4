//! The end.

use super::*;

#[test]
fn without_a_broker_it_starts_and_stops_and_the_events_stay() {
    let mut world = world(true, |settings| settings.brokers = vec!["127.0.0.1:1".to_owned()]);
    world.keep("a", &["1", "2"]);
    assert!(!world.forwarder.as_ref().expect("running").ready());
    let forwarder = world.forwarder.take().expect("running");
    let stopped = forwarder.stop(Duration::from_millis(300));
    assert_eq!(stopped.lost, 0);
    eventually("both are kept", || world.metrics.spool_records.get() == 2);
    // What was in hand goes back, and the next forwarder finds it.
    world.settings.brokers = vec![world.cluster.bootstrap_servers()];
    let (forwarder, _delivered) = start(&world.spool, &world.settings, &world.metrics);
    assert_eq!(world.values("a", 2), ["1", "2"]);
    assert_eq!(forwarder.stop(Duration::from_secs(20)), Stopped::default());
}

#[test]
fn stopping_sends_what_only_memory_has() {
    let mut world = world(false, |_| ());
    let slots: Vec<_> = (0..100).map(|number| world.hand_over("a", &number.to_string())).collect();
    assert_eq!(world.stop(), Stopped::default());
    assert!(slots.iter().all(|slot| outcome(slot) == Outcome::Safe(crate::metrics::Custody::Kafka)));
    assert_eq!(world.consume("a", 100).len(), 100);
}

#[test]
fn stopping_without_a_broker_tells_the_callers_that_memory_is_lost() {
    let mut world = world(false, |settings| settings.brokers = vec!["127.0.0.1:1".to_owned()]);
    let slot = world.hand_over("a", "x");
    let forwarder = world.forwarder.take().expect("running");
    assert_eq!(forwarder.stop(Duration::from_millis(300)), Stopped { on_disk: 0, lost: 1 });
    assert_eq!(outcome(&slot), Outcome::Lost);
}

#[test]
fn an_event_that_reached_the_disk_meanwhile_is_not_lost_at_the_end() {
    let mut world = world(true, |settings| settings.brokers = vec!["127.0.0.1:1".to_owned()]);
    let (event, slot) = (event("a", "x"), Slot::new(Ack::Both, None));
    world.spool.hand_over(&[(&event, &slot)]).expect("room");
    // In hand, before the disk has it.
    thread::sleep(Duration::from_millis(300));
    world.spool.keep(&[(&event, &slot)]).expect("room");
    eventually("the disk has it", || world.spool.outstanding() == 1);
    let forwarder = world.forwarder.take().expect("running");
    assert_eq!(forwarder.stop(Duration::from_millis(300)), Stopped { on_disk: 1, lost: 0 });
}

#[test]
fn a_panic_on_kafkas_thread_is_noticed() {
    let world = world(true, |_| ());
    let observer: Observer = Arc::new(|_, _, _| panic!("on purpose"));
    world.forwarder.as_ref().expect("running").stop(Duration::ZERO);
    let _forwarder = start_with(&world.spool, &world.settings, &world.metrics, observer);
    world.keep("a", &["x"]);
    eventually("it is noticed", || world.metrics.has_fallen() && world.metrics.panics.get() == 1);
}
