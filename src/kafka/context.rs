//! What librdkafka calls back: reports, statistics, errors and log lines. All of it runs on the thread that polls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::errors::Failure;
use super::reports::{Delivered, Reports};
use super::statistics::Statistics;
use crate::metrics::{Metrics, OfCode};

/// Whether a broker answers. One for all generations of a producer.
#[derive(Debug)]
pub struct Health {
    metrics: Arc<Metrics>,
    connected: AtomicBool,
    has_producer_id: Mutex<bool>,
    id_came: Condvar,
}

impl Health {
    /// Down, until a broker answers.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        metrics.kafka_up.set(0);
        Arc::new(Self {
            metrics,
            connected: AtomicBool::new(false),
            has_producer_id: Mutex::new(false),
            id_came: Condvar::new(),
        })
    }

    /// A broker answered the last that was asked.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub(super) fn set_connected(&self, connected: bool) {
        // A report a record comes by here: the line is only written to when something changed.
        if self.is_connected() == connected {
            return;
        }
        self.connected.store(connected, Ordering::Relaxed);
        self.metrics.kafka_up.set(i64::from(connected));
        if connected {
            tracing::info!("a kafka broker answers");
        } else {
            tracing::warn!("no kafka broker answers any more: events wait");
        }
    }

    /// A new producer has no id yet.
    pub(super) fn forget_producer_id(&self) {
        *self.lock() = false;
    }

    /// Waits until the producer has its id, or `limit` is over.
    pub(super) fn wait_for_producer_id(&self, limit: Duration) {
        let waited = self.id_came.wait_timeout_while(self.lock(), limit, |has_id| !*has_id);
        drop(waited);
    }

    fn set_producer_id(&self) {
        *self.lock() = true;
        self.id_came.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.has_producer_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callbacks of one producer.
pub(super) struct Context {
    reports: Arc<dyn Reports>,
    health: Arc<Health>,
    fatal: AtomicBool,
    last_error: Mutex<Option<String>>,
}

impl Context {
    pub(super) fn new(reports: Arc<dyn Reports>, health: Arc<Health>) -> Self {
        Self { reports, health, fatal: AtomicBool::new(false), last_error: Mutex::new(None) }
    }

    pub(super) fn is_fatal(&self) -> bool {
        self.fatal.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, failure: Failure) {
        self.health.metrics.kafka_errors.get_or_create(&OfCode { code: failure.name().into_owned() }).inc();
    }

    /// rdkafka 0.39 calls [`ClientContext::error`] twice an event, one after the other; the second is swallowed.
    fn is_echo(&self, line: &str) -> bool {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        let echo = last.as_deref() == Some(line);
        *last = if echo { None } else { Some(line.to_owned()) };
        echo
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let _guard = self.health.metrics.guard();
        let result = match result {
            Ok(message) => {
                self.health.set_connected(true);
                Ok(Delivered { partition: message.partition(), offset: message.offset() })
            }
            Err((error, _)) => {
                let failure = Failure::new(error);
                self.count(failure);
                Err(failure)
            }
        };
        self.reports.report(opaque, result);
    }
}

impl ClientContext for Context {
    fn stats_raw(&self, json: &[u8]) {
        let _guard = self.health.metrics.guard();
        match Statistics::parse(json) {
            Ok(statistics) => {
                self.health.set_connected(statistics.any_broker_up());
                self.health.metrics.kafka_queue.set(statistics.queued);
                self.health.metrics.kafka_rtt.set(statistics.slowest_round_trip().as_secs_f64());
                if statistics.has_producer_id() {
                    self.health.set_producer_id();
                }
            }
            Err(error) => tracing::warn!(%error, "librdkafka's statistics cannot be read"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let _guard = self.health.metrics.guard();
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        match code {
            // Told at every try to connect, ten times a second: the change is what matters.
            Code::AllBrokersDown => return self.health.set_connected(false),
            Code::Fatal => self.fatal.store(true, Ordering::Relaxed),
            _ => {}
        }
        let code = Failure::from(code).name();
        if self.is_echo(&format!("{code} {reason}")) {
            return;
        }
        // A person is needed for a wrong password or certificate; brokers come back by themselves.
        if matches!(code.as_ref(), "_AUTHENTICATION" | "SASL_AUTHENTICATION_FAILED" | "_SSL") {
            tracing::error!(%code, reason, runbook = "kafka-producer-fails", "kafka refuses us; see kafka.properties");
        } else {
            tracing::warn!(%code, reason, "kafka client");
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

/// librdkafka's own lines, each at most once in half a minute. Its errors are our warnings: none of them alone says that data is at risk.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
    match level {
        // These come as errors too, and are written there.
        Emerg | Alert | Critical | Error if facility == "FAIL" => {
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
        Emerg | Alert | Critical | Error | Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        Notice | Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("health", &self.health).field("fatal", &self.fatal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Build;

    struct Deaf;
    impl Reports for Deaf {
        fn report(&self, _: usize, _: Result<Delivered, Failure>) {}
    }

    fn context() -> (Context, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
        (Context::new(Arc::new(Deaf), Health::new(Arc::clone(&metrics))), metrics)
    }

    #[test]
    fn an_error_that_is_called_twice_is_one_error() {
        let (context, _) = context();
        assert!(!context.is_echo("a"));
        assert!(context.is_echo("a"));
        assert!(!context.is_echo("a"), "the third is the first of the next event");
        assert!(!context.is_echo("b"));
    }

    #[test]
    fn kafka_is_up_while_statistics_or_reports_say_so() {
        let (context, metrics) = context();
        context.stats_raw(br#"{"msg_cnt":7,"brokers":{"a":{"state":"UP","rtt":{"avg":2000}}}}"#);
        assert!(context.health.is_connected());
        assert_eq!((metrics.kafka_up.get(), metrics.kafka_queue.get()), (1, 7));
        context.error(KafkaError::Global(Code::AllBrokersDown), "2/2 brokers are down");
        assert_eq!((context.health.is_connected(), metrics.kafka_up.get()), (false, 0));
        context.stats_raw(b"{ not json");
        assert!(!context.health.is_connected());
    }

    #[test]
    fn a_fatal_error_is_remembered() {
        let (context, _) = context();
        context.error(KafkaError::Global(Code::AllBrokersDown), "x");
        assert!(!context.is_fatal());
        context.error(KafkaError::Global(Code::Fatal), "out of order");
        assert!(context.is_fatal());
    }
}
