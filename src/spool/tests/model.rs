//! The spool against a model of what it promises, over arbitrary runs of events, deliveries, faults and crashes.
//!
//! What the model holds it to:
//!
//! - an event that was told safe on disk comes out, byte for byte, after whatever happened, until it was delivered;
//! - an event that was refused never comes out;
//! - in one life of the process no event is in the forwarder's hands twice, or comes again after it was delivered, or,
//!   put aside with a number, is offered again;
//! - every key of an event that was told safe is remembered at the next start, and no key is remembered whose event was
//!   neither delivered nor comes out;
//! - of a source that wants Kafka too, no key counts before Kafka has the event, and each does as soon as it has.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::damage::{counter, counter as gauge};
use super::io::twin::{Failure, Op};
use super::segment::Header;
use super::*;
use crate::chaos::{Dice, Row, say};
use crate::metrics::Custody;

mod reached;
mod steps;

use reached::Reached;
use steps::{Mix, Step, Ways, draw};

const TOPICS: [&str; 3] = ["red", "green", "blue"];
const SMALL_VOLUME: u64 = 24 << 10;

struct Known {
    event: Event,
    slot: Arc<Slot>,
    refused: bool,
    safe: bool,
    delivered: bool,
}

pub(super) struct Model {
    rig: Option<Rig>,
    known: HashMap<String, Known>,
    hand: Vec<Parcel>,
    parked: HashSet<String>,
    delivered_in_this_life: HashSet<String>,
    remembered: HashSet<Digest>,
    pending: HashSet<Digest>,
    /// The volume was full at some time: keys of delivered events may have been given up for space.
    short_of_space: bool,
    /// A segment may have been given up while it was made; its file is set aside.
    directory_failed: bool,
    /// Something could not be read: a file may have been set aside for it, with what it holds.
    unreadable: bool,
    /// What is to fail while the next start reads the directory.
    next: Vec<(Op, u8, u8, Failure)>,
    reached: Reached,
}

fn small_settings() -> Settings {
    Settings { max_bytes: ByteSize::kib(48), segment_bytes: ByteSize::kib(4), ..settings() }
}

fn open(twin: Twin) -> Result<Rig, OpenError> {
    let small = |limits: &mut Limits| {
        limits.window_bytes = 3000;
        limits.waiting_bytes = 6000;
        limits.handed_over_bytes = 4000;
        limits.take_parcels = 7;
    };
    Rig::with(twin, &small_settings(), small)
}

impl Model {
    fn new(unrest: Option<Dice>) -> Self {
        let twin = Twin::new(VOLUME_BYTES);
        if let Some(dice) = unrest {
            twin.disturb(dice);
        }
        Self {
            rig: Some(open(twin).expect("an empty directory opens")),
            known: HashMap::new(),
            hand: Vec::new(),
            parked: HashSet::new(),
            delivered_in_this_life: HashSet::new(),
            remembered: HashSet::new(),
            pending: HashSet::new(),
            short_of_space: false,
            directory_failed: false,
            unreadable: false,
            next: Vec::new(),
            reached: Reached::default(),
        }
    }

