//! The operator's settings and ours, as librdkafka's properties.
//!
//! Ours come first, the operator's `kafka.properties` lie over them, and those that would break a promise of the
//! gateway are refused by name. Values are never part of an error: any of them may be a secret.

use std::collections::BTreeMap;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use thiserror::Error;

use super::Settings;
use crate::units::ByteSize;

/// Room in a record beside the body, for headers, key and framing.
pub const HEADROOM: ByteSize = ByteSize::kib(64);

/// librdkafka's queue holds that much value, beside what the largest record needs. Its own default is 1 GiB.
const QUEUE_KIB: u64 = 64 * 1024;

/// Why Kafka's client cannot be built from the settings.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The property is the gateway's own.
    #[error("kafka.properties.{name}: {reason}")]
    Refused {
        /// As the operator wrote it.
        name: String,
        /// What it would break, and what to set instead.
        reason: &'static str,
    },
    /// librdkafka has no such property.
    #[error("kafka.properties.{name}: librdkafka {version} has no such property; see its CONFIGURATION.md")]
    Unknown {
        /// As the operator wrote it.
        name: String,
        /// The librdkafka that is built in.
        version: String,
    },
    /// librdkafka has the property and refuses the value.
    #[error("kafka.properties.{name}: librdkafka does not take this value (not shown); see its CONFIGURATION.md")]
    Value {
        /// As the operator wrote it.
        name: String,
    },
    /// A broker's list without a broker.
    #[error("kafka.brokers: expected at least one host:port")]
    NoBrokers,
    /// The properties are good one by one and not together, or name a file that cannot be read.
    #[error("kafka.properties: librdkafka refuses them together: {0}")]
    Together(String),
}

