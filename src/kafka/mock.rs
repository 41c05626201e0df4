//! The embedded cluster of `hookgate dev`: librdkafka's own mock, on 127.0.0.1.
//!
//! It speaks enough of Kafka's protocol for producers, consumers and groups of any language on this machine. It keeps
//! the last 5 MiB or 100,000 records of a partition, in memory only; it has no admin requests, no TLS and no passwords.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use thiserror::Error;

use crate::name::TopicName;

/// Why there is no embedded cluster.
#[derive(Debug, Error)]
#[error("the embedded Kafka cannot be started: {0}")]
pub struct MockError(String);

/// A running cluster of one broker; it ends when this is dropped, and with it everything that it kept.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: String,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Starts it on a free port, with these topics.
    ///
    /// # Errors
    /// librdkafka cannot start it, for want of a port or a thread.
    pub fn start(topics: &[TopicName], partitions: i32) -> Result<Self, MockError> {
        let topics = topics.to_vec();
        let (stop, stopped) = sync_channel(0);
        let (started, starts) = sync_channel(1);
        // librdkafka's handle may not move between threads, so that it gets one to live on.
        let thread = thread::Builder::new()
            .name("kafka-mock".to_owned())
            .spawn(move || live(&topics, partitions, &started, &stopped))
            .map_err(|error| MockError(error.to_string()))?;
        let bootstrap = starts.recv().map_err(|_| MockError("its thread ended".to_owned()))?.map_err(MockError)?;
        Ok(Self { bootstrap, stop: Some(stop), thread: Some(thread) })
    }

    /// What clients connect to: `127.0.0.1:<port>`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the embedded Kafka ended in a panic");
        }
    }
}

/// Keeps the cluster until the other end of `stopped` is dropped.
fn live(topics: &[TopicName], partitions: i32, started: &SyncSender<Result<String, String>>, stopped: &Receiver<()>) {
    match create(topics, partitions) {
        Ok(cluster) => {
            if started.send(Ok(cluster.bootstrap_servers())).is_ok() {
                // Nothing is ever sent; the loop ends when the sender is dropped.
                for () in stopped {}
            }
        }
        Err(error) => drop(started.send(Err(error.to_string()))),
    }
}

fn create(topics: &[TopicName], partitions: i32) -> KafkaResult<MockCluster<'static, DefaultProducerContext>> {
    let cluster = MockCluster::new(1)?;
    for topic in topics {
        cluster.create_topic(topic.as_str(), partitions, 1)?;
    }
    Ok(cluster)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use std::time::Duration;

    #[test]
    fn its_topics_are_there_as_soon_as_it_is_started_and_gone_with_it() {
        let cluster = Cluster::start(&["a".parse().expect("a topic")], 3).expect("started");
        let config = |bootstrap: &str| {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", bootstrap).set("group.id", "g");
            config.create::<BaseConsumer>().expect("a consumer")
        };
        let consumer = config(cluster.bootstrap());
        let metadata = consumer.fetch_metadata(Some("a"), Duration::from_secs(10)).expect("answered");
        assert_eq!(metadata.topics()[0].partitions().len(), 3);
        let bootstrap = cluster.bootstrap().to_owned();
        drop(cluster);
        assert!(std::net::TcpStream::connect(bootstrap).is_err());
    }

    #[test]
    fn a_cluster_that_cannot_be_made_is_an_error() {
        let topic: TopicName = "a".parse().expect("a topic");
        let error = Cluster::start(&[topic.clone(), topic], 1).expect_err("the same topic twice");
        assert!(error.to_string().starts_with("the embedded Kafka cannot be started"));
    }
}
