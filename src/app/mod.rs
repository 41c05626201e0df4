//! Wiring: the parts of a gateway, made and started in order, and stopped in the other order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::config::{Config, Shutdown};
use crate::dedupe::{Dedupe, Ring};
use crate::event::{Claim, header};
use crate::feed::{Delivered, Feed, Line};
use crate::forward::{self, Forwarder};
use crate::ingest::source;
use crate::ingest::sources::Source;
use crate::ingest::{Gateway, Refusals, Sources};
use crate::listener;
use crate::metrics::process::Process;
use crate::metrics::{Build, Metrics};
use crate::secret;
use crate::spool::{Remembered, Spool};
use crate::throttle::{Budget, FailedAuth};

mod hash_key;
mod health;
mod keys;
mod serve;
mod stop;

pub use serve::Bound;
pub use stop::{Stop, Trigger};

/// A gateway, made but not yet serving: no port is bound.
#[derive(Debug)]
pub struct App {
    gateway: Arc<Gateway>,
    forwarder: Arc<Forwarder>,
    listener: listener::Settings,
    admin: std::net::SocketAddr,
    shutdown: Shutdown,
    waits_for_kafka: bool,
    /// The spool does not outlive the machine.
    scratch: bool,
    summary: String,
    keys: Vec<keys::Errand>,
}

impl App {
    /// Makes all parts, from the ground up: memory, spool (which recovers, and reminds the dedupe), forwarder, sources.
    ///
    /// # Errors
    /// A part cannot be made; the error says which, and what to do.
    pub fn build(mut config: Config, build: Build) -> Result<Self> {
        let clock = Clock::system();
        let mut metrics = Metrics::new(build);
        metrics.register_collector(Box::new(Process));
        let metrics = Arc::new(metrics);
        metrics.reload_successful.set(1);
        metrics.reload_timestamp.set(Duration::from_millis(clock.wall().0).as_secs_f64());
        let feed = Feed::new();
        let key = hash_key::load(&config)?;
        let dedupe = Dedupe::new(key, &config.dedupe, clock.clone(), Arc::clone(&metrics));
        let spool = open_spool(&config, &dedupe, &clock, &metrics)?;
        read_learned(&mut config)?;
        let forwarder = Forwarder::start(forward::Parts {
            spool: spool.clone(),
            settings: config.kafka.clone(),
            topics: config.topics(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            observer: Some(observer(&feed)),
        })?;
        let sources = sources(&config, &dedupe, &metrics, &clock)?;
        let keys = keys::errands(&config.sources)?;
        let gateway = Gateway {
            sources: ArcSwap::from_pointee(sources),
            budget: Budget::new(config.throttle.body_budget, metrics.body_budget_used.clone()),
            failures: config.throttle.failed_auth.map(|rate| FailedAuth::new(rate, clock.clone())),
            refusals: Refusals::new(clock.clone()),
            dedupe,
            spool,
            feed,
            clock,
            metrics,
        };
        Ok(Self {
            gateway: Arc::new(gateway),
            forwarder: Arc::new(forwarder),
            summary: summary(&config),
            keys,
            waits_for_kafka: config.kafka.someone_waits,
            scratch: config.spool.as_ref().is_some_and(|spool| spool.scratch),
            listener: config.listener,
            admin: config.admin,
            shutdown: config.shutdown,
        })
    }

    /// What happens, live.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.gateway.feed
    }
}

/// Opens the spool and reminds the dedupe of what it holds, each key in its source's window. Keys of a source that is no
/// longer configured are remembered for the gateway's own window: it may come back.
///
/// What Kafka is not known to have is safe where the disk is enough for its source, as it is configured now. Elsewhere
/// its key is pending: a copy waits until Kafka has the first one, as it would have without the restart.
fn open_spool(config: &Config, dedupe: &Dedupe, clock: &Clock, metrics: &Arc<Metrics>) -> Result<Spool> {
    let Some(settings) = &config.spool else {
        return Ok(Spool::without_directory(clock.clone(), Arc::clone(metrics)));
    };
    let windows = config.sources.iter().filter_map(|source| Some((source.name.as_str(), source.dedupe_window?)));
    let rings: HashMap<&str, Ring> = windows.map(|(name, window)| (name, dedupe.ring(window))).collect();
    let other = dedupe.ring(config.dedupe.window);
    let demanding = config.sources.iter().filter(|source| !source.terms.disk_is_enough());
    let demanding: HashSet<&str> = demanding.map(|source| source.name.as_str()).collect();
    let mut remember = |event: Remembered<'_>| {
        let ring = rings.get(event.source).unwrap_or(&other);
        if !event.delivered && demanding.contains(event.source) {
            let reservation = dedupe.reserve_restored(ring, event.digests)?;
            return Some(Box::new(reservation) as Box<dyn Claim>);
        }
        for digest in event.digests {
            dedupe.restore(ring, *digest, event.received_at);
        }
        None
    };
    Ok(Spool::open(settings, horizon(config), clock.clone(), Arc::clone(metrics), &mut remember)?)
}

/// Reads what the sources have learned, now that the directory is ours: the configuration was read before, and whoever had
/// the directory may have learned something since.
fn read_learned(config: &mut Config) -> Result<()> {
    for source in &mut config.sources {
        if let source::Learned::In(file) = &source.learned {
            source.demands.learned = secret::read_list(file)?;
        }
    }
    Ok(())
}

/// The longest window: keys older than that are of no use to anybody.
fn horizon(config: &Config) -> Duration {
    let windows = config.sources.iter().filter_map(|source| source.dedupe_window);
    windows.chain([config.dedupe.window]).max().unwrap_or_default()
}

/// Tells the feed of every delivery; nothing is made of it while nobody watches.
fn observer(feed: &Feed) -> forward::Observer {
    let feed = feed.clone();
    Arc::new(move |event, topic, at| {
        feed.tell(|| {
            let id = event.headers.get(header::CE_ID).unwrap_or_default();
            Line::Delivered(Delivered {
                source: event.source.to_owned(),
                id: String::from_utf8_lossy(id).into_owned(),
                topic: topic.to_owned(),
                partition: at.partition,
                offset: at.offset,
            })
        });
    })
}

/// The one line that is logged at the start.
fn summary(config: &Config) -> String {
    let spool = match &config.spool {
        None => "no spool: events wait for Kafka".to_owned(),
        Some(spool) if spool.scratch => format!("scratch spool {} up to {}", spool.dir.display(), spool.max_bytes),
        Some(spool) => format!("spool {} up to {}", spool.dir.display(), spool.max_bytes),
    };
    let sources: Vec<_> =
        config.sources.iter().map(|source| format!("{} ({})", source.name, source.terms.ack.as_str())).collect();
    format!("sources: {}; {spool}; brokers: {}", sources.join(", "), config.kafka.brokers.join(", "))
}

fn sources(config: &Config, dedupe: &Dedupe, metrics: &Metrics, clock: &Clock) -> Result<Sources> {
    let build = |settings: &source::Settings| {
        let name = settings.name.clone();
        Source::new(settings.clone(), dedupe, metrics, clock)
            .map_err(|errors| anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
            .with_context(|| format!("source {name}"))
    };
    let sources = config.sources.iter().map(build).collect::<Result<Vec<_>>>()?;
    Ok(Sources::new(sources, source::BODY_MAX_DEFAULT, metrics))
}
