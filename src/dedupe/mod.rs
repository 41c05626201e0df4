//! Which events have been seen.
//!
//! A key is in one of three states. It is unknown; or *pending*, while its first copy is on the way to a custody; or
//! *settled*, once that copy is safe. [`Dedupe::reserve`] moves it from unknown to pending and answers [`Answer::Fresh`];
//! settling the [`Reservation`] moves it on, dropping it moves it back. A second copy never passes: it waits for the
//! first one's outcome, or is a duplicate.
//!
//! Nothing is ever settled that was not kept: the reservation travels with the event and is settled by whoever made it
//! safe. No probabilistic filter decides, since a false positive would be a lost event; keys are 128 bits of a keyed
//! hash, and two different keys collide with a probability of n²/2¹²⁹ for n keys (10⁻²⁴ for two million).

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

use crate::clock::{Clock, UnixMillis};
use crate::event::{Claim, DIGESTS_MAX, Digest};
use crate::metrics::Metrics;

mod digest;
mod ring;

pub use digest::HashKey;
pub use ring::Ring;

use digest::ByDigest;
use ring::Bounds;

/// What the operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `dedupe.window`, where a source does not say its own.
    pub window: Duration,
    /// `dedupe.max_keys`: settled keys of all windows together; about 33 bytes each, 39 at worst.
    pub max_keys: usize,
}

/// Remembers keys. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct Dedupe(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    key: HashKey,
    clock: Clock,
    metrics: Arc<Metrics>,
    bounds: Arc<Bounds>,
    /// Keys whose event is not safe yet. There is a sender as soon as a second copy waits.
    pending: DashMap<Digest, Option<watch::Sender<bool>>, ByDigest>,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Answer {
    /// Nothing: the event is new, and its key is reserved for it.
    Fresh(Reservation),
    /// Its first copy is on the way.
    Pending(Twin),
    /// Its first copy is safe.
    Settled,
}

/// What is known of one key.
enum Known {
    Not,
    Pending(Twin),
    Settled,
}

/// A key reserved for one event. Dropped unsettled, it is forgotten, and whoever waits for it is told so.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<Memory>,
    ring: Ring,
    digests: Vec<Digest>,
}

/// A second copy's view of the first one.
#[derive(Debug)]
pub struct Twin(watch::Receiver<bool>);

impl Dedupe {
    /// An empty memory. The hash key is the same on all replicas and at each start, or keys would not be recognised.
    #[must_use]
    pub fn new(key: HashKey, settings: &Settings, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let bounds = Arc::new(Bounds::new(settings.max_keys, Arc::clone(&metrics)));
        Self(Arc::new(Memory { key, clock, metrics, bounds, pending: DashMap::default() }))
    }

    /// The ring of generations for a window; sources of one window share it.
    #[must_use]
    pub fn ring(&self, window: Duration) -> Ring {
        self.0.bounds.ring(window, self.0.clock.now())
    }

    /// An idempotency key as it is remembered: scoped by its source and hashed.
    #[must_use]
    pub fn digest(&self, source: &str, key: &[u8]) -> Digest {
        self.0.key.digest(source, key)
    }

    /// The same of the second key of an event (`dedupe.also`), which is never taken for an id.
    #[must_use]
    pub fn digest_of_second(&self, source: &str, key: &[u8]) -> Digest {
        self.0.key.digest_of_second(source, key)
    }

    /// Asks for the keys of one event (its id and, where there is one, the second key) and reserves them if none is
    /// known. Either known makes it a duplicate.
    #[must_use]
    pub fn reserve(&self, ring: &Ring, digests: &[Digest]) -> Answer {
        debug_assert!(digests.len() <= DIGESTS_MAX);
        self.0.bounds.turn_where_due(ring, self.0.clock.now());
        let memory = Arc::clone(&self.0);
        let mut reservation = Reservation { memory, ring: ring.clone(), digests: Vec::with_capacity(digests.len()) };
        for digest in digests {
            // The event itself: both its keys are the same.
            if reservation.digests.contains(digest) {
                continue;
            }
            match self.0.ask(ring, *digest) {
                Known::Not => reservation.digests.push(*digest),
                Known::Pending(twin) => return Answer::Pending(twin),
                Known::Settled => {
                    reservation.release(true);
                    return Answer::Settled;
                }
            }
        }
        Answer::Fresh(reservation)
    }

    /// Reserves the keys of an event that was read back from disk and is not safe yet, also those that another event has
    /// settled: until this one is safe, nothing is promised. A key that is pending is left to the event that has it. None:
    /// all are.
    #[must_use]
    pub fn reserve_restored(&self, ring: &Ring, digests: &[Digest]) -> Option<Reservation> {
        let digests: Vec<_> = digests.iter().copied().filter(|digest| self.0.begin(*digest)).collect();
        let reservation = Reservation { memory: Arc::clone(&self.0), ring: ring.clone(), digests };
        Some(reservation).filter(|reservation| !reservation.digests.is_empty())
    }

    /// Remembers a settled key that was read back from disk. A key older than the window is left out.
    pub fn restore(&self, ring: &Ring, digest: Digest, received_at: UnixMillis) {
        let age = self.0.clock.wall().since(received_at);
        self.0.bounds.insert(ring, digest, age, self.0.clock.now());
    }
}

impl Memory {
    /// Makes a key pending, unless it is.
    fn begin(&self, digest: Digest) -> bool {
        let Entry::Vacant(vacant) = self.pending.entry(digest) else { return false };
        vacant.insert(None);
        self.metrics.dedupe_pending.inc();
        true
    }

    /// What is known of a key; one that is not known is pending from now on. The table's lock is free again afterwards:
    /// whoever holds it must not touch another key, which may lie behind the same lock.
    fn ask(&self, ring: &Ring, digest: Digest) -> Known {
        match self.pending.entry(digest) {
            Entry::Occupied(mut first) => {
                let sender = first.get_mut().get_or_insert_with(|| watch::Sender::new(false));
                Known::Pending(Twin(sender.subscribe()))
            }
            Entry::Vacant(_) if ring.contains(digest) => Known::Settled,
            Entry::Vacant(vacant) => {
                vacant.insert(None);
                self.metrics.dedupe_pending.inc();
                Known::Not
            }
        }
    }
}

impl Reservation {
    /// Takes the keys out of the pending and tells those who wait whether the event is kept.
    fn release(&mut self, kept: bool) {
        for digest in self.digests.drain(..) {
            self.memory.metrics.dedupe_pending.dec();
            if let Some((_, Some(waiting))) = self.memory.pending.remove(&digest) {
                waiting.send_replace(kept);
            }
        }
    }
}

impl Claim for Reservation {
    fn settle(mut self: Box<Self>) {
        let now = self.memory.clock.now();
        // Settled before it leaves the pending, so that no copy can slip through between.
        for digest in &self.digests {
            self.memory.bounds.insert(&self.ring, *digest, Duration::ZERO, now);
        }
        self.release(true);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release(false);
    }
}

impl Twin {
    /// Waits for the first copy's outcome: true if it is safe. The caller sets the limit.
    pub async fn kept(mut self) -> bool {
        self.0.wait_for(|kept| *kept).await.is_ok()
    }
}

#[cfg(test)]
mod tests;
