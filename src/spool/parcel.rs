//! A parcel: an event in the forwarder's hands.

use std::sync::Arc;

use super::core::Core;
use super::outlet::{End, Item};
use super::record;
use crate::event::EventView;

/// An event on its way to Kafka, in the forwarder's hands. Dropped without a word it goes back: where it is on disk it
/// is read again and comes out of [`take`](super::Spool::take) once more; where it was in memory only, it is lost.
#[derive(Debug)]
pub struct Parcel {
    core: Arc<Core>,
    item: Option<Item>,
}

impl Parcel {
    pub(super) fn new(core: Arc<Core>, item: Item) -> Self {
        Self { core, item: Some(item) }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> EventView<'_> {
        record::view(self.item.as_ref().map_or(&[], |item| &item.frame))
    }

    /// Its sequence number on disk; none: only memory has it so far.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.item.as_ref()?.sequence
    }

    /// The disk has it, be it since it came into the forwarder's hands.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        let reached = |item: &Item| item.slot.as_ref()?.link.sequence();
        self.item.as_ref().is_some_and(|item| item.sequence.or_else(|| reached(item)).is_some())
    }

    /// Kafka has it.
    pub fn delivered(mut self) {
        self.finish(End::Delivered);
    }

    /// Kafka will not have it from this parcel. One that has a sequence number stays on disk, undelivered, and is not
    /// offered by [`take`](super::Spool::take) again in this life of the process:
    /// [`read_topic`](super::Spool::read_topic) gives it. One without a number that has reached the disk meanwhile is
    /// offered again, with its number; one that never does is lost, and so is told who waits for it.
    pub fn set_aside(mut self) {
        self.finish(End::SetAside);
    }

    fn finish(&mut self, end: End) {
        if let Some(item) = self.item.take() {
            self.core.finish(item.sequence, item.slot.as_ref(), end);
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}
