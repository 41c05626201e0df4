//! Calls to the disk fail at random, at the start and under load: libfiu stands between the gateway and its C library.
//!
//! Only calls that never get a socket are chosen, so that what fails is the disk. Order is not judged: what Kafka takes in
//! place of a disk that fails goes ahead of what waits on disk.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use crate::judge::judge;
use crate::ledger::Ledger;
use crate::row::{Random, Row};
use crate::senders::{Plan, Senders};
use crate::support::gateway::{CONFIG, Gateway, hookgate};
use crate::support::kafka::Kafka;
use crate::support::limit::wait_for;
use crate::support::setup::Setup;

/// What fails in a life: points of failure, their error (0: one of those that the call may have; else EIO 5, ENOMEM 12,
/// EMFILE 24, ENOSPC 28, EROFS 30) and its chance. A file that says EIO when it is opened is one whose disk is damaged,
/// which is another row.
const LIVES: [&[(&str, u32, f32)]; 8] = [
    &[("posix/io/sync/*", 5, 0.05)],
    &[("posix/io/sync/*", 0, 0.4)],
    &[("posix/io/rw/pwrite", 5, 0.05)],
    &[("posix/io/rw/pwrite", 28, 0.1)],
    &[("posix/io/rw/pwrite", 30, 0.2), ("posix/io/dir/unlink", 30, 0.2)],
    &[("posix/io/rw/pwrite/reduce", 0, 0.3), ("posix/io/sync/*", 28, 0.05)],
    &[("posix/io/dir/rename", 5, 0.3), ("posix/io/dir/unlink", 5, 0.3), ("posix/io/sync/*", 5, 0.02)],
    &[("posix/io/oc/open", 24, 0.1), ("posix/io/dir/rename", 12, 0.1), ("posix/io/rw/pwrite", 5, 0.02)],
];
const LIFE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];
/// Nobody listens there, and no other address begins so.
const NOBODY: &str = "127.0.0.1:9";

#[test]
fn with_calls_to_its_disk_failing_at_random_it_loses_nothing_that_it_acknowledged() {
    let mut row = Row::new("errors");
    let kafka = Kafka::shared();
    let topics = ["chaos-errors.orders".to_owned()];
    kafka.create_topic(&topics[0], 4);
    let setup = Setup::new(kafka, "chaos-errors").spool_with("max_bytes: 64MiB, segment_bytes: 128KiB");
    let setup = setup.with("shutdown: { drain_delay: 0s, timeout: 2s }");
    let setup = setup.source("orders", "ack: disk, key: header:X-Sender");
    let mut faulty = Faulty::start(kafka, &setup);

    let ledger = Arc::new(Ledger::open(row.name));
    let (interval, sources) = (Duration::from_millis(3), &["orders"]);
    let plan = Plan { address: faulty.gateway.public, family: "chaos-errors", sources, senders: 8, interval };
    let senders = Senders::start(&plan, "errors", &ledger);
    let lives = row.rounds(16, 2000, |random| faulty.live(random));
    faulty.choose(&[]);
    faulty.reach(kafka.bootstrap());
    faulty.gateway.restart();
    senders.go_on_for(100);
    senders.stop();
    faulty.gateway.wait_until_delivered();

    let verdict = judge(kafka, &topics, &ledger.entries(), |_| true);
    let log = faulty.gateway.log();
    assert!(verdict.holds(), "{verdict:#?}\nthe ledger: {}", ledger.path().display());
    assert!(!log.contains("runbook\":\"panics"), "{log}");
    let (told, refused) = (faults(&log), faulty.refused);
    assert!(told >= lives, "only {told} calls failed: nothing was shown\n{log}");
    row.found(
        &format!("{told} errors in the log of {lives} lives"),
        &format!("{verdict}; {refused} starts were refused"),
    );
}

/// As far as they are told: an error that changes nothing is not.
fn faults(log: &str) -> usize {
    log.lines().filter(|line| line.contains("(os error ")).count()
}

/// A gateway whose calls to the disk fail.
struct Faulty {
    gateway: Gateway,
    /// The words for libfiu at the next start.
    faults: Arc<Mutex<Vec<String>>>,
    brokers: String,
    broker: String,
    refused: usize,
}

impl Faulty {
    /// The first start is without faults.
    fn start(kafka: &Kafka, setup: &Setup) -> Self {
        let faults = Arc::new(Mutex::new(Vec::<String>::new()));
        let again = Arc::clone(&faults);
        let command = move |dir: &Path| {
            let mut command = Command::new("fiu-run");
            command.args(["-x", "-f", ""]);
            for fault in again.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                command.args(["-c", fault]);
            }
            command.arg(hookgate().get_program()).args(["run", "--config"]).arg(dir.join(CONFIG));
            command
        };
        let mut gateway = Gateway::launch_by(&setup.text(), command);
        gateway.wait_until_ready();
        Self { gateway, faults, brokers: kafka.bootstrap(), broker: kafka.bootstrap(), refused: 0 }
    }

    /// What fails in the next life.
    fn choose(&self, points: &[(&str, u32, f32)]) {
        let word = |(name, error, chance): &(&str, u32, f32)| {
            let error = if *error > 0 { format!(",failinfo={error}") } else { String::new() };
            format!("enable_random name={name},probability={chance}{error}")
        };
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = points.iter().map(word).collect();
    }

    /// Whom the gateway takes for the broker in its next life.
    fn reach(&mut self, brokers: String) {
        let config = fs::read_to_string(self.gateway.config()).expect("it has been written");
        fs::write(self.gateway.config(), config.replace(&self.brokers, &brokers)).expect("its directory");
        self.brokers = brokers;
    }

    /// Ends, and lives again with other faults, and in half of its lives without a broker.
    fn live(&mut self, random: &mut Random) {
        self.end(random.below(3) == 0);
        self.choose(LIVES[usize::try_from(random.below(8)).expect("few")]);
        let broker = if random.below(2) == 0 { self.broker.clone() } else { NOBODY.to_owned() };
        self.reach(broker);
        while !self.begins() {
            self.refused += 1;
        }
        sleep(random.between(LIFE[0], LIFE[1]));
        assert!(self.gateway.is_running(), "it ended:\n{}", self.gateway.log());
        wait_for("a gateway that does not hang", || self.gateway.ask_admin("/livez"));
    }

    /// It may be killed, or be told to stop.
    fn end(&mut self, told: bool) {
        if !told {
            self.gateway.kill();
            return;
        }
        let code = self.gateway.stop();
        assert!(code.is_some(), "it was killed by a signal:\n{}", self.gateway.log());
    }

    /// False: it would not start, and has said why.
    fn begins(&mut self) -> bool {
        self.gateway.relaunch();
        let lives = wait_for("a start or an end", || {
            let lives = self.gateway.ask_admin("/livez").map(|_| true);
            lives.or_else(|| (!self.gateway.is_running()).then_some(false))
        });
        if !lives {
            let (code, log) = (self.gateway.end(), self.gateway.log());
            // Its configuration may be what it could not open.
            assert!(matches!(code, Some(1 | 78)), "{code:?}\n{log}");
            assert!(
                log.lines().rev().take(20).any(|line| line.starts_with("hookgate: ")),
                "no reason is given:\n{log}"
            );
        }
        lives
    }
}
