//! The stages of the way in, one by one, without a port, a broker or (as a rule) a disk.

mod accept;
mod challenge;
mod identify;
mod learn;
mod lookup;
mod reply;
mod template;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, StatusCode};

use super::received::Received;
use super::source::{BODY_MAX_DEFAULT, Identify, Payload, Reply, Settings, Terms};
use super::sources::Source;
use crate::clock::{Clock, UnixMillis};
use crate::dedupe::{self, Dedupe, HashKey};
use crate::locate::Expr;
use crate::metrics::{Build, Metrics};
use crate::signature::scheme::{Block, Kind};
use crate::signature::{Authentic, Demands, Gate};
use crate::spool::Ack;
use crate::throttle::SourceLimits;

const NOW: UnixMillis = UnixMillis(1_700_000_000_123);
const WINDOW: Duration = Duration::from_hours(1);

/// What the stages stand on.
struct Ground {
    clock: Clock,
    metrics: Arc<Metrics>,
    dedupe: Dedupe,
}

impl Ground {
    fn new() -> Self {
        let clock = Clock::standing_at(NOW);
        let metrics = Arc::new(Metrics::new(Build { version: "", revision: "", rustc: "" }));
        let settings = dedupe::Settings { window: WINDOW, max_keys: 1000 };
        let dedupe = Dedupe::new(HashKey::new([7; HashKey::BYTES]), &settings, clock.clone(), Arc::clone(&metrics));
        Self { clock, metrics, dedupe }
    }

    fn source(&self, settings: Settings) -> Source {
        Source::new(settings, &self.dedupe, &self.metrics, &self.clock).expect("a source")
    }
}

/// A source that anybody may send to, with all else as it is by default.
fn settings(name: &str) -> Settings {
    Settings {
        name: name.parse().expect("a name"),
        enabled: true,
        path: format!("/in/{name}"),
        ce_source: format!("https://hooks.example.com/in/{name}"),
        methods: vec![Method::POST],
        limits: SourceLimits { body: BODY_MAX_DEFAULT, rate: None, in_flight: 10 },
        demands: Demands { blocks: vec![Block::new(Kind::None)], ..Demands::default() },
        handshakes: Vec::new(),
        learned_file: None,
        identify: Identify {
            batch: None,
            id: expr("json:/id"),
            also: None,
            kind: None,
            key: None,
            payload: Payload::ByMethod,
            headers: Vec::new(),
            credential_parameters: Vec::new(),
            reject_malformed: false,
        },
        terms: Terms {
            ack: Ack::Kafka,
            deadline: Duration::from_secs(2),
            spool_when_unavailable: false,
            retries: true,
        },
        dedupe_window: Some(WINDOW),
        topic: format!("webhooks.{name}").parse().expect("a topic"),
        accepted: plain_reply("accepted"),
        malformed: StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn plain_reply(body: &str) -> Reply {
    Reply { status: StatusCode::OK, content_type: "text/plain".into(), body: body.into(), headers: Vec::new() }
}

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect(text)
}

fn parts(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(target);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).expect("a request").into_parts().0
}

fn received(parts: Parts, body: impl Into<Bytes>) -> Received {
    Received::on_trial(parts, body.into(), None, NOW)
}

/// As the gate of an open source lets it pass.
fn authentic(received: Received) -> Authentic<Received> {
    let open = Demands { blocks: vec![Block::new(Kind::None)], ..Demands::default() };
    let passed = Gate::new(open).expect("a gate").check(received, NOW);
    passed.unwrap_or_else(|denied| panic!("{:?}", denied.reason))
}

/// A JSON body to an open source.
fn delivery(body: &str) -> Authentic<Received> {
    authentic(received(parts("POST", "/in/orders", &[]), body.to_owned()))
}
