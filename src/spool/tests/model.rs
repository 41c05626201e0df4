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

use proptest::prelude::*;

use super::io::twin::{Failure, Op};
use super::*;
use crate::metrics::Custody;

#[derive(Debug, Clone)]
enum Step {
    /// Keeps events of these sizes as one delivery.
    Keep(Vec<u16>, Ways),
    HandOver(u16),
    Write,
    Tidy,
    Take,
    Deliver(u8),
    SetAside(u8),
    Drop(u8),
    ReadTopic(u8),
    Advance(u16),
    Fail(Op, u8, u8, bool),
    Heal,
    Shrink,
    Grow,
    Kill,
    Close,
    /// What was not synced is lost, or not, or partly by this seed.
    Cut(Option<u64>),
}

/// Which custodies get the event, and in which order.
#[derive(Debug, Clone, Copy)]
enum Ways {
    Disk,
    DiskThenKafka,
    KafkaThenDisk,
}

const TOPICS: [&str; 3] = ["red", "green", "blue"];
const SMALL_VOLUME: u64 = 24 << 10;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ways = prop_oneof![8 => Just(Ways::Disk), 1 => Just(Ways::DiskThenKafka), 1 => Just(Ways::KafkaThenDisk)];
    let op = prop_oneof![
        Just(Op::Write),
        Just(Op::Sync),
        Just(Op::Create),
        Just(Op::Rename),
        Just(Op::Remove),
        Just(Op::SyncDirectory)
    ];
    let step = prop_oneof![
        20 => (prop::collection::vec(0..1500u16, 1..4), ways).prop_map(|(sizes, ways)| Step::Keep(sizes, ways)),
        3 => (0..1500u16).prop_map(Step::HandOver),
        15 => Just(Step::Write),
        8 => Just(Step::Tidy),
        12 => Just(Step::Take),
        15 => any::<u8>().prop_map(Step::Deliver),
        4 => any::<u8>().prop_map(Step::SetAside),
        3 => any::<u8>().prop_map(Step::Drop),
        3 => (0..3u8).prop_map(Step::ReadTopic),
        2 => (1..7200u16).prop_map(Step::Advance),
        3 => (op, 0..4u8, 1..4u8, any::<bool>()).prop_map(|(op, after, times, full)| Step::Fail(op, after, times, full)),
        2 => Just(Step::Heal),
        1 => Just(Step::Shrink),
        1 => Just(Step::Grow),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        3 => prop::option::of(any::<u64>()).prop_map(Step::Cut),
    ];
    prop::collection::vec(step, 1..120)
}

struct Known {
    event: Event,
    slot: Arc<Slot>,
    refused: bool,
    safe: bool,
    delivered: bool,
}

struct Model {
    rig: Option<Rig>,
    known: HashMap<String, Known>,
    hand: Vec<Parcel>,
    parked: HashSet<String>,
    delivered_in_this_life: HashSet<String>,
    remembered: Vec<Digest>,
    pending: Vec<Digest>,
    /// The volume was full at some time: keys of delivered events may have been given up for space.
    short_of_space: bool,
    /// A segment may have been given up while it was made; its file is set aside.
    directory_failed: bool,
}

fn small_settings() -> Settings {
    Settings { max_bytes: ByteSize::kib(48), segment_bytes: ByteSize::kib(4), ..settings() }
}

fn open(twin: Twin) -> Rig {
    let small = |limits: &mut Limits| {
        limits.window_bytes = 3000;
        limits.waiting_bytes = 6000;
        limits.handed_over_bytes = 4000;
        limits.take_parcels = 7;
    };
    Rig::with(twin, &small_settings(), small).expect("whatever happened, it opens")
}

