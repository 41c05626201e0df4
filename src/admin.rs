//! The private port: health, metrics, and the windows in which a source learns its secret. It is a router; the listener serves it, under limits of its own.
//!
//! Alive means that the process answers; nothing else can make a restart help. Ready means that an event sent now would
//! be kept; what that takes is a list of checks that the application hands in.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, StatusCode};
use prometheus_client::encoding::prometheus_text;

use crate::metrics::Metrics;

pub mod learn;

const TEXT: &str = "text/plain; charset=utf-8";

/// One condition of being ready: holds, or says why not. It must not block.
pub type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What it takes to be ready, each with its name.
#[derive(Default)]
pub struct Health {
    checks: Vec<(&'static str, Check)>,
    notes: Vec<(&'static str, Check)>,
}

impl Health {
    /// These checks, in the order in which they are shown.
    #[must_use]
    pub fn new(checks: Vec<(&'static str, Check)>) -> Self {
        Self { checks, notes: Vec::new() }
    }

    /// Shows that as well, though it takes nothing from being ready.
    #[must_use]
    pub fn noting(mut self, name: &'static str, check: Check) -> Self {
        self.notes.push((name, check));
        self
    }

    /// Asks every check; the verdict, and a line for each.
    fn examine(&self) -> (bool, String) {
        let examined: Vec<_> = self.checks.iter().map(|(name, check)| (name, check())).collect();
        let ready = examined.iter().all(|(_, verdict)| verdict.is_ok());
        let lines = examined.into_iter().map(|(name, verdict)| match verdict {
            Ok(()) => format!("[+]{name} ok\n"),
            Err(why) => format!("[-]{name} failed: {why}\n"),
        });
        let notes = self.notes.iter().map(|(name, check)| match check() {
            Ok(()) => format!("[+]{name} ok\n"),
            Err(why) => format!("[!]{name}: {why}\n"),
        });
        (ready, lines.chain(notes).collect())
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.checks.iter().chain(&self.notes).map(|(name, _)| name)).finish()
    }
}

#[derive(Debug)]
struct Admin {
    metrics: Arc<Metrics>,
    health: Health,
}

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(metrics: Arc<Metrics>, health: Health) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(encode))
        .with_state(Arc::new(Admin { metrics, health }))
}

async fn livez() -> Response {
    text(StatusCode::OK, "ok\n".to_owned())
}

/// As Kubernetes' own: `?verbose` lists the checks, and so does a failure.
async fn readyz(State(admin): State<Arc<Admin>>, RawQuery(query): RawQuery) -> Response {
    let verbose =
        query.is_some_and(|query| query.split('&').any(|key| key == "verbose" || key.starts_with("verbose=")));
    match admin.health.examine() {
        (true, _) if !verbose => text(StatusCode::OK, "ok\n".to_owned()),
        (true, lines) => text(StatusCode::OK, lines + "readyz check passed\n"),
        (false, lines) => text(StatusCode::SERVICE_UNAVAILABLE, lines + "readyz check failed\n"),
    }
}

async fn encode(State(admin): State<Arc<Admin>>) -> Response {
    ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], admin.metrics.encode()).into_response()
}

fn text(status: StatusCode, body: String) -> Response {
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Build;
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn get(target: &str, checks: Vec<(&'static str, Check)>) -> (u16, String) {
        let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
        let request = Request::get(target).body(Body::empty()).expect("a request");
        let response = router(metrics, Health::new(checks)).oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn good() -> (&'static str, Check) {
        ("spool", Box::new(|| Ok(())))
    }

    fn bad() -> (&'static str, Check) {
        ("kafka", Box::new(|| Err("no broker answers".into())))
    }

    #[tokio::test]
    async fn it_is_alive_whatever_fails() {
        assert_eq!(get("/livez", vec![bad()]).await, (200, "ok\n".into()));
    }

    #[tokio::test]
    async fn it_is_ready_when_every_check_holds() {
        assert_eq!(get("/readyz", vec![]).await, (200, "ok\n".into()));
        assert_eq!(get("/readyz", vec![good()]).await, (200, "ok\n".into()));
        assert_eq!(get("/readyz?verbose", vec![good()]).await, (200, "[+]spool ok\nreadyz check passed\n".into()));
        assert_eq!(get("/readyz?a=verbose", vec![good()]).await, (200, "ok\n".into()));
    }

    #[tokio::test]
    async fn one_failed_check_says_why_it_is_not_ready() {
        let lines = "[+]spool ok\n[-]kafka failed: no broker answers\nreadyz check failed\n";
        for target in ["/readyz", "/readyz?verbose", "/readyz?verbose=1"] {
            assert_eq!(get(target, vec![good(), bad()]).await, (503, lines.into()), "{target}");
        }
    }

    #[test]
    fn a_note_is_shown_and_takes_nothing_from_being_ready() {
        let health = Health::new(vec![good()]).noting("keys", bad().1).noting("disk", good().1);
        let lines = "[+]spool ok\n[!]keys: no broker answers\n[+]disk ok\n";
        assert_eq!(health.examine(), (true, lines.to_owned()));
    }

    #[tokio::test]
    async fn metrics_are_in_prometheus_text_format() {
        let (status, text) = get("/metrics", vec![]).await;
        assert_eq!(status, 200);
        assert!(text.contains("# TYPE hookgate_panics_total counter\n"), "{text}");
    }

    #[tokio::test]
    async fn there_is_nothing_else() {
        assert_eq!(get("/", vec![]).await.0, 404);
        assert_eq!(get("/healthz", vec![]).await.0, 404);
    }
}
