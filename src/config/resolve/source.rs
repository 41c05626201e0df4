//! One source.

use std::time::Duration;

use crate::config::decode::{Field, Placed};
use crate::config::file::scalars::OnBrokerUnavailable;
use crate::config::file::source::{Source, SourceDedupe};
use crate::config::problem::Problems;
use crate::config::resolve::auth::Blocks;
use crate::config::resolve::learning::{self, Learning};
use crate::config::resolve::proven::{self, Proven};
use crate::config::resolve::secrets::Files;
use crate::config::resolve::whole::{Disk, Whole};
use crate::config::resolve::{handshake, identify, path, reply};
use crate::ingest::source::{Handshake, Settings, Terms};
use crate::name::{SourceName, TopicName};
use crate::signature::Demands;
use crate::throttle::SourceLimits;

/// Shorter than this, no disk could answer.
const DEADLINE_MIN: Duration = Duration::from_millis(10);
/// Longer than this, every sender has hung up.
const DEADLINE_MAX: Duration = Duration::from_mins(1);

/// Resolves a source. Every rule is looked at; what comes back is good only where no error was added.
pub(super) fn resolve(
    name: &str,
    placed: &Placed<Source>,
    whole: &Whole<'_>,
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Settings> {
    let (at, source) = (&placed.at, &placed.value);
    let parsed = name.parse::<SourceName>();
    if let Err(error) = parsed {
        problems.refuse(at, format!("`{name}` is no source's name: {error}"));
    }
    let path = source.path.clone().unwrap_or_else(|| format!("/in/{name}"));
    path::check(&path, &source.path.at, problems);
    let before = problems.errors();
    let proven = Proven::of(placed, &path, whole, files, problems);
    let sound = !proven.blocks.blocks.is_empty() && problems.errors() == before;
    let handshakes = handshake::resolve(source, &proven, files, problems);
    let has = (&proven.blocks, !proven.secrets.is_empty());
    let Learning { place: learned, secrets } = learning::resolve(name, source, at, has, whole, problems);
    let demands = Demands { learned: secrets, ..proven.demands(source, &handshakes) };
    if proven.check_keys && sound {
        proven.check_keys(&demands, at, problems);
    }
    let proofs: Vec<&Demands> =
        std::iter::once(&demands).chain(handshakes.iter().filter_map(Handshake::own_demands)).collect();
    proven::refuse_credentials(&source.headers, &proofs, problems);
    let identify = identify::resolve(source, proven::credential_parameters(&proofs), problems);
    let topic = topic(name, &source.topic, whole, problems);
    Some(Settings {
        ce_source: format!("{}{path}", proven.public_url.as_deref().unwrap_or_default()),
        methods: methods(source, problems),
        limits: limits(source, whole, problems),
        identify,
        terms: terms(source, whole, problems),
        dedupe_window: window(source, &proven.blocks, whole, problems),
        accepted: reply::accepted(&source.reply.accepted, problems),
        malformed: reply::malformed(&source.reply.malformed.status, problems),
        name: parsed.ok()?,
        enabled: *source.enabled,
        topic: topic?,
        path,
        demands,
        handshakes,
        learned,
    })
}

/// The window of a source, at least twice its tolerance: within it a captured request is still fresh.
fn window(source: &Source, blocks: &Blocks, whole: &Whole<'_>, problems: &mut Problems) -> Option<Duration> {
    let SourceDedupe::On(remember) = &*source.dedupe else { return None };
    let window = remember.window.unwrap_or(whole.dedupe_window);
    if window.is_zero() {
        problems.error(&remember.window.at, "a window of nothing", "some, such as 3d, or `dedupe: off`");
    }
    let least = blocks.tolerance().unwrap_or_default().saturating_mul(2);
    if window < least && !window.is_zero() {
        let show = crate::units::show_duration;
        let found = format!("a dedupe window of {}", show(window));
        problems.error(
            &remember.window.at,
            found,
            format!("at least {}, twice the tolerance of the timestamp", show(least)),
        );
    }
    Some(window)
}

fn limits(source: &Source, whole: &Whole<'_>, problems: &mut Problems) -> SourceLimits {
    let limits = &source.limits;
    if *limits.body > whole.body_budget {
        let expected =
            format!("at most server.body_budget, {}; else such a body could never be read", whole.body_budget);
        problems.error(&limits.body.at, limits.body.to_string(), expected);
    }
    if limits.body.0 == 0 {
        problems.error(&limits.body.at, "0B", "at least 1B");
    }
    if *limits.in_flight == 0 {
        problems.error(&limits.in_flight.at, "`0`", "at least 1; `enabled: false` takes nothing");
    }
    if limits.rate.is_some_and(|rate| rate.count == 0) {
        problems.error(&limits.rate.at, "a rate of 0", "at least 1; without the key there is no limit");
    }
    SourceLimits { body: *limits.body, rate: *limits.rate, in_flight: *limits.in_flight }
}

fn terms(source: &Source, whole: &Whole<'_>, problems: &mut Problems) -> Terms {
    let ack = source.ack.unwrap_or(whole.ack);
    if source.ack.given {
        whole.check_ack(ack, &source.ack.at, problems);
    }
    if !(DEADLINE_MIN..=DEADLINE_MAX).contains(&source.deadline) {
        let found = crate::units::show_duration(*source.deadline);
        problems.error(&source.deadline.at, found, "10ms to 60s, well under the time that the sender waits");
    }
    let by_default = if *source.retries { OnBrokerUnavailable::Reject } else { OnBrokerUnavailable::Spool };
    let on_broker_unavailable = source.on_broker_unavailable.unwrap_or(by_default);
    if source.on_broker_unavailable.given
        && on_broker_unavailable == OnBrokerUnavailable::Spool
        && whole.disk == Disk::None
    {
        problems.warn(
            &source.on_broker_unavailable.at,
            "`spool`, and no `spool.dir`",
            "a directory; without one there is no second custody",
        );
    }
    Terms {
        ack,
        deadline: *source.deadline,
        spool_when_unavailable: on_broker_unavailable == OnBrokerUnavailable::Spool,
        retries: *source.retries,
    }
}

/// A topic in which `{source}` stands for the name.
fn topic(name: &str, own: &Field<Option<String>>, whole: &Whole<'_>, problems: &mut Problems) -> Option<TopicName> {
    let (template, at) = own.as_ref().map_or((&**whole.topic, &whole.topic.at), |topic| (topic, &own.at));
    match template.replace("{source}", name).parse::<TopicName>() {
        Ok(topic) if Some(&topic) == whole.dead_letter_topic.as_ref() => {
            problems.error(at, format!("`{topic}`, which is the dead-letter topic"), "another topic");
            None
        }
        Ok(topic) => Some(topic),
        Err(error) => {
            problems.error(at, format!("`{template}`"), format!("a topic, or one with {{source}} in it: {error}"));
            None
        }
    }
}

fn methods(source: &Source, problems: &mut Problems) -> Vec<http::Method> {
    if source.methods.0.is_empty() && source.methods.sound {
        problems.error(&source.methods.at, "an empty list", "at least one method; `enabled: false` takes nothing");
    }
    source.methods.0.clone()
}