impl Model {
    fn new() -> Self {
        Self {
            rig: Some(open(Twin::new(VOLUME_BYTES))),
            known: HashMap::new(),
            hand: Vec::new(),
            parked: HashSet::new(),
            delivered_in_this_life: HashSet::new(),
            remembered: Vec::new(),
            pending: Vec::new(),
            short_of_space: false,
            directory_failed: false,
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
            Step::Tidy => self.rig().tidy(),
            Step::Take => {
                let parcels = self.rig().take();
                self.receive(parcels, false);
            }
            Step::ReadTopic(topic) => {
                let topic = TOPICS[usize::from(topic)];
                let (items, _) = reader::read_topic(self.rig().core(), topic, 0, u64::MAX, 3);
                let core = Arc::clone(self.rig().core());
                let parcels: Vec<_> = items.into_iter().map(|item| Parcel::new(Arc::clone(&core), item)).collect();
                assert!(parcels.iter().all(|parcel| parcel.event().topic == topic));
                self.receive(parcels, true);
            }
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
            Step::Fail(op, after, times, full) => {
                self.short_of_space |= full;
                self.directory_failed |= op == Op::SyncDirectory;
                let kind = if full { std::io::ErrorKind::StorageFull } else { std::io::ErrorKind::Other };
                let failure = if op == Op::Write && after == 3 { Failure::Short } else { Failure::Error(kind) };
                self.rig().twin.fail(op, u32::from(after), u32::from(times), failure);
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
                Some(seed) => {
                    let mut state = seed | 1;
                    twin.cut(&mut || {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        state >> 63 == 1
                    })
                }
            }),
        }
        self.note();
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
        let kept = self.rig.as_ref().expect("there is one").core().keep(&events).is_ok();
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
        for known in self.known.values_mut() {
            match now(&known.slot) {
                Some(Outcome::Safe(Custody::Disk)) => known.safe = true,
                // In mode `both` the disk was first.
                Some(Outcome::Safe(_)) => assert!(known.delivered || known.safe),
                Some(Outcome::Lost) => assert!(!known.safe),
                None => {}
            }
        }
    }

    fn restart(&mut self, crash: impl FnOnce(&Twin) -> Twin) {
        let rig = self.rig.take().expect("there is one");
        let twin = crash(&rig.twin);
        self.hand.clear();
        self.parked.clear();
        self.delivered_in_this_life.clear();
        drop(rig);
        let rig = open(twin);
        self.remembered.clone_from(&rig.remembered);
        self.pending.clone_from(&rig.pending);
        self.rig = Some(rig);
        for (name, known) in &self.known {
            let counts = self.remembered.contains(&digest(name));
            let wants_kafka = known.event.source.as_str() == DEMANDING;
            assert!(
                !(wants_kafka && counts) || known.delivered,
                "the key of {name} counts, and Kafka does not have it"
            );
            let remembered = counts || self.pending.contains(&digest(name));
            // Where the last write cannot be written again it is not vouched for: a duplicate is better than a loss.
            let vouched = self.rig.as_ref().is_some_and(|rig| rig.room() < Room::Full);
            let may_be_forgotten = !vouched || (self.short_of_space && known.delivered);
            assert!(remembered || !known.safe || may_be_forgotten, "{name} was safe, and its key is forgotten");
        }
    }

    /// Whatever happened before: on a healthy disk everything that is owed comes out.
    fn settle(&mut self) {
        self.rig().twin.heal();
        self.rig().twin.set_capacity(VOLUME_BYTES);
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
        for (name, known) in &self.known {
            assert!(known.delivered || !known.safe, "{name} was safe and did not come out");
            let remembered = [&self.remembered, &self.pending].iter().any(|keys| keys.contains(&digest(name)));
            assert!(known.delivered || !remembered, "the key of {name} is remembered and it did not come out");
        }
        assert_eq!(self.rig().claims.counts(), (self.pending.len(), 0), "each pending key was settled by its delivery");
        self.rig().tidy();
        let text = self.rig().metrics.encode();
        assert!(text.contains("hookgate_spool_records 0\n"), "{text}");
        assert!(text.contains("hookgate_spool_corrupt_records_total 0\n"), "{text}");
        let none_aside = text.contains("hookgate_spool_damaged_segments 0\n");
        assert!(none_aside || self.directory_failed, "{:?}", self.rig().twin.names());
    }
}

/// Several hundred; more where `PROPTEST_CASES` says so.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_spool_keeps_its_promises_whatever_happens(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.settle();
    }
}
