//! Memory has a bound, however small the events and however many.

mod slow {
    use std::collections::HashMap;
    use std::ops::Range;
    use std::thread;

    use crate::support::client::Connection;
    use crate::support::gateway::Gateway;
    use crate::support::kafka::Kafka;
    use crate::support::setup::{Setup, body, event_of};

    const SENDERS: usize = 16;
    const EVENTS: usize = 12_000;
    const BYTES: usize = 170;

    fn id(sender: usize, number: usize) -> String {
        format!("{sender}-{number}")
    }

    /// All senders at once, each as fast as it is answered.
    fn overload(gateway: &Gateway, numbers: Range<usize>) {
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let numbers = numbers.clone();
                scope.spawn(move || {
                    let mut connection = Connection::open(gateway.public).expect("it listens");
                    for number in numbers {
                        let request = event_of("orders", &id(sender, number), BYTES);
                        assert_eq!(connection.ask(&request).expect("an answer").status, 200);
                    }
                });
            }
        });
    }

    #[test]
    fn a_backlog_of_small_events_pins_no_more_than_its_window_and_drains_each_once() {
        let kafka = Kafka::start();
        kafka.kill();
        let setup = Setup::new(&kafka, "memory").spool_with("max_bytes: 2GiB, segment_bytes: 32MiB");
        let gateway = Gateway::start(&setup.source("orders", "").text());
        let before = gateway.resident_kib() / 1024;
        overload(&gateway, 0..EVENTS);
        let full = gateway.resident_kib() / 1024;
        overload(&gateway, EVENTS..2 * EVENTS);
        let waiting = gateway.resident_kib() / 1024;
        // 64 MiB wait as records, 65 536 records are in flight, and as many copies of them in librdkafka.
        assert!(full < before + 350, "{before} MiB before, {full} MiB with {} events", SENDERS * EVENTS);
        // Beyond that an event costs a key and a mark.
        assert!(waiting < full + 60, "{full} MiB, and {waiting} MiB with twice as many");

        kafka.restart();
        let mut copies: HashMap<String, usize> = HashMap::new();
        for record in kafka.records("memory.orders", 2 * SENDERS * EVENTS) {
            let id = record.header("ce_id").expect("an id").to_owned();
            assert!(record.value == body(&id, BYTES), "{id} is not what was sent");
            *copies.entry(id).or_default() += 1;
        }
        assert_eq!(copies.len(), 2 * SENDERS * EVENTS);
        assert!(copies.values().all(|copies| *copies == 1));
        gateway.wait_until_delivered();
        let drained = gateway.resident_kib() / 1024;
        assert!(drained < waiting + 60, "{waiting} MiB before, {drained} MiB after it has drained");
    }
}
