//! A delivery, filled in and proven.

use std::time::Duration;

use anyhow::Context;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};

use crate::cli::CommandError;
use crate::clock::UnixMillis;
use crate::config::Sample;
use crate::ingest::source::Settings;
use crate::name::RequestId;
use crate::secret::Secret;
use crate::signature::scheme::Kind;
use crate::signature::{Demands, Draft, SignError, sign};

use super::http::Letter;

/// What is wrong with a delivery on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Proven with a secret that is nobody's.
    BadSignature,
    /// Made and proven too long ago.
    Stale,
    /// Changed after it was proven.
    Tampered,
}

const HOUR: Duration = Duration::from_hours(1);

/// Sends deliveries of one source.
#[derive(Debug)]
pub(crate) struct Sender<'c> {
    source: &'c Settings,
    sample: Sample,
    to: Uri,
    flaw: Option<Flaw>,
    /// Signed with, instead of the source's own.
    secret: Option<Secret>,
}

impl<'c> Sender<'c> {
    pub(crate) fn new(source: &'c Settings, sample: Sample, to: Uri, flaw: Option<Flaw>) -> Self {
        Self { source, sample, to, flaw, secret: None }
    }

    /// Signs with this instead of the source's own: of a public key the private one.
    pub(crate) fn with_secret(self, secret: Option<Secret>) -> Self {
        Self { secret, ..self }
    }

    /// The next delivery, with an id of its own.
    pub(crate) fn letter(&self, now: UnixMillis) -> Result<Letter, CommandError> {
        let id = RequestId::new(now.0);
        let made_at = match self.flaw {
            Some(Flaw::Stale) => self.too_long_before(now),
            _ => now,
        };
        let sample = self.sample.filled(&id.to_string(), now.0, made_at);
        let mut signed = self.signed(&self.draft(&sample)?, made_at)?;
        if self.flaw == Some(Flaw::Tampered) {
            signed.body.push(b'1');
        }
        let url = format!("{}{}", self.origin()?, signed.target);
        let url = url.parse::<Uri>().with_context(|| url.clone())?;
        let method = sample.method;
        Ok(Letter { method, url, headers: signed.headers, body: signed.body.into() })
    }

    /// An hour ago, or longer where the source allows for more.
    fn too_long_before(&self, now: UnixMillis) -> UnixMillis {
        let times = self.source.demands.blocks.iter().filter_map(|block| block.timestamp.as_ref());
        let allowed = times.map(|timestamp| timestamp.past).max().unwrap_or_default().saturating_mul(2).max(HOUR);
        UnixMillis(now.0.saturating_sub(u64::try_from(allowed.as_millis()).unwrap_or(now.0)))
    }

    /// Signed for the first block that it can be signed for, each with its own secret or else the source's.
    fn signed(&self, draft: &Draft, made_at: UnixMillis) -> Result<Draft, CommandError> {
        let demands = &self.source.demands;
        let mut error = None;
        for block in &demands.blocks {
            let own = || block.secrets.first().or_else(|| demands.secrets.first());
            let spoils_key = !block.kind.takes_public_keys();
            let secret = match self.secret.as_ref().or_else(own) {
                Some(secret) if spoils_key && self.flaw == Some(Flaw::BadSignature) => nobodys(secret),
                Some(secret) => secret.clone(),
                // Nobody looks at it.
                None if matches!(block.kind, Kind::None) => Secret::new(""),
                None => continue,
            };
            let alone = Demands { blocks: vec![block.clone()], ..demands.clone() };
            let signed = if self.flaw == Some(Flaw::BadSignature) && !spoils_key {
                other_body(&alone, &secret, draft, made_at)
            } else {
                sign(&alone, &secret, draft, made_at)
            };
            match signed {
                Ok(signed) => return Ok(signed),
                Err(why) if matches!(error, None | Some(SignError::Key(_))) => error = Some(why),
                Err(_) => {}
            }
        }
        let error = error.map_or_else(|| anyhow::anyhow!("the source has no secret to sign with"), Into::into);
        Err(error.context("the delivery cannot be signed").into())
    }

