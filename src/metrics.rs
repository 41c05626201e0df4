//! Every metric by name, with its type, unit and labels; nowhere else is one named.
//!
//! Labels come from closed lists or from the configuration, never from a request, so that no stranger can make the set
//! of series grow. What belongs to a source is looked up once, when the source is built ([`SourceMetrics`]), and is a
//! plain atomic add from then on.

pub mod guard;
pub mod process;

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// A gauge of a real number, such as seconds.
pub type Seconds = Gauge<f64, AtomicU64>;

/// The label of requests for sources that are not configured.
pub const UNKNOWN_SOURCE: &str = "-";

/// Upper bounds in seconds for what a sender waits for: 100 µs to 10 s.
const LATENCY_SECONDS: [f64; 15] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Upper bounds in seconds for the way to Kafka: 1 ms to one day, since a broker may be away for long.
const DELIVERY_SECONDS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 21_600.0, 86_400.0];
/// Upper bounds in seconds around zero: how far a sender's clock is from ours; positive where the sender is behind.
const SKEW_SECONDS: [f64; 11] = [-300.0, -60.0, -5.0, -1.0, 0.0, 0.5, 1.0, 5.0, 60.0, 300.0, 3600.0];
/// Upper bounds in bytes.
const BODY_BYTES: [f64; 8] = [256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 26_214_400.0];

/// How a request ended. The list is closed; `ingest::reject` maps every refusal onto it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own label")]
pub enum Outcome {
    Accepted,
    Duplicate,
    Handshake,
    MissingCredential,
    BadSignature,
    Stale,
    Malformed,
    WrongMethod,
    TooLarge,
    TooSlow,
    BadRequest,
    RateLimited,
    Unavailable,
    UnknownSource,
    Disabled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Handshake,
        Self::MissingCredential,
        Self::BadSignature,
        Self::Stale,
        Self::Malformed,
        Self::WrongMethod,
        Self::TooLarge,
        Self::TooSlow,
        Self::BadRequest,
        Self::RateLimited,
        Self::Unavailable,
        Self::UnknownSource,
        Self::Disabled,
    ];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Handshake => "handshake",
            Self::MissingCredential => "missing_credential",
            Self::BadSignature => "bad_signature",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::WrongMethod => "wrong_method",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::BadRequest => "bad_request",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::UnknownSource => "unknown_source",
            Self::Disabled => "disabled",
        }
    }
}

/// Which custody woke the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own label")]
pub enum Custody {
    Disk,
    Kafka,
    Memory,
}

impl Custody {
    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Kafka => "kafka",
            Self::Memory => "memory",
        }
    }
}

/// What a public connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own label")]
pub enum ConnectionState {
    Active,
    Idle,
}

impl ConnectionState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
        }
    }
}

macro_rules! label_value {
    ($($name:ident)*) => {$(
        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
                encoder.write_str(self.as_str())
            }
        }
    )*};
}
label_value!(Outcome Custody ConnectionState);

macro_rules! label_set {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        #[expect(missing_docs, reason = "each field is the label of that name")]
        pub struct $name { $(pub $field: $kind),* }
    )*};
}
label_set! {
    /// `{source,outcome}`
    SourceOutcome { source: String, outcome: Outcome }
    /// `{source,custody}`
    SourceCustody { source: String, custody: Custody }
    /// `{source,result}`: `good` or `failed`.
    SourceResult { source: String, result: String }
    /// `{source,key}`: which of several secrets.
    SourceKey { source: String, key: usize }
    /// `{source}`
    OfSource { source: String }
    /// `{topic}`
    OfTopic { topic: String }
    /// `{code}`: Kafka's name of an error.
    OfCode { code: String }
    /// `{reason}`: Kafka's name of an error.
    OfReason { reason: String }
    /// `{window}`: a dedupe window as configured, such as `3d`.
    OfWindow { window: String }
    /// `{state}`
    OfState { state: ConnectionState }
}

