//! Settled keys of one window, in generations of sharded sets.
//!
//! A generation covers a quarter of the window. Five are held, so that a key is remembered for at least the window and
//! at most a quarter more; the oldest is dropped whole, without a scan and without a timestamp a key. A set takes 17
//! bytes a slot and is at most 7/8 full, so a key costs 20 to 39 bytes, 33 on average.
//!
//! All windows together hold at most `max_keys`. When they are full the ring that holds most turns early: its window is
//! shorter for the time being, which a gauge shows. Pending keys are not here and never forgotten.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::event::Digest;
use crate::metrics::{Metrics, OfWindow};
use crate::units::show_duration;

use super::digest::ByDigest;

const GENERATIONS: u32 = 4;
/// A power of two: the shard is picked by the digest's lowest bits.
const SHARDS: usize = 64;

/// The settled keys of one window. Clones are the same ring.
#[derive(Debug, Clone)]
pub struct Ring(Arc<Window>);

#[derive(Debug)]
struct Window {
    length: Duration,
    shards: Vec<Mutex<Shard>>,
    entries: AtomicUsize,
    /// When the newest generations began; the newest first. Locked for a whole turn.
    begun: Mutex<VecDeque<Moment>>,
    /// When the next turn is due, in milliseconds of the monotonic clock since the ring's beginning; read without a lock.
    due_ms: AtomicU64,
    birth: Moment,
}

/// The newest generation first.
type Shard = VecDeque<HashSet<Digest, ByDigest>>;

/// The windows together, and their bound.
#[derive(Debug)]
pub(super) struct Bounds {
    max_keys: usize,
    entries: AtomicUsize,
    rings: Mutex<Vec<Ring>>,
    metrics: Arc<Metrics>,
}

impl Bounds {
    pub(super) fn new(max_keys: usize, metrics: Arc<Metrics>) -> Self {
        Self { max_keys, entries: AtomicUsize::new(0), rings: Mutex::default(), metrics }
    }

    pub(super) fn ring(&self, length: Duration, now: Moment) -> Ring {
        let mut rings = lock(&self.rings);
        if let Some(ring) = rings.iter().find(|ring| ring.0.length == length) {
            return ring.clone();
        }
        let ring = Ring::new(length, now);
        self.show_window(&ring, length);
        rings.push(ring.clone());
        ring
    }

    /// Remembers a key of that age.
    pub(super) fn insert(&self, ring: &Ring, digest: Digest, age: Duration, now: Moment) {
        self.turn_where_due(ring, now);
        if self.entries.load(Ordering::Relaxed) >= self.max_keys {
            self.turn_early(now);
        }
        if ring.insert(digest, age) {
            self.entries.fetch_add(1, Ordering::Relaxed);
            self.metrics.dedupe_entries.inc();
        }
    }

    /// Begins the generations that are due. Cheap where none is.
    pub(super) fn turn_where_due(&self, ring: &Ring, now: Moment) {
        if ring.is_due(now) {
            self.forget(ring.catch_up(now));
            self.show_window(ring, ring.0.length);
        }
    }

    /// Makes room: the fullest ring forgets its oldest generation before its time. One thread at a time, and the next one
    /// looks again: a generation that another has dropped meanwhile is room enough.
    pub(super) fn turn_early(&self, now: Moment) {
        let rings = lock(&self.rings);
        if self.entries.load(Ordering::Relaxed) < self.max_keys {
            return;
        }
        let Some(ring) = rings.iter().max_by_key(|ring| ring.0.entries.load(Ordering::Relaxed)) else { return };
        // Empty generations free nothing: go on until one was not. Five turns empty any ring.
        for _ in 0..=GENERATIONS {
            let dropped = ring.turn(now);
            self.forget(dropped);
            self.metrics.dedupe_early_turns.inc();
            if dropped > 0 {
                break;
            }
        }
        self.show_window(ring, ring.remembers(now));
    }

