//! Test vectors: deliveries whose verdict is known, and what becomes of them here.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use thiserror::Error;

use crate::cli::Exit;
use crate::clock::UnixMillis;
use crate::config::{Problems, preset_source};
use crate::ingest::source::{HandshakeAuth, Reply, Settings};
use crate::secret::Secret;

/// A delivery whose verdict is known. Further keys are for people.
#[derive(Debug, Clone, Deserialize)]
pub struct Vector {
    /// The preset that it is for; else that of the command line.
    pub preset: Option<String>,
    /// `signature`, or `challenge` for a handshake.
    pub kind: String,
    /// As the provider shows it, or a list where several are valid; null where the vector holds no credential.
    pub secret: Option<OneOrMany>,
    /// The request's method.
    pub method: String,
    /// The URL as the sender knows it.
    pub url: String,
    /// The request's headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The exact body.
    pub body: String,
    /// Unix seconds of the clock; null: the time does not matter, and is the one that the sender states.
    pub now: Option<f64>,
    /// What the sender states, where that is Unix seconds.
    pub timestamp: Option<String>,
    /// Whether it is to be accepted.
    pub valid: bool,
    /// The answer to a challenge.
    pub expect_response: Option<Answer>,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// What is special about it.
    #[serde(default)]
    pub note: String,
}

/// One secret, or several of which each is valid.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::One(secret) => vec![Secret::new(secret.as_str())],
            Self::Many(secrets) => secrets.iter().map(|secret| Secret::new(secret.as_str())).collect(),
        }
    }
}

/// An answer to a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content type; absent: not compared.
    pub content_type: Option<String>,
    /// Headers that it has, among others.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

/// A delivery as it comes to the gateway.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is an authentic event.
    Accepted,
    /// It is a handshake, and this is the answer.
    Challenge(Answer),
    /// It is refused, for this reason.
    Rejected(String),
}

/// Says what the gateway would do with a delivery to this source at that time.
pub type Judge<'a> = &'a dyn Fn(&Settings, &Delivery, UnixMillis) -> Verdict;

/// Why there are no vectors.
#[derive(Debug, Error)]
pub enum VectorsError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// It does not hold vectors.
    #[error("{0}: expected a JSON array of vectors: {1}")]
    Json(String, serde_json::Error),
}

/// Reads a file of vectors.
///
/// # Errors
/// It cannot be read, or holds something else.
pub fn read(file: &Path) -> Result<Vec<Vector>, VectorsError> {
    let name = || file.display().to_string();
    let text = std::fs::read(file).map_err(|error| VectorsError::Io(name(), error))?;
    serde_json::from_slice(&text).map_err(|error| VectorsError::Json(name(), error))
}

/// Runs all of them; a line each, and one with the count.
///
/// # Errors
/// `out` cannot be written.
pub fn run(vectors: &[Vector], preset: Option<&str>, judge: Judge<'_>, out: &mut dyn Write) -> io::Result<Exit> {
    let mut different = 0;
    for vector in vectors {
        let name = vector.preset.as_deref().or(preset).unwrap_or_default();
        let label = [vector.note.as_str(), vector.source.as_str()].into_iter().find(|text| !text.is_empty());
        let label = label.unwrap_or(&vector.kind);
        match vector.difference(name, judge) {
            None => writeln!(out, "ok         {name}: {label}")?,
            Some(difference) => {
                different += 1;
                writeln!(out, "DIFFERENT  {name}: {label}: {difference}")?;
            }
        }
    }
    writeln!(out, "{} vectors, {different} different", vectors.len())?;
    Ok(if different == 0 { Exit::Success } else { Exit::Failure })
}

