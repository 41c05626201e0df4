//! The whole gateway: the parts' own settings, and the rules between them.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::decode::Field;
use crate::config::file::gateway::{Gateway, Kafka, Server, Spool};
use crate::config::problem::{At, Problems};
use crate::config::resolve::secrets::Files;
use crate::config::resolve::{neighbours, source, url};
use crate::config::{Config, Shutdown};
use crate::ingest::source::Settings as SourceSettings;
use crate::kafka::SettingsError;
use crate::name::TopicName;
use crate::spool::Ack;
use crate::units::{ByteSize, Share};
use crate::{dedupe, kafka, listener, spool, telemetry, throttle};

/// Above this share of `max_bytes` nobody's event is taken.
const FULL: Share = Share::percent(95);
/// The size of a segment where nothing else is said.
const SEGMENT: ByteSize = ByteSize::mib(64);

/// What sources need to know about the whole.
pub(super) struct Whole<'a> {
    pub(super) public_url: Option<String>,
    /// Secrets are the true ones, and looked at.
    pub(super) check_keys: bool,
    pub(super) ack: Ack,
    pub(super) has_spool: bool,
    /// There is a directory that outlives the machine.
    pub(super) durable: bool,
    pub(super) dedupe_window: Duration,
    pub(super) body_budget: ByteSize,
    pub(super) topic: &'a Field<String>,
    pub(super) dead_letter_topic: TopicName,
}

impl Whole<'_> {
    /// Refuses an `ack` that nothing could ever satisfy.
    pub(super) fn check_ack(&self, ack: Ack, at: &At, problems: &mut Problems) {
        if matches!(ack, Ack::Disk | Ack::Both) && !self.durable {
            let expected = if self.has_spool {
                "`kafka`: a scratch directory is second custody only"
            } else {
                "`spool.dir` on a durable volume, or `ack: kafka`"
            };
            problems.error(at, "an `ack` that needs a disk", expected);
        }
        if ack == Ack::Memory {
            problems.warn(
                at,
                "`memory`",
                "another `ack`: what is in memory when the process ends is lost, after a 200",
            );
        }
    }
}

/// Resolves everything.
pub(super) fn resolve(
    gateway: &Gateway,
    check_keys: bool,
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Config> {
    let (whole, spool) = whole(gateway, check_keys, problems)?;
    let named = &gateway.sources.0;
    let sources = named.iter().map(|(name, block)| (source::resolve(name, block, &whole, files, problems), &block.at));
    let sources: Vec<(Option<SourceSettings>, &At)> = sources.collect();
    let sources: Vec<(SourceSettings, &At)> =
        sources.into_iter().filter_map(|(source, at)| Some((source?, at))).collect();
    if named.is_empty() && gateway.sources.sound {
        problems.warn(&gateway.sources.at, "no sources", "at least one; every request will be answered 401");
    }
    neighbours::check(&sources, problems);
    check_shutdown(gateway, &sources, problems);
    check_segment(spool.as_ref(), largest_body(&sources), &gateway.spool, problems);
    Some(Config {
        listener: listener(gateway, problems),
        admin: *gateway.admin,
        kafka: kafka(gateway, &whole, &sources, problems),
        spool,
        dedupe: dedupe(gateway, problems),
        hash_key_file: (*gateway.dedupe.hash_key_file).clone(),
        throttle: throttle::Settings {
            body_budget: *gateway.server.body_budget,
            failed_auth: Some(*gateway.server.failed_auth).filter(|rate| rate.count > 0),
        },
        shutdown: Shutdown { drain_delay: *gateway.shutdown.drain_delay, timeout: *gateway.shutdown.timeout },
        log: telemetry::Settings { level: (*gateway.log.level).clone(), format: *gateway.log.format },
        sources: sources.into_iter().map(|(source, _)| source).collect(),
    })
}

fn whole<'a>(
    gateway: &'a Gateway,
    check_keys: bool,
    problems: &mut Problems,
) -> Option<(Whole<'a>, Option<spool::Settings>)> {
    if gateway.kafka.brokers.is_empty() && gateway.kafka.brokers.sound {
        problems.error(&gateway.kafka.brokers.at, "no brokers", "at least one host:port");
    }
    let spool = spool(&gateway.spool, problems);
    let durable = spool.as_ref().is_some_and(|spool| !spool.scratch);
    let dead = &gateway.kafka.dead_letter_topic;
    let dead_letter_topic = match dead.parse::<TopicName>() {
        Ok(topic) => Some(topic),
        Err(error) => {
            problems.error(&dead.at, format!("`{}`", **dead), error.to_string());
            None
        }
    };
    let whole = Whole {
        public_url: url::public_url(&gateway.public_url, problems),
        check_keys,
        ack: gateway.ack.unwrap_or(if durable { Ack::Disk } else { Ack::Kafka }),
        has_spool: spool.is_some(),
        durable,
        dedupe_window: *gateway.dedupe.window,
        body_budget: *gateway.server.body_budget,
        topic: &gateway.kafka.topic,
        dead_letter_topic: dead_letter_topic?,
    };
    if gateway.ack.given {
        whole.check_ack(whole.ack, &gateway.ack.at, problems);
    }
    Some((whole, spool))
}

