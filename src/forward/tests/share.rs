//! Topics that take nothing.

use super::*;

#[test]
fn a_topic_without_a_leader_keeps_its_share_of_the_room_and_the_others_move_on() {
    // More than may be in flight of all topics together.
    const COUNT: usize = IN_FLIGHT_MAX + 4_000;
    let world = world_of(2, true, |_| ());
    world.keep("a", &["0"]);
    assert_eq!(world.values("a", 1), ["0"]);
    world.cluster.broker_down(2).expect("down");
    let values: Vec<_> = (1..=COUNT).map(|number| number.to_string()).collect();
    for batch in values.chunks(2_000) {
        world.keep("a", &batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    world.keep("b", &["x"]);
    assert_eq!(world.values("b", 1), ["x"]);
    world.cluster.broker_up(2).expect("up");
    eventually("the spool is empty", || world.metrics.spool_records.get() == 0);
    let told = world.delivered.try_iter().filter(|(topic, _)| topic == "a");
    let mut offsets: Vec<_> = told.map(|(_, lies)| lies.offset).collect();
    assert!(offsets.is_sorted(), "in order");
    offsets.dedup();
    assert_eq!(offsets.len(), COUNT + 1);
}
