//! The types of single values: quantities, addresses, names, and the words of the parts below.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use ipnet::IpNet;

use crate::config::decode::{Decode, choice, scalar};
use crate::config::problem::{At, Problems};
use crate::config::schema::{self, Definitions};
use crate::config::tree::{Node, SECRET_SHOWN};
use crate::ingest::source::Payload;
use crate::secret::Secret;
use crate::signature::scheme::{Algorithm, Allow, Encoding, Hash, TimeFormat};
use crate::spool::Ack;
use crate::telemetry::Format;
use crate::units::{ByteRate, ByteSize, Rate, Share, UnitError, parse_duration};

/// A type that says itself what was wrong with a text.
macro_rules! quantity {
    ($type:ty, $parse:expr, $pattern:literal) => {
        impl Decode for $type {
            fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
                let parse: fn(&str) -> Result<Self, UnitError> = $parse;
                parse(node.text().unwrap_or_default()).map_err(|error| refuse(&error, node, at, problems)).ok()
            }

            fn schema(_: &mut Definitions) -> serde_json::Value {
                schema::pattern($pattern)
            }
        }
    };
}

scalar!(String, |text| Some(text.to_owned()), "a text", schema::text());
scalar!(PathBuf, |text| (!text.is_empty()).then(|| text.into()), "a path", schema::text());
scalar!(bool, |text| text.parse().ok(), "`true` or `false`", schema::truth());
scalar!(usize, whole, "a whole number", schema::number(0, 1 << 53));
scalar!(
    i32,
    |text| whole(text).and_then(|number| i32::try_from(number).ok()).filter(|number| *number > 0),
    "a whole number from 1 on",
    schema::number(1, 1 << 31)
);
quantity!(ByteSize, str::parse, "[0-9]+([KMGT]i)?B");
quantity!(Duration, parse_duration, "[0-9]+(ms|s|m|h|d)");
quantity!(Rate, str::parse, "[0-9]+/[smh]");
quantity!(ByteRate, str::parse, "[0-9]+([KMGT]i)?B/s");
scalar!(Share, |text| text.parse().ok(), "a share from 0% to 100%", schema::pattern("(100|[0-9]{1,2})%"));
scalar!(
    SocketAddr,
    |text| text.parse().ok(),
    "an address and a port such as 0.0.0.0:8080 or [::]:8080",
    schema::pattern(".+:[0-9]{1,5}")
);
scalar!(IpNet, network, "a network such as 10.0.0.0/8, or an address", schema::pattern("[0-9a-fA-F.:]+(/[0-9]{1,3})?"));
scalar!(
    HeaderName,
    |text| text.parse().ok(),
    "the name of an HTTP header",
    schema::pattern("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
);
scalar!(StatusCode, status, "a status from 200 to 599", schema::number(200, 599));
scalar!(
    Property,
    |text| (text != SECRET_SHOWN).then(|| Self(Secret::new(text))),
    "a text; `***` stands for a secret that was not shown",
    schema::text()
);
scalar!(Separator, separator, "one of `,` ` ` `;` `&`", schema::words(&[",", " ", ";", "&"]));
scalar!(Broker, broker, "host:port such as kafka:9092", schema::pattern(".+:[0-9]{1,5}"));

/// A property of librdkafka, any text; it may be secret.
#[derive(Debug, Clone)]
pub(crate) struct Property(pub(crate) Secret);

/// `host:port` of a broker.
#[derive(Debug, Clone)]
pub(crate) struct Broker(pub(crate) String);

/// One of the characters that cut a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Separator(pub(crate) char);

/// A key of the language that this version does not have; refused, so that nobody relies on what is not checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Later;

fn refuse(error: &UnitError, node: &Node, at: &At, problems: &mut Problems) {
    let said = error.to_string();
    let expected = match error {
        UnitError::TooLarge => "less: that is more than can be counted",
        _ => said.strip_prefix("expected ").unwrap_or(&said),
    };
    problems.error(at, node.shown(), expected);
}

fn whole(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

fn status(text: &str) -> Option<StatusCode> {
    let code = whole(text).and_then(|code| u16::try_from(code).ok()).filter(|code| (200..600).contains(code))?;
    StatusCode::from_u16(code).ok()
}

fn separator(text: &str) -> Option<Separator> {
    let mut characters = text.chars();
    let one = characters.next().filter(|c| matches!(c, ',' | ' ' | ';' | '&'))?;
    characters.next().is_none().then_some(Separator(one))
}

fn broker(text: &str) -> Option<Broker> {
    let (host, port) = text.rsplit_once(':')?;
    let good =
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == ',') && port.parse::<u16>().is_ok();
    good.then(|| Broker(text.to_owned()))
}

/// What stands there is not shown: it may be a credential of what this version does not have.
impl Decode for Later {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        node.hide();
        problems.refuse(at, "this key comes in a later version; leave it out");
        None
    }

    fn schema(_: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "not": {} })
    }
}

/// A secret in the file itself, or from a variable.
impl Decode for Secret {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match node.text() {
            Some(SECRET_SHOWN) => {
                problems.error(at, "`***`, which stands for a secret that was not shown", "the secret itself");
                None
            }
            Some("") => {
                problems.error(at, "an empty secret", "at least one byte; an empty key would verify for anyone");
                None
            }
            Some(text) if text.len() > crate::secret::BYTES_MAX => {
                problems.error(at, "a secret that is too long", "at most 64 KiB");
                None
            }
            Some(text) => Some(Self::new(text)),
            None => {
                problems.error(at, node.shown(), "a text");
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> serde_json::Value {
        schema::text()
    }
}

choice!(Method, "method" { "POST" => Self::POST, "GET" => Self::GET, "HEAD" => Self::HEAD, "OPTIONS" => Self::OPTIONS });
choice!(Ack, "ack" { "disk" => Self::Disk, "kafka" => Self::Kafka, "both" => Self::Both, "memory" => Self::Memory });
choice!(Format, "format" { "auto" => Self::Auto, "json" => Self::Json, "human" => Self::Human });
choice!(Payload, "payload" { "body" => Self::Body, "query" => Self::Query, "headers" => Self::Headers });
choice!(Hash, "hash function" {
    "md5" => Self::Md5, "sha1" => Self::Sha1, "sha256" => Self::Sha256, "sha384" => Self::Sha384, "sha512" => Self::Sha512,
});
choice!(Algorithm, "algorithm" {
    "ed25519" => Self::Ed25519, "ecdsa-p256" => Self::EcdsaP256, "rsa-sha256" => Self::RsaSha256,
});
choice!(Encoding, "encoding" { "hex" => Self::Hex, "base64" => Self::Base64, "base64url" => Self::Base64Url });
choice!(TimeFormat, "format" {
    "unix" => Self::Unix, "unix_ms" => Self::UnixMs, "rfc3339" => Self::Rfc3339, "iso8601" => Self::Iso8601,
});
choice!(Allow, "class" { "token" => Self::Token, "hex" => Self::Hex, "text" => Self::Text });
choice!(OnMalformed, "choice" { "accept" => Self::Accept, "reject" => Self::Reject });
choice!(OnBrokerUnavailable, "choice" { "spool" => Self::Spool, "reject" => Self::Reject });
choice!(Prehash, "hash function" { "sha256" => Self });

/// `on_malformed`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnMalformed {
    Accept,
    Reject,
}

/// `on_broker_unavailable`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnBrokerUnavailable {
    Spool,
    Reject,
}

/// `prehash: sha256`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prehash;
