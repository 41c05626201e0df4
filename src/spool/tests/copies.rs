//! Row "copies": a hundred copies of an event at once, across crashes, and over a sender's days of trying again. Exactly
//! one event comes of them without a crash, never fewer than one with it.

use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Barrier, RwLock};
use std::thread::scope;

use tokio::runtime::Runtime;

use super::*;
use crate::chaos::{Dice, Row};
use crate::dedupe::{self, Answer, Dedupe, HashKey, Ring};
use crate::metrics::Custody;

const COPIES: usize = 100;
/// Keys whose copies come at the same time.
const BLOCK: usize = 50;
const WINDOW: Duration = Duration::from_hours(72);

fn settings() -> Settings {
    Settings { max_bytes: ByteSize::mib(64), segment_bytes: ByteSize::kib(64), ..super::settings() }
}

fn memory(clock: &Clock) -> (Dedupe, Ring) {
    let keys = dedupe::Settings { window: WINDOW, max_keys: 10_000_000 };
    let dedupe = Dedupe::new(HashKey::new([3; 16]), &keys, clock.clone(), metrics());
    let ring = dedupe.ring(WINDOW);
    (dedupe, ring)
}

fn keyed(dedupe: &Dedupe, name: &str, clock: &Clock) -> Event {
    let digests = vec![dedupe.digest("source", name.as_bytes())];
    Event { digests, received_at: clock.wall(), ..event(name, "t", 40) }
}

/// What Kafka has: of each key, the numbers of the records that brought it, and how often each came.
type Kafka = HashMap<String, HashMap<u64, u32>>;

/// One life of the gateway.
struct Life {
    spool: Spool,
    dedupe: Dedupe,
    ring: Ring,
    clock: Clock,
    /// Held to be read while something is told to the outside; what comes after the crash is told to nobody.
    dead: RwLock<bool>,
    /// Of the block, which copies have their 200.
    answered: Vec<AtomicU32>,
    done: AtomicBool,
}

impl Life {
    fn begin(twin: &Twin, answered: Vec<AtomicU32>) -> Self {
        let clock = Clock::standing_at(NOW);
        let (dedupe, ring) = memory(&clock);
        let mut remember = |event: Remembered<'_>| {
            restore_keys(&dedupe, &ring, event);
            None
        };
        let disk = Arc::new(twin.clone());
        let spool = Spool::open_on(disk, &settings(), WINDOW, clock.clone(), metrics(), &mut remember).expect("opens");
        Self { spool, dedupe, ring, clock, dead: RwLock::new(false), answered, done: AtomicBool::new(false) }
    }

    fn is_dead(&self) -> bool {
        *self.dead.read().expect("no panic")
    }

    /// One copy of a key, as a sender that tries until it has its 200; false: the gateway died before.
    fn send(&self, runtime: &Runtime, name: &str, place: usize) -> bool {
        while !self.is_dead() {
            let digest = self.dedupe.digest("source", name.as_bytes());
            let safe = match self.dedupe.reserve(&self.ring, &[digest]) {
                Answer::Settled => true,
                Answer::Pending(twin) => self.hears(runtime, twin.kept()) == Some(true),
                Answer::Fresh(reservation) => {
                    let event = keyed(&self.dedupe, name, &self.clock);
                    let slot = Slot::new(Ack::Disk, Some(Box::new(reservation)));
                    let heard =
                        self.spool.keep(&[(&event, &slot)]).ok().and_then(|()| self.hears(runtime, slot.outcome()));
                    heard == Some(Outcome::Safe(Custody::Disk))
                }
            };
            let dead = self.dead.read().expect("no panic");
            if safe && !*dead {
                self.answered[place].fetch_add(1, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// Waits, unless the gateway dies: what waits for Kafka then waits for ever.
    fn hears<T>(&self, runtime: &Runtime, answer: impl Future<Output = T>) -> Option<T> {
        runtime.block_on(async {
            let mut answer = pin!(answer);
            loop {
                match tokio::time::timeout(Duration::from_millis(20), answer.as_mut()).await {
                    Ok(heard) => return Some(heard),
                    Err(_) if self.is_dead() => return None,
                    Err(_) => {}
                }
            }
        })
    }

    /// Delivers until the block is done and everything is out, or the gateway died.
    fn forward(&self, kafka: &mut Kafka) {
        let mut parcels = Vec::new();
        while !self.is_dead() {
            self.spool.take(&mut parcels, Duration::from_millis(1));
            let idle = parcels.is_empty();
            for parcel in parcels.drain(..) {
                let dead = self.dead.read().expect("no panic");
                if *dead {
                    break;
                }
                let sequence = parcel.sequence().expect("all of it is on disk");
                *kafka.entry(name(&parcel)).or_default().entry(sequence).or_default() += 1;
                parcel.delivered();
            }
            if idle && self.done.load(Ordering::SeqCst) && self.spool.outstanding() == 0 {
                return;
            }
        }
    }

    /// The copies of a block at once, `missing` of each key; a crash comes after so many answers, if it comes.
    fn block(
        &self,
        names: &[String],
        missing: &[u32],
        crash_after: Option<u32>,
        crash: &(dyn Fn() + Sync),
        kafka: &mut Kafka,
    ) {
        let barrier = Barrier::new(COPIES + 1);
        scope(|scope| {
            let copies: Vec<_> = (0..COPIES)
                .map(|copy| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        let builder = &mut tokio::runtime::Builder::new_current_thread();
                        let runtime = builder.enable_time().build().expect("a runtime");
                        barrier.wait();
                        for (place, name) in names.iter().enumerate() {
                            if u32::try_from(copy).expect("few") < missing[place] && !self.send(&runtime, name, place) {
                                return;
                            }
                        }
                    })
                })
                .collect();
            let forwarder = scope.spawn(|| self.forward(kafka));
            barrier.wait();
            let answers = || self.answered.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u32>();
            if let Some(after) = crash_after {
                while answers() < after {
                    std::thread::yield_now();
                }
                crash();
            }
            for copy in copies {
                copy.join().expect("no panic");
            }
            self.done.store(true, Ordering::SeqCst);
            forwarder.join().expect("no panic");
        });
    }
}

