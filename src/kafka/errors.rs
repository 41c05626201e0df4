//! What each of Kafka's errors means for a record: one table.
//!
//! Names are Kafka's own (the protocol's, as in `org.apache.kafka.common.protocol.Errors`); those that only librdkafka
//! knows begin with an underscore, as in its `rd_kafka_err2name`.

use std::borrow::Cow;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What has to happen for a record of this error to reach Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing but time: the same record will do later.
    Retriable,
    /// The record itself, or the batch it was in, is refused for ever. Only a record that was alone in its batch is
    /// known to be the one.
    Record,
    /// An operator's cure: the topic is missing or forbidden, or does not take what this client sends.
    Topic,
    /// Another producer: this one refuses everything from now on.
    Fatal,
}

/// Why Kafka, or the client on its behalf, did not take a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure(Code);

impl Failure {
    /// There is no room for the record, and will be none for long.
    pub(crate) fn queue_full() -> Self {
        Self(Code::QueueFull)
    }

    pub(super) fn new(error: &KafkaError) -> Self {
        // Without a code it is a name with a NUL in it or an unknown client-side trouble; both are the record's.
        Self(error.rdkafka_error_code().unwrap_or(Code::InvalidArgument))
    }

    /// What has to happen.
    #[must_use]
    pub fn class(self) -> Class {
        match look_up(self.0) {
            Some((_, class)) => class,
            // A code of a newer broker. Nothing says that the record is at fault, so it is not given up.
            None => Class::Retriable,
        }
    }

    /// Kafka's name of it.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match look_up(self.0) {
            Some((name, _)) => Cow::Borrowed(name),
            None => Cow::Owned(format!("CODE_{}", self.0 as i32)),
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self(code)
    }
}

fn look_up(code: Code) -> Option<(&'static str, Class)> {
    TABLE.iter().find(|(known, ..)| *known == code).map(|(_, name, class)| (*name, *class))
}

