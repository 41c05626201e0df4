//! The way in with an empty custody: authenticate, identify, dedupe, and nothing kept. What the promise costs is the
//! difference to the gateway itself; a 200 from here means nothing.
//!
//! `pipeline --listen ADDRESS --config FILE`. One worker thread, as it runs on one core; the stages are the gateway's own.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hookgate::clock::Clock;
use hookgate::config::{Config, ProcessEnvironment};
use hookgate::dedupe::{Answer, Dedupe, HashKey};
use hookgate::event::Claim as _;
use hookgate::feed::Feed;
use hookgate::ingest::authenticate::Passed;
use hookgate::ingest::source::BODY_MAX_DEFAULT;
use hookgate::ingest::sources::Source;
use hookgate::ingest::{Gateway, Incoming, Refusals, Sources, authenticate, identify, limits, lookup};
use hookgate::listener::{self, Answering, Caller, Counts, Port};
use hookgate::metrics::{Build, Metrics};
use hookgate::spool::Spool;
use hookgate::throttle::Budget;
use http::StatusCode;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let options: HashMap<_, _> = arguments.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let loaded = Config::load(Path::new(options["--config"]), &ProcessEnvironment).expect("a good configuration");
    let clock = Clock::system();
    let gateway = Arc::new(gateway(&loaded.config, &clock));
    let port = Port {
        counts: Counts::public(&gateway.metrics),
        settings: loaded.config.listener,
        clock,
        drain_timeout: Duration::ZERO,
    };
    let answering = Answering::by(tower::service_fn(move |request| Box::pin(receive(Arc::clone(&gateway), request))));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let address = options["--listen"].parse().expect("an address");
        let socket = listener::bind(address).expect("a free address");
        listener::serve(socket, port, answering, std::future::pending()).await;
    });
}

fn gateway(config: &Config, clock: &Clock) -> Gateway {
    let metrics = Arc::new(Metrics::new(Build { version: "", revision: "", rustc: "" }));
    let key = HashKey::new([7; HashKey::BYTES]);
    let dedupe = Dedupe::new(key, &config.dedupe, clock.clone(), Arc::clone(&metrics));
    let source = |settings: &hookgate::ingest::source::Settings| {
        Source::new(settings.clone(), &dedupe, &metrics, clock).expect("good secrets")
    };
    let sources: Vec<_> = config.sources.iter().map(source).collect();
    Gateway {
        sources: arc_swap::ArcSwap::from_pointee(Sources::new(sources, BODY_MAX_DEFAULT, &metrics)),
        spool: Spool::without_directory(clock.clone(), Arc::clone(&metrics)),
        budget: Budget::new(config.throttle.body_budget, metrics.body_budget_used.clone()),
        failures: None,
        refusals: Refusals::new(clock.clone()),
        feed: Feed::new(),
        clock: clock.clone(),
        dedupe,
        metrics,
    }
}

async fn receive(gateway: Arc<Gateway>, request: Request) -> Result<Response, Infallible> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status(&gateway, request).await;
    Ok(response)
}

async fn status(gateway: &Gateway, mut request: Request) -> StatusCode {
    let Caller { request_id, client } = request.extensions_mut().remove().expect("the door knows it");
    let (parts, body) = request.into_parts();
    let incoming = Incoming { parts, body, client, request_id };
    let sources = gateway.sources.load_full();
    let route = lookup::source(&sources, &incoming);
    let Ok(received) = limits::read(gateway, &route, incoming).await else { return StatusCode::BAD_REQUEST };
    let Ok(Passed::Delivery(authentic, source)) = authenticate::check(&route, received, gateway.clock.wall()) else {
        return StatusCode::UNAUTHORIZED;
    };
    let Ok(identified) = identify::events(source.identifier(), authentic) else { return StatusCode::BAD_REQUEST };
    for candidate in identified.candidates() {
        let digest = gateway.dedupe.digest(source.name(), candidate.id().as_bytes());
        if let Some(ring) = source.ring()
            && let Answer::Fresh(reservation) = gateway.dedupe.reserve(ring, &[digest])
        {
            Box::new(reservation).settle();
        }
    }
    StatusCode::OK
}