/// One block of keys: all of its copies get their 200, through as many lives as it takes.
fn case(twin: &mut Twin, block: u64, dice: &mut Dice, crashes: &mut u64) {
    let names: Vec<String> = (0..BLOCK).map(|key| format!("{block}-{key}")).collect();
    let mut kafka = Kafka::new();
    let mut missing = vec![u32::try_from(COPIES).expect("few"); BLOCK];
    let mut crash_after = dice.one_in(3).then(|| u32::try_from(dice.below(4000)).expect("few"));
    let dies = crash_after.is_some();
    loop {
        let life = Life::begin(twin, (0..BLOCK).map(|_| AtomicU32::new(0)).collect());
        let next = Mutex::new(None);
        let seed = dice.roll();
        let crash = || {
            let mut dead = life.dead.write().expect("no panic");
            *dead = true;
            // Killed, or with the power cut.
            let left = if seed.is_multiple_of(2) { twin.kill() } else { twin.cut_anyhow(&mut Dice::new(seed)) };
            *hold(&next) = Some(left);
        };
        life.block(&names, &missing, crash_after.take(), &crash, &mut kafka);
        for (missing, answered) in missing.iter_mut().zip(&life.answered) {
            *missing -= answered.load(Ordering::Relaxed);
        }
        let left = hold(&next).take();
        let Some(left) = left else {
            life.spool.close();
            // Callers are told before the forwarder: the last record may have come just now.
            life.forward(&mut kafka);
            drop(life);
            *twin = twin.kill();
            break;
        };
        drop(life);
        *twin = left;
        *crashes += 1;
    }
    assert!(missing.iter().all(|missing| *missing == 0));
    for name in &names {
        let records = kafka.get(name).unwrap_or_else(|| panic!("{name} has its 200 and never came"));
        assert_eq!(records.len(), 1, "{name} was kept more than once: {records:?}");
        let times: u32 = records.values().sum();
        assert!(times == 1 || dies, "{name} came {times} times without a crash");
    }
}

mod slow {
    use super::*;

    #[test]
    fn of_a_hundred_copies_of_a_key_one_event_comes() {
        let keys = Row::begin("copies at once", 10_000, 100_000);
        let row = keys.in_blocks_of(BLOCK as u64);
        let mut twin = Twin::new(256 << 20);
        let (mut block, mut crashes) = (0, 0);
        let cases = row.run(|dice| {
            case(&mut twin, block, dice, &mut crashes);
            block += 1;
            // What a disk of a file system forgets, and this one does not.
            if block % 100 == 0 {
                twin = Twin::new(256 << 20);
            }
        });
        row.end(
            &format!("{} keys, {COPIES} copies of each at once, {crashes} kills and power cuts", cases * BLOCK as u64),
            "0 keys kept twice, 0 lost, 0 delivered twice without a crash",
        );
    }