impl Settings {
    /// Are they such that a client can be built? Nothing is connected to.
    ///
    /// # Errors
    /// The first property that is refused, with what to do about it.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.client_config().map(drop)
    }

    /// The largest record, as `message.max.bytes` and a topic's `max.message.bytes` should say.
    #[must_use]
    pub fn record_bytes_max(&self) -> u64 {
        self.largest_body.0.saturating_add(HEADROOM.0)
    }

    /// Ours, and the operator's over them.
    pub(super) fn client_config(&self) -> Result<ClientConfig, SettingsError> {
        if self.brokers.is_empty() {
            return Err(SettingsError::NoBrokers);
        }
        let mut properties = self.own_properties();
        for (name, value) in &self.properties {
            let value = std::str::from_utf8(value.expose());
            let value = value.map_err(|_| SettingsError::Value { name: name.clone() })?;
            if let Some(reason) = refusal(name, value, self.spooled) {
                return Err(SettingsError::Refused { name: name.clone(), reason });
            }
            properties.insert(canonical(name), value.to_owned());
        }
        let mut config: ClientConfig = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // Not what the `log` crate would have: its lines come to tracing, which filters them.
        let debug = config.get("debug").is_some_and(|contexts| !contexts.is_empty());
        config.set_log_level(if debug { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config.create_native_config().map_err(hide_value)?;
        Ok(config)
    }

    /// Where each value comes from: design notes of the data path, measured against librdkafka 2.12.1.
    fn own_properties(&self) -> BTreeMap<&str, String> {
        let waits = |waiting: u32, otherwise: u32| if self.someone_waits { waiting } else { otherwise }.to_string();
        let linger_ms = if self.someone_waits { 1 } else { 20 };
        let queue_kib = QUEUE_KIB.max(self.record_bytes_max() / 1024 + 1);
        BTreeMap::from([
            ("client.id", "hookgate".to_owned()),
            ("bootstrap.servers", self.brokers.join(",")),
            // Implies acks=all, retries without end and at most 5 requests in flight; order survives retries.
            ("enable.idempotence", "true".to_owned()),
            ("acks", "all".to_owned()),
            // Requests a second are active partitions by linger: long where nobody waits for the answer.
            ("linger.ms", linger_ms.to_string()),
            ("sticky.partitioning.linger.ms", (2 * linger_ms).to_string()),
            ("compression.codec", "lz4".to_owned()),
            // Wherever this system keeps its authorities: OpenSSL is linked in, and would look where it was built for. An
            // operator's `ssl.ca.pem` goes before it.
            ("ssl.ca.location", "probe".to_owned()),
            // 0: for ever. What lies on disk is not given up by a clock in memory, which would reorder and duplicate.
            ("message.timeout.ms", if self.spooled { "0" } else { "30000" }.to_owned()),
            // A message's timeout is only noticed when a broker's thread wakes from this; the default is 10 s.
            ("reconnect.backoff.max.ms", waits(500, 1000)),
            // They bound how long a partition stands still after its leader is gone.
            ("socket.timeout.ms", waits(10_000, 30_000)),
            ("request.timeout.ms", waits(10_000, 30_000)),
            ("socket.keepalive.enable", "true".to_owned()),
            ("queue.buffering.max.kbytes", queue_kib.to_string()),
            ("queue.buffering.max.messages", "100000".to_owned()),
            ("message.max.bytes", self.record_bytes_max().to_string()),
            // Keyed records lie where Java's clients would put them.
            ("partitioner", "murmur2_random".to_owned()),
            ("statistics.interval.ms", "5000".to_owned()),
            ("log.connection.close", "false".to_owned()),
            // A topic that was created or allowed is noticed within this; the default is 5 min.
            ("topic.metadata.refresh.interval.ms", "10000".to_owned()),
            ("metadata.max.age.ms", "900000".to_owned()),
            // A topic that is missing is reported after this; the default is 30 s.
            ("topic.metadata.propagation.max.ms", "5000".to_owned()),
            // A missing topic is a finding. Brokers would create it with one partition and one replica.
            ("allow.auto.create.topics", "false".to_owned()),
        ])
    }
}

/// librdkafka knows some properties by two names. Which of two it would apply last is not defined, so ours has to go.
fn canonical(name: &str) -> &str {
    match name {
        "queue.buffering.max.ms" => "linger.ms",
        "compression.type" => "compression.codec",
        "request.required.acks" => "acks",
        "delivery.timeout.ms" => "message.timeout.ms",
        other => other,
    }
}

/// What this property, set so, would break.
fn refusal(name: &str, value: &str, spooled: bool) -> Option<&'static str> {
    match canonical(name) {
        "bootstrap.servers" | "metadata.broker.list" => Some("brokers are listed under kafka.brokers"),
        "enable.idempotence" if value != "true" => Some("an event could be lost or reordered; it is always true"),
        "acks" if !matches!(value, "all" | "-1") => Some("a 200 would promise what one broker holds; it is always all"),
        "message.max.bytes" => Some("it follows the largest limits.body of all sources"),
        "message.timeout.ms" if spooled && value != "0" => {
            Some("with a spool events wait for ever; a timeout would reorder and duplicate them")
        }
        "delivery.report.only.error" => Some("without reports no event would ever count as delivered"),
        "transactional.id" | "enable.gapless.guarantee" => Some("the gateway's producer is idempotent, not more"),
        "statistics.interval.ms" if value == "0" => Some("hookgate_kafka_up and readiness stand on the statistics"),
        other if other.starts_with("test.mock.") => {
            Some("events would go to a broker that forgets; see `hookgate dev`")
        }
        _ => None,
    }
}