/// The table. It is only read when a record failed, so it is a list.
///
/// librdkafka retries most of [`Class::Retriable`] itself; they are seen here when it gave up.
const TABLE: &[(Code, &str, Class)] = &[
    // No leader, no connection, not enough replicas: the cluster heals, or is healed, and the record is as good as ever.
    (Code::LeaderNotAvailable, "LEADER_NOT_AVAILABLE", Class::Retriable),
    (Code::NotLeaderForPartition, "NOT_LEADER_OR_FOLLOWER", Class::Retriable),
    (Code::FencedLeaderEpoch, "FENCED_LEADER_EPOCH", Class::Retriable),
    (Code::UnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH", Class::Retriable),
    (Code::BrokerNotAvailable, "BROKER_NOT_AVAILABLE", Class::Retriable),
    (Code::ReplicaNotAvailable, "REPLICA_NOT_AVAILABLE", Class::Retriable),
    (Code::NetworkException, "NETWORK_EXCEPTION", Class::Retriable),
    (Code::RequestTimedOut, "REQUEST_TIMED_OUT", Class::Retriable),
    (Code::NotEnoughReplicas, "NOT_ENOUGH_REPLICAS", Class::Retriable),
    (Code::NotEnoughReplicasAfterAppend, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Class::Retriable),
    (Code::KafkaStorageError, "KAFKA_STORAGE_ERROR", Class::Retriable),
    (Code::ThrottlingQuotaExceeded, "THROTTLING_QUOTA_EXCEEDED", Class::Retriable),
    (Code::BrokerTransportFailure, "_TRANSPORT", Class::Retriable),
    (Code::AllBrokersDown, "_ALL_BROKERS_DOWN", Class::Retriable),
    (Code::Resolve, "_RESOLVE", Class::Retriable),
    (Code::SSL, "_SSL", Class::Retriable),
    (Code::Authentication, "_AUTHENTICATION", Class::Retriable),
    (Code::SaslAuthenticationFailed, "SASL_AUTHENTICATION_FAILED", Class::Retriable),
    (Code::MessageTimedOut, "_MSG_TIMED_OUT", Class::Retriable),
    (Code::OperationTimedOut, "_TIMED_OUT", Class::Retriable),
    (Code::TimedOutQueue, "_TIMED_OUT_QUEUE", Class::Retriable),
    (Code::QueueFull, "_QUEUE_FULL", Class::Retriable),
    (Code::Retry, "_RETRY", Class::Retriable),
    // The checksum failed on the way: the next copy may arrive whole.
    (Code::InvalidMessage, "CORRUPT_MESSAGE", Class::Retriable),
    (Code::BadMessage, "_BAD_MSG", Class::Retriable),
    (Code::BadCompression, "_BAD_COMPRESSION", Class::Retriable),
    // Ours: a producer that is taken down hands its records back so.
    (Code::PurgeQueue, "_PURGE_QUEUE", Class::Retriable),
    (Code::PurgeInflight, "_PURGE_INFLIGHT", Class::Retriable),
    (Code::BrokerDestroy, "_DESTROY", Class::Retriable),
    (Code::DestroyBroker, "_DESTROY_BROKER", Class::Retriable),
    // A broker's own defect. It may be the record that trips it; who retries sees that, who gives up loses events.
    (Code::Unknown, "UNKNOWN_SERVER_ERROR", Class::Retriable),
    (Code::Fail, "_FAIL", Class::Retriable),
    // Too large for the topic, or not what it allows: no key where it compacts, a time out of its bounds.
    (Code::MessageSizeTooLarge, "MESSAGE_TOO_LARGE", Class::Record),
    (Code::MessageBatchTooLarge, "RECORD_LIST_TOO_LARGE", Class::Record),
    (Code::InvalidMessageSize, "INVALID_FETCH_SIZE", Class::Record),
    (Code::InvalidTimestamp, "INVALID_TIMESTAMP", Class::Record),
    (Code::InvalidRecord, "INVALID_RECORD", Class::Record),
    (Code::InvalidArgument, "_INVALID_ARG", Class::Record),
    // Another record of the batch was the one; alone it would have been taken.
    (Code::InvalidDifferentRecord, "_INVALID_DIFFERENT_RECORD", Class::Record),
    // The same for every record until somebody creates the topic, grants the right or changes its settings.
    (Code::UnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", Class::Topic),
    (Code::UnknownTopicId, "UNKNOWN_TOPIC_ID", Class::Topic),
    (Code::UnknownTopic, "_UNKNOWN_TOPIC", Class::Topic),
    (Code::UnknownPartition, "_UNKNOWN_PARTITION", Class::Topic),
    (Code::InvalidTopic, "INVALID_TOPIC_EXCEPTION", Class::Topic),
    (Code::TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", Class::Topic),
    (Code::ClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED", Class::Topic),
    (Code::PolicyViolation, "POLICY_VIOLATION", Class::Topic),
    (Code::InvalidRequiredAcks, "INVALID_REQUIRED_ACKS", Class::Topic),
    (Code::UnsupportedForMessageFormat, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Class::Topic),
    (Code::UnsupportedCompressionType, "UNSUPPORTED_COMPRESSION_TYPE", Class::Topic),
    (Code::UnsupportedVersion, "UNSUPPORTED_VERSION", Class::Topic),
    // The broker and this producer no longer agree on what was written; a new producer id starts clean.
    (Code::Fatal, "_FATAL", Class::Fatal),
    (Code::Fenced, "_FENCED", Class::Fatal),
    (Code::Inconsistent, "_INCONSISTENT", Class::Fatal),
    (Code::GaplessGuarantee, "_GAPLESS_GUARANTEE", Class::Fatal),
    (Code::OutOfOrderSequenceNumber, "OUT_OF_ORDER_SEQUENCE_NUMBER", Class::Fatal),
    (Code::DuplicateSequenceNumber, "DUPLICATE_SEQUENCE_NUMBER", Class::Fatal),
    (Code::UnknownProducerId, "UNKNOWN_PRODUCER_ID", Class::Fatal),
    (Code::InvalidProducerEpoch, "INVALID_PRODUCER_EPOCH", Class::Fatal),
    (Code::InvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING", Class::Fatal),
    (Code::ProducerFenced, "PRODUCER_FENCED", Class::Fatal),
];

/// All that the table says.
#[cfg(test)]
pub(crate) fn known() -> impl Iterator<Item = (Code, &'static str, Class)> {
    TABLE.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_error_stands_in_the_table_once() {
        let names: HashSet<_> = TABLE.iter().map(|(_, name, _)| *name).collect();
        let codes: HashSet<_> = TABLE.iter().map(|(code, ..)| *code as i32).collect();
        assert_eq!((names.len(), codes.len()), (TABLE.len(), TABLE.len()));
    }

    #[test]
    fn errors_are_classed_by_what_cures_them() {
        for (code, class) in [
            (Code::NotEnoughReplicas, Class::Retriable),
            (Code::MessageTimedOut, Class::Retriable),
            (Code::InvalidDifferentRecord, Class::Record),
            (Code::MessageSizeTooLarge, Class::Record),
            (Code::InvalidRecord, Class::Record),
            (Code::TopicAuthorizationFailed, Class::Topic),
            (Code::UnknownTopic, Class::Topic),
            (Code::OutOfOrderSequenceNumber, Class::Fatal),
            (Code::Fatal, Class::Fatal),
        ] {
            assert_eq!(Failure(code).class(), class, "{code:?}");
        }
    }

    #[test]
    fn an_error_nobody_knows_is_tried_again_under_its_number() {
        let failure = Failure(Code::NonEmptyGroup);
        assert_eq!((failure.class(), failure.name().as_ref()), (Class::Retriable, "CODE_68"));
    }

    #[test]
    fn an_error_without_a_code_is_the_records() {
        assert_eq!(Failure::new(&KafkaError::Canceled).class(), Class::Record);
    }
}
