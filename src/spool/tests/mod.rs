//! The spool over a disk that misbehaves. Its threads do not run here: each turn is taken when the test says so.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::io::twin::Twin;
use super::limits::Limits;
use super::opening::{self, Opened};
use super::*;
use crate::dedupe::{Dedupe, Ring};
use crate::event::{Claim, Headers};
use crate::metrics::Build;

mod basics;
mod blows;
mod clocks;
mod copies;
mod damage;
mod faults;
mod golden;
mod inspections;
mod life;
mod many;
mod model;
mod openings;
mod paths;
mod recovered;
mod slots;
mod threads;

/// Segments of 8 KiB.
fn settings() -> Settings {
    Settings {
        dir: PathBuf::from("/spool"),
        scratch: false,
        max_bytes: ByteSize::kib(64),
        segment_bytes: ByteSize::kib(8),
        high_water: Share::percent(80),
        low_water: Share::percent(70),
        retain: Duration::ZERO,
    }
}

const HORIZON: Duration = Duration::from_hours(72);
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const VOLUME_BYTES: u64 = 1 << 20;
/// The source for whose events Kafka is needed too.
const DEMANDING: &str = "demanding";

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }))
}

/// An event of that name: its value begins with it and is as long as asked for.
fn event(name: &str, topic: &str, bytes: usize) -> Event {
    let mut headers = Headers::default();
    headers.push("ce_id", name.as_bytes()).expect("short");
    let mut value = name.as_bytes().to_vec();
    value.resize(bytes.max(name.len()), b'.');
    Event {
        source: "source".parse().expect("a name"),
        topic: topic.parse().expect("a name"),
        key: None,
        headers,
        value: Bytes::from(value),
        received_at: NOW,
        digests: vec![digest(name)],
    }
}

/// A digest that is easy to tell from others.
fn digest(name: &str) -> Digest {
    name.bytes().fold(1, |sum: Digest, byte| sum.wrapping_mul(257).wrapping_add(Digest::from(byte)))
}

/// The same, of a source for which the disk alone is not enough.
fn demanding(name: &str, topic: &str, bytes: usize) -> Event {
    Event { source: DEMANDING.parse().expect("a name"), ..event(name, topic, bytes) }
}

/// Which event a parcel carries.
fn name(parcel: &Parcel) -> String {
    let event = parcel.event();
    String::from_utf8(event.headers.get("ce_id").expect("every event has one").to_vec()).expect("text")
}

fn names(parcels: &[Parcel]) -> Vec<String> {
    parcels.iter().map(name).collect()
}

/// How far the slot is, without waiting.
fn now(slot: &Slot) -> Option<Outcome> {
    match pin!(slot.outcome()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Counts how claims end.
#[derive(Debug, Default, Clone)]
struct Claims {
    settled: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct OneClaim(Option<Claims>);

impl Claims {
    fn one(&self) -> Box<dyn Claim> {
        Box::new(OneClaim(Some(self.clone())))
    }

    /// Settled and dropped so far.
    fn counts(&self) -> (usize, usize) {
        (self.settled.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }
}

impl Claim for OneClaim {
    fn settle(mut self: Box<Self>) {
        if let Some(claims) = self.0.take() {
            claims.settled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for OneClaim {
    fn drop(&mut self) {
        if let Some(claims) = self.0.take() {
            claims.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// As the gateway does it with the keys of a source that asks for no more than the disk.
fn restore_keys(dedupe: &Dedupe, ring: &Ring, event: Remembered<'_>) {
    event.digests.iter().for_each(|digest| dedupe.restore(ring, *digest, event.received_at));
}

/// A spool whose threads are the test.
struct Rig {
    twin: Twin,
    opened: Opened,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// Keys that were told at the opening and count.
    remembered: Vec<Digest>,
    /// Keys that were told and do not count until Kafka has the event, and how their claims end.
    pending: Vec<Digest>,
    claims: Claims,
}

impl Rig {
    fn new() -> Self {
        Self::on(Twin::new(VOLUME_BYTES))
    }

    fn on(twin: Twin) -> Self {
        Self::with(twin, &settings(), |_| {}).expect("opens")
    }

    fn with(twin: Twin, settings: &Settings, change: impl FnOnce(&mut Limits)) -> Result<Self, OpenError> {
        Self::at(twin, settings, Clock::standing_at(NOW), change, &mut |_| {})
    }

    /// At a time of its own; the keys are told on.
    fn at(
        twin: Twin,
        settings: &Settings,
        clock: Clock,
        change: impl FnOnce(&mut Limits),
        tell: &mut dyn FnMut(Remembered<'_>),
    ) -> Result<Self, OpenError> {
        let metrics = metrics();
        let mut limits = Limits::of(settings, HORIZON);
        change(&mut limits);
        let mut remembered = Vec::new();
        let (mut pending, claims) = (Vec::new(), Claims::default());
        let mut remember = |event: Remembered<'_>| {
            tell(event);
            let claimed = event.source == DEMANDING && !event.delivered;
            if claimed { &mut pending } else { &mut remembered }.extend_from_slice(event.digests);
            claimed.then(|| claims.one())
        };
        let disk = Arc::new(twin.clone());
        let opened =
            opening::open(disk, Path::new("/spool"), limits, clock.clone(), Arc::clone(&metrics), &mut remember)?;
        Ok(Self { twin, opened, clock, metrics, remembered, pending, claims })
    }

    fn core(&self) -> &Arc<Core> {
        &self.opened.core
    }

    fn room(&self) -> Room {
        self.core().storage.as_ref().expect("has one").level.room()
    }

    /// Gives one event to the disk, without writing it.
    fn keep(&self, event: &Event, ack: Ack) -> Result<Arc<Slot>, Refusal> {
        let slot = Slot::new(ack, None);
        self.core().keep(&[(event, &slot)]).map(|()| slot)
    }

    /// Keeps and writes an event of that name.
    fn kept(&mut self, name: &str, topic: &str) -> Arc<Slot> {
        let slot = self.keep(&event(name, topic, 500), Ack::Disk).expect("has room");
        self.write();
        slot
    }

    fn hand_over(&self, event: &Event, slot: &Arc<Slot>) -> Result<(), Refusal> {
        self.core().hand_over(&[(event, slot)])
    }

    /// The writer's turn.
    fn write(&mut self) -> bool {
        self.opened.writer.turn(Duration::ZERO)
    }

    /// The keeper's turn.
    fn tidy(&mut self) {
        self.opened.keeper.turn();
    }

    fn take(&self) -> Vec<Parcel> {
        let mut items = Vec::new();
        self.core().take(&mut items, Duration::ZERO);
        items.into_iter().map(|item| Parcel::new(Arc::clone(self.core()), item)).collect()
    }

    /// Takes all there is.
    fn take_all(&self) -> Vec<Parcel> {
        let mut all = Vec::new();
        loop {
            let parcels = self.take();
            if parcels.is_empty() {
                return all;
            }
            all.extend(parcels);
        }
    }

    fn read_topic(&self, topic: &str) -> Vec<Parcel> {
        let (items, _) = reader::read_topic(self.core(), topic, 0, u64::MAX, 1000);
        items.into_iter().map(|item| Parcel::new(Arc::clone(self.core()), item)).collect()
    }

    /// The process is killed and started again.
    fn killed(self) -> Self {
        Self::on(self.twin.kill())
    }

    /// The power is cut, all that was not synced is lost, and the process is started again.
    fn cut(self) -> Self {
        Self::on(self.twin.cut(&mut || false))
    }
}
