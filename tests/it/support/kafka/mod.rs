//! A real Apache Kafka: one node, broker and controller in one process, from the jars that `tests/run.sh` fetches.

pub(crate) mod record;
mod rights;
pub(crate) mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use tempfile::TempDir;

use self::settings::{Access, Settings};
use crate::support::limit::{LIMIT, wait_for};
use crate::support::process::Process;
use crate::support::scratch;

/// What one question to the broker may take.
const ASK: Duration = Duration::from_secs(5);

/// A broker with its data; both end with this value.
pub(crate) struct Kafka {
    settings: Settings,
    dir: TempDir,
    process: Mutex<Option<Process>>,
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

    fn start_with(access: Access) -> Self {
        let dir = scratch::dir("kafka-");
        let settings = Settings::new(access, dir.path());
        fs::write(settings.file(), settings.text()).expect("the settings can be written");
        format(&settings);
        let kafka = Self { settings, dir, process: Mutex::new(None) };
        kafka.restart();
        kafka
    }

    /// `host:port` for `kafka.brokers`.
    pub(crate) fn bootstrap(&self) -> String {
        self.settings.clients()
    }

    /// Holds every answer back, as a broker does whose machine hangs: connections stay open.
    pub(crate) fn pause(&self) {
        self.running().as_ref().expect("a running broker").signal("STOP");
    }

    /// Lets a paused broker go on.
    pub(crate) fn resume(&self) {
        self.running().as_ref().expect("a running broker").signal("CONT");
    }

    /// Ends the broker at once, paused or not; its data stay.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.running().take() {
            process.kill();
        }
    }

    /// Starts it (again) on the same port and data, and waits until it answers.
    pub(crate) fn restart(&self) {
        let mut command = java();
        command.args(["-Xmx512m", "-XX:+UseSerialGC", "kafka.Kafka"]).arg(self.settings.file());
        let mut process = Process::start(&command, &self.dir.path().join("broker.log"));
        wait_for("Kafka's first answer", || {
            assert!(process.ended().is_none(), "Kafka ended at its start:\n{}", process.log());
            let admin = self.admin();
            let metadata = admin.inner().fetch_metadata(None, ASK).ok()?;
            (!metadata.brokers().is_empty()).then_some(())
        });
        *self.running() = Some(process);
    }

    /// Makes a topic; records go to `partitions` partitions.
    pub(crate) fn create_topic(&self, name: &str, partitions: i32) {
        self.create_topic_with(name, partitions, &[]);
    }

    /// The same, with settings of its own.
    pub(crate) fn create_topic_with(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
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
        fs::remove_dir_all(self.settings.data()).expect("its data");
        format(&self.settings);
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
        let metadata = self.admin().inner().fetch_metadata(Some(name), ASK).expect("an answer");
        metadata.topics().first().map_or(0, |topic| topic.partitions().len())
    }

    /// A client that may do everything, for what topics need.
    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.insider().create().expect("a client without a broker")
    }

    /// A client that may do everything.
    fn insider(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.settings.insiders());
        config
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a future that needs no runtime of its own.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// `java` with Kafka's jars.
fn java() -> Command {
    let mut command = Command::new("java");
    command.arg("-cp").arg(jars().join("*"));
    command
}

/// Where the jars are.
///
/// # Panics
/// When they are not there: a test that did not run must not look like one that passed.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the gateway")]
fn jars() -> PathBuf {
    let given = std::env::var_os("HOOKGATE_TEST_KAFKA_LIBS").map(PathBuf::from);
    let jars = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka/libs"));
    assert!(jars.is_dir(), "Kafka's jars are not at {}: run tests/run.sh once, it fetches them", jars.display());
    jars
}

/// Writes the empty cluster; Kafka does not start without.
fn format(settings: &Settings) {
    let cluster = "aG9va2dhdGUtdGVzdC1rYQ";
    let arguments = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c"];
    let formatted = java().args(["-XX:TieredStopAtLevel=1"]).args(arguments).arg(settings.file()).output();
    let formatted = formatted.expect("`java` can be run: tests/run.sh installs it");
    let said = String::from_utf8_lossy(&formatted.stderr);
    assert!(formatted.status.success(), "Kafka's storage tool failed:\n{said}");
}
