//! The way out: brokers, topics, properties.

use crate::config::file::gateway::{Gateway, Kafka};
use crate::config::problem::{At, Problems};
use crate::config::resolve::whole::{Disk, Whole};
use crate::ingest::source::Settings as SourceSettings;
use crate::kafka::{CreateTopics, Settings, SettingsError};
use crate::spool::Ack;
use crate::units::ByteSize;

/// What librdkafka says to the properties, each for itself, and then to all of them together.
fn check_properties(settings: &Settings, typed: &Kafka, problems: &mut Problems) {
    let mut left = settings.clone();
    while let Err(error) = left.check() {
        let (name, sentence) = match error {
            SettingsError::Refused { name, reason } => {
                let sentence = format!("`{name}` cannot be set so: {reason}");
                (name, sentence)
            }
            SettingsError::Unknown { name, version } => {
                let sentence = format!("librdkafka {version} has no property `{name}`; see its CONFIGURATION.md");
                (name, sentence)
            }
            SettingsError::Value { name } => {
                let sentence =
                    format!("librdkafka does not take this value (not shown) for `{name}`; see its CONFIGURATION.md");
                (name, sentence)
            }
            SettingsError::NoBrokers => return,
            // Once one is taken out, the others may lack it.
            SettingsError::Together(_) if left.properties.len() < settings.properties.len() => return,
            SettingsError::Together(why) => {
                // Where it names one of them, that is the one.
                let named = typed.properties.0.iter().find(|(name, _)| why.contains(name.as_str()));
                let at = named.map_or(&typed.properties.at, |(_, property)| &property.at);
                return problems.refuse(at, format!("librdkafka makes no client of these properties: {why}"));
            }
        };
        let Some((_, property)) = typed.properties.0.iter().find(|(known, _)| *known == name) else { return };
        problems.refuse(&property.at, sentence);
        left.properties.retain(|(known, _)| *known != name);
    }
}

/// Resolves `kafka`, and asks librdkafka about every property.
pub(super) fn resolve(
    gateway: &Gateway,
    whole: &Whole<'_>,
    sources: &[(SourceSettings, &At)],
    problems: &mut Problems,
) -> Option<Settings> {
    if gateway.kafka.brokers.is_empty() && gateway.kafka.brokers.sound {
        problems.error(&gateway.kafka.brokers.at, "no brokers", "at least one host:port");
    }
    let (typed, waits) = (&gateway.kafka, |source: &SourceSettings| matches!(source.terms.ack, Ack::Kafka | Ack::Both));
    let settings = Settings {
        brokers: typed.brokers.iter().map(|broker| broker.0.clone()).collect(),
        dead_letter_topic: whole.dead_letter_topic.clone()?,
        create_topics: typed
            .create_topics
            .as_ref()
            .map(|create| CreateTopics { partitions: *create.partitions, replication: *create.replication }),
        properties: typed
            .properties
            .0
            .iter()
            .map(|(name, property)| (name.clone(), property.value.0.clone()))
            .collect(),
        largest_body: largest_body(sources),
        someone_waits: sources.iter().any(|(source, _)| waits(source)),
        spooled: whole.disk != Disk::None,
    };
    if whole.check_surroundings {
        check_properties(&settings, typed, problems);
    }
    Some(settings)
}

/// The largest body that any source takes.
pub(super) fn largest_body(sources: &[(SourceSettings, &At)]) -> ByteSize {
    sources.iter().map(|(source, _)| source.limits.body).max().unwrap_or(ByteSize::mib(1))
}