fn spool(spool: &Field<Spool>, problems: &mut Problems) -> Option<spool::Settings> {
    let Some(dir) = (*spool.dir).clone() else {
        if spool.dir.sound && spool.given {
            problems.warn(
                &spool.at,
                "`spool` without `dir`",
                "`spool.dir`; without it nothing is kept on disk, and nothing here counts",
            );
        }
        return None;
    };
    let eighth = ByteSize(spool.max_bytes.0 / 8);
    let segment_bytes = spool.segment_bytes.unwrap_or(SEGMENT.min(eighth));
    if segment_bytes > eighth {
        let expected = format!("at most {eighth}, an eighth of max_bytes");
        problems.error(&spool.segment_bytes.at, segment_bytes.to_string(), expected);
    }
    if *spool.high_water > FULL {
        problems.error(
            &spool.high_water.at,
            format!("{}", *spool.high_water),
            format!("at most {FULL}: above that nobody's event is taken"),
        );
    }
    if *spool.low_water > *spool.high_water {
        let expected = format!("at most spool.high_water, {}", *spool.high_water);
        problems.error(&spool.low_water.at, format!("{}", *spool.low_water), expected);
    }
    Some(spool::Settings {
        dir,
        scratch: *spool.scratch,
        max_bytes: *spool.max_bytes,
        segment_bytes,
        high_water: *spool.high_water,
        low_water: *spool.low_water,
        retain: *spool.retain,
    })
}

fn check_segment(spool: Option<&spool::Settings>, largest: ByteSize, typed: &Spool, problems: &mut Problems) {
    let Some(spool) = spool else { return };
    if largest.0.saturating_add(kafka::HEADROOM.0) > spool.segment_bytes.0 {
        let found = format!("segments of {}, and a source with bodies of up to {largest}", spool.segment_bytes);
        problems.warn(
            &typed.segment_bytes.at,
            found,
            "segments that hold the largest body and 64KiB: others cannot be kept on disk",
        );
    }
}

fn dedupe(gateway: &Gateway, problems: &mut Problems) -> dedupe::Settings {
    let dedupe = &gateway.dedupe;
    if *dedupe.max_keys == 0 {
        problems.error(&dedupe.max_keys.at, "`0`", "at least 1; a source turns it off with `dedupe: off`");
    }
    dedupe::Settings { window: *dedupe.window, max_keys: *dedupe.max_keys }
}

/// What librdkafka says to the properties, each for itself.
fn check_kafka(settings: &kafka::Settings, typed: &Kafka, problems: &mut Problems) {
    let mut left = settings.clone();
    while let Err(error) = left.check() {
        let name = match &error {
            SettingsError::Refused { name, .. }
            | SettingsError::Unknown { name, .. }
            | SettingsError::Value { name } => name,
            SettingsError::NoBrokers => return,
            SettingsError::Together(_) => {
                return problems.error(&typed.properties.at, "properties that do not go together", error.to_string());
            }
        };
        let Some((_, property)) = typed.properties.0.iter().find(|(known, _)| known == name) else { return };
        problems.error(&property.at, format!("the property `{name}`"), format!("what librdkafka takes: {error}"));
        left.properties.retain(|(known, _)| known != name);
    }
}

