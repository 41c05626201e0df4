//! From an identified delivery to a safe one: reserve its keys, give its events to a custody, and wait until they are
//! safe in the sense of the source's `ack`.
//!
//! This is where a 200 is earned. [`Accepted`] can only be built here, out of slots that have reported the event safe, and
//! a [`super::Receipt`] for a delivery only out of an [`Accepted`].

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Sleep;

use crate::dedupe::{Answer, Dedupe, Reservation, Ring, Twin};
use crate::event::{Claim, Event};
use crate::metrics::Custody;
use crate::spool::{Ack, Outcome, Refusal, Room, Slot, Spool};
use crate::throttle::Held;

use super::identify::Identified;
use super::reject::Reject;
use super::source::Terms;

/// So often within the deadline a disk that refused is asked again, while Kafka has the events.
const ASKS: u32 = 16;

/// A delivery whose new events have their keys reserved.
#[derive(Debug)]
pub struct Reserved {
    fresh: Vec<(Event, Option<Reservation>)>,
    /// First copies of our events that are on the way in other requests (or earlier in this one).
    twins: Vec<Twin>,
    /// How many events the delivery has in all.
    events: usize,
    /// What they take from the byte budget until they are safe.
    held: [Option<Held>; 2],
}

/// A delivery whose events are safe, each by its own custody or as a duplicate of one that is.
#[derive(Debug)]
pub struct Accepted {
    /// Which custody made the new ones safe; none: all were known.
    custody: Option<Custody>,
    events: usize,
}

impl Accepted {
    /// Which custody woke the caller; none where every event was known before.
    #[must_use]
    pub fn custody(&self) -> Option<Custody> {
        self.custody
    }

    /// Every event was known before. An empty batch is no duplicate of anything.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.custody.is_none() && self.events > 0
    }
}

/// Reserves all keys of a delivery before the first event is given away. Without a ring the source does not dedupe.
#[must_use]
pub fn reserve(dedupe: &Dedupe, ring: Option<&Ring>, identified: Identified) -> Reserved {
    let (candidates, held) = identified.into_parts();
    let events = candidates.len();
    let mut reserved = Reserved { fresh: Vec::with_capacity(events), twins: Vec::new(), events, held };
    for candidate in candidates {
        let Some(ring) = ring else {
            reserved.fresh.push((candidate.event, None));
            continue;
        };
        let mut event = candidate.event;
        let source = event.source.as_str();
        let second = candidate.also.map(|key| dedupe.digest_of_second(source, &key));
        event.digests = [dedupe.digest(source, candidate.id.as_bytes())].into_iter().chain(second).collect();
        match dedupe.reserve(ring, &event.digests) {
            Answer::Fresh(reservation) => reserved.fresh.push((event, Some(reservation))),
            Answer::Pending(twin) => reserved.twins.push(twin),
            Answer::Settled => {}
        }
    }
    reserved
}

/// Makes the new events safe and waits for the twins of the others, within the source's deadline.
///
/// # Errors
/// No custody could take the events or had them in time, or a twin was lost. What a custody still has may become safe
/// later; its key is settled then, and the sender's next try is a duplicate.
pub async fn keep(spool: &Spool, terms: &Terms, reserved: Reserved) -> Result<Accepted, Reject> {
    let Reserved { fresh, twins, events, held: _held } = reserved;
    let half = pin!(tokio::time::sleep(terms.deadline / 2));
    let mut end = pin!(tokio::time::sleep(terms.deadline));
    let custody = if fresh.is_empty() {
        None
    } else {
        Some(safe(spool, terms, slots(terms.ack, fresh), half, end.as_mut()).await?)
    };
    for twin in twins {
        tokio::select! {
            biased;
            kept = twin.kept() => if !kept { return Err(Reject::TwinLost) },
            () = end.as_mut() => return Err(Reject::Deadline),
        }
    }
    Ok(Accepted { custody, events })
}

fn slots(ack: Ack, fresh: Vec<(Event, Option<Reservation>)>) -> Vec<(Event, Arc<Slot>)> {
    let claim =
        |reservation: Option<Reservation>| reservation.map(|reservation| Box::new(reservation) as Box<dyn Claim>);
    fresh.into_iter().map(|(event, reservation)| (event, Slot::new(ack, claim(reservation)))).collect()
}

