//! A real Apache Kafka of one node or several, from the jars that `tests/run.sh` fetches.

pub(crate) mod node;
pub(crate) mod record;
mod rights;
pub(crate) mod settings;

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use tempfile::TempDir;

use self::node::Node;
use self::settings::{Access, Settings};
use crate::support::limit::{LIMIT, wait_for};
use crate::support::{port, scratch};

/// What one question to the broker may take.
const ASK: Duration = Duration::from_secs(5);

/// Brokers with their data; both end with this value. What is done to it is done to all of its nodes.
pub(crate) struct Kafka {
    /// The first one is the controller of all.
    nodes: Vec<Node>,
    _dir: TempDir,
}

impl Kafka {
    /// The one that all tests of this binary share; they keep apart by topic. A test that hurts the broker starts its
    /// own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A broker of one's own, open to everybody.
    pub(crate) fn start() -> Self {
        Self::start_with(Access::Open)
    }

    /// A broker whose clients say who they are (SASL/PLAIN, user `gateway`, password [`settings::PASSWORD`]) and may
    /// do only what [`Kafka::allow`] has granted.
    pub(crate) fn start_guarded() -> Self {
        Self::start_with(Access::Guarded)
    }

    /// Three brokers that keep everything three times, and take nothing that fewer than two of them have. The first one
    /// is their only controller: without it nobody becomes a leader.
    pub(crate) fn start_three() -> Self {
        Self::start_nodes(3, Access::Open)
    }

    fn start_with(access: Access) -> Self {
        Self::start_nodes(1, access)
    }

    fn start_nodes(count: usize, access: Access) -> Self {
        let dir = scratch::dir("kafka-");
        let controller = port::free();
        let node = |number: usize| {
            let dir = dir.path().join(number.to_string());
            fs::create_dir(&dir).expect("a directory under target");
            Node::new(Settings::new(number, count, access, &dir, controller))
        };
        let kafka = Self { nodes: (1..=count).map(node).collect(), _dir: dir };
        thread::scope(|scope| kafka.nodes.iter().for_each(|node| drop(scope.spawn(|| node.format()))));
        kafka.restart();
        kafka
    }

    /// One of its nodes, by a number from 1.
    pub(crate) fn node(&self, number: usize) -> &Node {
        &self.nodes[number - 1]
    }

    /// `host:port` of each, with commas between them.
    pub(crate) fn bootstrap(&self) -> String {
        self.nodes.iter().map(Node::clients).collect::<Vec<_>>().join(",")
    }

    /// Holds every answer back, as a broker does whose machine hangs: connections stay open.
    pub(crate) fn pause(&self) {
        self.nodes.iter().for_each(Node::pause);
    }

    /// Lets a paused broker go on.
    pub(crate) fn resume(&self) {
        self.nodes.iter().for_each(Node::resume);
    }

    /// Ends the broker at once, paused or not; its data stay.
    pub(crate) fn kill(&self) {
        self.nodes.iter().for_each(Node::kill);
    }

    /// Starts it (again) on the same port and data, and waits until it answers.
    pub(crate) fn restart(&self) {
        // All at once: a broker waits for its controller.
        self.nodes.iter().for_each(Node::launch);
        self.wait_until_there();
    }

    /// Waits until all of its nodes answer.
    pub(crate) fn wait_until_there(&self) {
        self.nodes.iter().for_each(Node::wait_until_there);
    }

    /// Makes a topic; records go to `partitions` partitions.
    pub(crate) fn create_topic(&self, name: &str, partitions: i32) {
        self.create_topic_with(name, partitions, &[]);
    }

    /// The same, with settings of its own.
    pub(crate) fn create_topic_with(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(self.replication()));
        let topic = settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
        let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
        let admin = self.admin();
        let made = block_on(admin.create_topics(&[topic], &options)).expect("an answer");
        assert_eq!(made, [Ok(name.to_owned())]);
    }

    /// Removes a topic with all that it holds.
    pub(crate) fn delete_topic(&self, name: &str) {
        let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
        let admin = self.admin();
        let deleted = block_on(admin.delete_topics(&[name], &options)).expect("an answer");
        assert_eq!(deleted, [Ok(name.to_owned())]);
        wait_for("a topic to be gone", || (self.partitions(name) == 0).then_some(()));
    }

    /// Ends the broker and forgets everything it had: topics, records, producers.
    pub(crate) fn wipe(&self) {
        self.kill();
        self.nodes.iter().for_each(Node::wipe);
    }

    /// A setting of a topic, as Kafka has it; none where there is no such topic yet.
    pub(crate) fn topic_setting(&self, name: &str, setting: &str) -> Option<String> {
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        let admin = self.admin();
        let described = block_on(admin.describe_configs(&[ResourceSpecifier::Topic(name)], &options));
        let resource = described.expect("an answer").remove(0).ok()?;
        resource.get(setting).and_then(|entry| entry.value.clone())
    }

    /// How many partitions a topic has; 0 where there is none.
    pub(crate) fn partitions(&self, name: &str) -> usize {
        let admin = self.admin();
        let metadata = wait_for("a topic's metadata", || admin.inner().fetch_metadata(Some(name), ASK).ok());
        metadata.topics().first().map_or(0, |topic| topic.partitions().len())
    }

    /// A client that may do everything, for what topics need.
    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.insider().create().expect("a client without a broker")
    }

    /// A client that may do everything.
    fn insider(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.insiders());
        config
    }

    fn insiders(&self) -> String {
        self.nodes.iter().map(Node::insiders).collect::<Vec<_>>().join(",")
    }

    fn replication(&self) -> i32 {
        i32::try_from(self.nodes.len()).expect("a few nodes")
    }
}

/// Waits for a future that needs no runtime of its own.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}