/// All metrics of a gateway. Clones share the values.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is described where it is registered")]
pub struct Metrics {
    registry: Registry,
    /// What carries no prefix of ours.
    unprefixed: Registry,
    pub requests: Family<SourceOutcome, Counter>,
    pub acks: Family<SourceCustody, Counter>,
    pub signature_keys: Family<SourceKey, Counter>,
    pub key_fetches: Family<SourceResult, Counter>,
    pub clock_skew: Family<OfSource, Histogram, fn() -> Histogram>,
    pub learn_windows: Family<OfSource, Gauge>,
    pub secrets_learned: Family<OfSource, Counter>,
    pub confirmations: Family<OfSource, Counter>,
    pub request_duration: Histogram,
    pub request_body: Histogram,
    pub connections: Family<OfState, Gauge>,
    pub panics: Counter,
    fallen: guard::Fallen,
    pub events_produced: Family<OfTopic, Counter>,
    pub event_delivery: Histogram,
    pub spool_records: Gauge,
    pub spool_bytes: Gauge,
    pub spool_capacity: Gauge,
    pub spool_oldest_age: Seconds,
    pub spool_fsync: Histogram,
    pub spool_corrupt_records: Counter,
    pub spool_torn_tails: Counter,
    pub spool_damaged_segments: Gauge,
    pub spool_poisoned_segments: Counter,
    pub kafka_up: Gauge,
    pub kafka_errors: Family<OfCode, Counter>,
    pub kafka_queue: Gauge,
    pub kafka_rtt: Seconds,
    pub kafka_topic_paused: Family<OfTopic, Gauge>,
    pub kafka_dead_letters: Family<OfReason, Counter>,
    pub kafka_rebuilds: Counter,
    pub dedupe_entries: Gauge,
    pub dedupe_pending: Gauge,
    pub dedupe_window: Family<OfWindow, Seconds>,
    pub dedupe_early_turns: Counter,
    pub body_budget_used: Gauge,
    pub reload_successful: Gauge,
    pub reload_timestamp: Seconds,
}

/// What `hookgate_build_info` and `hookgate version` say.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is its own label")]
pub struct Build {
    pub version: &'static str,
    pub revision: &'static str,
    pub rustc: &'static str,
}

impl Metrics {
    /// Registers everything, with the prefix `hookgate_`.
    #[must_use]
    pub fn new(build: Build) -> Self {
        let mut registry = Registry::with_prefix("hookgate");
        let labels = vec![("version", build.version), ("revision", build.revision), ("rustc", build.rustc)];
        registry.register("build", "What is running", Info::new(labels));
        let mut metrics = Self::unregistered();
        metrics.register_requests(&mut registry);
        metrics.register_spool(&mut registry);
        metrics.register_kafka(&mut registry);
        metrics.register_state(&mut registry);
        metrics.registry = registry;
        metrics
    }

    fn unregistered() -> Self {
        Self {
            registry: Registry::default(),
            unprefixed: Registry::default(),
            requests: Family::default(),
            acks: Family::default(),
            signature_keys: Family::default(),
            key_fetches: Family::default(),
            clock_skew: Family::new_with_constructor(|| Histogram::new(SKEW_SECONDS)),
            learn_windows: Family::default(),
            secrets_learned: Family::default(),
            confirmations: Family::default(),
            request_duration: Histogram::new(LATENCY_SECONDS),
            request_body: Histogram::new(BODY_BYTES),
            connections: Family::default(),
            panics: Counter::default(),
            fallen: guard::Fallen::default(),
            events_produced: Family::default(),
            event_delivery: Histogram::new(DELIVERY_SECONDS),
            spool_records: Gauge::default(),
            spool_bytes: Gauge::default(),
            spool_capacity: Gauge::default(),
            spool_oldest_age: Seconds::default(),
            spool_fsync: Histogram::new(LATENCY_SECONDS),
            spool_corrupt_records: Counter::default(),
            spool_torn_tails: Counter::default(),
            spool_damaged_segments: Gauge::default(),
            spool_poisoned_segments: Counter::default(),
            kafka_up: Gauge::default(),
            kafka_errors: Family::default(),
            kafka_queue: Gauge::default(),
            kafka_rtt: Seconds::default(),
            kafka_topic_paused: Family::default(),
            kafka_dead_letters: Family::default(),
            kafka_rebuilds: Counter::default(),
            dedupe_entries: Gauge::default(),
            dedupe_pending: Gauge::default(),
            dedupe_window: Family::default(),
            dedupe_early_turns: Counter::default(),
            body_budget_used: Gauge::default(),
            reload_successful: Gauge::default(),
            reload_timestamp: Seconds::default(),
        }
    }

