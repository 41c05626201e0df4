//! The power is cut under load: what a volume has not synced is gone.
//!
//! The cut is a call to the file system (`GOINGDOWN`, without a flush of its log), which takes some milliseconds. While it
//! runs a sync may say that all is well though its bytes are gone afterwards, which no plug that is pulled does. So what
//! was asked before the call's end and answered after its begin is counted apart; for everything else no excuse is made.
//! Order is not judged: while the disk is dead, what Kafka takes in its place goes ahead of what waits on disk.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use hookgate::clock::Clock;

use crate::judge::judge;
use crate::ledger::{Entry, Ledger};
use crate::row::{Random, Row, Times};
use crate::senders::{Plan, Senders};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::setup::Setup;
use crate::volume::{Kind, Volume};

/// From a start to the cut.
const LIFE: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(700)];
/// From a start to a cut that meets it.
const START: Duration = Duration::from_millis(60);
/// From the cut to the kill: what the gateway does with a dead disk is seen too.
const AFTER: [Duration; 2] = [Duration::ZERO, Duration::from_millis(100)];
/// Nobody listens there, and no other address begins so.
const NOBODY: &str = "127.0.0.1:9";

#[test]
fn with_the_power_of_its_ext4_cut_under_load_it_loses_nothing_that_it_acknowledged() {
    cut_and_judge(Kind::Ext4, 64, "chaos-power-ext4");
}

#[test]
fn with_the_power_of_its_xfs_cut_under_load_it_loses_nothing_that_it_acknowledged() {
    cut_and_judge(Kind::Xfs, 300, "chaos-power-xfs");
}

fn cut_and_judge(kind: Kind, mib: u64, family: &'static str) {
    let mut row = Row::new("power");
    let kafka = Kafka::shared();
    let topics = [format!("{family}.orders")];
    kafka.create_topic(&topics[0], 4);
    let mut machine = Machine::new(&row, kafka, Volume::new(kind, mib), family);

    let ledger = Arc::new(Ledger::open(family));
    let interval = Duration::from_millis(3);
    let plan = Plan { address: machine.gateway.public, family, sources: &["orders"], senders: 8, interval };
    let (mut block, cycles) = (0, row.size(5, 10));
    // After some cuts the broker stays, all is delivered, and segments begin new lives.
    row.rounds(1, 50, |random| {
        block += 1;
        let senders = Senders::start(&plan, &block.to_string(), &ledger);
        for _ in 0..cycles {
            machine.lose_power(random, &ledger);
        }
        machine.gateway.kill();
        machine.reach(&kafka.bootstrap());
        senders.go_on_for(20);
        senders.stop();
        machine.gateway.wait_until_delivered();
    });

    let entries = ledger.entries();
    let verdict = judge(kafka, &topics, &entries, |entry| !machine.was_cutting(entry));
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    assert!(ledger.cut_off() > 0, "nobody was cut off: nothing was shown");
    let apart = judge(kafka, &topics, &entries, |entry| machine.was_cutting(entry));
    let (meanwhile, gone) = (apart.promised, apart.lost.len());
    let [half, most] = [50, 99].map(|percent| machine.ready.quantile(percent));
    row.found(
        &format!("{} power cuts, {}", machine.cuts.len(), kind.name()),
        &format!(
            "{verdict}; {meanwhile} more answered during the calls that cut, {gone} of them gone; ready again in \
             {half:.0} ms (p50), {most:.0} ms (p99)"
        ),
    );
}

/// A gateway, its disk, and what became of them.
struct Machine {
    gateway: Gateway,
    volume: Volume,
    clock: Clock,
    /// Whom its gateway takes for the broker, and where that really is.
    brokers: String,
    broker: String,
    /// The begin and the end of each call that cut.
    cuts: Vec<[Duration; 2]>,
    ready: Times,
}

impl Machine {
    fn new(row: &Row, kafka: &Kafka, volume: Volume, family: &'static str) -> Self {
        let broker = kafka.bootstrap();
        // Small segments, so that many cuts meet one being begun, made ready or recycled.
        let bounds = "max_bytes: 32MiB, segment_bytes: 128KiB";
        let setup = Setup::new(kafka, family)
            .with(&format!("spool: {{ dir: \"{}/spool\", {bounds} }}", volume.path().display()))
            .source("orders", "ack: disk, key: header:X-Sender");
        let gateway = Gateway::start(&setup.text());
        let (clock, brokers, ready) = (row.clock.clone(), broker.clone(), Times::default());
        Self { gateway, volume, clock, brokers, broker, cuts: Vec::new(), ready }
    }

    /// Lives a while, and then again. In most lives there is no broker, so that only the disk holds what it promises.
    fn lose_power(&mut self, random: &mut Random, ledger: &Ledger) {
        sleep(random.between(LIFE[0], LIFE[1]));
        self.cut(random, ledger);
        if random.below(4) == 0 {
            self.gateway.relaunch();
            sleep(random.between(Duration::ZERO, START));
            self.cut(random, ledger);
        }
        let next = if random.below(5) == 0 { self.broker.clone() } else { NOBODY.to_owned() };
        self.reach(&next);
    }

    fn cut(&mut self, random: &mut Random, ledger: &Ledger) {
        let begun = ledger.now();
        self.volume.cut();
        self.cuts.push([begun, ledger.now()]);
        sleep(random.between(AFTER[0], AFTER[1]));
        self.gateway.kill();
        self.volume.come_back();
    }

    fn reach(&mut self, brokers: &str) {
        let begun = self.clock.now();
        self.gateway.restart_with(&self.brokers, brokers);
        self.ready.add(self.clock.now().since(begun));
        brokers.clone_into(&mut self.brokers);
    }

    /// It was asked before the end of such a call and answered after its begin.
    fn was_cutting(&self, entry: &Entry) -> bool {
        let asked = entry.at.saturating_sub(entry.took);
        self.cuts.iter().any(|[begun, ended]| asked <= *ended && entry.at >= *begun)
    }
}
