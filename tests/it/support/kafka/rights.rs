//! What a guarded broker lets the user `gateway` do.

use super::Kafka;
use super::node::java;

impl Kafka {
    /// Grants an operation (`Write`, `Describe`, `Create`) on a topic.
    pub(crate) fn allow(&self, operation: &str, topic: &str) {
        let ran = java()
            .args(["-XX:TieredStopAtLevel=1", "org.apache.kafka.tools.AclCommand"])
            .args(["--bootstrap-server", &self.insiders()])
            .args(["--add", "--allow-principal", "User:gateway", "--operation", operation, "--topic", topic])
            .output()
            .expect("`java` can be run: tests/run.sh installs it");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "the right was not granted:\n{said}");
    }
}