impl Vector {
    /// How the verdict differs from the one that is known; none where it does not.
    fn difference(&self, preset: &str, judge: Judge<'_>) -> Option<String> {
        let Some((public_url, target)) = split_url(&self.url) else {
            return Some(format!("`{}` is not a URL", self.url));
        };
        let Some(delivery) = self.delivery(target) else { return Some("its headers are not HTTP's".into()) };
        let path = target.split(['?', '#']).next().unwrap_or(target);
        let source = match self.source(preset, public_url, path) {
            Ok(source) => source,
            Err(problems) => return Some(problems.to_string().replace('\n', " ")),
        };
        if let Some(difference) = self.reply_differs(&source) {
            return Some(difference);
        }
        let verdict = judge(&source, &delivery, self.clock());
        let wanted = self.wanted(&source);
        let fits = match (&verdict, &wanted) {
            (Verdict::Challenge(answer), Verdict::Challenge(wanted)) => answer.is(wanted),
            (Verdict::Rejected(_), Verdict::Rejected(_)) | (Verdict::Accepted, Verdict::Accepted) => true,
            _ => false,
        };
        (!fits).then(|| format!("{verdict}, expected {wanted}"))
    }

    /// Without a credential there is still a source, with a secret that nobody knows, in a form that the preset takes.
    fn source(&self, preset: &str, public_url: &str, path: &str) -> Result<Settings, Problems> {
        let of = |secrets: &[Secret]| preset_source(preset, secrets, Some(public_url), path);
        if let Some(secrets) = &self.secret {
            return of(&secrets.secrets());
        }
        let key = HEXLOWER.encode(&[b'?'; 32]);
        let text = of(&[Secret::new("nobody:knows-this-secret-of-a-vector")]);
        text.or_else(|problems| of(&[Secret::new(key.as_str())]).map_err(|_| problems))
    }

    /// An unsigned challenge is refused where the preset wants it signed, whatever the vector says about the answer.
    fn wanted(&self, source: &Settings) -> Verdict {
        let open = |auth: &HandshakeAuth| matches!(auth, HandshakeAuth::None);
        let unsigned = self.secret.is_none() && !source.handshakes.iter().any(|handshake| open(&handshake.auth));
        match &self.expect_response {
            Some(_) if unsigned => Verdict::Rejected("it is not signed".into()),
            Some(answer) if self.kind == "challenge" && self.valid => Verdict::Challenge(answer.clone()),
            _ if self.valid => Verdict::Accepted,
            _ => Verdict::Rejected("it is not valid".into()),
        }
    }

    /// A preset without a handshake answers every delivery so; that can be compared though this one proves nothing.
    fn reply_differs(&self, source: &Settings) -> Option<String> {
        let wanted = self.expect_response.as_ref().filter(|_| self.secret.is_none() && source.handshakes.is_empty())?;
        let Reply { status, content_type, body, headers } = source.accepted.clone();
        let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        let answer = Answer { status: status.as_u16(), content_type: Some(content_type), headers, body };
        (!answer.is(wanted))
            .then(|| format!("{}, expected {}", Verdict::Challenge(answer), Verdict::Challenge(wanted.clone())))
    }

    fn delivery(&self, target: &str) -> Option<Delivery> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
        }
        let body = Bytes::copy_from_slice(self.body.as_bytes());
        Some(Delivery { method: self.method.clone(), target: target.to_owned(), headers, body })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates, and 0 is a time")]
    fn clock(&self) -> UnixMillis {
        let stated = || self.timestamp.as_deref()?.parse::<u32>().ok().map(f64::from);
        UnixMillis((self.now.or_else(stated).unwrap_or_default() * 1000.0).round() as u64)
    }
}

impl Answer {
    fn is(&self, wanted: &Self) -> bool {
        let type_fits = wanted.content_type.as_ref().is_none_or(|wanted| self.content_type.as_ref() == Some(wanted));
        let header = |name: &str| self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let headers_fit = wanted.headers.iter().all(|(name, value)| header(name) == Some(value));
        self.status == wanted.status && self.body == wanted.body && type_fits && headers_fit
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Challenge(answer) => write!(f, "answered {} `{}`", answer.status, answer.body),
            Self::Rejected(reason) => write!(f, "rejected ({reason})"),
        }
    }
}

/// `https://host` and the path and query behind it.
fn split_url(url: &str) -> Option<(&str, &str)> {
    let host = url.find("://")? + 3;
    let path = url.bytes().skip(host).position(|byte| byte == b'/')? + host;
    url.split_at_checked(path)
}

#[cfg(test)]
mod tests;
