//! Start and stop: two short lists.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Body;
use http::Request;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tracing::{error, info, warn};

use crate::admin::{self, Health};
use crate::listener::{self, Answering, Caller, Counts, Drained, Port, webhooks};
use crate::metrics::Metrics;

use super::health::{self, Draining};
use super::keys;
use super::{App, Stop};

/// How long the start waits for a broker, where some source waits for Kafka.
const WARM_UP: Duration = Duration::from_secs(1);
const WARM_UP_STEP: Duration = Duration::from_millis(10);
/// So soon a thread's panic is noticed.
const FALL_STEP: Duration = Duration::from_millis(250);
/// Names the page that an operator should read.
const RUNBOOK: &str = "events-lost";
/// What ends by itself ends within its time and this; a disk that hangs never does.
const END_GRACE: Duration = Duration::from_secs(5);

/// A gateway with its ports open.
#[derive(Debug)]
pub struct Bound {
    app: App,
    public: TcpListener,
    private: TcpListener,
}

impl App {
    /// Opens both ports; the kernel queues connections from now on.
    ///
    /// # Errors
    /// A port cannot be opened; the error names it.
    pub fn bind(self) -> Result<Bound> {
        let open =
            |key: &str, address| listener::bind(address).with_context(|| format!("{key}: {address} cannot be opened"));
        let private = open("admin", self.admin)?;
        let public = open("listen", self.listener.address)?;
        Ok(Bound { app: self, public, private })
    }
}

impl Bound {
    /// Where the public port is.
    ///
    /// # Errors
    /// The system does not say.
    pub fn public(&self) -> std::io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the private port is.
    ///
    /// # Errors
    /// The system does not say.
    pub fn private(&self) -> std::io::Result<SocketAddr> {
        self.private.local_addr()
    }

    /// The gateway.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `stop`, and then ends in order.
    ///
    /// # Errors
    /// The system does not say where the ports are, a part ended in a panic, or the way out did not end in time.
    pub async fn serve(self, stop: Stop) -> Result<()> {
        let addresses = format!("webhooks on {}, health and metrics on {}", self.public()?, self.private()?);
        let Self { mut app, public, private } = self;
        let draining = Draining::default();
        let (admin_trigger, admin_stop) = Stop::by_hand();
        let (accept_trigger, accept_stop) = Stop::by_hand();

        let errands = std::mem::take(&mut app.keys);
        let health = keys::noted(&errands, health::checks(&draining, &app.gateway, &app.forwarder));
        // Dropped, and so ended, with the rest.
        let _fetching = keys::run(errands, &app.gateway.metrics);
        app.warm_up().await;
        let admin = tokio::spawn(app.admin(private, health, admin_stop));
        let webhooks = tokio::spawn(app.webhooks(public, accept_stop));
        info!("ready; {addresses}; {}", app.summary);

        let fell = tokio::select! {
            () = stop.wait() => false,
            () = fall(&app.gateway.metrics) => true,
        };
        let began = app.gateway.clock.now();
        draining.begin();
        tokio::time::sleep(app.shutdown.drain_delay).await;
        accept_trigger.pull();
        let drained = webhooks.await.context("the public port")?;
        if drained.cut > 0 {
            warn!(connections = drained.cut, "connections cut at the end of their time");
        }
        let left = app.shutdown.timeout.saturating_sub(app.gateway.clock.now().since(began));
        app.end_delivery(left).await?;
        admin_trigger.pull();
        drop(admin.await);
        anyhow::ensure!(!fell && !app.gateway.metrics.has_fallen(), "a background thread ended in a panic");
        info!("stopped");
        Ok(())
    }
}

/// Until a thread has ended in a panic without which nothing is delivered or kept.
async fn fall(metrics: &Metrics) {
    while !metrics.has_fallen() {
        tokio::time::sleep(FALL_STEP).await;
    }
    error!(runbook = "panics", "a background thread ended in a panic: the gateway stops");
}

impl App {
    /// Where some source waits for Kafka the first events would take half a second longer. A broker that does not answer is
    /// not waited for any longer.
    async fn warm_up(&self) {
        let ready = async {
            while !self.forwarder.ready() {
                tokio::time::sleep(WARM_UP_STEP).await;
            }
        };
        if self.waits_for_kafka && tokio::time::timeout(WARM_UP, ready).await.is_err() {
            warn!("no Kafka broker answers yet");
        }
    }