    fn draft(&self, sample: &Sample) -> Result<Draft, CommandError> {
        let mut headers = HeaderMap::new();
        if !sample.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&sample.content_type)?);
        }
        for (name, value) in &sample.headers {
            headers.append(name.clone(), HeaderValue::from_str(value)?);
        }
        let path = match self.to.path() {
            "/" => self.source.path.as_str(),
            path => path,
        };
        let target = if sample.query.is_empty() { path.to_owned() } else { format!("{path}?{}", sample.query) };
        let body = sample.body.clone().into_bytes();
        Ok(Draft { method: sample.method.to_string(), target, headers, body })
    }

    fn origin(&self) -> Result<String, CommandError> {
        let host = self.to.authority().with_context(|| format!("{}: expected http://host:port", self.to))?;
        Ok(format!("{}://{host}", self.to.scheme_str().unwrap_or("http")))
    }
}

/// Signed for another body. A private key with one character changed would be no key at all.
fn other_body(demands: &Demands, secret: &Secret, draft: &Draft, now: UnixMillis) -> Result<Draft, SignError> {
    let other = Draft { body: [draft.body.as_slice(), b" "].concat(), ..draft.clone() };
    sign(demands, secret, &other, now).map(|signed| Draft { body: draft.body.clone(), ..signed })
}

/// Another secret of the same form, so that what is wrong is the proof and not how it is written: one character in the
/// middle becomes a digit that base64, hex and plain text all have.
fn nobodys(secret: &Secret) -> Secret {
    let mut bytes = secret.expose().to_vec();
    let middle = bytes.len() / 2;
    match bytes.iter_mut().skip(middle).find(|byte| byte.is_ascii_alphanumeric()) {
        Some(byte) => *byte = if *byte == b'0' { b'1' } else { b'0' },
        None => bytes.push(b'0'),
    }
    Secret::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::judge::{head, on_trial};
    use crate::config::Config;
    use crate::ingest::judge::judge;

    #[test]
    fn a_secret_that_is_nobodys_is_written_like_the_real_one() {
        for (secret, other) in [
            ("whsec_ZGV2LXN0YW5kYXJk", "whsec_ZGV2L0N0YW5kYXJk"),
            ("0000", "0010"),
            ("user:pass", "user:0ass"),
            ("\u{e4}", "\u{e4}0"),
            ("", "0"),
        ] {
            assert_eq!(nobodys(&Secret::new(secret)), Secret::new(other), "{secret}");
        }
    }

    #[test]
    fn a_delivery_is_proven_by_whatever_its_source_asks_for() {
        for (auth, spoilt) in [
            ("auth: none", true),
            ("auth: { header: X-Key, secret: a-secret-of-the-block }", false),
            (
                "auth: { any_of: [{ header: X-Key, secret: a-secret-of-the-block }, { query: key, secret: another-of-a-block }] }",
                false,
            ),
            (
                "auth: { any_of: [{ header: X-Key, secret: a-secret-of-the-block }, { query: key }] }\n    secret: that-of-the-source",
                false,
            ),
        ] {
            let text = format!("kafka: {{ brokers: [k:1] }}\nsources:\n  a:\n    {auth}\n");
            let loaded = Config::parse("x", &text, &|_: &str| None).expect("good");
            let source = &loaded.config.sources[0];
            let sources = on_trial(source).expect("a source");
            for (flaw, good) in [(None, true), (Some(Flaw::BadSignature), spoilt)] {
                let sender = Sender::new(source, Sample::plain(), Uri::from_static("http://127.0.0.1:1"), flaw);
                let now = UnixMillis(1_760_000_000_000);
                let letter = sender.letter(now).expect("a letter");
                let target = letter.url.path_and_query().expect("a target").as_str();
                let parts = head(letter.method.as_str(), target, &letter.headers).expect("a head");
                let judged = judge(&sources, parts, letter.body, now, &mut ());
                assert_eq!(judged.is_ok(), good, "{auth} {flaw:?}");
            }
        }
    }
}
