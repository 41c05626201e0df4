//! The broker is away for long, and senders notice nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::{Entry, Ledger};
use crate::row::{Row, Times};
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::limit::wait_within;
use crate::support::setup::Setup;

const RECORDS: &str = "hookgate_spool_records";
/// For what an outage left behind.
const DRAIN: Duration = Duration::from_mins(30);

#[test]
fn an_outage_of_the_broker_costs_no_event_and_its_backlog_is_delivered_in_order_while_more_comes() {
    let row = Row::new("outage");
    let kafka = Kafka::start();
    let topics = ["chaos-outage.orders".to_owned()];
    kafka.create_topic(&topics[0], 4);
    // Small segments, since the spool takes its room in whole ones.
    let room = row.size("max_bytes: 512MiB, segment_bytes: 256KiB", "max_bytes: 16GiB, segment_bytes: 8MiB");
    let setup = Setup::new(&kafka, "chaos-outage").spool_with(room);
    // What a slow disk sends to the second custody goes ahead of the backlog: see `forward`.
    let setup = setup.source("orders", "key: header:X-Sender, deadline: 60s");
    let gateway = Gateway::start(&setup.text());

    let ledger = Arc::new(Ledger::open(row.name));
    // 200 a second, or 500.
    let (senders, interval) = (row.size(20, 50), Duration::from_millis(100));
    let plan = Plan { address: gateway.public, family: "chaos-outage", sources: &["orders"], senders, interval };
    let senders = Senders::start(&plan, "outage", &ledger);
    let well = row.size(Duration::from_secs(5), Duration::from_mins(2));
    row.wait(well);
    let (before, resident) = (ledger.now(), gateway.resident_kib());
    let empty = gateway.number("hookgate_spool_bytes");
    kafka.kill();
    row.wait(row.size(Duration::from_secs(20), Duration::from_hours(1)));
    let away = ledger.now();
    let backlog = gateway.number(RECORDS);
    let bytes = (gateway.number("hookgate_spool_bytes") - empty) / backlog.max(1);
    kafka.restart();
    let drain = drained(&gateway, &ledger);
    senders.go_on_for(100);
    let after = gateway.resident_kib();
    senders.stop();
    gateway.wait_until_delivered();

    let entries = ledger.entries();
    let verdict = judge(&kafka, &topics, &entries, |_| true);
    verdict.assert(ledger.path());
    let refused = entries.iter().filter(|entry| !entry.is_promise()).count() + ledger.cut_off();
    assert!(refused * 100 < entries.len(), "{refused} of {} were not taken", entries.len());
    assert!(backlog > 0, "nothing waited: nothing was shown");
    let [well, ill] = [(Duration::ZERO, before), (before, away)].map(|(from, to)| latencies(&entries, from, to));
    let ratio = ill.quantile(99) / well.quantile(99);
    let [well, ill] = [well, ill].map(|times| format!("{:.1}/{:.1} ms", times.quantile(50), times.quantile(99)));
    let (resident, after) = (resident / 1024, after / 1024);
    let done = format!("{} s without a broker", away.saturating_sub(before).as_secs());
    row.found(
        &done,
        &format!(
            "{verdict}; {refused} refused; answered in {well} (p50/p99) before, {ill} during, {ratio:.2} times the p99; \
             drained {backlog} events {drain:.1} times as fast as more came; {bytes} bytes an event in the spool; \
             {resident} MiB resident before, {after} after"
        ),
    );
}

/// Of what was answered in that time.
fn latencies(entries: &[Entry], from: Duration, to: Duration) -> Times {
    let mut times = Times::default();
    entries.iter().filter(|entry| (from..to).contains(&entry.at)).for_each(|entry| times.add(entry.took));
    times
}

/// Waits until a twentieth of the backlog is left, while more comes; so many times as many went as came.
fn drained(gateway: &Gateway, ledger: &Ledger) -> f64 {
    // The most that waited, and how much had been promised then: all before that is the broker's start.
    let (mut most, mut before) = (0, 0);
    let (left, came) = wait_within(DRAIN, "the backlog to be delivered", || {
        let (records, promises) = (gateway.number(RECORDS), ledger.promises());
        if records >= most {
            (most, before) = (records, promises);
        }
        (records * 20 <= most).then(|| (records, promises - before))
    });
    let came = f64::from(u32::try_from(came).expect("few"));
    (f64::from(u32::try_from(most - left).expect("few")) + came) / came
}