    fn rig(&mut self) -> &mut Rig {
        self.rig.as_mut().expect("there is one")
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Keep(sizes, ways) => self.keep(&sizes, ways),
            Step::HandOver(size) => {
                let name = self.invent(size, Ack::Kafka);
                let refused = self.hand_over(&name).is_err();
                self.known.get_mut(&name).expect("just made").refused = refused;
            }
            Step::Write => {
                self.rig().write();
            }
            Step::Tidy => self.tidy(),
            Step::Take => {
                let parcels = self.rig().take();
                self.receive(parcels, false);
            }
            Step::ReadTopic(topic) => self.read_topic(TOPICS[usize::from(topic)]),
            Step::Deliver(which) => self.deliver(which),
            Step::SetAside(which) => {
                if let Some(parcel) = self.pick(which) {
                    if parcel.sequence().is_some() {
                        self.parked.insert(name(&parcel));
                    }
                    parcel.set_aside();
                }
            }
            Step::Drop(which) => drop(self.pick(which)),
            Step::Advance(seconds) => self.rig().clock.advance(Duration::from_secs(u64::from(seconds))),
            Step::Fail(op, after, times, failure) => {
                self.expect(op, failure);
                self.rig().twin.fail(op, u32::from(after), u32::from(times), failure);
            }
            Step::FailNext(op, after, times, failure) => {
                self.expect(op, failure);
                self.next.push((op, after, times, failure));
            }
            Step::Heal => self.rig().twin.heal(),
            Step::Shrink => {
                self.short_of_space = true;
                self.rig().twin.set_capacity(SMALL_VOLUME);
            }
            Step::Grow => self.rig().twin.set_capacity(VOLUME_BYTES),
            Step::Kill => self.restart(Twin::kill),
            Step::Close => {
                let rig = self.rig();
                rig.core().close();
                while rig.write() {}
                rig.core().close_outlet();
                self.note();
                self.restart(Twin::kill);
            }
            Step::Cut(seed) => self.restart(|twin| match seed {
                None => twin.cut(&mut || false),
                Some(seed) => twin.cut_anyhow(&mut Dice::new(seed)),
            }),
            Step::CutDuring(after, seed) => self.cut_during(after, seed),
        }
        self.note();
    }

    fn tidy(&mut self) {
        let twin = self.rig().twin.clone();
        let live = twin.names_with(".seg");
        self.rig().tidy();
        let recycled = |spare: &String| live.contains(&spare.replace(".spare", ".seg"));
        self.reached.recycled += twin.names_with(".spare").iter().filter(|spare| recycled(spare)).count() as u64;
    }

    fn read_topic(&mut self, topic: &str) {
        let core = Arc::clone(self.rig().core());
        let (items, _) = reader::read_topic(&core, topic, 0, u64::MAX, 3);
        let parcels: Vec<_> = items.into_iter().map(|item| Parcel::new(Arc::clone(&core), item)).collect();
        assert!(parcels.iter().all(|parcel| parcel.event().topic == topic));
        self.receive(parcels, true);
    }

    fn cut_during(&mut self, after: u8, seed: u64) {
        self.directory_failed = true;
        self.keep(&[700, 400, 100][..=usize::from(after) % 3], Ways::Disk);
        self.rig().twin.end_after(u32::from(after));
        self.rig().write();
        self.rig().tidy();
        self.note();
        self.restart(|twin| twin.cut_anyhow(&mut Dice::new(seed)));
    }

    /// What may come of a fault that is planted.
    fn expect(&mut self, op: Op, failure: Failure) {
        self.reached.faults += 1;
        self.short_of_space |= failure == Failure::Error(std::io::ErrorKind::StorageFull);
        self.directory_failed |= matches!(op, Op::SyncDirectory | Op::Rename | Op::Remove);
        self.unreadable |= matches!(op, Op::Open | Op::Read);
    }

    fn invent(&mut self, size: u16, ack: Ack) -> String {
        let number = self.known.len();
        let name = format!("event-{number}");
        let kind = if ack == Ack::Both { demanding } else { event };
        let event = kind(&name, TOPICS[number % 3], usize::from(size));
        let slot = Slot::new(ack, None);
        let known = Known { event, slot, refused: false, safe: false, delivered: false };
        self.known.insert(name.clone(), known);
        name
    }

    fn hand_over(&mut self, name: &str) -> Result<(), Refusal> {
        let known = &self.known[name];
        self.rig.as_ref().expect("there is one").hand_over(&known.event, &known.slot)
    }

    fn keep(&mut self, sizes: &[u16], ways: Ways) {
        let ack = if matches!(ways, Ways::Disk) { Ack::Disk } else { Ack::Both };
        let names: Vec<String> = sizes.iter().map(|size| self.invent(*size, ack)).collect();
        let mut handed = HashSet::new();
        if matches!(ways, Ways::KafkaThenDisk) {
            handed.extend(names.iter().filter(|name| self.hand_over(name).is_ok()).cloned());
        }
        let events: Vec<_> = names.iter().map(|name| (&self.known[name].event, &self.known[name].slot)).collect();
        let kept = self.rig.as_ref().expect("there is one").core().keep(&events);
        self.reached.full += u64::from(kept == Err(Refusal::Full));
        let kept = kept.is_ok();
        if matches!(ways, Ways::DiskThenKafka) {
            handed.extend(names.iter().filter(|name| self.hand_over(name).is_ok()).cloned());
        }
        for name in names {
            self.known.get_mut(&name).expect("just made").refused = !kept && !handed.contains(&name);
        }
    }

    /// Whatever the spool gives is what somebody gave it, and not too often.
    fn receive(&mut self, parcels: Vec<Parcel>, by_topic: bool) {
        for parcel in parcels {
            let name = name(&parcel);
            let known = &self.known[&name];
            assert_eq!(parcel.event(), known.event.view(), "{name} is not what was given");
            assert!(!known.refused, "{name} was refused and came out");
            assert!(!self.delivered_in_this_life.contains(&name), "{name} came again after it was delivered");
            assert!(by_topic || !self.parked.contains(&name), "{name} was put aside and offered again");
            assert!(!names(&self.hand).contains(&name), "{name} is in the forwarder's hands twice");
            self.parked.remove(&name);
            self.hand.push(parcel);
        }
    }

    fn pick(&mut self, which: u8) -> Option<Parcel> {
        let count = self.hand.len();
        (count > 0).then(|| self.hand.remove(usize::from(which) % count))
    }

    fn deliver(&mut self, which: u8) {
        if let Some(parcel) = self.pick(which) {
            let name = name(&parcel);
            parcel.delivered();
            self.known.get_mut(&name).expect("known").delivered = true;
            self.delivered_in_this_life.insert(name);
        }
    }

    /// Writes down what callers have been told.
    fn note(&mut self) {
        let twin = self.rig.as_ref().map(|rig| rig.twin.clone());
        for (name, known) in &mut self.known {
            let was_safe = known.safe;
            match now(&known.slot) {
                Some(Outcome::Safe(Custody::Disk)) => known.safe = true,
                // In mode `both` the disk was first.
                Some(Outcome::Safe(_)) => assert!(known.delivered || known.safe),
                Some(Outcome::Lost) => assert!(!known.safe),
                None => {}
            }
            if known.safe && !was_safe {
                self.reached.told += 1;
                let kept = twin.as_ref().is_some_and(|twin| twin.would_keep(&on_disk(&known.event)));
                assert!(kept, "{name} was told safe, and a power cut would take it");
            }
        }
    }

    fn restart(&mut self, crash: impl FnOnce(&Twin) -> Twin) {
        let rig = self.rig.take().expect("there is one");
        self.count(&rig);
        let mut twin = crash(&rig.twin);
        self.hand.clear();
        self.parked.clear();
        self.delivered_in_this_life.clear();
        drop(rig);
        for (op, after, times, failure) in self.next.drain(..) {
            twin.fail(op, u32::from(after), u32::from(times), failure);
        }
        let rig = open(twin.clone()).or_else(|_| {
            self.reached.refused_openings += 1;
            twin = twin.kill();
            open(twin.clone())
        });
        let rig = rig.expect("whatever happened, a disk that is well again opens");
        self.remembered = rig.remembered.iter().copied().collect();
        self.pending = rig.pending.iter().copied().collect();
        // Where the last write cannot be written again it is not vouched for: a duplicate is better than a loss.
        let vouched = rig.room() < Room::Full && !self.unreadable;
        self.rig = Some(rig);
        for (name, known) in &self.known {
            let counts = self.remembered.contains(&digest(name));
            let wants_kafka = known.event.source.as_str() == DEMANDING;
            assert!(
                !(wants_kafka && counts) || known.delivered,
                "the key of {name} counts, and Kafka does not have it"
            );
            let remembered = counts || self.pending.contains(&digest(name));
            let may_be_forgotten = !vouched || (self.short_of_space && known.delivered);
            assert!(remembered || !known.safe || may_be_forgotten, "{name} was safe, and its key is forgotten");
        }
    }

    /// Where this life has been.
    fn count(&mut self, rig: &Rig) {
        let reached = &mut self.reached;
        reached.restarts += 1;
        reached.poisoned += counter(rig, "spool_poisoned_segments_total");
        reached.torn += counter(rig, "spool_torn_tails_total");
        reached.set_aside += counter(rig, "spool_corrupt_records_total");
        let newest =
            rig.twin.names_with(".seg").iter().filter_map(|name| segment::parse(name)).map(|(number, _)| number).max();
        let at_once = small_settings().max_bytes.0 / small_settings().segment_bytes.0;
        reached.wrapped += u64::from(newest.is_some_and(|newest| newest > at_once));
    }

    /// The directory and the ledger, for a person who looks for the fault.
    fn show(&self) -> String {
        let Some(rig) = &self.rig else { return String::new() };
        let mut lines = vec![format!("    {:?} {:?}", rig.room(), rig.twin.names())];
        for name in rig.twin.names_with(".seg") {
            let header = rig.twin.open(&name).map(|file| Header::read(&*file, rig.twin.bytes(&name).len() as u64));
            if let Ok(Ok(Header { number, base, synced, follows, .. })) = header {
                lines.push(format!("    {name} is {number:x}, from {base}, {synced} synced, follows {follows:x}"));
            }
        }
        for segment in hold(&rig.core().outlet).ledger.segments() {
            let (number, base, last) = (segment.number, segment.base, segment.last());
            let state = (segment.sealed, segment.damaged, segment.poisoned, segment.marks.outstanding());
            lines.push(format!("    {number:x}: {base} to {last:?}; sealed, damaged, poisoned, owed: {state:?}"));
        }
        lines.join("\n")
    }

    /// Whatever happened before: on a healthy disk everything that is owed comes out.
    pub(super) fn settle(&mut self) {
        self.rig().twin.heal();
        self.rig().twin.set_capacity(VOLUME_BYTES);
        self.next.clear();
        self.restart(|twin| twin.cut(&mut || false));
        loop {
            let parcels = self.rig().take();
            if parcels.is_empty() {
                break;
            }
            self.receive(parcels, false);
            while !self.hand.is_empty() {
                self.deliver(0);
            }
        }
        let twin = self.rig().twin.clone();
        let reported = gauge(self.rig(), "spool_damaged_segments") > 0;
        for (name, known) in self.known.iter().filter(|(_, known)| !known.delivered) {
            // What a start could not read lies aside, counted, for a person.
            let aside = || self.unreadable && reported && twin.lies_aside(&on_disk(&known.event));
            assert!(!known.safe || aside(), "{name} was safe and did not come out\n{}", self.show());
            let remembered = [&self.remembered, &self.pending].iter().any(|keys| keys.contains(&digest(name)));
            assert!(!remembered, "the key of {name} is remembered and it did not come out");
        }
        assert_eq!(self.rig().claims.counts(), (self.pending.len(), 0), "each pending key was settled by its delivery");
        self.rig().tidy();
        let rig = self.rig.as_ref().expect("there is one");
        assert_eq!(gauge(rig, "spool_records"), 0);
        assert!(self.unreadable || counter(rig, "spool_corrupt_records_total") == 0);
        let none_aside = gauge(rig, "spool_damaged_segments") == 0;
        assert!(none_aside || self.directory_failed || self.unreadable, "{:?}", twin.names());
    }
}