/// librdkafka's own words repeat the value.
fn hide_value(error: KafkaError) -> SettingsError {
    match error {
        KafkaError::ClientConfig(_, description, name, _) if description.starts_with("No such configuration") => {
            SettingsError::Unknown { name, version: rdkafka::util::get_rdkafka_version().1 }
        }
        KafkaError::ClientConfig(_, _, name, _) => SettingsError::Value { name },
        // A NUL byte in a name or value.
        _ => SettingsError::Together("a name or value has a NUL byte in it".to_owned()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::secret::Secret;

    pub(crate) fn settings(brokers: &str) -> Settings {
        Settings {
            brokers: vec![brokers.to_owned()],
            dead_letter_topic: "dead".parse().expect("a topic"),
            create_topics: None,
            properties: Vec::new(),
            largest_body: ByteSize::mib(1),
            someone_waits: true,
            spooled: true,
        }
    }

    fn with(properties: &[(&str, &str)]) -> Result<ClientConfig, SettingsError> {
        let mut settings = settings("localhost:9092");
        settings.properties =
            properties.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        settings.client_config()
    }

    #[test]
    fn what_would_break_a_promise_is_refused_under_every_name() {
        for (name, value) in [
            ("enable.idempotence", "false"),
            ("acks", "1"),
            ("request.required.acks", "0"),
            ("bootstrap.servers", "elsewhere:9092"),
            ("metadata.broker.list", "elsewhere:9092"),
            ("message.max.bytes", "1000"),
            ("message.timeout.ms", "1000"),
            ("delivery.timeout.ms", "1000"),
            ("delivery.report.only.error", "true"),
            ("transactional.id", "x"),
            ("statistics.interval.ms", "0"),
            ("test.mock.num.brokers", "3"),
        ] {
            let refused = with(&[(name, value)]).expect_err(name);
            assert!(matches!(&refused, SettingsError::Refused { name: named, .. } if named == name), "{refused}");
        }
    }

    #[test]
    fn what_says_the_same_as_ours_is_taken() {
        for (name, value) in [("enable.idempotence", "true"), ("acks", "all"), ("acks", "-1")] {
            assert!(with(&[(name, value)]).is_ok(), "{name}={value}");
        }
    }

    #[test]
    fn the_operators_properties_lie_over_ours_also_by_another_name() {
        let config = with(&[("compression.type", "zstd"), ("queue.buffering.max.ms", "7")]).expect("good");
        assert_eq!(config.get("compression.codec"), Some("zstd"));
        assert_eq!(config.get("linger.ms"), Some("7"));
        assert_eq!((config.get("compression.type"), config.get("queue.buffering.max.ms")), (None, None));
    }

    #[test]
    fn a_brokers_certificate_is_checked_by_the_systems_authorities_unless_others_are_named() {
        let tls = ("security.protocol", "ssl");
        assert_eq!(with(&[tls]).expect("good").get("ssl.ca.location"), Some("probe"));
        let named = with(&[tls, ("ssl.ca.location", "/etc/kafka/ca.pem")]).expect("good");
        assert_eq!(named.get("ssl.ca.location"), Some("/etc/kafka/ca.pem"));
    }

    #[test]
    fn an_error_names_the_property_and_never_shows_the_value() {
        let unknown = with(&[("sasl.pasword", "hunter2")]).expect_err("a misspelt name").to_string();
        assert!(unknown.contains("sasl.pasword") && !unknown.contains("hunter2"), "{unknown}");
        let value = with(&[("security.protocol", "hunter2")]).expect_err("not a protocol").to_string();
        assert!(value.contains("security.protocol") && !value.contains("hunter2"), "{value}");
        let nul = with(&[("sasl.password", "hunter2\0")]).expect_err("a NUL").to_string();
        assert!(!nul.contains("hunter2"), "{nul}");
    }

    #[test]
    fn a_record_may_be_as_large_as_the_largest_body_and_its_headers() {
        let mut settings = settings("localhost:9092");
        settings.largest_body = ByteSize::mib(200);
        let config = settings.client_config().expect("good");
        let bytes = (200 << 20) + (64 << 10);
        assert_eq!(config.get("message.max.bytes"), Some(bytes.to_string().as_str()));
        let queue_kib: u64 = config.get("queue.buffering.max.kbytes").expect("set").parse().expect("a number");
        assert!(queue_kib * 1024 > bytes);
    }

    #[test]
    fn batches_linger_and_records_wait_for_ever_only_where_nobody_waits_and_a_spool_keeps_them() {
        let mut settings = settings("localhost:9092");
        for (someone_waits, spooled, linger, timeout) in
            [(true, true, "1", "0"), (false, true, "20", "0"), (true, false, "1", "30000")]
        {
            (settings.someone_waits, settings.spooled) = (someone_waits, spooled);
            let config = settings.client_config().expect("good");
            assert_eq!((config.get("linger.ms"), config.get("message.timeout.ms")), (Some(linger), Some(timeout)));
        }
    }

    #[test]
    fn no_broker_is_an_error() {
        let mut settings = settings("x");
        settings.brokers.clear();
        assert_eq!(settings.check(), Err(SettingsError::NoBrokers));
    }
}