    fn register_requests(&self, to: &mut Registry) {
        to.register("requests", "Requests by source and how they ended", self.requests.clone());
        to.register("acks", "Answers of 200 by the custody that made the event safe", self.acks.clone());
        to.register("signature_key_used", "Requests proven by each secret of a source", self.signature_keys.clone());
        let help = "Fetches of the public keys of a source (keys.jwks) by how they ended";
        to.register("key_fetches", help, self.key_fetches.clone());
        let help = "How far the sender's timestamp lies behind our clock";
        to.register_with_unit("clock_skew", help, Unit::Seconds, self.clock_skew.clone());
        let help = "1 while `hookgate learn` has a window open, in which a stranger may bring the secret";
        to.register("learn_window", help, self.learn_windows.clone());
        to.register("secrets_learned", "Secrets that senders brought in such a window", self.secrets_learned.clone());
        let help = "Messages that ask a person to confirm something; the log has what";
        to.register("confirmations", help, self.confirmations.clone());
        let help = "From the head of a request to its answer";
        to.register_with_unit("request_duration", help, Unit::Seconds, self.request_duration.clone());
        to.register_with_unit("request_body", "Size of request bodies", Unit::Bytes, self.request_body.clone());
        to.register("connections", "Public connections by state", self.connections.clone());
        to.register(
            "panics",
            "Panics: of requests, answered 503, and of background threads, which end the gateway",
            self.panics.clone(),
        );
        let help = "Memory reserved for bodies out of server.body_budget";
        to.register_with_unit("body_budget_used", help, Unit::Bytes, self.body_budget_used.clone());
    }

    fn register_spool(&self, to: &mut Registry) {
        to.register("spool_records", "Events in the spool that Kafka has not acknowledged", self.spool_records.clone());
        to.register_with_unit("spool", "Space that the spool takes on disk", Unit::Bytes, self.spool_bytes.clone());
        let help = "Space that the spool may take on disk";
        to.register_with_unit("spool_capacity", help, Unit::Bytes, self.spool_capacity.clone());
        let help = "Age of the oldest event that Kafka has not acknowledged";
        to.register_with_unit("spool_oldest_age", help, Unit::Seconds, self.spool_oldest_age.clone());
        to.register_with_unit("spool_fsync", "Time of one fdatasync", Unit::Seconds, self.spool_fsync.clone());
        let help = "Records whose checksum failed; they are not delivered";
        to.register("spool_corrupt_records", help, self.spool_corrupt_records.clone());
        let help = "Unfinished writes cut off at the end of a segment when the spool was opened";
        to.register("spool_torn_tails", help, self.spool_torn_tails.clone());
        let help = "Segments set aside because of damage";
        to.register("spool_damaged_segments", help, self.spool_damaged_segments.clone());
        let help = "Segments given up after a failed write or fsync";
        to.register("spool_poisoned_segments", help, self.spool_poisoned_segments.clone());
    }

    fn register_kafka(&self, to: &mut Registry) {
        to.register("kafka_up", "1 while a broker answers", self.kafka_up.clone());
        to.register("kafka_produce_errors", "Failed deliveries by Kafka's error name", self.kafka_errors.clone());
        to.register(
            "kafka_queue_messages",
            "Records handed to librdkafka and not yet reported",
            self.kafka_queue.clone(),
        );
        let help = "Mean round trip to the slowest broker";
        to.register_with_unit("kafka_broker_rtt", help, Unit::Seconds, self.kafka_rtt.clone());
        let help = "1 while a topic is missing or forbidden and its events wait";
        to.register("kafka_topic_paused", help, self.kafka_topic_paused.clone());
        let help = "Events sent to the dead-letter topic by Kafka's error name";
        to.register("kafka_dead_letters", help, self.kafka_dead_letters.clone());
        to.register("kafka_producer_rebuilds", "Producers rebuilt after a fatal error", self.kafka_rebuilds.clone());
        to.register("events_produced", "Events acknowledged by Kafka", self.events_produced.clone());
        let help = "From received to acknowledged by Kafka";
        to.register_with_unit("event_delivery", help, Unit::Seconds, self.event_delivery.clone());
    }

    fn register_state(&self, to: &mut Registry) {
        to.register("dedupe_entries", "Idempotency keys remembered", self.dedupe_entries.clone());
        to.register("dedupe_pending", "Idempotency keys whose event is not safe yet", self.dedupe_pending.clone());
        let help = "How long a key is remembered at the present rate, by configured window";
        to.register_with_unit("dedupe_window", help, Unit::Seconds, self.dedupe_window.clone());
        let help = "Generations of keys forgotten early because dedupe.max_keys was reached";
        to.register("dedupe_early_turns", help, self.dedupe_early_turns.clone());
        let help = "1 if the configuration was last reloaded without an error";
        to.register("config_last_reload_successful", help, self.reload_successful.clone());
        let help = "When the configuration was last reloaded without an error, in Unix time";
        to.register_with_unit(
            "config_last_reload_success_timestamp",
            help,
            Unit::Seconds,
            self.reload_timestamp.clone(),
        );
    }

