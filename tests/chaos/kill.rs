//! The gateway is killed (`SIGKILL`) under load, again and again, at any moment of its life.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::{Entry, Ledger};
use crate::row::{Row, Times};
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::setup::Setup;

const SOURCES: [&str; 3] = ["disk", "kafka", "both"];
const SENDERS: usize = 12;
const LIFE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];
/// Kafka's receipts are written down about once a second; so much that was sent before a kill may come again.
const CHECKPOINT: Duration = Duration::from_secs(2);

#[test]
fn killed_at_any_moment_under_load_it_loses_nothing_that_it_acknowledged() {
    let mut row = Row::new("kill");
    let kafka = Kafka::shared();
    let topics = SOURCES.map(|source| format!("chaos-kill.{source}"));
    for topic in &topics {
        kafka.create_topic(topic, 4);
    }
    // Small segments, so that many kills meet one being opened, reclaimed or recycled.
    let setup = Setup::new(kafka, "chaos-kill").spool_with("max_bytes: 32MiB, segment_bytes: 256KiB");
    let with_source = |setup: Setup, source: &&str| {
        // What a slow disk sends to the second custody goes ahead of the backlog: see `forward`.
        let ack = if *source == "disk" { "disk, deadline: 60s" } else { source };
        setup.source(source, &format!("ack: {ack}, key: header:X-Sender"))
    };
    let mut gateway = Gateway::start(&SOURCES.iter().fold(setup, with_source).text());

    let ledger = Arc::new(Ledger::open(row.name));
    let interval = row.size(Duration::from_millis(8), Duration::from_millis(5));
    let plan = Plan { address: gateway.public, family: "chaos-kill", sources: &SOURCES, senders: SENDERS, interval };
    let senders = Senders::start(&plan, "kill", &ledger);
    let (mut ready, mut kills, clock) = (Times::default(), Vec::new(), row.clock.clone());
    let rounds = row.rounds(25, 1000, |random| {
        sleep(random.between(LIFE[0], LIFE[1]));
        gateway.kill();
        kills.push(ledger.now());
        let begun = clock.now();
        gateway.restart();
        ready.add(clock.now().since(begun));
    });
    senders.go_on_for(100);
    senders.stop();
    gateway.wait_until_delivered();

    let entries = ledger.entries();
    let verdict = judge(kafka, &topics, &entries, |_| true);
    verdict.assert(ledger.path());
    assert!(ledger.cut_off() > 0, "nobody was cut off: nothing was shown");
    let bound = allowed_copies(&entries, &kills);
    assert!(verdict.copies() <= bound, "{verdict}, where at most {bound} copies were in flight at the kills");
    let [half, most] = [50, 99].map(|percent| ready.quantile(percent));
    row.found(&format!("{rounds} kills"), &format!("{verdict}; ready again in {half:.0} ms (p50), {most:.0} ms (p99)"));
}

/// As many as were in flight at the kills, or had been delivered since the last checkpoint.
fn allowed_copies(entries: &[Entry], kills: &[Duration]) -> usize {
    let times: Vec<Duration> = entries.iter().filter(|entry| entry.is_promise()).map(|entry| entry.at).collect();
    let recent = |kill: &Duration| {
        let from = times.partition_point(|at| *at < kill.saturating_sub(CHECKPOINT));
        times.partition_point(|at| at <= kill) - from + SENDERS
    };
    kills.iter().map(recent).sum()
}
