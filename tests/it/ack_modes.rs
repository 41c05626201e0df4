//! Which custody earns the 200, and what a sender is told when that custody does not answer.

use std::fs;

use crate::support::client::{Connection, Request};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::setup::{Setup, body, event};

/// Answers that stood on a custody.
fn acks(gateway: &Gateway, source: &str) -> [i64; 3] {
    let series = gateway.series();
    let of = |custody| series[&format!("hookgate_acks_total{{source=\"{source}\",custody=\"{custody}\"}}")];
    ["disk", "kafka", "memory"].map(of)
}

fn status(gateway: &Gateway, request: &Request) -> u16 {
    gateway.ask(request).status
}

#[test]
fn each_source_is_answered_by_the_custody_that_it_names() {
    let kafka = Kafka::shared();
    let setup = Setup::new(kafka, "ack.each").spool();
    let setup = ["disk", "kafka", "both", "memory"].iter().fold(setup, |setup, ack| {
        // Long, so that a busy machine does not make the second custody answer for the first.
        setup.source(ack, &format!("ack: {ack}, deadline: 60s"))
    });
    let gateway = Gateway::start(&setup.text());
    for source in ["disk", "kafka", "both", "memory"] {
        for id in ["1", "2", "3"] {
            assert_eq!(status(&gateway, &event(source, id)), 200, "{source}");
        }
        let records = kafka.records(&format!("ack.each.{source}"), 3);
        let values: Vec<_> = records.into_iter().map(|record| record.value).collect();
        assert_eq!(values, ["1", "2", "3"].map(|id| body(id, 0)), "{source}");
    }
    assert_eq!(acks(&gateway, "disk"), [3, 0, 0]);
    assert_eq!(acks(&gateway, "kafka"), [0, 3, 0]);
    assert_eq!(acks(&gateway, "memory"), [0, 0, 3]);
    let [disk, in_kafka, memory] = acks(&gateway, "both");
    assert_eq!((disk + in_kafka, memory), (3, 0), "whichever came last");
    let written = gateway.number("hookgate_spool_fsync_seconds_count");
    assert_eq!(status(&gateway, &event("kafka", "4")), 200);
    assert_eq!(gateway.number("hookgate_spool_fsync_seconds_count"), written, "the disk is second custody only");
}

#[test]
fn while_the_broker_hangs_each_source_keeps_its_promise_and_what_comes_late_counts() {
    const NO: &str = "deadline: 500ms";
    let kafka = Kafka::start();
    let with_disk = Setup::new(&kafka, "ack.hang")
        .spool()
        .source("disk", NO)
        .source("both", &format!("ack: both, {NO}"))
        .source("spools", &format!("ack: kafka, on_broker_unavailable: spool, {NO}"))
        .source("once", &format!("ack: kafka, retries: false, {NO}"))
        .source("rejects", &format!("ack: kafka, on_broker_unavailable: reject, {NO}"))
        .source("comes-again", &format!("ack: kafka, {NO}"));
    let without = Setup::new(&kafka, "ack.hang").source("bare", NO);
    let scratch =
        Setup::new(&kafka, "ack.hang").spool_with("scratch: true").source("scratch", &format!("{NO}, retries: false"));
    let [disk, bare, scratch] = [&with_disk, &without, &scratch].map(|setup| Gateway::start(&setup.text()));
    let at = |source: &str| match source {
        "bare" => &bare,
        "scratch" => &scratch,
        _ => &disk,
    };
    let all = ["disk", "both", "spools", "once", "rejects", "comes-again", "bare", "scratch"];
    // Their topics are there, their producers know where.
    for source in all {
        wait_for("a first answer", || (status(at(source), &event(source, "first")) == 200).then_some(()));
        kafka.records(&format!("ack.hang.{source}"), 1);
    }

    kafka.pause();
    let kept = ["disk", "spools", "once", "scratch"];
    for source in all {
        let answer = at(source).ask(&event(source, "late"));
        let expected = if kept.contains(&source) { 200 } else { 503 };
        assert_eq!(answer.status, expected, "{source}");
        assert_eq!(answer.header("retry-after").is_some(), expected == 503, "{source}");
    }
    for source in ["spools", "once"] {
        assert_eq!(acks(&disk, source), [1, 1, 0], "{source}");
    }
    kafka.resume();

    for source in all {
        let records = kafka.records(&format!("ack.hang.{source}"), 2);
        let again = wait_for("the late one to count", || {
            Some(at(source).ask(&event(source, "late"))).filter(|answer| answer.status == 200)
        });
        assert_eq!(again.header("x-duplicate"), Some("true"), "{source}");
        let ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).collect();
        assert_eq!(ids, ["first", "late"], "{source}");
    }
    // A third one behind them: nothing came twice in between.
    for source in all {
        assert_eq!(status(at(source), &event(source, "last")), 200, "{source}");
        assert_eq!(kafka.records(&format!("ack.hang.{source}"), 3).len(), 3, "{source}");
    }
}

