//! One source.

use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::config::decode::{Field, Placed};
use crate::config::file::scalars::{OnBrokerUnavailable, OnMalformed};
use crate::config::file::source::{Accepted, Source, SourceDedupe};
use crate::config::problem::{At, Problems};
use crate::config::resolve::auth::{self, Blocks};
use crate::config::resolve::proof::{self, Around};
use crate::config::resolve::secrets::{Files, Found, keys};
use crate::config::resolve::{gateway::Whole, handshake, identify, path, url};
use crate::ingest::source::{HandshakeAuth, Identify, Payload, Reply, Settings, Terms};
use crate::name::{SourceName, TopicName};
use crate::signature::Demands;
use crate::signature::scheme::{Allow, Kind};
use crate::throttle::SourceLimits;

/// Shorter than this, no disk could answer.
const DEADLINE_MIN: Duration = Duration::from_millis(10);
/// Longer than this, every sender has hung up.
const DEADLINE_MAX: Duration = Duration::from_secs(60);

/// Resolves a source. Every rule is looked at; what comes back is good only where no error was added.
pub(super) fn resolve(
    name: &str,
    source: &Placed<Source>,
    whole: &Whole<'_>,
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Settings> {
    let (at, source) = (&source.at, &source.value);
    let parsed = name.parse::<SourceName>();
    if let Err(error) = parsed {
        problems.error(at, format!("the name `{name}`"), error.to_string());
    }
    let path = source.path.clone().unwrap_or_else(|| format!("/in/{name}"));
    path::check(&path, &source.path.at, problems);
    let public_url = url::public_url(&source.public_url, problems).or_else(|| whole.public_url.clone());
    let around = Around { path_has_secret: path::has_secret(&path), public_url: public_url.as_deref() };
    let secrets = keys!(source).read(files, problems);
    let blocks = proven(source, at, around, &secrets, files, problems);
    let handshakes = handshake::resolve(source, &blocks, around, &secrets, files, problems);
    let mut demands = demands(&blocks, &secrets, public_url.clone());
    demands.batch = (*source.batch).clone();
    demands.signs_for_strangers = signs_for_strangers(&handshakes);
    let handshake_demands = handshakes.iter().filter_map(|handshake| match &handshake.auth {
        HandshakeAuth::Own(demands) => Some(demands),
        HandshakeAuth::Same | HandshakeAuth::None => None,
    });
    let proofs: Vec<&Demands> = std::iter::once(&demands).chain(handshake_demands).collect();
    refuse_credentials_as_headers(&source.headers, &proofs, problems);
    let identify = identify(source, &proofs, problems);
    let dedupe_window = window(source, &blocks, whole, problems);
    let limits = limits(source, whole, problems);
    let terms = terms(source, whole, problems);
    let topic = topic(name, &source.topic, whole, problems);
    let accepted = accepted(&source.reply.accepted, problems);
    Some(Settings {
        ce_source: format!("{}{path}", public_url.unwrap_or_default()),
        name: parsed.ok()?,
        enabled: *source.enabled,
        path,
        methods: methods(source, problems),
        limits,
        demands,
        handshakes,
        identify,
        terms,
        dedupe_window,
        topic: topic?,
        accepted,
        malformed: malformed(&source.reply.malformed.status, problems),
    })
}

/// A source proves itself, or says that it does not.
fn proven(
    source: &Source,
    at: &At,
    around: Around<'_>,
    secrets: &[Found],
    files: &mut Files,
    problems: &mut Problems,
) -> Blocks {
    let Some(auth) = &*source.auth else {
        if !source.auth.given && !(source.preset.given && !preset_exists(source)) {
            problems.error(at, "no way to authenticate", "a `preset`, or `auth`; `auth: none` lets anyone in");
        }
        return Blocks::default();
    };
    let blocks = auth::blocks(auth, around, files, problems);
    for (block, (at, _)) in blocks.blocks.iter().zip(&blocks.origins) {
        match &block.kind {
            Kind::None => problems.warn(at, "`auth: none`", "a way to authenticate: anyone can send events to this source"),
            Kind::Form(_) | Kind::Json(_) => problems.warn(at, "a credential in the body", "one in a header: a body is never altered, and readers of the topic can see it"),
            _ => {}
        }
    }
    if around.path_has_secret && source.auth.sound && !blocks.blocks.iter().any(|block| matches!(block.kind, Kind::Path)) {
        problems.error(&source.path.at, "`{secret}` in the path, and no `auth` that looks there", "`auth: path`");
    }
    if blocks.need_secrets() && secrets.is_empty() && !keys!(source).given() {
        let secret = (!source.preset.given).then_some("`secret`, `secrets`, `secret_file` or `secret_files`");
        problems.error(at, "no secret", secret.unwrap_or("`secret`, `secrets`, `secret_file` or `secret_files`; `hookgate presets show` says what to fill in"));
    }
    basic_is_user_and_password(&blocks, secrets, problems);
    blocks
}

fn preset_exists(source: &Source) -> bool {
    source.preset.as_ref().is_some_and(|preset| crate::config::presets::names().contains(preset))
}

fn basic_is_user_and_password(blocks: &Blocks, secrets: &[Found], problems: &mut Problems) {
    let only_basic = blocks.blocks.iter().all(|block| matches!(block.kind, Kind::Basic));
    for (block, (_, own)) in blocks.blocks.iter().zip(&blocks.origins) {
        let tried = if own.is_empty() && only_basic { secrets } else { own };
        for Found { secret, at } in tried.iter().filter(|_| matches!(block.kind, Kind::Basic)) {
            if !secret.expose().contains(&b':') {
                problems.error(at, "a secret without a colon", "user:password, both in one text");
            }
        }
    }
}

pub(super) fn demands(blocks: &Blocks, secrets: &[Found], public_url: Option<String>) -> Demands {
    Demands {
        blocks: blocks.blocks.clone(),
        secrets: secrets.iter().map(|found| found.secret.clone()).collect(),
        public_url,
        batch: None,
        signs_for_strangers: None,
    }
}

fn signs_for_strangers(handshakes: &[crate::ingest::source::Handshake]) -> Option<Allow> {
    let stranger = |handshake: &&crate::ingest::source::Handshake| {
        handshake.mac.is_some() && matches!(handshake.auth, HandshakeAuth::None)
    };
    handshakes.iter().find(stranger).map(|handshake| handshake.allow)
}

fn refuse_credentials_as_headers(headers: &[Placed<HeaderName>], proofs: &[&Demands], problems: &mut Problems) {
    let mut credentials = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];
    let blocks = proofs.iter().flat_map(|demands| &demands.blocks);
    blocks.for_each(|block| proof::credential_headers(block, &mut credentials));
    for Placed { value: header, at } in headers {
        if credentials.contains(header) {
            problems.error(at, format!("`{header}`"), "headers that hold no credential or signature: those are never carried");
        }
    }
}

