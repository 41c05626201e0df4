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

/// One node that is broker and controller. `CLIENTS` is the listener that the gateway is told of; whoever comes through
/// `INSIDE` may do everything.
pub(super) struct Settings {
    access: Access,
    dir: PathBuf,
    clients: u16,
    inside: u16,
    controller: u16,
}

impl Settings {
    pub(super) fn new(access: Access, dir: &Path) -> Self {
        Self { access, dir: dir.to_owned(), clients: port::free(), inside: port::free(), controller: port::free() }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.dir.join("server.properties")
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

    pub(super) fn text(&self) -> String {
        let Self { clients, inside, controller, .. } = self;
        let data = self.data();
        let data = data.display();
        let (protocol, guard) = match self.access {
            Access::Open => ("PLAINTEXT", String::new()),
            Access::Guarded => ("SASL_PLAINTEXT", guard()),
        };
        format!(
            "process.roles=broker,controller
node.id=1
listeners=CLIENTS://127.0.0.1:{clients},INSIDE://127.0.0.1:{inside},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{clients},INSIDE://127.0.0.1:{inside}
listener.security.protocol.map=CLIENTS:{protocol},INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INSIDE
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
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