    /// Adds what is measured only when it is asked for, such as the process. Its names are whole: they get no prefix.
    pub fn register_collector(&mut self, collector: Box<dyn prometheus_client::collector::Collector>) {
        self.unprefixed.register_collector(collector);
    }

    /// All values in Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let ours = prometheus_text::encode(&mut text, &self.registry);
        match ours.and_then(|()| prometheus_text::encode(&mut text, &self.unprefixed)) {
            Ok(()) => text,
            // Writing to a String cannot fail; a collector of ours that does is a defect that a scrape should show.
            Err(error) => format!("# {error}\n"),
        }
    }
}

/// The counters of one source, looked up once.
#[derive(Debug, Clone)]
pub struct SourceMetrics {
    outcomes: Vec<Counter>,
    acks: [Counter; 3],
    keys: Vec<Counter>,
    /// Of secrets that were learned since.
    later_keys: Family<SourceKey, Counter>,
    source: String,
    skew: Histogram,
}

impl SourceMetrics {
    /// Looks up the counters of a source with so many secrets; series with no request yet are there with 0.
    #[must_use]
    pub fn new(metrics: &Metrics, source: &str, secrets: usize) -> Self {
        let outcome = |outcome| metrics.requests.get_or_create_owned(&SourceOutcome { source: source.into(), outcome });
        let custody = |custody| metrics.acks.get_or_create_owned(&SourceCustody { source: source.into(), custody });
        let key = |key| metrics.signature_keys.get_or_create_owned(&SourceKey { source: source.into(), key });
        Self {
            outcomes: Outcome::ALL.into_iter().map(outcome).collect(),
            acks: [Custody::Disk, Custody::Kafka, Custody::Memory].map(custody),
            keys: (0..secrets).map(key).collect(),
            later_keys: metrics.signature_keys.clone(),
            source: source.into(),
            skew: metrics.clock_skew.get_or_create_owned(&OfSource { source: source.into() }),
        }
    }

    /// A request ended so.
    pub fn count(&self, outcome: Outcome) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.inc();
        }
    }

    /// An answer of 200 stands on this custody.
    pub fn count_ack(&self, custody: Custody) {
        self.acks[custody as usize].inc();
    }

    /// The secret of this index proved a request. There are never more than the configuration has and 64 learned ones.
    pub fn count_key(&self, index: usize) {
        if let Some(counter) = self.keys.get(index) {
            counter.inc();
        } else {
            let key = SourceKey { source: self.source.clone(), key: index };
            self.later_keys.get_or_create_owned(&key).inc();
        }
    }

    /// The sender's timestamp was so many seconds behind our clock (negative: ahead of it).
    pub fn observe_skew(&self, seconds: f64) {
        self.skew.observe(seconds);
    }
}

/// Observes a duration in a histogram of seconds.
pub fn observe(histogram: &Histogram, duration: Duration) {
    histogram.observe(duration.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(Build { version: "1", revision: "r", rustc: "c" })
    }

    #[test]
    fn every_outcome_has_a_counter_of_its_own() {
        let metrics = metrics();
        let source = SourceMetrics::new(&metrics, "github", 2);
        for outcome in Outcome::ALL {
            source.count(outcome);
            let series = format!("hookgate_requests_total{{source=\"github\",outcome=\"{}\"}} 1\n", outcome.as_str());
            assert!(metrics.encode().contains(&series), "{series}");
        }
    }

    #[test]
    fn names_carry_prefix_unit_and_total() {
        let metrics = metrics();
        let source = SourceMetrics::new(&metrics, "github", 2);
        source.count_key(1);
        source.count_ack(Custody::Kafka);
        let text = metrics.encode();
        for series in [
            "hookgate_build_info{version=\"1\",revision=\"r\",rustc=\"c\"} 1",
            "hookgate_signature_key_used_total{source=\"github\",key=\"1\"} 1",
            "hookgate_acks_total{source=\"github\",custody=\"kafka\"} 1",
            "hookgate_spool_bytes 0",
            "hookgate_spool_fsync_seconds_count 0",
        ] {
            assert!(text.contains(series), "{series} in\n{text}");
        }
    }
}