fn identify(source: &Source, proofs: &[&Demands], problems: &mut Problems) -> Identify {
    identify::check(source, problems);
    let mut credential_parameters = Vec::new();
    let blocks = proofs.iter().flat_map(|demands| &demands.blocks);
    blocks.for_each(|block| proof::credential_parameters(block, &mut credential_parameters));
    credential_parameters.sort();
    credential_parameters.dedup();
    Identify {
        batch: (*source.batch).clone(),
        id: (*source.id).clone(),
        also: match &*source.dedupe {
            SourceDedupe::On(remember) => (*remember.also).clone(),
            SourceDedupe::Off => None,
        },
        kind: (*source.kind).clone(),
        key: (*source.key).clone(),
        payload: source.payload.unwrap_or(Payload::ByMethod),
        headers: source.headers.iter().map(|header| header.value.clone()).collect(),
        credential_parameters,
        reject_malformed: *source.on_malformed == OnMalformed::Reject,
    }
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
        problems.error(&remember.window.at, found, format!("at least {}, twice the tolerance of the timestamp", show(least)));
    }
    Some(window)
}

fn limits(source: &Source, whole: &Whole<'_>, problems: &mut Problems) -> SourceLimits {
    let limits = &source.limits;
    if *limits.body > whole.body_budget {
        let expected = format!("at most server.body_budget, {}; else such a body could never be read", whole.body_budget);
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
    if source.on_broker_unavailable.given && on_broker_unavailable == OnBrokerUnavailable::Spool && !whole.has_spool {
        problems.warn(&source.on_broker_unavailable.at, "`spool`, and no `spool.dir`", "a directory; without one there is no second custody");
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
        Ok(topic) if topic == whole.dead_letter_topic => {
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

fn accepted(reply: &Accepted, problems: &mut Problems) -> Reply {
    if !reply.status.is_success() {
        problems.error(&reply.status.at, format!("`{}`", reply.status.as_u16()), "200 to 299; a sender would take anything else for a failure");
    }
    Reply {
        status: *reply.status,
        content_type: content_type(&reply.content_type, problems),
        body: (*reply.body).clone(),
        headers: headers(&reply.headers, problems),
    }
}

/// Headers of an answer.
pub(super) fn headers(
    headers: &crate::config::decode::Named<String>,
    problems: &mut Problems,
) -> Vec<(HeaderName, String)> {
    let mut good = Vec::with_capacity(headers.0.len());
    for (name, Placed { value, at }) in &headers.0 {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(_)) => good.push((name, value.clone())),
            _ => problems.error(at, format!("the header `{name}`"), "the name of an HTTP header, and a text without control characters"),
        }
    }
    good
}

pub(super) fn content_type(text: &Field<String>, problems: &mut Problems) -> String {
    if HeaderValue::from_str(text).is_err() || text.to_ascii_lowercase().contains("html") {
        problems.error(&text.at, format!("`{}`", **text), "a content type, and never HTML");
    }
    (**text).clone()
}

fn malformed(status: &Field<StatusCode>, problems: &mut Problems) -> StatusCode {
    if !status.is_client_error() && !status.is_server_error() || **status == StatusCode::UNAUTHORIZED {
        problems.error(&status.at, format!("`{}`", status.as_u16()), "400 to 599 without 401, which stands for a credential that is wrong");
    }
    **status
}