fn kafka(
    gateway: &Gateway,
    whole: &Whole<'_>,
    sources: &[(SourceSettings, &At)],
    problems: &mut Problems,
) -> kafka::Settings {
    let (typed, waits) = (&gateway.kafka, |source: &SourceSettings| matches!(source.terms.ack, Ack::Kafka | Ack::Both));
    let settings = kafka::Settings {
        brokers: typed.brokers.iter().map(|broker| broker.0.clone()).collect(),
        dead_letter_topic: whole.dead_letter_topic.clone(),
        create_topics: typed
            .create_topics
            .as_ref()
            .map(|create| kafka::CreateTopics { partitions: *create.partitions, replication: *create.replication }),
        properties: typed.properties.0.iter().map(|(name, property)| (name.clone(), property.value.clone())).collect(),
        largest_body: largest_body(sources),
        someone_waits: sources.iter().any(|(source, _)| waits(source)),
        spooled: whole.has_spool,
    };
    check_kafka(&settings, typed, problems);
    settings
}

fn largest_body(sources: &[(SourceSettings, &At)]) -> ByteSize {
    sources.iter().map(|(source, _)| source.limits.body).max().unwrap_or(ByteSize::mib(1))
}

fn listener(gateway: &Gateway, problems: &mut Problems) -> listener::Settings {
    let server = &gateway.server;
    check_server(server, problems);
    let (public, admin) = (*gateway.listen, *gateway.admin);
    let overlapping = public.ip() == admin.ip() || public.ip().is_unspecified() || admin.ip().is_unspecified();
    if public.port() != 0 && public.port() == admin.port() && overlapping {
        problems.error(&gateway.admin.at, format!("`{admin}`, the port of `listen`"), "another port");
    }
    if gateway.admin.given && !is_inside(admin.ip()) {
        problems.warn(
            &gateway.admin.at,
            format!("`{admin}`"),
            "an address that only operators reach: who reaches it sees events and can replay them",
        );
    }
    listener::Settings {
        address: public,
        header_timeout: *server.header_timeout,
        body_timeout: *server.body_timeout,
        body_min_rate: *server.body_min_rate,
        idle_timeout: *server.idle_timeout,
        max_connections: *server.max_connections,
        max_connections_per_address: Some(*server.max_connections_per_address).filter(|cap| *cap > 0),
        max_headers: *server.max_headers,
        max_header_bytes: *server.max_header_bytes,
        proxy_protocol: *server.proxy_protocol,
        trusted_proxies: server.trusted_proxies.0.clone(),
    }
}

/// Loopback, or a private network's address. 0.0.0.0 is every network's.
fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn check_server(server: &Server, problems: &mut Problems) {
    for timeout in [&server.header_timeout, &server.body_timeout, &server.idle_timeout] {
        if timeout.is_zero() {
            problems.error(&timeout.at, "no time at all", "some, such as 10s");
        }
    }
    for count in [&server.max_connections, &server.max_headers] {
        if **count == 0 {
            problems.error(&count.at, "`0`", "at least 1");
        }
    }
    let head = &server.max_header_bytes;
    if !(ByteSize::kib(8)..=ByteSize::mib(1)).contains(head) {
        problems.error(&head.at, head.to_string(), "8KiB to 1MiB");
    }
}

fn check_shutdown(gateway: &Gateway, sources: &[(SourceSettings, &At)], problems: &mut Problems) {
    let (shutdown, show) = (&gateway.shutdown, crate::units::show_duration);
    let left = shutdown.timeout.saturating_sub(*shutdown.drain_delay);
    if left.is_zero() {
        let expected = format!("more than drain_delay, {}", show(*shutdown.drain_delay));
        problems.error(&shutdown.timeout.at, show(*shutdown.timeout), expected);
    } else if let Some((slowest, _)) = sources.iter().max_by_key(|(source, _)| source.terms.deadline)
        && slowest.terms.deadline >= left
    {
        let found =
            format!("{} left after drain_delay, and a deadline of {}", show(left), show(slowest.terms.deadline));
        problems.warn(&shutdown.timeout.at, found, "more: requests would be cut off before they are answered");
    }
}
