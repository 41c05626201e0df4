//! Are the topics there? Looked at in the background, as soon as a broker answers, and again while some are not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Shared, hold};
use crate::kafka::admin::{self, ExamineError, Finding, Severity};
use crate::kafka::{Producer, Settings};
use crate::name::TopicName;

/// A broker answers in that time, or is tried again.
const ANSWER: Duration = Duration::from_secs(5);
/// A broker is waited for so long at a time; the producer's id comes soon after. The first send would wait for it otherwise.
const WARM_UP: Duration = Duration::from_secs(1);
const NO_BROKER_WAIT: Duration = Duration::from_secs(2);
/// A topic that is not well is looked at again after that.
const TROUBLE_WAIT: Duration = Duration::from_secs(15);
/// Topics that a reload added are noticed within that.
const CALM_WAIT: Duration = Duration::from_mins(1);

/// What the line is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// The topic's events have to wait, because of this.
    Trouble(TopicName, String),
    /// The topic is there, after it was not.
    Well(TopicName),
}

/// See the module.
pub(super) struct Watch {
    settings: Settings,
    shared: Arc<Shared>,
    /// Only until it is warm; not to be kept alive when it is replaced.
    producer: std::sync::Weak<Producer>,
    /// What was last found of each topic; empty where the line has doubts.
    found: HashMap<TopicName, Vec<Finding>>,
}

impl Watch {
    pub(super) fn new(settings: Settings, shared: Arc<Shared>, producer: &Arc<Producer>) -> Self {
        Self { settings, shared, producer: Arc::downgrade(producer), found: HashMap::new() }
    }

    /// Until it is stopped.
    pub(super) fn run(mut self) {
        while !self.warm_up() {
            if self.shared.stops_within(NO_BROKER_WAIT) {
                return;
            }
        }
        loop {
            let wait = self.look();
            if self.shared.stops_within(wait) {
                return;
            }
        }
    }

    fn warm_up(&self) -> bool {
        // A producer that was replaced meanwhile has connected before.
        let warm = self.producer.upgrade().is_none_or(|producer| producer.warm_up(WARM_UP));
        if warm {
            self.shared.warm.store(true, Ordering::Relaxed);
        }
        warm
    }

    /// Looks at the topics that are not known to be well, and says how long to wait.
    fn look(&mut self) -> Duration {
        let doubts = std::mem::take(&mut *hold(&self.shared.doubts));
        let topics = hold(&self.shared.topics).clone();
        for topic in topics.iter().filter(|topic| doubts.iter().any(|doubt| doubt == topic.as_str())) {
            self.found.insert(topic.clone(), Vec::new());
        }
        let unsure: Vec<_> = topics.into_iter().filter(|topic| !self.is_well(topic)).collect();
        if unsure.is_empty() {
            return CALM_WAIT;
        }
        match admin::examine(&self.settings, &unsure, ANSWER) {
            Ok(findings) => self.take_note(findings),
            Err(ExamineError::Unreachable(reason)) => tracing::debug!(reason, "topics cannot be looked at now"),
            Err(error) => tracing::warn!(%error, "topics cannot be looked at"),
        }
        TROUBLE_WAIT
    }

    fn is_well(&self, topic: &TopicName) -> bool {
        let serious = |finding: &Finding| finding.severity() == Severity::Error;
        self.found.get(topic).is_some_and(|findings| !findings.is_empty() && !findings.iter().any(serious))
    }

    /// Says what is new, once.
    fn take_note(&mut self, findings: Vec<Finding>) {
        let mut now: HashMap<TopicName, Vec<Finding>> = HashMap::new();
        for finding in findings {
            now.entry(finding.topic().clone()).or_default().push(finding);
        }
        for (topic, findings) in now {
            let before = self.found.insert(topic.clone(), findings.clone());
            if before.as_ref() == Some(&findings) {
                continue;
            }
            findings.iter().for_each(log);
            let word = match (self.is_well(&topic), before) {
                (true, Some(_)) => Word::Well(topic),
                (true, None) => continue,
                (false, _) => Word::Trouble(topic, code(&findings)),
            };
            hold(&self.shared.words).push(word);
        }
    }
}

fn code(findings: &[Finding]) -> String {
    let named = findings.iter().find_map(|finding| match finding {
        Finding::NotCreated(_, failure) | Finding::Refused(_, failure) => Some(failure.name().into_owned()),
        _ => None,
    });
    named.unwrap_or_else(|| "UNKNOWN_TOPIC_OR_PARTITION".to_owned())
}

/// The line says the errors itself, with their consequence.
fn log(finding: &Finding) {
    match (finding.severity(), finding) {
        (Severity::Info, Finding::Good(_)) => tracing::debug!("kafka topic {finding}"),
        (Severity::Info | Severity::Error, _) => tracing::info!("kafka topic {finding}"),
        (Severity::Warning, _) => tracing::warn!("kafka topic {finding}"),
    }
}
