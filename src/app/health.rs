//! Readiness: an event that is sent now would be kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::admin::{Check, Health};
use crate::forward::Forwarder;
use crate::spool::{Room, Spool};

/// Set when the gateway begins to stop: load balancers are to send elsewhere, while we still accept.
#[derive(Debug, Clone, Default)]
pub(super) struct Draining(Arc<AtomicBool>);

impl Draining {
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Kafka that is down does not make a gateway with a healthy spool unready: it would take every replica out at once, and
/// lose what senders do not send again.
pub(super) fn checks(draining: &Draining, spool: &Spool, forwarder: &Arc<Forwarder>) -> Health {
    let draining = draining.clone();
    let serving: Check =
        Box::new(move || if draining.has_begun() { Err("the gateway is stopping".into()) } else { Ok(()) });
    let (spool, forwarder) = (spool.clone(), Arc::clone(forwarder));
    let custody: Check = Box::new(move || custody(spool.room(), forwarder.ready()));
    Health::new(vec![("serving", serving), ("custody", custody)])
}

fn custody(room: Room, kafka: bool) -> Result<(), String> {
    match (room, kafka) {
        (Room::Plenty | Room::High, _) | (_, true) => Ok(()),
        (Room::Full, false) => Err("the spool is full and no Kafka broker answers".into()),
        (Room::None, false) => Err("there is no disk to keep events on and no Kafka broker answers".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_ready_while_any_custody_would_keep_an_event() {
        for room in [Room::Plenty, Room::High, Room::Full, Room::None] {
            assert_eq!(custody(room, true), Ok(()));
        }
        assert_eq!(custody(Room::High, false), Ok(()));
        assert!(custody(Room::Full, false).is_err() && custody(Room::None, false).is_err());
    }
}