/// What of a record is the event's own, as it lies on disk.
fn on_disk(event: &Event) -> Vec<u8> {
    let mut bytes: Vec<u8> = event.digests.iter().flat_map(|digest| digest.to_le_bytes()).collect();
    for part in
        [event.source.as_str().as_bytes(), event.topic.as_str().as_bytes(), event.headers.as_bytes(), &event.value]
    {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Runs the steps on a disk of its own.
fn run(steps: &[Step], unrest: Option<&Dice>, aloud: bool) -> Reached {
    let mut model = Model::new(unrest.cloned());
    for step in steps {
        model.step(step.clone());
        if aloud {
            say(&format!("{step:?}\n{}", model.show()));
        }
    }
    model.settle();
    model.reached
}

/// Draws a run and holds the spool to it. Where that fails, says which of its steps are needed for that.
fn hold_to(mix: Mix, dice: &mut Dice) -> Reached {
    let steps = draw(mix, dice);
    let unrest = dice.one_in(2).then(|| dice.clone());
    let attempt = |steps: &[Step]| catch_unwind(AssertUnwindSafe(|| run(steps, unrest.as_ref(), false)));
    let panic = match attempt(&steps) {
        Ok(reached) => return reached,
        Err(panic) => panic,
    };
    let words = words(&*panic);
    let fails_alike = |steps: &[Step]| attempt(steps).is_err_and(|other| self::words(&*other) == words);
    let mut needed = steps;
    let mut width = needed.len() / 2;
    while width > 0 {
        let mut at = 0;
        while at < needed.len() {
            let mut fewer = needed.clone();
            fewer.drain(at..(at + width).min(needed.len()));
            if fails_alike(&fewer) {
                needed = fewer;
            } else {
                at += width;
            }
        }
        width /= 2;
    }
    say(&format!("{words}: after {} steps", needed.len()));
    drop(catch_unwind(AssertUnwindSafe(|| run(&needed, unrest.as_ref(), true))));
    resume_unwind(panic)
}

/// What a panic says, without the numbers in it.
fn words(panic: &dyn std::any::Any) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or_default().lines().next().unwrap_or_default().replace(|letter: char| letter.is_ascii_digit(), "")
}

mod slow {
    use super::*;

    /// Half of them: the other half runs beside it.
    fn half(name: &'static str, first: u64, case: impl FnOnce(&mut Row, &mut Reached) -> u64) {
        let mut row = Row::begin(name, 5000, 500_000);
        row.seed ^= first << 32;
        let mut reached = Reached::default();
        let cases = case(&mut row, &mut reached);
        let Reached { told, faults, restarts, recycled, poisoned, torn, full, wrapped, .. } = reached;
        row.end(
            &format!("{cases} runs of up to 120 steps, {faults} faults planted, {restarts} restarts"),
            &format!(
                "0 of {told} told safe lost, 0 refused delivered, 0 sent twice in a life; reached: {recycled} segments \
                 recycled, {wrapped} logs longer than the spool, {poisoned} poisoned segments, {torn} torn tails, {full} times full"
            ),
        );
        if cases >= 1000 {
            for often in [recycled, poisoned, torn, full, wrapped] {
                assert!(often > 50, "the runs hardly reach what they are for: {reached:?}");
            }
        }
    }

    #[test]
    fn the_spool_keeps_its_promises_whatever_happens() {
        half("model", 0, |row, reached| row.run(|dice| reached.add(hold_to(Mix::Usual, dice))));
    }

    #[test]
    fn the_spool_keeps_its_promises_whatever_else_happens() {
        half("model, second half", 1, |row, reached| row.run(|dice| reached.add(hold_to(Mix::Usual, dice))));
    }

    #[test]
    fn no_error_of_the_disk_costs_what_was_acknowledged() {
        let row = Row::begin("calls", 200, 10_000);
        let mut reached = Reached::default();
        let cases = row.run(|dice| reached.add(hold_to(Mix::Errors, dice)));
        let Reached { told, faults, restarts, refused_openings, set_aside, .. } = reached;
        row.end(
            &format!("{cases} runs, {faults} faults planted, {restarts} restarts, {refused_openings} refused by a broken disk"),
            &format!("0 of {told} acknowledged before their sync, 0 lost; {set_aside} records set aside and reported"),
        );
        assert!(cases < 200 || faults > cases, "{reached:?}");
    }
}
