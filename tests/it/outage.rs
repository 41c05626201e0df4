//! Kafka is away, the gateway is killed, and nothing that was promised is lost.

use crate::support::client::Connection;
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;
use crate::support::load::Load;
use crate::support::port;
use crate::support::setup::{Setup, body, event, event_of};

fn deliver(connection: &mut Connection, ids: std::ops::Range<usize>) {
    for id in ids {
        let answer = connection.ask(&event("orders", &format!("order-{id}"))).expect("an answer");
        assert_eq!(answer.status, 200, "order {id}");
    }
}

#[test]
fn what_was_accepted_while_kafka_was_away_arrives_once_even_if_the_gateway_is_killed() {
    let kafka = Kafka::start();
    kafka.create_topic("outage.orders", 3);
    let mut gateway = Gateway::start(&Setup::new(&kafka, "outage").spool().source("orders", "").text());
    deliver(&mut gateway.connect(), 0..10);
    assert_eq!(kafka.records("outage.orders", 10).len(), 10);

    kafka.pause();
    deliver(&mut gateway.connect(), 10..100);
    kafka.kill();
    deliver(&mut gateway.connect(), 100..200);
    gateway.kill();
    gateway.restart();
    let again = gateway.ask(&event("orders", "order-150"));
    assert_eq!((again.status, again.header("x-duplicate")), (200, Some("true")));

    kafka.restart();
    let distinct = |records: &[Record]| {
        let mut ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let records = kafka.records_until("outage.orders", |records| distinct(records).len() == 200);
    let mut sent: Vec<_> = (0..200).map(|id| format!("order-{id}")).collect();
    sent.sort_unstable();
    assert_eq!(distinct(&records), sent);
    // Kafka's receipts are written down about once a second: what was sent by then, and no more, may come again.
    let again = records.len() - 200;
    assert!(again <= 100, "{again} records came again");
    let record = records.iter().find(|record| record.header("ce_id") == Some("order-7")).expect("order 7");
    assert_eq!(record.value, body("order-7", 0));

    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
}

#[test]
fn without_any_broker_at_the_start_it_is_ready_and_delivers_once_one_comes() {
    let kafka = Kafka::start();
    kafka.kill();
    let gateway = Gateway::start(&Setup::new(&kafka, "absent").spool().source("orders", "").text());
    deliver(&mut gateway.connect(), 0..100);
    assert_eq!(gateway.number("hookgate_kafka_up"), 0);
    gateway.wait_for_number("hookgate_spool_records", |records| records == 100);
    kafka.restart();
    let records = kafka.records("absent.orders", 100);
    let ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).map(str::to_owned).collect();
    assert_eq!(ids, (0..100).map(|id| format!("order-{id}")).collect::<Vec<_>>(), "in order, each once");
    gateway.wait_for_number("hookgate_kafka_up", |up| up == 1);
    gateway.wait_until_delivered();
}

#[test]
fn a_broker_that_is_killed_under_load_again_and_again_gets_every_event_once_and_in_order() {
    let kafka = Kafka::start();
    kafka.create_topic("flaky.orders", 4);
    let setup = Setup::new(&kafka, "flaky").spool().source("orders", "key: header:X-Sender, headers: [X-Sender]");
    let gateway = Gateway::start(&setup.text());
    let load = Load::start(gateway.public, 8, "orders", |id| {
        let (sender, _) = id.rsplit_once('-').expect("<sender>-<number>");
        event("orders", id).header("x-sender", sender)
    });
    for _ in 0..3 {
        load.go_on_for(400);
        kafka.kill();
        load.go_on_for(400);
        kafka.restart();
    }
    load.go_on_for(400);
    let ledger = load.stop();
    assert!(ledger.refusals.is_empty() && ledger.unanswered == 0, "{:?}", ledger.refusals);
    kafka.delivered("flaky.orders", &ledger).is_whole(0).is_single().is_in_order(&ledger);
    gateway.wait_until_delivered();
}

#[test]
fn a_backlog_larger_than_memory_may_hold_is_delivered_whole_from_disk_once_the_broker_comes() {
    // 64 MiB of records wait in memory; the rest lies on disk beside them.
    const EVENTS: usize = 120;
    const BYTES: usize = 1 << 20;
    let kafka = Kafka::start();
    kafka.kill();
    let setup = Setup::new(&kafka, "backlog").spool_with("max_bytes: 1GiB, segment_bytes: 16MiB");
    let setup = setup.with("server: { body_budget: 64MiB }").source("orders", "limits: { body: 2MiB }, deadline: 60s");
    // A slow disk must not send one of them to the second custody, ahead of the others.
    let gateway = Gateway::start(&setup.text());
    let mut connection = gateway.connect();
    for id in 0..EVENTS {
        let answer = connection.ask(&event_of("orders", &format!("order-{id}"), BYTES)).expect("an answer");
        assert_eq!(answer.status, 200, "order {id}");
    }
    kafka.restart();
    let records = kafka.records("backlog.orders", EVENTS);
    let expected: Vec<_> = (0..EVENTS).map(|id| format!("order-{id}")).collect();
    assert_eq!(records.iter().filter_map(|record| record.header("ce_id")).collect::<Vec<_>>(), expected);
    for record in &records {
        let id = record.header("ce_id").expect("just seen");
        assert!(record.value == body(id, BYTES), "{id} is not what was sent");
    }
    gateway.wait_until_delivered();
    let resident = gateway.resident_kib() / 1024;
    assert!(resident < 400, "{resident} MiB for a window of 64 and as much in flight");
}

#[test]
fn a_broker_that_comes_back_empty_gets_its_topics_again_and_everything_it_had_not_confirmed() {
    let kafka = Kafka::start();
    let gateway = Gateway::start(&Setup::new(&kafka, "wiped").spool().source("orders", "").text());
    deliver(&mut gateway.connect(), 0..50);
    assert_eq!(kafka.records("wiped.orders", 50).len(), 50);
    gateway.wait_until_delivered();
    kafka.wipe();
    deliver(&mut gateway.connect(), 50..100);
    kafka.restart();
    deliver(&mut gateway.connect(), 100..150);
    let records = kafka.records_until("wiped.orders", |records| {
        records.iter().any(|record| record.header("ce_id") == Some("order-149"))
    });
    let ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).map(str::to_owned).collect();
    assert_eq!(ids, (50..150).map(|id| format!("order-{id}")).collect::<Vec<_>>());
    gateway.wait_until_delivered();
}

#[test]
fn killed_while_a_backlog_drains_it_goes_on_where_it_was() {
    let nobody = format!("127.0.0.1:{}", port::free());
    let setup = Setup::before(&nobody, "drains").spool().source("orders", "");
    let mut gateway = Gateway::start(&setup.text());
    let load = Load::start(gateway.public, 16, "orders", |id| event_of("orders", id, 2000));
    load.go_on_for(6000);
    let ledger = load.stop();
    gateway.kill();
    gateway.restart_with(&nobody, &Kafka::shared().bootstrap());
    let produced = "hookgate_events_produced_total{topic=\"drains.orders\"}";
    for _ in 0..3 {
        gateway.wait_for_number(produced, |events| events > 0);
        gateway.kill();
        gateway.restart();
    }
    Kafka::shared().delivered("drains.orders", &ledger).is_whole(2000);
    gateway.wait_until_delivered();
}
