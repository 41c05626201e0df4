//! A gateway before the shared Kafka, with a topic of its own for each of its sources.

use crate::support::client::{Answer, Connection, Request};
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::kafka::record::Record;

/// What most tests of the way in begin with.
pub(crate) struct Front {
    pub(crate) gateway: Gateway,
    name: &'static str,
}

impl Front {
    /// Sources as YAML, each from column 0. The name is that of its topics' family: nobody else may use it.
    pub(crate) fn open(name: &'static str, sources: &str) -> Self {
        Self::open_with(name, "", sources)
    }

    /// The same, with more at the top level of the configuration.
    pub(crate) fn open_with(name: &'static str, settings: &str, sources: &str) -> Self {
        let brokers = Kafka::shared().bootstrap();
        let config = format!(
            "kafka:\n  brokers: [\"{brokers}\"]\n  topic: {name}.{{source}}\n  dead_letter_topic: {name}.dead-letter\n  \
             create_topics: {{ partitions: 1, replication: 1 }}\n\
             spool: {{ dir: \"{{dir}}/spool\", max_bytes: 256MiB, segment_bytes: 8MiB }}\n\
             shutdown: {{ drain_delay: 0s }}\n{settings}\nsources:\n  {}\n",
            sources.trim().replace('\n', "\n  ")
        );
        Self { gateway: Gateway::start(&config), name }
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.gateway.ask(request)
    }

    /// A delivery that must be taken.
    pub(crate) fn deliver(&self, request: &Request) -> Answer {
        let answer = self.ask(request);
        assert_eq!(answer.status, 200, "{}", self.gateway.log());
        answer
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Connection {
        self.gateway.connect()
    }

    /// Where the events of a source arrive.
    pub(crate) fn topic(&self, source: &str) -> String {
        format!("{}.{source}", self.name)
    }

    /// All records of a source, once there are so many; in the order in which they were accepted.
    pub(crate) fn records(&self, source: &str, count: usize) -> Vec<Record> {
        Kafka::shared().records(&self.topic(source), count)
    }

    /// The same, once `enough` says so.
    pub(crate) fn records_until(&self, source: &str, enough: impl FnMut(&[Record]) -> bool) -> Vec<Record> {
        Kafka::shared().records_until(&self.topic(source), enough)
    }

    /// The one record that a source has.
    pub(crate) fn record(&self, source: &str) -> Record {
        let mut records = self.records(source, 1);
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }
}
