//! Are the topics there, large enough, and safe? Missing ones are created where the operator wishes it.
//!
//! The answers are data: `check --kafka` prints them, the gateway logs them at its start and goes on. Calls block, and
//! must come from a thread that runs no async tasks.

use std::fmt;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{ClientContext, config::ClientConfig};
use thiserror::Error;

use super::context;
use super::{CreateTopics, Failure, Settings, SettingsError};
use crate::name::TopicName;

/// What is so about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is there; nothing to say.
    Good(TopicName),
    /// It was not there and has been created.
    Created(TopicName),
    /// It is not there, and was not to be created.
    Missing(TopicName),
    /// It is not there and could not be created.
    NotCreated(TopicName, Failure),
    /// The broker does not let us see it, or has trouble of its own with it.
    Refused(TopicName, Failure),
    /// Its `max.message.bytes` is less than the largest event.
    TooSmall {
        /// The topic.
        topic: TopicName,
        /// Bytes that a batch of it may have.
        is: u64,
        /// Bytes that the largest event may have.
        wanted: u64,
    },
    /// Its `min.insync.replicas` lets Kafka acknowledge what a single broker holds.
    Unsafe(TopicName),
    /// Its settings could not be read; for that the gateway needs the right `DescribeConfigs`.
    Unread(TopicName, Failure),
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Some events may be refused, or be less safe than they look.
    Warning,
    /// The topic's events wait until somebody does something.
    Error,
}

/// Why nothing could be found out.
#[derive(Debug, Error)]
pub enum ExamineError {
    /// See there.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No broker answered in time.
    #[error("no broker of kafka.brokers answered ({0}); see kafka.properties where they need TLS or a password")]
    Unreachable(String),
}

impl Finding {
    /// The topic it is about.
    #[must_use]
    pub fn topic(&self) -> &TopicName {
        match self {
            Self::Good(topic)
            | Self::Created(topic)
            | Self::Missing(topic)
            | Self::Unsafe(topic)
            | Self::NotCreated(topic, _)
            | Self::Refused(topic, _)
            | Self::Unread(topic, _)
            | Self::TooSmall { topic, .. } => topic,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Good(_) | Self::Created(_) | Self::Unread(..) => Severity::Info,
            Self::TooSmall { .. } | Self::Unsafe(_) => Severity::Warning,
            Self::Missing(_) | Self::NotCreated(..) | Self::Refused(..) => Severity::Error,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(topic) => write!(f, "{topic}: is there"),
            Self::Created(topic) => write!(f, "{topic}: created"),
            Self::Missing(topic) => {
                write!(f, "{topic}: does not exist; create it, or let kafka.create_topics do so")
            }
            Self::NotCreated(topic, why) => {
                write!(f, "{topic}: does not exist and cannot be created ({}); create it", why.name())
            }
            Self::Refused(topic, why) => {
                write!(f, "{topic}: the broker answers {}; grant Describe and Write on it", why.name())
            }
            Self::TooSmall { topic, is, wanted } => {
                write!(f, "{topic}: max.message.bytes is {is}, the largest event may have {wanted}; raise it")
            }
            Self::Unsafe(topic) => {
                write!(f, "{topic}: min.insync.replicas is 1: what Kafka acknowledges one broker may hold alone; set 2")
            }
            Self::Unread(topic, why) => {
                write!(
                    f,
                    "{topic}: its settings cannot be read ({}); grant DescribeConfigs to have them checked",
                    why.name()
                )
            }
        }
    }
}

/// Looks at each topic, creates what is missing where `settings.create_topics` says how. At least one finding a topic;
/// a step that a broker does not answer within `limit` ends it.
///
/// # Errors
/// No client can be built, or no broker answers.
pub fn examine(settings: &Settings, topics: &[TopicName], limit: Duration) -> Result<Vec<Finding>, ExamineError> {
    let client: AdminClient<Context> = create(&settings.client_config()?)?;
    let examiner = Examiner { client, limit, wanted: settings.record_bytes_max() };
    let (mut findings, mut present, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for topic in topics {
        match examiner.presence(topic)? {
            None => present.push(topic.clone()),
            Some(failure) if is_missing(failure) => missing.push(topic.clone()),
            Some(failure) => findings.push(Finding::Refused(topic.clone(), failure)),
        }
    }
    match settings.create_topics {
        Some(how) if !missing.is_empty() => findings.extend(examiner.create(&missing, how)?),
        _ => findings.extend(missing.into_iter().map(Finding::Missing)),
    }
    findings.extend(examiner.settings_of(&present)?);
    Ok(findings)
}

fn create(config: &ClientConfig) -> Result<AdminClient<Context>, ExamineError> {
    let mut config = config.clone();
    // Nobody polls the statistics of this client.
    config.set("statistics.interval.ms", "0");
    config.create_with_context(Context).map_err(|error| SettingsError::Together(error.to_string()).into())
}

fn is_missing(failure: Failure) -> bool {
    [Code::UnknownTopicOrPartition, Code::UnknownTopic].map(Failure::from).contains(&failure)
}

struct Examiner {
    client: AdminClient<Context>,
    limit: Duration,
    /// The largest event, in bytes.
    wanted: u64,
}

impl Examiner {
    /// None: the topic is there.
    fn presence(&self, topic: &TopicName) -> Result<Option<Failure>, ExamineError> {
        let metadata = self.client.inner().fetch_metadata(Some(topic.as_str()), self.limit);
        let metadata = metadata.map_err(|error| ExamineError::Unreachable(error.to_string()))?;
        let of_topic = metadata.topics().iter().find(|found| found.name() == topic.as_str());
        let error = of_topic.map_or(Some(Code::UnknownTopic), |found| found.error().map(Code::from));
        // Just created: its partitions have no leader yet.
        Ok(error.filter(|code| *code != Code::LeaderNotAvailable).map(Failure::from))
    }

    fn create(&self, topics: &[TopicName], how: CreateTopics) -> Result<Vec<Finding>, ExamineError> {
        let bytes = self.wanted.to_string();
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| NewTopic::new(topic.as_str(), how.partitions, TopicReplication::Fixed(how.replication)))
            .map(|new| new.set("max.message.bytes", &bytes))
            .collect();
        let results = match wait(self.client.create_topics(&new, &self.options())) {
            Ok(results) => results,
            Err(error) => return all(topics, &error, Finding::NotCreated),
        };
        Ok(topics
            .iter()
            .zip(results)
            .map(|(topic, result)| match result {
                // Another replica of the gateway was faster.
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => Finding::Created(topic.clone()),
                Err((_, code)) => Finding::NotCreated(topic.clone(), code.into()),
            })
            .collect())
    }

    fn settings_of(&self, topics: &[TopicName]) -> Result<Vec<Finding>, ExamineError> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic.as_str())).collect();
        let results = match wait(self.client.describe_configs(&resources, &self.options())) {
            Ok(results) => results,
            Err(error) => return all(topics, &error, Finding::Unread),
        };
        let judged = topics.iter().zip(results).flat_map(|(topic, result)| match result {
            Ok(resource) => judge(topic, &resource, self.wanted),
            Err(code) => vec![Finding::Unread(topic.clone(), code.into())],
        });
        Ok(judged.collect())
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.limit)).operation_timeout(Some(self.limit))
    }
}

