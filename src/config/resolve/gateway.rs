//! The whole gateway: the parts' own settings, and the rules between them.

use crate::config::file::gateway::{Dedupe, Gateway, Log};
use crate::config::problem::{At, Problems};
use crate::config::resolve::secrets::Files;
use crate::config::resolve::whole::{Disk, Whole};
use crate::config::resolve::{kafka, listener, neighbours, source, spool, url};
use crate::config::{Config, Purpose, Shutdown, hash_key};
use crate::dedupe::HashKey;
use crate::ingest::source::Settings as SourceSettings;
use crate::name::TopicName;
use crate::spool::{Ack, Settings as SpoolSettings};
use crate::{dedupe, telemetry, throttle};

/// Resolves everything.
pub(super) fn resolve(
    gateway: &Gateway,
    purpose: Purpose,
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Config> {
    let spool = spool::resolve(&gateway.spool, problems);
    let whole = whole(gateway, spool.as_ref(), purpose, problems);
    let named = &gateway.sources.0;
    let sources = named.iter().map(|(name, block)| (source::resolve(name, block, &whole, files, problems), &block.at));
    let sources: Vec<(Option<SourceSettings>, &At)> = sources.collect();
    let mut sources: Vec<(SourceSettings, &At)> =
        sources.into_iter().filter_map(|(source, at)| Some((source?, at))).collect();
    if named.is_empty() && gateway.sources.sound {
        problems.warn(&gateway.sources.at, "no sources", "at least one; every request will be answered 401");
    }
    neighbours::check(&sources, problems);
    neighbours::distrust(&mut sources);
    check_shutdown(gateway, &sources, problems);
    spool::check_segment(spool.as_ref(), kafka::largest_body(&sources), &gateway.spool, problems);
    Some(Config {
        listener: listener::resolve(gateway, &sources, problems),
        admin: *gateway.admin,
        kafka: kafka::resolve(gateway, &whole, &sources, problems)?,
        spool,
        dedupe: dedupe(gateway, problems),
        hash_key: hash_key(&gateway.dedupe, &whole, problems),
        throttle: throttle::Settings {
            body_budget: *gateway.server.body_budget,
            failed_auth: Some(*gateway.server.failed_auth).filter(|rate| rate.count > 0),
        },
        shutdown: Shutdown { drain_delay: *gateway.shutdown.drain_delay, timeout: *gateway.shutdown.timeout },
        log: log(&gateway.log, problems),
        sources: sources.into_iter().map(|(source, _)| source).collect(),
    })
}

fn whole<'a>(
    gateway: &'a Gateway,
    spool: Option<&SpoolSettings>,
    purpose: Purpose,
    problems: &mut Problems,
) -> Whole<'a> {
    let disk = match spool {
        None => Disk::None,
        Some(spool) if spool.scratch => Disk::Scratch,
        Some(_) => Disk::Durable,
    };
    let dead = &gateway.kafka.dead_letter_topic;
    let dead_letter_topic = dead.parse::<TopicName>();
    if let Err(error) = &dead_letter_topic {
        problems.refuse(&dead.at, format!("`{}` is no topic's name: {error}", **dead));
    }
    let whole = Whole {
        public_url: url::public_url(&gateway.public_url, problems),
        check_keys: purpose != Purpose::StandIns,
        check_surroundings: purpose == Purpose::Run,
        ack: gateway.ack.unwrap_or(if disk == Disk::Durable { Ack::Disk } else { Ack::Kafka }),
        disk,
        spool_dir: spool.map(|spool| spool.dir.clone()),
        dedupe_window: *gateway.dedupe.window,
        body_budget: *gateway.server.body_budget,
        topic: &gateway.kafka.topic,
        dead_letter_topic: dead_letter_topic.ok(),
        trusts_proxies: !gateway.server.trusted_proxies.0.is_empty(),
    };
    if gateway.ack.given {
        whole.check_ack(whole.ack, &gateway.ack.at, problems);
    }
    whole
}

fn dedupe(gateway: &Gateway, problems: &mut Problems) -> dedupe::Settings {
    let dedupe = &gateway.dedupe;
    if *dedupe.max_keys == 0 {
        problems.error(&dedupe.max_keys.at, "`0`", "at least 1; a source turns it off with `dedupe: off`");
    }
    dedupe::Settings { window: *dedupe.window, max_keys: *dedupe.max_keys }
}

fn hash_key(dedupe: &Dedupe, whole: &Whole<'_>, problems: &mut Problems) -> Option<HashKey> {
    let file = dedupe.hash_key_file.as_ref().filter(|_| whole.check_surroundings)?;
    let key = hash_key::read(file);
    key.map_err(|error| problems.refuse(&dedupe.hash_key_file.at, error.to_string())).ok()
}

fn log(log: &Log, problems: &mut Problems) -> telemetry::Settings {
    if let Err(error) = log.level.parse::<telemetry::Filter>() {
        let expected = "off, error, warn, info, debug or trace, and after commas such as hookgate::spool=debug";
        problems.error(&log.level.at, format!("`{}`, which is no log filter", error.0), expected);
    }
    telemetry::Settings { level: (*log.level).clone(), format: *log.format }
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
