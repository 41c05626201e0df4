//! Names that appear in more than one place: sources, topics and deliveries. A value of these types is known to be well
//! formed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use uuid::{NoContext, Timestamp, Uuid};

/// What was wrong with a name; the text says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// A source is part of a path, a topic and a label.
    #[error("a source's name is 1 to 100 of a-z, 0-9, - and _, and begins with a letter or digit")]
    Source,
    /// Kafka's own rule: `org.apache.kafka.common.internals.Topic`.
    #[error("a topic's name is 1 to 249 of a-z, A-Z, 0-9, ., - and _, and is not . or ..")]
    Topic,
}

/// The name of a source as the configuration gives it, such as `orders`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

/// The name of a Kafka topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// The name of one delivery, as answered in `x-request-id`: a UUID v7 of ours, made once, when its head has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new one for a request that came at `unix_ms`, in milliseconds since 1970.
    #[must_use]
    pub fn new(unix_ms: u64) -> Self {
        let nanos = u32::try_from(unix_ms % 1000).unwrap_or_default() * 1_000_000;
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, unix_ms / 1000, nanos)))
    }
}

impl SourceName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 100;

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TopicName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 249;

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let begins = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| begins(&byte) || byte == b'-' || byte == b'_';
        let good =
            text.as_bytes().first().is_some_and(begins) && text.len() <= Self::BYTES_MAX && text.bytes().all(allowed);
        good.then(|| Self(text.into())).ok_or(NameError::Source)
    }
}

impl FromStr for TopicName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let good = !matches!(text, "" | "." | "..") && text.len() <= Self::BYTES_MAX && text.bytes().all(allowed);
        good.then(|| Self(text.into())).ok_or(NameError::Topic)
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In lower case with hyphens, 36 characters.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Uuid::encode_buffer();
        f.write_str(self.0.as_hyphenated().encode_lower(&mut text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_begins_with_its_time_and_is_never_made_twice() {
        let id = RequestId::new(0x0199_1234_5678);
        assert_eq!(id.to_string().split_at(15).0, "01991234-5678-7");
        assert_eq!(id.to_string().len(), 36);
        assert_ne!(id, RequestId::new(0x0199_1234_5678));
    }

    #[test]
    fn a_source_is_named_in_lower_case() {
        for good in ["github", "0rders", "a-b_c", &"x".repeat(100)] {
            assert!(good.parse::<SourceName>().is_ok(), "{good}");
        }
        for wrong in ["", "GitHub", "-a", "a.b", "a/b", "a b", "ä", &"x".repeat(101)] {
            assert_eq!(wrong.parse::<SourceName>(), Err(NameError::Source), "{wrong}");
        }
    }

    #[test]
    fn a_topic_follows_kafkas_rule() {
        for good in ["webhooks.github", "A_b-1", &"x".repeat(249)] {
            assert!(good.parse::<TopicName>().is_ok(), "{good}");
        }
        for wrong in ["", ".", "..", "a/b", "a b", "{source}", &"x".repeat(250)] {
            assert_eq!(wrong.parse::<TopicName>(), Err(NameError::Topic), "{wrong}");
        }
    }
}
