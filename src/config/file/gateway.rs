//! The keys of the whole gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::decode::{Named, OneOrMany, block};
use crate::config::file::scalars::{Broker, Property};
use crate::config::file::source::Source;
use crate::spool::Ack;
use crate::telemetry::Format;
use crate::units::{ByteRate, ByteSize, Rate, Share};

block! {
    /// A hookgate configuration.
    Gateway {
        /// Address and port that senders reach.
        listen: SocketAddr = "0.0.0.0:8080",
        /// Address and port of health and metrics; not for the world.
        admin: SocketAddr = "127.0.0.1:8081",
        /// The gateway as senders know it, such as `https://hooks.example.com`; for signatures over the URL and for `ce_source`.
        public_url: Option<String>,
        /// When a 200 is sent: the event is on disk, in Kafka, both, or only in memory. Default: disk where spool.dir is durable, else kafka.
        ack: Option<Ack>,
        /// The way out.
        kafka: Kafka = "{}",
        /// Where events are kept until Kafka has them.
        spool: Spool = "{}",
        /// How long which events are remembered, so that a second copy is not delivered twice.
        dedupe: Dedupe = "{}",
        /// Limits of the public port.
        server: Server = "{}",
        /// How the gateway stops.
        shutdown: Shutdown = "{}",
        /// Logs.
        log: Log = "{}",
        /// A directory with presets of your own, `NAME.yaml` each, of the same form as those that are shipped. None of those has its name.
        presets: Option<PathBuf>,
        /// Who sends webhooks: a map from names to sources.
        sources: Named<Source>,
    }
}

block! {
    /// Where Kafka is, and what is there.
    Kafka {
        /// Brokers to begin with. Required.
        brokers: Vec<Broker>,
        /// Topic of a source that names none; `{source}` is its name.
        topic: String = "webhooks.{source}",
        /// Where events go that Kafka refuses for ever.
        dead_letter_topic: String = "webhooks.dead-letter",
        /// Make missing topics, with so many partitions and replicas. Absent: topics must exist.
        create_topics: Option<CreateTopics>,
        /// librdkafka's own properties, passed through.
        properties: Named<Property>,
    }
}

block! {
    /// How missing topics are made.
    CreateTopics {
        /// Partitions a topic. Required there.
        partitions: i32,
        /// Replicas a partition. Required there.
        replication: i32,
    }
}

block! {
    /// Where events are kept.
    Spool {
        /// A directory on a durable volume, of this gateway alone. Absent: nothing is kept on disk.
        dir: Option<PathBuf>,
        /// The directory does not outlive the machine: it is second custody only.
        scratch: bool = "false",
        /// The most that is kept; at least 32KiB.
        max_bytes: ByteSize = "10GiB",
        /// Size of a file, 4KiB to 1GiB; at most an eighth of `max_bytes`. Default: 64MiB, or that eighth.
        segment_bytes: Option<ByteSize>,
        /// Above this share of `max_bytes`, senders that try again are asked to.
        high_water: Share = "80%",
        /// Below this share they are taken again.
        low_water: Share = "70%",
        /// How long delivered events are kept for replay.
        retain: Duration = "0s",
    }
}

block! {
    /// How duplicates are known.
    Dedupe {
        /// How long the key of an event is remembered, where its source does not say its own.
        window: Duration = "3d",
        /// The most keys of all sources together.
        max_keys: usize = "2000000",
        /// The key of the hash, the same on all replicas. Absent: made once in spool.dir.
        hash_key_file: Option<PathBuf>,
    }
}

block! {
    /// Limits of the public port.
    Server {
        /// From the first byte of a request's head to its last.
        header_timeout: Duration = "10s",
        /// For a body to arrive.
        body_timeout: Duration = "10s",
        /// The slowest that a body may arrive.
        body_min_rate: ByteRate = "1KiB/s",
        /// How long a connection may say nothing.
        idle_timeout: Duration = "75s",
        /// Connections at once.
        max_connections: usize = "10000",
        /// Connections at once from one address; 0: no cap.
        max_connections_per_address: usize = "0",
        /// Headers of a request.
        max_headers: usize = "64",
        /// A request's head as a whole.
        max_header_bytes: ByteSize = "32KiB",
        /// All bodies in memory at once.
        body_budget: ByteSize = "256MiB",
        /// Failed authentications per address; above it 429. 0: off.
        failed_auth: Rate = "0/s",
        /// Connections begin with a PROXY protocol header.
        proxy_protocol: bool = "false",
        /// Networks whose word about the sender's address is taken.
        trusted_proxies: OneOrMany<IpNet> = "[]",
    }
}

block! {
    /// How the gateway stops.
    Shutdown {
        /// Not ready any more, but still accepting.
        drain_delay: Duration = "5s",
        /// From the signal to the exit.
        timeout: Duration = "25s",
    }
}

block! {
    /// Logs.
    Log {
        /// Least severity, also by module: `info,hookgate::spool=debug`.
        level: String = "info",
        /// JSON off a terminal and for people on one, or always one of them.
        format: Format = "auto",
    }
}