    fn forget(&self, dropped: usize) {
        self.entries.fetch_sub(dropped, Ordering::Relaxed);
        self.metrics.dedupe_entries.dec_by(i64::try_from(dropped).unwrap_or(i64::MAX));
    }

    fn show_window(&self, ring: &Ring, effective: Duration) {
        let label = OfWindow { window: show_duration(ring.0.length) };
        self.metrics.dedupe_window.get_or_create_owned(&label).set(effective.as_secs_f64());
    }
}

impl Ring {
    fn new(length: Duration, now: Moment) -> Self {
        let shard = || Mutex::new((0..=GENERATIONS).map(|_| HashSet::default()).collect());
        Self(Arc::new(Window {
            length,
            shards: (0..SHARDS).map(|_| shard()).collect(),
            entries: AtomicUsize::new(0),
            begun: Mutex::new(VecDeque::from([now])),
            due_ms: AtomicU64::new(millis(length / GENERATIONS)),
            birth: now,
        }))
    }

    pub(super) fn contains(&self, digest: Digest) -> bool {
        lock(self.shard(digest)).iter().any(|generation| generation.contains(&digest))
    }

    fn insert(&self, digest: Digest, age: Duration) -> bool {
        // Rounded up: dropped with that generation, the key has been remembered for the window and a quarter at most.
        let index = millis(age).div_ceil(self.generation_ms());
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let mut shard = lock(self.shard(digest));
        // A key of this moment was reserved, so no generation has it.
        let known = index > 0 && shard.iter().any(|generation| generation.contains(&digest));
        let fresh = !known && shard.get_mut(index).is_some_and(|generation| generation.insert(digest));
        if fresh {
            self.0.entries.fetch_add(1, Ordering::Relaxed);
        }
        fresh
    }

    fn shard(&self, digest: Digest) -> &Mutex<Shard> {
        let index = digest as usize % SHARDS;
        &self.0.shards[index]
    }

    fn is_due(&self, now: Moment) -> bool {
        millis(now.since(self.0.birth)) >= self.0.due_ms.load(Ordering::Acquire)
    }

    fn generation_ms(&self) -> u64 {
        millis(self.0.length / GENERATIONS).max(1)
    }

    /// Begins all generations that are due by now; says how many keys were dropped.
    fn catch_up(&self, now: Moment) -> usize {
        let mut begun = lock(&self.0.begun);
        let late_ms = millis(now.since(self.0.birth)).checked_sub(self.0.due_ms.load(Ordering::Acquire));
        // None: another thread has just done it.
        let Some(late_ms) = late_ms else { return 0 };
        let due = late_ms / self.generation_ms() + 1;
        self.0.due_ms.fetch_add(due.saturating_mul(self.generation_ms()), Ordering::Release);
        // More turns than there are generations change nothing.
        (0..due.min(u64::from(GENERATIONS) + 1)).map(|_| self.begin_generation(&mut begun, now)).sum()
    }

    /// Begins a generation before its time; says how many keys were dropped.
    fn turn(&self, now: Moment) -> usize {
        let mut begun = lock(&self.0.begun);
        let next = millis(now.since(self.0.birth)).saturating_add(self.generation_ms());
        self.0.due_ms.store(next, Ordering::Release);
        self.begin_generation(&mut begun, now)
    }

    fn begin_generation(&self, begun: &mut VecDeque<Moment>, now: Moment) -> usize {
        begun.push_front(now);
        begun.truncate(GENERATIONS as usize + 1);
        let mut dropped = 0;
        for shard in &self.0.shards {
            let mut shard = lock(shard);
            shard.push_front(HashSet::default());
            dropped += shard.pop_back().map_or(0, |oldest| oldest.len());
        }
        self.0.entries.fetch_sub(dropped, Ordering::Relaxed);
        dropped
    }

    /// For how long a key has been remembered at least, after generations turned early.
    fn remembers(&self, now: Moment) -> Duration {
        lock(&self.0.begun).back().map_or(Duration::ZERO, |oldest| now.since(*oldest)).min(self.0.length)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A thread that panicked while it held one of these locks left a set with a key more or less, which is a valid set.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
