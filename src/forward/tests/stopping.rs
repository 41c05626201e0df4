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
