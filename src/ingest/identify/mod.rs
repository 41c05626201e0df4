//! What it says: the events of an authentic delivery, each with its id, type, key and record headers.
//!
//! The first place where the content of a body may be looked at, and it takes [`Authentic`] by value. Whatever is missing
//! or odd, an authentic delivery is kept: under its content hash where it has no id, whole where it has no batch, with a
//! header that says what was missing; unless the source says `on_malformed: reject`.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

use crate::event::Event;
use crate::locate::{self, Elements, Scope, Value, content_hash};
use crate::name::{SourceName, TopicName};
use crate::signature::{Authentic, Subject};

use super::received::Received;
use super::reject::Reject;
use super::source::{self, Identify};

mod payload;
mod record;

use payload::{hashed, payload};
use record::{Missing, Records};

/// An id, type or key longer than this counts as missing: it would not fit the headers of a record, in bytes.
const NAME_BYTES_MAX: usize = 16 * 1024;
/// The type of an event that has none.
const UNTYPED: &str = "event";

/// How the events of a source are found and named.
#[derive(Debug)]
pub struct Identifier {
    settings: Identify,
    source: SourceName,
    topic: TopicName,
    ce_source: String,
    /// `on_malformed: reject`, with the status of `reply.malformed`.
    reject_malformed: Option<StatusCode>,
}

/// A delivery whose events are known. Only [`events`] builds one.
#[derive(Debug)]
pub struct Identified {
    candidates: Vec<Candidate>,
    /// Held so that the body counts in the byte budget until the events are safe.
    _received: Received,
}

/// Finds the events of a delivery.
///
/// # Errors
/// The delivery is not what the source describes, and the source rejects such.
pub fn events(identifier: &Identifier, authentic: Authentic<Received>) -> Result<Identified, Reject> {
    let found = identifier.identify(authentic);
    match identifier.reject_malformed {
        Some(status) if found.candidates.iter().any(|candidate| candidate.missing.rejects()) => {
            Err(Reject::Malformed { status })
        }
        _ => Ok(found),
    }
}

/// An event that may be new.
#[derive(Debug)]
pub struct Candidate {
    /// The event; the dedupe's digests are not in it yet.
    pub(super) event: Event,
    /// `ce_id`: the idempotency key, readable.
    pub(super) id: String,
    /// The type as the source's `type` says it, `event` where it has none; `ce_type` has the source before it.
    pub(super) kind: String,
    /// `dedupe.also`: the second key.
    pub(super) also: Option<Vec<u8>>,
    missing: Missing,
}

impl Identified {
    /// The events, in the order of the delivery.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub(super) fn into_candidates(self) -> Vec<Candidate> {
        self.candidates
    }
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
}

impl Identifier {
    /// Prepares a source's way to name events.
    pub(super) fn new(settings: &source::Settings) -> Self {
        Self {
            settings: settings.identify.clone(),
            source: settings.name.clone(),
            topic: settings.topic.clone(),
            ce_source: settings.ce_source.clone(),
            reject_malformed: settings.identify.reject_malformed.then_some(settings.malformed),
        }
    }

    fn identify(&self, authentic: Authentic<Received>) -> Identified {
        let request = authentic.get().request();
        let records = Records::of(self, &authentic);
        let batch = self.settings.batch.as_ref().map(|batch| locate::elements(batch, &request));
        let candidates = match &batch {
            Some(Some(elements)) => self.elements(&records, &authentic, elements),
            Some(None) => vec![self.whole(&records, &authentic, true)],
            None => vec![self.whole(&records, &authentic, false)],
        };
        Identified { candidates, _received: authentic.into_parts().0 }
    }

    fn elements(
        &self,
        records: &Records<'_>,
        authentic: &Authentic<Received>,
        elements: &Elements<'_>,
    ) -> Vec<Candidate> {
        let text = elements.text(&authentic.get().body);
        let total = elements.len();
        let mut scope = Scope::of(authentic.get().request());
        let mut candidates = Vec::with_capacity(total);
        for element in elements.iter() {
            scope.enter(element);
            let value = text.slice(element.range());
            let place = Some((element.index() + 1, total));
            let missing = Missing::default();
            candidates.push(self.candidate(records, &scope, value, element.value(), place, missing));
        }
        candidates
    }

    /// The delivery as one event; without the batch that was looked for, under its content hash.
    fn whole(&self, records: &Records<'_>, authentic: &Authentic<Received>, batch_missing: bool) -> Candidate {
        let received = authentic.get();
        let value = payload(&self.settings, received);
        let hashed = hashed(&self.settings, received, &value);
        let mut scope = Scope::of(received.request());
        scope.set_hashed(&hashed);
        let missing = Missing { batch: batch_missing, ..Missing::default() };
        self.candidate(records, &scope, value.clone(), &hashed, None, missing)
    }

    fn candidate(
        &self,
        records: &Records<'_>,
        scope: &Scope<'_>,
        value: Bytes,
        hashed: &[u8],
        place: Option<(usize, usize)>,
        mut missing: Missing,
    ) -> Candidate {
        let id = if missing.batch { None } else { named(self.settings.id.find(scope)) };
        missing.id = id.is_none() && !missing.batch;
        let id = id.unwrap_or_else(|| content_hash(hashed));
        let kind = self.settings.kind.as_ref().map(|expr| named(expr.find_type(scope)));
        missing.kind = matches!(kind, Some(None));
        let kind = kind.flatten().unwrap_or_else(|| UNTYPED.to_owned());
        let key = self.settings.key.as_ref().map(|expr| expr.find(scope).filter(|key| fits(key)));
        missing.key = matches!(key, Some(None));
        let also = self.settings.also.as_ref().and_then(|expr| expr.find(scope)).filter(|also| !also.is_empty());
        let event = Event {
            source: self.source.clone(),
            topic: self.topic.clone(),
            key: key.flatten().map(|key| Bytes::copy_from_slice(&key)),
            headers: records.headers(&id, &kind, place, missing),
            value,
            received_at: records.received_at(),
            digests: Vec::new(),
        };
        Candidate { event, id, kind, also: also.map(Cow::into_owned), missing }
    }
}

/// A name is UTF-8 and not empty, since it becomes a record header that people read.
fn named(found: Option<Value<'_>>) -> Option<String> {
    let found = found.filter(|found| fits(found))?;
    String::from_utf8(found.into_owned()).ok()
}

fn fits(found: &[u8]) -> bool {
    !found.is_empty() && found.len() <= NAME_BYTES_MAX
}
