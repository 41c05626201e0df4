//! The gateway is told to stop, or is ended: nothing that was promised is lost.

use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::load::{Ledger, Load};
use crate::support::port;
use crate::support::setup::{Setup, event};

const SENDERS: usize = 16;
const EVENTS: usize = 300;

fn nobody() -> String {
    format!("127.0.0.1:{}", port::free())
}

#[test]
fn killed_again_and_again_under_load_it_loses_nothing_and_knows_what_came_before() {
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "kill").spool().source("kill", "");
    let mut gateway = Gateway::start(&setup.text());
    let load = Load::start(gateway.public, SENDERS, "kill", |id| event("kill", id));
    for _ in 0..4 {
        load.go_on_for(EVENTS);
        gateway.kill();
        gateway.restart();
    }
    load.go_on_for(EVENTS);
    let ledger = load.stop();
    assert!(ledger.refusals.is_empty(), "{:?}", ledger.refusals);
    assert!(ledger.unanswered > 0, "nobody was cut off: the test has shown nothing");

    let delivered = kafka.delivered("kill.kill", &ledger);
    delivered.is_whole(0);
    // What Kafka had received and the checkpoint did not say yet came again, and no more: most came once.
    assert!(delivered.copies() < ledger.promised.len(), "{} copies", delivered.copies());
    for id in ledger.promised.iter().step_by(50) {
        let again = gateway.ask(&event("kill", id));
        assert_eq!((again.status, again.header("x-duplicate")), (200, Some("true")), "{id}");
    }
}

#[test]
fn told_to_stop_under_load_it_is_unready_first_goes_on_accepting_and_loses_nothing() {
    const ACKS: [&str; 4] = ["disk", "kafka", "both", "memory"];
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "stop").spool().with("shutdown: { drain_delay: 3s, timeout: 30s }");
    let setup = ACKS.iter().fold(setup, |setup, ack| setup.source(ack, &format!("ack: {ack}, deadline: 10s")));
    let mut gateway = Gateway::start(&setup.text());
    let loads = ACKS.map(|ack| (ack, Load::start(gateway.public, 2, ack, move |id| event(ack, id))));
    for (_, load) in &loads {
        load.go_on_for(EVENTS / 4);
    }
    gateway.signal("TERM");
    wait_for("readiness to go", || (!gateway.is_ready()).then_some(()));
    for (_, load) in &loads {
        load.go_on_for(10);
    }
    assert_eq!(gateway.end(), Some(0), "{}", gateway.log());
    let ledgers = loads.map(|(ack, load)| (ack, load.stop()));

    // What the disk kept is delivered after the next start, if it was not before; nothing comes twice.
    gateway.restart();
    for (ack, ledger) in &ledgers {
        assert!(ledger.refusals.is_empty(), "{ack}: {:?}", ledger.refusals);
        kafka.delivered(&format!("stop.{ack}"), ledger).is_whole(0).is_single();
    }
}

#[test]
fn a_hangup_does_not_end_it() {
    let setup = Setup::before(&nobody(), "hangup").spool().with("shutdown: { drain_delay: 0s, timeout: 1s }");
    let mut gateway = Gateway::start(&setup.source("hangup", "").text());
    gateway.signal("HUP");
    wait_for("the log", || gateway.log().contains("does not reload").then_some(()));
    assert_eq!(gateway.ask(&event("hangup", "1")).status, 200);
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
}

#[test]
fn a_second_signal_ends_it_at_once_and_nothing_that_was_promised_is_lost() {
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "twice").spool().source("twice", "");
    let mut gateway = Gateway::start(&setup.with("shutdown: { drain_delay: 1h, timeout: 2h }").text());
    let load = Load::start(gateway.public, SENDERS, "twice", |id| event("twice", id));
    load.go_on_for(EVENTS);
    gateway.signal("TERM");
    wait_for("readiness to go", || (!gateway.is_ready()).then_some(()));
    load.go_on_for(EVENTS);
    gateway.signal("INT");
    assert_eq!(gateway.end(), Some(1), "{}", gateway.log());
    let ledger: Ledger = load.stop();
    gateway.restart();
    kafka.delivered("twice.twice", &ledger).is_whole(0);
}

#[test]
fn without_a_broker_it_ends_in_time_and_delivers_after_the_next_start() {
    let nobody = nobody();
    let setup = Setup::before(&nobody, "late-broker")
        .spool()
        .with("shutdown: { drain_delay: 0s, timeout: 2s }")
        .source("kept", "")
        .source("waits", "ack: kafka, deadline: 60s, on_broker_unavailable: reject");
    let mut gateway = Gateway::start(&setup.text());
    let load = Load::start(gateway.public, SENDERS, "kept", |id| event("kept", id));
    load.go_on_for(EVENTS);
    let mut waiting = gateway.connect();
    assert!(waiting.send(&event("waits", "1").bytes()));
    gateway.wait_for_number("hookgate_dedupe_pending", |pending| pending >= 1);
    let ledger = load.stop();
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
    let answer = waiting.receive();
    assert!(answer.as_ref().is_none_or(|answer| answer.status == 503), "{answer:?}");

    gateway.restart_with(&nobody, &Kafka::shared().bootstrap());
    Kafka::shared().delivered("late-broker.kept", &ledger).is_whole(0).is_single();
}

#[test]
fn while_the_broker_hangs_it_ends_in_time_and_what_was_on_its_way_is_not_lost() {
    let kafka = Kafka::start();
    let setup = Setup::new(&kafka, "hang").spool().with("shutdown: { drain_delay: 0s, timeout: 3s }");
    let mut gateway = Gateway::start(&setup.source("hang", "").text());
    let load = Load::start(gateway.public, SENDERS, "hang", |id| event("hang", id));
    load.go_on_for(EVENTS);
    kafka.pause();
    load.go_on_for(EVENTS);
    let ledger = load.stop();
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
    kafka.resume();
    gateway.restart();
    kafka.delivered("hang.hang", &ledger).is_whole(0);
}

#[test]
fn what_only_memory_holds_when_it_ends_without_a_broker_is_counted_aloud() {
    let setup = Setup::before(&nobody(), "forgotten")
        .with("shutdown: { drain_delay: 0s, timeout: 1s }")
        .source("memory", "ack: memory");
    let mut gateway = Gateway::launch(&setup.text());
    for id in 0..7 {
        let id = id.to_string();
        wait_for("the port", || {
            crate::support::client::Connection::open(gateway.public)?
                .ask(&event("memory", &id))
                .filter(|answer| answer.status == 200)
        });
    }
    assert_eq!(gateway.stop(), Some(0));
    let log = gateway.log();
    let told = log.lines().find(|line| line.contains("were not delivered")).unwrap_or_else(|| panic!("{log}"));
    assert!(told.contains("ERROR") && told.contains("\"events\":7"), "{told}");
}
