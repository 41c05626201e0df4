//! Readiness: an event that is sent now would be kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::admin::{Check, Health};
use crate::forward::Forwarder;
use crate::ingest::Gateway;
use crate::ingest::source::Terms;
use crate::spool::Room;

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
/// lose what senders do not send again. It does where no source would be content with the disk: each of its events is
/// refused then, whatever the gateway says of itself.
pub(super) fn checks(draining: &Draining, gateway: &Arc<Gateway>, forwarder: &Arc<Forwarder>) -> Health {
    let draining = draining.clone();
    let serving: Check =
        Box::new(move || if draining.has_begun() { Err("the gateway is stopping".into()) } else { Ok(()) });
    let (gateway, forwarder) = (Arc::clone(gateway), Arc::clone(forwarder));
    let custody: Check = Box::new(move || {
        let (room, kafka) = (gateway.spool.room(), forwarder.ready());
        let sources = gateway.sources.load();
        custody(room, kafka, sources.terms())
    });
    Health::new(vec![("serving", serving), ("custody", custody)])
}

/// One source whose events would be kept is enough.
fn custody<'t>(room: Room, kafka: bool, mut terms: impl Iterator<Item = &'t Terms>) -> Result<(), String> {
    if terms.any(|terms| terms.can_be_met(room, kafka)) {
        return Ok(());
    }
    Err(match (room, kafka) {
        (Room::Plenty | Room::High, false) => "every source waits for Kafka, and no broker answers",
        (Room::Full, false) => "the spool is full and no Kafka broker answers",
        (Room::None, false) => "there is no disk to keep events on and no Kafka broker answers",
        (_, true) => "every source waits for the disk, which takes nothing",
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Ack;
    use std::time::Duration;

    fn terms(ack: Ack, spool_when_unavailable: bool) -> Terms {
        Terms { ack, deadline: Duration::from_secs(1), spool_when_unavailable, retries: true }
    }

    fn is_ready(room: Room, kafka: bool, terms: &[Terms]) -> bool {
        custody(room, kafka, terms.iter()).is_ok()
    }

    #[test]
    fn a_gateway_is_ready_while_any_custody_would_keep_an_event() {
        let disk = [terms(Ack::Disk, false)];
        for room in [Room::Plenty, Room::High, Room::None] {
            assert!(is_ready(room, true, &disk));
        }
        // Who tries again is asked to; who does not has Kafka.
        let once = [Terms { retries: false, ..disk[0] }];
        assert!(!is_ready(Room::Full, true, &disk) && is_ready(Room::Full, true, &once));
        assert!(is_ready(Room::High, false, &disk));
        assert!(!is_ready(Room::Full, false, &disk) && !is_ready(Room::None, false, &disk));
    }

    #[test]
    fn a_gateway_whose_sources_all_wait_for_kafka_is_not_ready_without_it() {
        let strict = [terms(Ack::Kafka, false), terms(Ack::Both, false)];
        assert!(is_ready(Room::Plenty, true, &strict) && !is_ready(Room::Plenty, false, &strict));
        assert!(is_ready(Room::Plenty, false, &[terms(Ack::Both, false), terms(Ack::Kafka, true)]));
        assert!(!is_ready(Room::Full, true, &[terms(Ack::Both, false)]));
    }
}