#[test]
fn a_copy_that_comes_while_the_first_hangs_shares_its_fate() {
    let kafka = Kafka::start();
    let setup = Setup::new(&kafka, "ack.twin").source("twin", "ack: kafka, deadline: 60s");
    let gateway = Gateway::start(&setup.text());
    wait_for("a first answer", || (status(&gateway, &event("twin", "first")) == 200).then_some(()));
    kafka.pause();
    let ask = || {
        let mut connection = gateway.connect();
        assert!(connection.send(&event("twin", "same").bytes()));
        connection
    };
    let mut twins: Vec<Connection> = (0..5).map(|_| ask()).collect();
    gateway.wait_for_number("hookgate_dedupe_pending", |pending| pending == 1);
    kafka.resume();
    let answers: Vec<_> = twins.iter_mut().map(|twin| twin.receive().expect("an answer")).collect();
    assert!(answers.iter().all(|answer| answer.status == 200));
    let duplicates = answers.iter().filter(|answer| answer.header("x-duplicate").is_some()).count();
    assert_eq!(duplicates, 4);
    assert_eq!(status(&gateway, &event("twin", "last")), 200);
    assert_eq!(kafka.records("ack.twin.twin", 3).len(), 3);
}

#[test]
fn a_sender_that_hangs_up_has_its_event_delivered_and_its_next_try_is_a_duplicate() {
    let kafka = Kafka::start();
    let setup = Setup::new(&kafka, "ack.gone").spool().source("gone", "ack: both, deadline: 30s");
    let gateway = Gateway::start(&setup.text());
    wait_for("a first answer", || (status(&gateway, &event("gone", "first")) == 200).then_some(()));
    kafka.pause();
    let mut connection = gateway.connect();
    assert!(connection.send(&event("gone", "left").bytes()));
    gateway.wait_for_number("hookgate_dedupe_pending", |pending| pending == 1);
    drop(connection);
    kafka.resume();
    gateway.wait_for_number("hookgate_dedupe_pending", |pending| pending == 0);
    let again = gateway.ask(&event("gone", "left"));
    assert_eq!((again.status, again.header("x-duplicate")), (200, Some("true")));
    let records = kafka.records("ack.gone.gone", 2);
    assert_eq!(records.iter().filter_map(|record| record.header("ce_id")).collect::<Vec<_>>(), ["first", "left"]);
}

#[test]
fn after_a_kill_a_retry_is_answered_by_what_its_source_asks_for_and_nothing_is_written_twice() {
    let kafka = Kafka::start();
    kafka.kill();
    // Short where Kafka is waited for in vain; long where a slow disk must not be taken for a dead one.
    let source = |ack: &str| format!("ack: {ack}, deadline: {}", if ack == "both" { "500ms" } else { "60s" });
    let setup = |relaxes, tightens| {
        Setup::new(&kafka, "ack.again")
            .spool()
            .source("both", &source("both"))
            .source("relaxes", &source(relaxes))
            .source("tightens", &source(tightens))
    };
    let all = ["both", "relaxes", "tightens"];
    let (before, after) = (setup("both", "disk").text(), setup("disk", "both").text());
    let mut gateway = Gateway::launch(&before);
    gateway.wait_until_alive();
    let answers = |gateway: &Gateway| {
        all.map(|source| {
            let answer = gateway.ask(&event(source, "first"));
            (answer.status, answer.header("x-duplicate") == Some("true"))
        })
    };
    assert_eq!(answers(&gateway), [(503, false), (503, false), (200, false)]);
    gateway.wait_for_number("hookgate_spool_records", |records| records == 3);
    gateway.kill();

    let config = fs::read_to_string(gateway.config()).expect("it has been written");
    let (head, _) = config.split_once("sources:").expect("there are some");
    let (_, sources) = after.split_once("sources:").expect("there are some");
    fs::write(gateway.config(), format!("{head}sources:{sources}")).expect("it can be written");
    gateway.relaunch();
    gateway.wait_until_alive();
    assert_eq!(gateway.number("hookgate_dedupe_pending"), 2, "in Kafka is asked for");
    for _ in 0..2 {
        assert_eq!(answers(&gateway), [(503, false), (200, true), (503, false)]);
    }
    gateway.kill();
    gateway.relaunch();
    gateway.wait_until_alive();
    assert_eq!(answers(&gateway), [(503, false), (200, true), (503, false)], "however often it is killed");

    kafka.restart();
    for source in all {
        let again = wait_for("a retry to be answered", || {
            Some(gateway.ask(&event(source, "first"))).filter(|answer| answer.status == 200)
        });
        assert_eq!(again.header("x-duplicate"), Some("true"), "{source}");
        // Another one behind it: nothing came twice in between.
        wait_for("another", || (status(&gateway, &event(source, "last")) == 200).then_some(()));
        let records = kafka.records(&format!("ack.again.{source}"), 2);
        let ids: Vec<_> = records.iter().filter_map(|record| record.header("ce_id")).collect();
        assert_eq!(ids, ["first", "last"], "{source}");
    }
    assert_eq!(gateway.number("hookgate_dedupe_pending"), 0);
}
