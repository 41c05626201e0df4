//! An event on its way to Kafka for another time.

use crate::clock::UnixMillis;
use crate::event::{EventView, Headers, HeadersView, header};
use crate::kafka::Record;
use crate::name::TopicName;
use crate::spool::inspect::Kept;

/// What a dead letter has beside what the event had.
const OF_THE_DEAD: [&str; 3] = [header::DEAD_REASON, header::DEAD_TOPIC, header::DEAD_AT];

/// An event, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it lay: a sequence number, or partition and offset.
    pub from: String,
    /// Where it goes.
    pub topic: String,
    key: Option<Vec<u8>>,
    headers: Headers,
    value: Vec<u8>,
    received_at: UnixMillis,
}

impl Letter {
    /// A record of a spool.
    #[must_use]
    pub fn of_kept(kept: &Kept<'_>) -> Self {
        let event = &kept.event;
        Self {
            from: kept.sequence.to_string(),
            topic: event.topic.to_owned(),
            key: event.key.map(<[u8]>::to_vec),
            // They come out of the form that they go into.
            headers: without(event.headers.iter(), &[]).unwrap_or_default(),
            value: event.value.to_vec(),
            received_at: event.received_at,
        }
    }

    /// A record of the dead-letter topic; none: it does not say where it was meant to go, or is not
    /// one that a gateway has written.
    #[must_use]
    pub fn of_dead(record: Record) -> Option<Self> {
        let topic = record.header(header::DEAD_TOPIC)?.parse::<TopicName>().ok()?;
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        Some(Self {
            from: format!("{}@{}", record.partition, record.offset),
            topic: topic.as_str().to_owned(),
            headers: without(headers, &OF_THE_DEAD)?,
            key: record.key,
            value: record.value,
            received_at: UnixMillis(record.timestamp.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default()),
        })
    }

    /// The event, as one of this source.
    #[must_use]
    pub fn view<'a>(&'a self, source: &'a str) -> EventView<'a> {
        EventView {
            source,
            topic: &self.topic,
            key: self.key.as_deref(),
            headers: self.headers.view(),
            value: &self.value,
            received_at: self.received_at,
        }
    }

    /// Its `ce_id`.
    #[must_use]
    pub fn id(&self) -> String {
        String::from_utf8_lossy(self.headers.view().get(header::CE_ID).unwrap_or_default()).into_owned()
    }

    /// When it was received.
    #[must_use]
    pub fn received_at(&self) -> UnixMillis {
        self.received_at
    }

    /// What it takes in memory, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let HeadersView(headers) = self.headers.view();
        self.value.len() + headers.len() + self.key.as_ref().map_or(0, Vec::len)
    }
}

/// The headers of the first time: without those, and without the mark of an earlier replay. None: one of them has no
/// name, or a longer one than ours have.
fn without<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>, left_out: &[&str]) -> Option<Headers> {
    let mut wanted = headers.filter(|(name, _)| *name != header::REPLAYED && !left_out.contains(name));
    wanted.try_fold(Headers::default(), |mut kept, (name, value)| kept.push(name, value).ok().map(|()| kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(headers: &[(&str, &str)]) -> Record {
        Record {
            topic: "dead".into(),
            partition: 2,
            offset: 7,
            timestamp: Some(5),
            key: Some(b"k".to_vec()),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
            value: b"v".to_vec(),
        }
    }

    #[test]
    fn a_dead_letter_is_the_event_that_it_was() {
        let headers = [
            ("ce_id", "1"),
            ("hookgate-replayed", "earlier"),
            ("http-x", "y"),
            ("hookgate-dead-reason", "MESSAGE_TOO_LARGE"),
            ("hookgate-dead-topic", "orders"),
            ("hookgate-dead-at", "then"),
        ];
        let letter = Letter::of_dead(record(&headers)).expect("it says where to");
        assert_eq!((letter.from.as_str(), letter.topic.as_str(), letter.id().as_str()), ("2@7", "orders", "1"));
        let view = letter.view("s");
        assert_eq!(view.headers.iter().collect::<Vec<_>>(), [("ce_id", &b"1"[..]), ("http-x", b"y")]);
        assert_eq!((view.key, view.value, view.received_at), (Some(&b"k"[..]), &b"v"[..], UnixMillis(5)));
    }

    #[test]
    fn a_record_that_does_not_say_where_it_was_to_go_is_no_letter() {
        assert_eq!(Letter::of_dead(record(&[("ce_id", "1")])), None);
        assert_eq!(Letter::of_dead(record(&[("hookgate-dead-topic", "no topic's name")])), None);
    }
}
