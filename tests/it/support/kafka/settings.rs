//! Kafka's own configuration, `server.properties`.

use std::path::{Path, PathBuf};

use crate::support::port;

/// The password of the user `gateway`.
pub(crate) const PASSWORD: &str = "gateway-password";

/// Who may do what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody everything.
    Open,
    /// Clients say who they are, and may do what was granted.
    Guarded,
}

/// One node: a broker, and the first one the controller too. `CLIENTS` is the listener that the gateway is told of;
/// whoever comes through `INSIDE` may do everything.
pub(super) struct Settings {
    number: usize,
    /// So many nodes there are.
    count: usize,
    access: Access,
    dir: PathBuf,
    clients: u16,
    inside: u16,
    controller: u16,
}

impl Settings {
    pub(super) fn new(number: usize, count: usize, access: Access, dir: &Path, controller: u16) -> Self {
        Self { number, count, access, dir: dir.to_owned(), clients: port::free(), inside: port::free(), controller }
    }

    /// Its number in the cluster.
    pub(super) fn id(&self) -> i32 {
        i32::try_from(self.number).expect("a few nodes")
    }

    pub(super) fn file(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    /// What the broker says.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("broker.log")
    }

    /// Where the broker keeps everything.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn clients(&self) -> String {
        format!("127.0.0.1:{}", self.clients)
    }

    pub(super) fn insiders(&self) -> String {
        format!("127.0.0.1:{}", self.inside)
    }

    /// For Java. Three share what one may have, and are to start soon rather than to be fast.
    pub(super) fn machine(&self) -> &'static [&'static str] {
        if self.count == 1 { &["-Xmx512m"] } else { &["-Xmx192m", "-XX:TieredStopAtLevel=1"] }
    }

    /// For the storage tool: the quorum of controllers begins with this node, or there is one already.
    pub(super) fn first_controllers(&self) -> &'static str {
        if self.is_controller() { "--standalone" } else { "--no-initial-controllers" }
    }

    fn is_controller(&self) -> bool {
        self.number == 1
    }

    pub(super) fn text(&self) -> String {
        let Self { number, clients, inside, controller, .. } = self;
        let data = self.data();
        let data = data.display();
        let (protocol, guard) = match self.access {
            Access::Open => ("PLAINTEXT", String::new()),
            Access::Guarded => ("SASL_PLAINTEXT", guard()),
        };
        let (roles, listener) = if self.is_controller() {
            ("broker,controller", format!(",CONTROLLER://127.0.0.1:{controller}"))
        } else {
            ("broker", String::new())
        };
        let in_sync = self.count.div_ceil(2);
        format!(
            "process.roles={roles}
node.id={number}
listeners=CLIENTS://127.0.0.1:{clients},INSIDE://127.0.0.1:{inside}{listener}
advertised.listeners=CLIENTS://127.0.0.1:{clients},INSIDE://127.0.0.1:{inside}
listener.security.protocol.map=CLIENTS:{protocol},INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INSIDE
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
min.insync.replicas={in_sync}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
{guard}"
        )
    }
}

/// SASL/PLAIN with one user, who has no right until one is granted.
fn guard() -> String {
    format!(
        "listener.name.clients.sasl.enabled.mechanisms=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         user_gateway=\"{PASSWORD}\";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"
    )
}
