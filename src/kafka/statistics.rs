//! What librdkafka says of itself every few seconds: only what becomes a metric or readiness is read.
//!
//! The document grows with brokers × partitions; fields that are not named here are skipped by the parser. Its fields are
//! described in librdkafka's STATISTICS.md.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

/// One document.
#[derive(Debug, Deserialize)]
pub(super) struct Statistics {
    /// Records in the client's queues and in flight.
    #[serde(rename = "msg_cnt")]
    pub(super) queued: i64,
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    eos: Idempotence,
}

#[derive(Debug, Deserialize)]
struct Broker {
    state: String,
    #[serde(default)]
    rtt: Window,
}

/// A rolling window of microseconds.
#[derive(Debug, Default, Deserialize)]
struct Window {
    avg: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Idempotence {
    #[serde(default)]
    idemp_state: String,
}

impl Statistics {
    /// Reads one document.
    pub(super) fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// Some broker is connected and has answered.
    pub(super) fn any_broker_up(&self) -> bool {
        self.brokers.values().any(|broker| broker.state == "UP")
    }

    /// The producer has its id: a record sent now does not wait for one.
    pub(super) fn has_producer_id(&self) -> bool {
        self.eos.idemp_state == "Assigned"
    }

    /// Mean round trip to the slowest broker; zero where there was no request.
    pub(super) fn slowest_round_trip(&self) -> Duration {
        Duration::from_micros(self.brokers.values().map(|broker| broker.rtt.avg).max().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"name":"x","msg_cnt":22710,"brokers":{
        "a:9092/1":{"name":"a","nodeid":1,"state":"UP","rtt":{"min":1,"avg":1300,"max":5}},
        "b:9092/2":{"nodeid":2,"state":"CONNECT","rtt":{"avg":900}},
        "GroupCoordinator":{"state":"INIT"}},
        "topics":{"t":{"partitions":{"0":{"msgq_cnt":1}}}},
        "eos":{"idemp_state":"Assigned","producer_id":13}}"#;

    #[test]
    fn one_broker_that_answers_is_enough_to_be_up() {
        let statistics = Statistics::parse(SAMPLE.as_bytes()).expect("valid");
        assert_eq!((statistics.queued, statistics.any_broker_up(), statistics.has_producer_id()), (22_710, true, true));
        assert_eq!(statistics.slowest_round_trip(), Duration::from_micros(1300));
    }

    #[test]
    fn without_a_broker_that_answers_it_is_down() {
        let json = r#"{"msg_cnt":0,"brokers":{"a":{"state":"TRY_CONNECT"}}}"#;
        let statistics = Statistics::parse(json.as_bytes()).expect("valid");
        assert!(!statistics.any_broker_up() && !statistics.has_producer_id());
        assert_eq!(statistics.slowest_round_trip(), Duration::ZERO);
    }

    #[test]
    fn a_document_cut_short_is_an_error_and_not_a_panic() {
        assert!(Statistics::parse(&SAMPLE.as_bytes()[..40]).is_err());
    }
}
