//! A source at work: everything the way in needs to know about one sender.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Method;

use crate::clock::Clock;
use crate::dedupe::{Dedupe, Ring};
use crate::metrics::{Metrics, SourceMetrics};
use crate::signature::Gate;
use crate::throttle::{InFlight, RateLimit};
use crate::units::ByteSize;

use super::challenge::Challenge;
use super::confirm::Confirmations;
use super::identify::Identifier;
use super::learn::Learner;
use super::prepare::{SourceError, gate};
use super::reply::Answer;
use super::source::{Handshake, Purpose, Settings, Terms};

/// A source: its settings with keys prepared, templates parsed and counters looked up.
#[derive(Debug)]
pub struct Source {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) enabled: bool,
    pub(super) methods: Vec<Method>,
    pub(super) body_max: ByteSize,
    pub(super) in_flight: InFlight,
    pub(super) rate: Option<RateLimit>,
    /// Another one stands here as soon as a secret has been learned.
    pub(super) gate: Arc<ArcSwap<Gate>>,
    pub(super) challenges: Vec<Challenge>,
    /// Of a source with a `learn_secret` handshake.
    pub(super) learner: Option<Arc<Learner>>,
    /// Of a source with a `confirm_out_of_band` handshake.
    pub(super) confirmations: Option<Confirmations>,
    pub(super) identifier: Identifier,
    pub(super) terms: Terms,
    pub(super) ring: Option<Ring>,
    pub(super) accepted: Answer,
    pub(super) metrics: SourceMetrics,
}

impl Source {
    /// Prepares a source.
    ///
    /// # Errors
    /// Every secret of it, or of its handshakes, that cannot be used.
    pub fn new(
        settings: Settings,
        dedupe: &Dedupe,
        metrics: &Metrics,
        clock: &Clock,
    ) -> Result<Self, Vec<SourceError>> {
        let challenge = |handshake: &Handshake| Challenge::new(handshake, &settings.demands);
        let challenges = settings.handshakes.iter().map(challenge).collect::<Result<_, _>>()?;
        let secrets = settings.demands.secrets_in_all();
        let gate = Arc::new(ArcSwap::from_pointee(gate(settings.demands.clone())?));
        let (name, has) = (settings.name.as_str(), |purpose| has(&settings, purpose));
        let learner = has(Purpose::Learn).then(|| {
            let file = settings.learned_file.clone();
            Arc::new(Learner::new(name, file, settings.demands.clone(), Arc::clone(&gate), clock, metrics))
        });
        Ok(Self {
            confirmations: has(Purpose::Confirm).then(|| Confirmations::new(name, clock, metrics)),
            gate,
            learner,
            challenges,
            identifier: Identifier::new(&settings),
            accepted: Answer::new(&settings.accepted),
            ring: settings.dedupe_window.map(|window| dedupe.ring(window)),
            metrics: SourceMetrics::new(metrics, settings.name.as_str(), secrets),
            body_max: settings.limits.body,
            in_flight: InFlight::new(settings.limits.in_flight),
            rate: settings.limits.rate.map(|rate| RateLimit::new(rate, clock.clone())),
            name: settings.name.to_string(),
            path: settings.path,
            enabled: settings.enabled,
            methods: settings.methods,
            terms: settings.terms,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its events are found.
    #[must_use]
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// When an event of it is safe.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Where its settled keys are; none: it does not dedupe.
    #[must_use]
    pub fn ring(&self) -> Option<&Ring> {
        self.ring.as_ref()
    }

    /// How it learns secrets; none: it does not.
    #[must_use]
    pub fn learner(&self) -> Option<&Arc<Learner>> {
        self.learner.as_ref()
    }

    /// What it answers a delivery that is safe.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.accepted
    }

    /// Whether any request of that method can mean something here: a delivery or a handshake.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method) || self.challenges.iter().any(|challenge| challenge.takes(method))
    }
}

fn has(settings: &Settings, purpose: Purpose) -> bool {
    settings.handshakes.iter().any(|handshake| handshake.purpose == purpose)
}
