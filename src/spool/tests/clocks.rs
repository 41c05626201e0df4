//! Row "clock": the wall jumps, smears and stands still while events and their copies come.
//!
//! What is held: nothing panics; what was seen stays seen, in this life and, once the clock is right again, in the next;
//! a signed request is taken exactly while the wall is right to within its tolerance. Out of it is what nobody can know:
//! an event that came while the wall was behind by more than the window looks too old to the next life.

use http::HeaderMap;

use super::*;
use crate::chaos::{Dice, Row};
use crate::dedupe::{self, Answer, Dedupe, HashKey, Ring};
use crate::locate::{Expr, Request};
use crate::secret::Secret;
use crate::signature::scheme::{Block, Encoding, Hash, Kind, Part, Signed, TimeFormat, Timestamp};
use crate::signature::{Demands, Denial, Draft, Gate, Subject, sign};

const WINDOW: Duration = Duration::from_hours(72);
const TOLERANCE_MS: u64 = 300_000;
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// A request as it arrives.
#[derive(Debug)]
struct Post(Draft);

impl Subject for Post {
    fn request(&self) -> Request<'_> {
        let Draft { method, target, headers, body } = &self.0;
        Request { method, target, headers, body, path_secret: None, peer: None }
    }
}

/// Signed over its time and its body.
fn demands() -> Demands {
    let expr = |text: &str| Expr::parse(text).expect(text);
    let signed = Signed {
        signature: vec![expr("header:x-sig")],
        separator: None,
        prefix: Vec::new(),
        after: None,
        encoding: Encoding::Hex,
        contents: vec![["header:x-time", "body"].map(|part| Part::parse(part).expect(part)).to_vec()],
        url_unescape: String::new(),
        prehash: false,
    };
    let tolerance = Duration::from_millis(TOLERANCE_MS);
    let time =
        Timestamp { from: expr("header:x-time"), format: TimeFormat::UnixMs, past: tolerance, future: tolerance };
    let block = Block { timestamp: Some(time), ..Block::new(Kind::Hmac(Hash::Sha256, signed)) };
    Demands { blocks: vec![block], secrets: vec![Secret::new("a secret that is long enough")], ..Demands::default() }
}

/// The gateway on a clock that a test moves, and the true time.
struct World {
    rig: Rig,
    dedupe: Dedupe,
    ring: Ring,
    gate: Gate,
    demands: Demands,
    now: u64,
    /// How far the wall is ahead of it.
    error: i64,
    /// Which events came, when in truth, and by which wall.
    came: Vec<(String, u64, i64)>,
    counts: Counts,
}

/// What has been done.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    events: u64,
    duplicates: u64,
    moves: u64,
    taken: u64,
    refused: u64,
    restarts: u64,
}

fn settings() -> Settings {
    Settings { max_bytes: ByteSize::kib(256), ..super::settings() }
}

fn begin(twin: Twin, wall: UnixMillis) -> (Rig, Dedupe, Ring) {
    let clock = Clock::standing_at(wall);
    let keys = dedupe::Settings { window: WINDOW, max_keys: 1_000_000 };
    let dedupe = Dedupe::new(HashKey::new([3; 16]), &keys, clock.clone(), metrics());
    let ring = dedupe.ring(WINDOW);
    let mut restore = |event: Remembered<'_>| restore_keys(&dedupe, &ring, event);
    let opened = Rig::at(twin, &settings(), clock, |_| {}, &mut restore).expect("opens");
    (opened, dedupe, ring)
}

impl World {
    fn new() -> Self {
        let (rig, dedupe, window) = begin(Twin::new(VOLUME_BYTES), NOW);
        let gate = Gate::new(demands()).expect("a gate");
        let (came, counts) = (Vec::new(), Counts::default());
        Self { rig, dedupe, ring: window, gate, demands: demands(), now: NOW.0, error: 0, came, counts }
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(self.now.saturating_add_signed(self.error))
    }

    /// Time passes. A machine that sleeps may stop its monotonic clock; the wall goes on by its battery.
    fn pass(&mut self, millis: u64, asleep: bool) {
        self.now += millis;
        if !asleep {
            self.rig.clock.advance(Duration::from_millis(millis));
        }
        self.rig.clock.set_wall(self.wall());
    }

    fn set_error(&mut self, error: i64) {
        self.counts.moves += 1;
        self.error = error;
        self.rig.clock.set_wall(self.wall());
    }

