//! A delivery, filled in and proven.

use anyhow::Context;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};

use crate::cli::CommandError;
use crate::clock::UnixMillis;
use crate::config::Sample;
use crate::ingest::source::Settings;
use crate::name::RequestId;
use crate::secret::Secret;
use crate::signature::{Draft, sign};

use super::http::Letter;

/// What is wrong with a delivery on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Proven with a secret that is nobody's.
    BadSignature,
    /// Proven as of an hour ago.
    Stale,
}

const HOUR_MS: u64 = 3_600_000;

/// Sends deliveries of one source.
#[derive(Debug)]
pub(crate) struct Sender<'c> {
    source: &'c Settings,
    sample: Sample,
    to: Uri,
    flaw: Option<Flaw>,
}

impl<'c> Sender<'c> {
    pub(crate) fn new(source: &'c Settings, sample: Sample, to: Uri, flaw: Option<Flaw>) -> Self {
        Self { source, sample, to, flaw }
    }

    /// The next delivery, with an id of its own.
    pub(crate) fn letter(&self, now: UnixMillis) -> Result<Letter, CommandError> {
        let id = RequestId::new(now.0);
        let sample = self.sample.filled(&id.to_string(), now.0, now);
        let first = self.source.demands.secrets.first().context("the source has no secret to sign with")?;
        let nobodys = nobodys(first);
        let (secret, signed_at) = match self.flaw {
            None => (first, now),
            Some(Flaw::BadSignature) => (&nobodys, now),
            Some(Flaw::Stale) => (first, UnixMillis(now.0.saturating_sub(HOUR_MS))),
        };
        let draft = self.draft(&sample)?;
        let signed = sign(&self.source.demands, secret, &draft, signed_at).context("the delivery cannot be signed")?;
        let url = format!("{}{}", self.origin()?, signed.target);
        let url = url.parse::<Uri>().with_context(|| url.clone())?;
        let method = sample.method;
        Ok(Letter { method, url, headers: signed.headers, body: signed.body.into() })
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
}