    /// When a sender tries again, in minutes after the first time: at last after three days.
    const SCHEDULE: [u64; 11] = [0, 5, 30, 120, 300, 600, 1320, 2040, 2760, 3480, 4320];

    #[test]
    fn a_sender_that_tries_again_for_three_days_is_a_duplicate_each_time() {
        let row = Row::begin("copies over days", 10_000, 100_000);
        let mut dice = Dice::new(row.seed);
        let mut twin = Twin::new(256 << 20);
        let mut clock = Clock::standing_at(NOW);
        let mut life = Days::begin(twin.clone(), &clock);
        // All keys come within a day; none of their senders ever hears a 200.
        let mut due: BinaryHeap<_> =
            (0..row.cases).map(|key| std::cmp::Reverse((dice.below(1440), key, 0usize))).collect();
        let (mut now, mut tries, mut restarts) = (0, 0u64, 0);
        while let Some(std::cmp::Reverse((minute, key, attempt))) = due.pop() {
            if minute > now {
                clock.advance(Duration::from_mins(minute - now));
                now = minute;
                life.work();
                if dice.one_in(200) {
                    restarts += 1;
                    twin = if dice.one_in(2) { life.twin.kill() } else { life.twin.cut(&mut || false) };
                    // The machine starts anew: its monotonic clock too.
                    clock = Clock::standing_at(clock.wall());
                    let kafka = std::mem::take(&mut life.kafka);
                    life = Days { kafka, ..Days::begin(twin, &clock) };
                }
            }
            life.try_it(key, attempt == 0);
            tries += 1;
            if let Some(later) = SCHEDULE.get(attempt + 1) {
                due.push(std::cmp::Reverse((minute + later - SCHEDULE[attempt], key, attempt + 1)));
            }
        }
        life.work();
        for key in 0..row.cases {
            let records = life.kafka.get(&key.to_string()).map_or(0, HashMap::len);
            assert_eq!(records, 1, "{key}");
        }
        row.end(
            &format!("{} keys, {tries} tries over three days, {restarts} restarts", row.cases),
            "0 keys kept twice, 0 lost",
        );
    }

    /// A gateway on a clock of its own, whose turns the test takes.
    struct Days {
        twin: Twin,
        opened: Opened,
        dedupe: Dedupe,
        ring: Ring,
        clock: Clock,
        kafka: Kafka,
    }

    impl Days {
        fn begin(twin: Twin, clock: &Clock) -> Self {
            let (dedupe, ring) = memory(clock);
            let mut remember = |event: Remembered<'_>| {
                restore_keys(&dedupe, &ring, event);
                None
            };
            let (disk, limits) = (Arc::new(twin.clone()), Limits::of(&settings(), WINDOW));
            let opened = opening::open(disk, Path::new("/spool"), limits, clock.clone(), metrics(), &mut remember);
            let (opened, clock) = (opened.expect("opens"), clock.clone());
            Self { twin, opened, dedupe, ring, clock, kafka: Kafka::new() }
        }

        fn try_it(&mut self, key: u64, first: bool) {
            let event = keyed(&self.dedupe, &key.to_string(), &self.clock);
            match self.dedupe.reserve(&self.ring, &event.digests) {
                Answer::Fresh(reservation) => {
                    assert!(first, "{key} is not recognised");
                    let slot = Slot::new(Ack::Disk, Some(Box::new(reservation)));
                    self.opened.core.keep(&[(&event, &slot)]).expect("has room");
                    self.opened.writer.turn(Duration::ZERO);
                    assert_eq!(super::now(&slot), Some(Outcome::Safe(Custody::Disk)));
                }
                Answer::Settled => assert!(!first, "{key} is new"),
                Answer::Pending(_) => panic!("{key}: nothing is under way"),
            }
        }

        /// Delivers what there is.
        fn work(&mut self) {
            let mut items = Vec::new();
            self.opened.core.take(&mut items, Duration::ZERO);
            for item in items {
                let parcel = Parcel::new(Arc::clone(&self.opened.core), item);
                let sequence = parcel.sequence().expect("all of it is on disk");
                *self.kafka.entry(name(&parcel)).or_default().entry(sequence).or_default() += 1;
                parcel.delivered();
            }
            self.opened.keeper.turn();
        }
    }
}