/// The first custody is the one that the `ack` names. If it refuses, or has not answered by half of the deadline, the
/// other one is tried as well, and either will do.
async fn safe(
    spool: &Spool,
    terms: &Terms,
    events: Vec<(Event, Arc<Slot>)>,
    half: Pin<&mut Sleep>,
    end: Pin<&mut Sleep>,
) -> Result<Custody, Reject> {
    if terms.comes_again(spool.room()) {
        return Err(Reject::NoCustody);
    }
    let first = terms.first_custody();
    let first_has_it = first.take(spool, &events).is_ok();
    let mut somebody_has_it = first_has_it;
    if first_has_it {
        tokio::select! {
            biased;
            ended = all(&events) => match ended {
                Outcome::Safe(custody) => return Ok(custody),
                Outcome::Lost => somebody_has_it = false,
            },
            () = half => {}
        }
    }
    if let Some(second) = terms.second_custody() {
        for (_, slot) in &events {
            slot.either_will_do();
        }
        somebody_has_it |= second.take(spool, &events).is_ok();
    }
    if !somebody_has_it {
        return Err(Reject::NoCustody);
    }
    let refused = (first == Keeper::Disk && !first_has_it).then_some(first);
    tokio::select! {
        biased;
        ended = all(&events) => match ended {
            Outcome::Safe(custody) => Ok(custody),
            Outcome::Lost => Err(Reject::NoCustody),
        },
        () = end => Err(Reject::Deadline),
        never = ask_again(refused, spool, &events, terms.deadline / ASKS) => match never {},
    }
}

/// A disk that refused may only have had no segment ready at that moment. Kafka alone may be away for hours, and all the
/// time each new try of the sender would share this one's fate.
async fn ask_again(
    refused: Option<Keeper>,
    spool: &Spool,
    events: &[(Event, Arc<Slot>)],
    every: Duration,
) -> Infallible {
    if let Some(keeper) = refused {
        loop {
            tokio::time::sleep(every).await;
            if keeper.take(spool, events).is_ok() {
                break;
            }
        }
    }
    std::future::pending().await
}

/// Waits for each; lost as soon as one is.
async fn all(events: &[(Event, Arc<Slot>)]) -> Outcome {
    let mut last = Outcome::Lost;
    for (_, slot) in events {
        last = slot.outcome().await;
        if last == Outcome::Lost {
            break;
        }
    }
    last
}

/// Who is asked to keep an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Disk,
    Forwarder,
    Both,
}

impl Keeper {
    fn take(self, spool: &Spool, events: &[(Event, Arc<Slot>)]) -> Result<(), Refusal> {
        let open: Vec<_> =
            events.iter().filter(|(_, slot)| !slot.is_safe()).map(|(event, slot)| (event, slot)).collect();
        match self {
            Self::Disk => spool.keep(&open),
            Self::Forwarder => spool.hand_over(&open),
            Self::Both => {
                spool.keep(&open)?;
                // What is kept reaches the forwarder after its sync in any case; at once is only faster.
                spool.hand_over(&open).or(Ok(()))
            }
        }
    }
}

impl Terms {
    /// Above the high-water mark a sender that tries again is asked to: what room is left, here and in Kafka's queue, is
    /// for those that do not.
    fn comes_again(&self, room: Room) -> bool {
        self.retries && matches!(room, Room::High | Room::Full) && matches!(self.ack, Ack::Disk | Ack::Both)
    }

    /// An event that is sent now could be made safe.
    #[must_use]
    pub fn can_be_met(&self, room: Room, kafka: bool) -> bool {
        let disk = matches!(room, Room::Plenty | Room::High);
        match self.ack {
            Ack::Both => disk && kafka,
            Ack::Kafka if !self.spool_when_unavailable => kafka,
            Ack::Disk if self.retries && room == Room::Full => false,
            Ack::Disk | Ack::Kafka | Ack::Memory => disk || kafka,
        }
    }

    /// The disk alone makes an event safe, be it as second custody.
    #[must_use]
    pub fn disk_is_enough(&self) -> bool {
        match self.ack {
            Ack::Disk | Ack::Memory => true,
            Ack::Kafka => self.spool_when_unavailable,
            Ack::Both => false,
        }
    }

    fn first_custody(&self) -> Keeper {
        match self.ack {
            Ack::Disk => Keeper::Disk,
            Ack::Kafka | Ack::Memory => Keeper::Forwarder,
            Ack::Both => Keeper::Both,
        }
    }

    fn second_custody(&self) -> Option<Keeper> {
        match self.ack {
            Ack::Disk => Some(Keeper::Forwarder),
            Ack::Kafka if !self.spool_when_unavailable => None,
            Ack::Kafka | Ack::Memory => Some(Keeper::Disk),
            Ack::Both => None,
        }
    }
}
