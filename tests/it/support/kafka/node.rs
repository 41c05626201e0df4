//! One node: its process, which may be hurt alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::ASK;
use super::settings::Settings;
use crate::support::limit::wait_for;
use crate::support::process::Process;

/// See the module. It ends with this value.
pub(crate) struct Node {
    settings: Settings,
    process: Mutex<Option<Process>>,
}

impl Node {
    pub(super) fn new(settings: Settings) -> Self {
        fs::write(settings.file(), settings.text()).expect("the settings can be written");
        Self { settings, process: Mutex::new(None) }
    }

    /// Writes the empty node; Kafka does not start without.
    pub(super) fn format(&self) {
        let (cluster, settings) = ("aG9va2dhdGUtdGVzdC1rYQ", &self.settings);
        let arguments = ["kafka.tools.StorageTool", "format", settings.first_controllers(), "-t", cluster, "-c"];
        let formatted = java().args(["-XX:TieredStopAtLevel=1"]).args(arguments).arg(settings.file()).output();
        let formatted = formatted.expect("`java` can be run: tests/run.sh installs it");
        let said = String::from_utf8_lossy(&formatted.stderr);
        assert!(formatted.status.success(), "Kafka's storage tool failed:\n{said}");
    }

    pub(super) fn clients(&self) -> String {
        self.settings.clients()
    }

    pub(super) fn insiders(&self) -> String {
        self.settings.insiders()
    }

    /// See [`super::Kafka::pause`].
    pub(crate) fn pause(&self) {
        self.running().as_ref().expect("a running broker").signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.running().as_ref().expect("a running broker").signal("CONT");
    }

    /// Ends it at once, paused or not; its data stay.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.running().take() {
            process.kill();
        }
    }

    /// Starts it (again) on the same ports and data.
    pub(crate) fn launch(&self) {
        let mut command = java();
        command.args(self.settings.machine()).args(["-XX:+UseSerialGC", "kafka.Kafka"]).arg(self.settings.file());
        *self.running() = Some(Process::start(&command, &self.settings.log()));
    }

    /// Waits until it answers, and is one of the brokers that it names: its controller has let it in.
    pub(crate) fn wait_until_there(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.insiders()).set("reconnect.backoff.max.ms", "200");
        let client: BaseConsumer = config.create().expect("a client without a broker");
        wait_for("Kafka's first answer", || {
            if let Some(process) = self.running().as_mut() {
                assert!(process.ended().is_none(), "Kafka ended at its start:\n{}", process.log());
            }
            let metadata = client.fetch_metadata(None, ASK).ok()?;
            metadata.brokers().iter().any(|broker| broker.id() == self.settings.id()).then_some(())
        });
    }

    /// Forgets everything it had.
    pub(super) fn wipe(&self) {
        fs::remove_dir_all(self.settings.data()).expect("its data");
        self.format();
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `java` with Kafka's jars.
pub(super) fn java() -> Command {
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