    /// A sender whose clock is right.
    fn signed(&mut self) {
        let draft =
            Draft { method: "POST".into(), target: "/in".into(), headers: HeaderMap::new(), body: b"{}".to_vec() };
        let signed =
            sign(&self.demands, &self.demands.secrets[0], &draft, UnixMillis(self.now)).expect("can be signed");
        let verdict = self.gate.check(Post(signed), self.rig.clock.wall()).map_err(|denied| denied.reason);
        if self.error.unsigned_abs() <= TOLERANCE_MS {
            assert!(verdict.is_ok(), "{} ms off", self.error);
            self.counts.taken += 1;
        } else {
            assert_eq!(verdict.err(), Some(Denial::Stale), "{} ms off", self.error);
            self.counts.refused += 1;
        }
    }

    fn event(&mut self) {
        self.counts.events += 1;
        let name = self.came.len().to_string();
        let digests = vec![self.dedupe.digest("source", name.as_bytes())];
        let Answer::Fresh(reservation) = self.dedupe.reserve(&self.ring, &digests) else { panic!("{name} is new") };
        let event = Event { digests, received_at: self.rig.clock.wall(), ..event(&name, "t", 300) };
        let slot = Slot::new(Ack::Disk, Some(Box::new(reservation)));
        self.rig.core().keep(&[(&event, &slot)]).expect("has room");
        self.rig.write();
        self.rig.take_all().into_iter().for_each(Parcel::delivered);
        self.rig.tidy();
        self.came.push((name, self.now, self.error));
    }

    /// Copies of all that came inside the window are duplicates.
    fn copies(&mut self, after_restart: bool) {
        let window = WINDOW.as_millis().try_into().expect("short");
        for (name, at, error) in &self.came {
            let unknowable = after_restart && *error < 0 && error.unsigned_abs() + (self.now - at) >= window;
            if self.now - at > window || unknowable {
                continue;
            }
            let answer = self.dedupe.reserve(&self.ring, &[self.dedupe.digest("source", name.as_bytes())]);
            assert!(matches!(answer, Answer::Settled), "{name} came {} s ago, {error} ms off", (self.now - at) / 1000);
            self.counts.duplicates += 1;
        }
    }

    /// A restart, once the clock is right again. What was seen before and only in memory by then is seen still.
    fn restart(&mut self) {
        self.set_error(0);
        self.counts.restarts += 1;
        (self.rig, self.dedupe, self.ring) = begin(self.rig.twin.kill(), self.wall());
        assert!(self.rig.take_all().is_empty(), "all of it is delivered");
        self.rig.tidy();
        self.copies(true);
    }

    fn step(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0..4 => self.event(),
            4 | 5 => self.signed(),
            6 => self.copies(self.counts.restarts > 0),
            7 => self.pass(dice.below(4 * 3_600_000), false),
            8 => self.pass(dice.below(8 * 3_600_000), true),
            9 => {
                let errors = [HOUR, -HOUR, YEAR, -YEAR, 0, 299_000, -299_000, 301_000, -301_000];
                self.set_error(dice.pick(&errors));
                self.signed();
            }
            10 => {
                // A leap second smeared over a day: the wall is half a second off at most, and never jumps.
                for step in 0..24i64 {
                    self.error = if step < 12 { step * 1000 / 24 } else { (step - 24) * 1000 / 24 };
                    self.pass(3_600_000, false);
                    self.signed();
                }
                self.set_error(0);
            }
            _ => self.restart(),
        }
    }
}

#[test]
fn a_clock_that_jumps_forgets_nothing_and_lets_in_nothing_old() {
    let row = Row::begin("clock", 150, 10_000);
    let mut all = Counts::default();
    let cases = row.run(|dice| {
        let mut world = World::new();
        for _ in 0..40 {
            world.step(dice);
        }
        world.restart();
        let counts = world.counts;
        all.events += counts.events;
        all.duplicates += counts.duplicates;
        all.moves += counts.moves;
        all.taken += counts.taken;
        all.refused += counts.refused;
        all.restarts += counts.restarts;
    });
    let Counts { events, duplicates, moves, taken, refused, restarts } = all;
    assert!(cases < 100 || (refused > 100 && taken > 100 && duplicates > events), "{all:?}");
    row.end(
        &format!(
            "{cases} runs, {moves} jumps of up to a year, smears and sleeps, {restarts} restarts, {events} events"
        ),
        &format!(
            "0 of {duplicates} duplicates taken, 0 of {refused} stale requests let in, 0 of {taken} fresh ones refused"
        ),
    );
}
