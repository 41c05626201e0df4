//! An event that may be new.

use bytes::Bytes;

use crate::event::Event;

use super::record::Missing;

/// What each event takes while it is kept: digests, reservation and slot, about, in bytes.
const KEPT_BYTES: usize = 256;

/// An event that may be new.
#[derive(Debug)]
pub struct Candidate {
    /// The event; the dedupe's digests are not in it yet.
    pub(in crate::ingest) event: Event,
    /// `ce_id`: the idempotency key, readable.
    pub(in crate::ingest) id: String,
    /// The type as the source's `type` says it, `event` where it has none; `ce_type` has the source before it.
    pub(in crate::ingest) kind: String,
    /// `dedupe.also`: the second key.
    pub(in crate::ingest) also: Option<Vec<u8>>,
    pub(super) missing: Missing,
}

impl Candidate {
    /// `ce_id`
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The type as the source's `type` says it, `event` where it has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// About what it takes in memory until it is safe, beside its value, which is a part of the body.
    pub(super) fn bytes(&self) -> u64 {
        let names = self.id.len() + self.kind.len() + self.also.as_ref().map_or(0, Vec::len);
        let record = self.event.headers.as_bytes().len() + self.event.key.as_ref().map_or(0, Bytes::len);
        u64::try_from(size_of::<Self>() + KEPT_BYTES + names + record).unwrap_or(u64::MAX)
    }
}