    fn admin(&self, listener: TcpListener, health: Health, stop: Stop) -> impl Future<Output = Drained> + use<> {
        let port = Port {
            settings: listener::Settings::private(self.admin),
            clock: self.gateway.clock.clone(),
            counts: Counts::private(),
            drain_timeout: Duration::from_secs(1),
        };
        let router = admin::router(Arc::clone(&self.gateway.metrics), health);
        let router = router.merge(admin::learn::router(Arc::clone(&self.gateway)));
        listener::serve(listener, port, Answering::by(router.map_request(say_who)), stop.wait())
    }

    fn webhooks(&self, listener: TcpListener, stop: Stop) -> impl Future<Output = Drained> + use<> {
        let port = Port {
            settings: self.listener.clone(),
            clock: self.gateway.clock.clone(),
            counts: Counts::public(&self.gateway.metrics),
            // Half of what is left after the drain delay; the forwarder and the spool have the other half.
            drain_timeout: self.shutdown.timeout.saturating_sub(self.shutdown.drain_delay) / 2,
        };
        listener::serve(listener, port, webhooks::answering(Arc::clone(&self.gateway)), stop.wait())
    }

    /// Delivers what is in flight within `limit`, and closes the spool. What a spool without a durable directory still
    /// holds then is lost with it, and said so.
    async fn end_delivery(&self, limit: Duration) -> Result<()> {
        let (forwarder, spool) = (Arc::clone(&self.forwarder), self.gateway.spool.clone());
        // A tenth is for the spool's last sync.
        let flush = limit * 9 / 10;
        let (tell, ended) = tokio::sync::oneshot::channel();
        // Not a thread of the runtime, which would wait for it for ever.
        std::thread::Builder::new().name("end".to_owned()).spawn(move || {
            let stopped = forwarder.stop(flush);
            spool.close();
            // Nobody listens any more where it took too long.
            let _told: Result<(), _> = tell.send((stopped, spool.outstanding()));
        })?;
        let Ok(ended) = tokio::time::timeout(limit + END_GRACE, ended).await else {
            error!(runbook = "spool-broken", "the way out does not end: going without it; the spool keeps what it has");
            anyhow::bail!("the way out did not end in time");
        };
        let (stopped, outstanding) = ended.context("the way out")?;
        if stopped.lost > 0 {
            error!(events = stopped.lost, runbook = RUNBOOK, "events that only memory held were not delivered");
        }
        if self.scratch && outstanding > 0 {
            error!(events = outstanding, runbook = RUNBOOK, "events are left in a scratch spool, and are lost with it");
        }
        info!(?stopped, outstanding, "the way out has ended");
        Ok(())
    }
}

/// Hands the handlers of the private port what they need to know of the caller.
fn say_who(mut request: Request<Body>) -> Request<Body> {
    if let Some(Caller { client, .. }) = request.extensions().get().copied() {
        request.extensions_mut().insert(client);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::metrics::Build;

    /// Nobody answers at its broker.
    fn bound() -> Bound {
        let mut config = config::dev().expect("good").1.config;
        config.kafka.brokers = vec!["127.0.0.1:1".to_owned()];
        config.kafka.create_topics = None;
        config.spool = None;
        config.listener.address.set_port(0);
        config.admin.set_port(0);
        config.shutdown.drain_delay = Duration::ZERO;
        let build = Build { version: "1", revision: "r", rustc: "c" };
        App::build(config, build).expect("built").bind().expect("bound")
    }

    #[tokio::test]
    async fn a_background_thread_that_panics_ends_the_gateway_with_an_error() {
        let bound = bound();
        let metrics = Arc::clone(&bound.app.gateway.metrics);
        let thread = std::thread::spawn(move || {
            let _guard = metrics.guard();
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        let (_trigger, stop) = Stop::by_hand();
        let error = bound.serve(stop).await.expect_err("it ends");
        assert!(error.to_string().contains("panic"), "{error}");
    }
}