/// Compares a topic's settings with what the gateway sends.
fn judge(topic: &TopicName, resource: &ConfigResource, wanted: u64) -> Vec<Finding> {
    let number = |name| resource.get(name).and_then(|entry| entry.value.as_deref()).and_then(|text| text.parse().ok());
    let mut findings = Vec::new();
    if let Some(is) = number("max.message.bytes").filter(|is| *is < wanted) {
        findings.push(Finding::TooSmall { topic: topic.clone(), is, wanted });
    }
    if number("min.insync.replicas") == Some(1) {
        findings.push(Finding::Unsafe(topic.clone()));
    }
    if findings.is_empty() {
        findings.push(Finding::Good(topic.clone()));
    }
    findings
}

fn all(
    topics: &[TopicName],
    error: &KafkaError,
    finding: fn(TopicName, Failure) -> Finding,
) -> Result<Vec<Finding>, ExamineError> {
    let KafkaError::AdminOp(code) = error else { return Err(ExamineError::Unreachable(error.to_string())) };
    Ok(topics.iter().map(|topic| finding(topic.clone(), Failure::from(*code))).collect())
}

/// The admin interface of rdkafka is made of futures; librdkafka's threads complete them, so that any waiting will do.
fn wait<T>(operation: impl Future<Output = KafkaResult<T>>) -> KafkaResult<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| KafkaError::ClientCreation(error.to_string()))?.block_on(operation)
}

struct Context;

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        // What matters of it is in the answer to the call that failed.
        tracing::debug!(%error, reason, "kafka admin client");
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::properties::tests::settings;
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::RDKafkaRespErr;

    /// The mock answers requests about settings not at all, so that these tests wait for it.
    const LIMIT: Duration = Duration::from_secs(3);

    fn topic(name: &str) -> TopicName {
        name.parse().expect("a topic")
    }

    #[test]
    fn a_missing_topic_is_found_and_not_created_by_looking() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("there", 1, 1).expect("created");
        let settings = settings(&cluster.bootstrap_servers());
        for _ in 0..2 {
            let findings = examine(&settings, &[topic("there"), topic("absent")], LIMIT).expect("answered");
            assert!(findings.contains(&Finding::Missing(topic("absent"))), "{findings:?}");
            assert!(!findings.contains(&Finding::Missing(topic("there"))), "{findings:?}");
        }
    }

    #[test]
    fn a_forbidden_topic_is_told_apart_from_a_missing_one() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("secret", 1, 1).expect("created");
        let code = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        cluster.topic_error("secret", code).expect("set");
        let findings = examine(&settings(&cluster.bootstrap_servers()), &[topic("secret")], LIMIT).expect("answered");
        let expected = Finding::Refused(topic("secret"), Code::TopicAuthorizationFailed.into());
        assert_eq!(findings, [expected]);
        assert!(findings[0].to_string().contains("TOPIC_AUTHORIZATION_FAILED"));
        assert_eq!(findings[0].severity(), Severity::Error);
    }

    #[test]
    fn a_broker_without_these_requests_costs_findings_and_no_failure() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("there", 1, 1).expect("created");
        let mut settings = settings(&cluster.bootstrap_servers());
        settings.create_topics = Some(CreateTopics { partitions: 1, replication: 1 });
        let findings = examine(&settings, &[topic("there"), topic("absent")], LIMIT).expect("answered");
        assert!(matches!(findings[..], [Finding::NotCreated(..), Finding::Unread(..)]), "{findings:?}");
    }

    #[test]
    fn no_broker_is_said_within_the_limit() {
        let settings = settings("127.0.0.1:1");
        let error = examine(&settings, &[topic("any")], Duration::from_millis(300)).expect_err("nobody there");
        assert!(matches!(error, ExamineError::Unreachable(_)), "{error}");
    }
}
