//! Configurations for tests of what becomes of events: sources that a header proves, each with an id in a header, and a
//! way to say only what a test is about.

use crate::support::client::Request;
use crate::support::kafka::Kafka;

const KEY: &str = "the-key-of-every-source-here";

/// A configuration in the making.
#[derive(Clone)]
pub(crate) struct Setup {
    brokers: String,
    name: &'static str,
    kafka: String,
    more: String,
    sources: String,
}

impl Setup {
    /// Events go to this Kafka. The name is that of the topics' family, `<name>.<source>` and `<name>.dead`: nobody else
    /// may use it. The gateway makes the topics.
    pub(crate) fn new(kafka: &Kafka, name: &'static str) -> Self {
        Self::before(&kafka.bootstrap(), name)
    }

    /// The same before brokers that need not be there; commas between them.
    pub(crate) fn before(brokers: &str, name: &'static str) -> Self {
        let kafka = ", create_topics: { partitions: 1, replication: 1 }".to_owned();
        let (brokers, more) = (brokers.to_owned(), "shutdown: { drain_delay: 0s }\n".to_owned());
        Self { brokers, name, kafka, more, sources: String::new() }
    }

    /// The topics are the operator's business.
    pub(crate) fn without_topics(mut self) -> Self {
        self.kafka.clear();
        self
    }

    /// More keys under `kafka`.
    pub(crate) fn kafka(mut self, settings: &str) -> Self {
        self.kafka.extend([", ", settings]);
        self
    }

    /// With a spool in the gateway's own directory.
    pub(crate) fn spool(self) -> Self {
        self.spool_with("max_bytes: 512MiB, segment_bytes: 8MiB")
    }

    /// The same with other settings.
    pub(crate) fn spool_with(self, settings: &str) -> Self {
        self.with(&format!("spool: {{ dir: \"{{dir}}/spool\", {settings} }}"))
    }

    /// One more line at the top level; it replaces the one with the same key.
    pub(crate) fn with(mut self, line: &str) -> Self {
        let key = line.split_inclusive(':').next().unwrap_or_default().to_owned();
        let others = self.more.lines().filter(|other| !other.starts_with(&key)).map(|other| format!("{other}\n"));
        self.more = others.chain([format!("{line}\n")]).collect();
        self
    }

    /// One more source; `settings` as in `ack: kafka, retries: false`.
    pub(crate) fn source(mut self, name: &str, settings: &str) -> Self {
        let proof = format!("auth: {{ header: X-Api-Key }}, secret: {KEY}, id: header:X-Event-Id");
        let settings = if settings.is_empty() { String::new() } else { format!(", {settings}") };
        self.sources.extend([format!("  {name}: {{ {proof}{settings} }}\n")]);
        self
    }

    /// As the gateway reads it.
    pub(crate) fn text(&self) -> String {
        let Self { brokers, name, kafka, more, sources } = self;
        let brokers = brokers.replace(',', "\", \"");
        format!(
            "kafka: {{ brokers: [\"{brokers}\"], topic: \"{name}.{{source}}\", dead_letter_topic: {name}.dead{kafka} }}\n\
             {more}sources:\n{sources}"
        )
    }
}

/// An event for a source; its body follows from its id, so that it can be told whether it came through whole.
pub(crate) fn event(source: &str, id: &str) -> Request {
    event_of(source, id, 0)
}

/// The same, so many bytes longer.
pub(crate) fn event_of(source: &str, id: &str, bytes: usize) -> Request {
    Request::post(&format!("/in/{source}"))
        .header("x-api-key", KEY)
        .header("x-event-id", id)
        .header("content-type", "application/json")
        .body(body(id, bytes))
}

/// What [`event_of`] sends: neither JSON nor UTF-8, and nothing that could be compressed.
pub(crate) fn body(id: &str, bytes: usize) -> Vec<u8> {
    let mut state = id.bytes().fold(1_u64, |state, byte| state.wrapping_mul(257).wrapping_add(byte.into()));
    let noise = std::iter::from_fn(|| {
        // Knuth's MMIX; its upper bits are good enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((state >> 32).to_le_bytes()[0])
    });
    let head = [b"{\"id\": \"", id.as_bytes(), b"\",\r\n \"raw\": \"\x00\xff\"}"].concat();
    head.into_iter().chain(noise.take(bytes)).collect()
}
