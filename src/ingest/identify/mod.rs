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
use crate::throttle::Held;

use super::received::Received;
use super::reject::Reject;
use super::source::{self, Identify};

mod candidate;
mod payload;
mod record;

pub use candidate::Candidate;
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
    /// What the body and the records take from the byte budget.
    held: [Option<Held>; 2],
}

/// Finds the events of a delivery.
///
/// # Errors
/// The delivery is not what the source describes, and the source rejects such; or there is no room for its records.
pub fn events(identifier: &Identifier, authentic: Authentic<Received>) -> Result<Identified, Reject> {
    let found = identifier.identify(authentic)?;
    match identifier.reject_malformed {
        Some(status) if found.candidates.iter().any(|candidate| candidate.missing.rejects()) => {
            Err(Reject::Malformed { status })
        }
        _ => Ok(found),
    }
}

impl Identified {
    /// The events, in the order of the delivery.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The events, and what is to be held of the byte budget until they are safe.
    pub(super) fn into_parts(self) -> (Vec<Candidate>, [Option<Held>; 2]) {
        (self.candidates, self.held)
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

    fn identify(&self, authentic: Authentic<Received>) -> Result<Identified, Reject> {
        let request = authentic.get().request();
        let records = Records::of(self, &authentic);
        let batch = self.settings.batch.as_ref().map(|batch| locate::elements(batch, &request));
        let mut held = authentic.get().held.as_ref().map(Held::beside);
        let candidates = match &batch {
            Some(Some(elements)) => self.elements(&records, &authentic, elements, held.as_mut())?,
            Some(None) => vec![self.whole(&records, &authentic, true)],
            None => vec![self.whole(&records, &authentic, false)],
        };
        Ok(Identified { candidates, held: [authentic.into_parts().0.held, held] })
    }

    /// Each element as an event. Together their records may be many times the body, so they count in the budget.
    fn elements(
        &self,
        records: &Records<'_>,
        authentic: &Authentic<Received>,
        elements: &Elements<'_>,
        mut held: Option<&mut Held>,
    ) -> Result<Vec<Candidate>, Reject> {
        let text = elements.text(&authentic.get().body);
        let total = elements.len();
        let mut scope = Scope::of(authentic.get().request());
        let mut candidates = Vec::with_capacity(total);
        let mut bytes = 0;
        for element in elements.iter() {
            scope.enter(element);
            let value = text.slice(element.range());
            let place = Some((element.index() + 1, total));
            let missing = Missing::default();
            let candidate = self.candidate(records, &scope, value, element.value(), place, missing);
            bytes += candidate.bytes();
            if let Some(held) = &mut held {
                held.grow_to(bytes).map_err(|_| Reject::BudgetSpent)?;
            }
            candidates.push(candidate);
        }
        Ok(candidates)
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
