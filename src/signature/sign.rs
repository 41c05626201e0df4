//! The sender's side: signs a request as the provider would, so that `send` can try a source without the provider.

use std::ops::Range;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use thiserror::Error;

use super::content::{Content, UrlParts};
use super::demands::Demands;
use super::issue::issue;
use super::key::KeyError;
use super::mac::MacKey;
use super::private_key::PrivateKey;
use super::scheme::{Block, Check, Encoding, Hash, HeaderList, Jws, Kind, Signed, What};
use crate::clock::UnixMillis;
use crate::locate::{Batch, Expr, Request, Scope, elements, pairs, places};
use crate::secret::Secret;

/// A request that is about to be sent.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its method.
    pub method: String,
    /// Path and query; `{secret}` in it stands for a credential in the path.
    pub target: String,
    /// Its headers. Those that `content` names and that are no timestamp have to be there.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a request cannot be signed; says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// The secret is no key for any block.
    #[error("the secret cannot be used: {0}")]
    Key(#[from] KeyError),
    /// Nothing can be put there without changing the body's meaning.
    #[error("{0} cannot be filled in; put the credential into the body yourself")]
    Place(String),
    /// A path without its segment.
    #[error("the path has no {{secret}} to be filled in")]
    Path,
    /// Signed, and not there, or there twice.
    #[error("{0}, and is part of what is signed; give it with the request, once")]
    Part(String),
    /// No header can hold it.
    #[error("{0} cannot hold this value: it has bytes that no header may have")]
    Value(HeaderName),
    /// No block at all.
    #[error("the source has no way to authenticate")]
    NoBlock,
    /// ECDSA and RSA need it.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The request with everything that the first block adds which can sign with this secret: credentials, signature,
/// timestamp, digest of the body, and what its `checks` ask for. For a block with public keys the secret is the private key.
/// A timestamp inside the body stays as it is.
///
/// # Errors
/// No block can sign: the reason of the first that is more than a secret of the wrong kind.
pub fn sign(demands: &Demands, secret: &Secret, draft: &Draft, now: UnixMillis) -> Result<Draft, SignError> {
    let mut error = SignError::NoBlock;
    for block in &demands.blocks {
        let mut signed = draft.clone();
        let batch = demands.batch.as_ref();
        let desk = Desk { block, secret, public_url: demands.public_url.as_deref(), batch, now };
        match desk.sign(&mut signed) {
            Ok(()) => return Ok(signed),
            Err(why) if matches!(error, SignError::NoBlock | SignError::Key(_)) => error = why,
            Err(_) => {}
        }
    }
    Err(error)
}

struct Desk<'a> {
    block: &'a Block,
    secret: &'a Secret,
    public_url: Option<&'a str>,
    batch: Option<&'a Batch>,
    now: UnixMillis,
}

impl Desk<'_> {
    fn sign(&self, draft: &mut Draft) -> Result<(), SignError> {
        if let Some(signed) = self.block.kind.signed() {
            return self.sign_content(signed, draft);
        }
        self.put_time(draft)?;
        self.put_conditions(draft)?;
        if let Kind::Jws(jws) = &self.block.kind {
            return self.put_token(jws, draft);
        }
        present(self.block, self.secret, self.batch, draft)
    }

    fn sign_content(&self, signed: &Signed, draft: &mut Draft) -> Result<(), SignError> {
        let pieces: Vec<_> = self.put_time(draft)?.into_iter().chain(name_headers(signed, draft)).collect();
        self.put_conditions(draft)?;
        if let Some(batch) = self.batch.filter(|_| self.block.is_of_items()) {
            return self.sign_each(signed, batch, draft);
        }
        let value = {
            let mut scope = Scope::of(draft.as_request());
            scope.set_pieces(pieces.iter().map(|piece| piece.as_bytes().into()).collect());
            self.value(signed, &scope)?
        };
        let separator = signed.separator.map(String::from).unwrap_or_default();
        let value = [pieces, vec![value]].concat().join(&separator);
        put_first(&signed.signature, value.as_bytes(), self.batch, draft)
    }

    /// Every element has a signature of its own.
    fn sign_each(&self, signed: &Signed, batch: &Batch, draft: &mut Draft) -> Result<(), SignError> {
        let (values, places) = {
            let request = draft.as_request();
            let elements = elements(batch, &request).unwrap_or_default();
            let mut scope = Scope::of(request);
            let value = |element| {
                scope.enter(element);
                self.value(signed, &scope)
            };
            let values = elements.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            let found = signed.signature.first().map(|place| places(place, Some(batch), &request));
            (values, found.unwrap_or_default())
        };
        if values.is_empty() || values.len() != places.len() {
            return Err(SignError::Place(batch.to_string()));
        }
        fill(places.into_iter().zip(values.iter().map(String::as_str)).collect(), draft);
        Ok(())
    }

    /// The signature of what the scope shows, as it is written.
    fn value<'a>(&'a self, signed: &'a Signed, scope: &Scope<'a>) -> Result<String, SignError> {
        let url = UrlParts { public_url: self.public_url, unescape: &signed.url_unescape };
        let parts = signed.contents.first().map(Vec::as_slice).unwrap_or_default();
        let content = Content::assemble(parts, scope, url);
        let signature = self.signature(signed, &content.map_err(|gap| SignError::Part(gap.to_string()))?)?;
        let prefix = signed.prefix.first().map(String::as_str).unwrap_or_default();
        let after = signed.after.as_deref().unwrap_or_default();
        Ok(format!("{prefix}{after}{}", signed.encoding.encode(&signature)))
    }

    fn put_token(&self, jws: &Jws, draft: &mut Draft) -> Result<(), SignError> {
        let token = issue(jws, &self.block.secret_format, self.secret, &draft.body, self.now)?;
        let prefix = jws.prefix.first().map(String::as_str).unwrap_or_default();
        let value = format!("{prefix}{}", token.ok_or(SignError::NoRandomness)?);
        put(&jws.token, value.as_bytes(), self.batch, draft)
    }

    fn signature(&self, signed: &Signed, content: &Content<'_>) -> Result<Vec<u8>, SignError> {
        if let Kind::PublicKey(algorithm, _) = self.block.kind {
            let key = PrivateKey::read(algorithm, &self.block.secret_format, self.secret)?;
            let message = content.whole(b"");
            let digest = signed.prehash.then(|| Hash::Sha256.digest([&*message]));
            return key.sign(digest.as_deref().unwrap_or(&message)).ok_or(SignError::NoRandomness);
        }
        let key = self.block.secret_format.key(self.secret)?;
        let message = content.whole(key.expose());
        let digest = signed.prehash.then(|| Hash::Sha256.digest([&*message]));
        let message = digest.as_deref().unwrap_or(&message);
        Ok(match self.block.kind {
            Kind::Hmac(hash, _) => MacKey::new(hash, key.expose()).mac([message]).to_vec(),
            Kind::Hash(hash, _) => hash.digest([message]).to_vec(),
            _ => Vec::new(),
        })
    }

    /// Puts the time where the block looks for it; where that is a piece of the signature value, gives the piece.
    fn put_time(&self, draft: &mut Draft) -> Result<Option<String>, SignError> {
        let Some(timestamp) = &self.block.timestamp else { return Ok(None) };
        let time = timestamp.format.write(self.now);
        match &timestamp.from {
            Expr::KeyValue(name) => Ok(Some(format!("{name}={time}"))),
            from if from.any(&|expr| matches!(expr, Expr::Json(_) | Expr::Xml(_) | Expr::Item { .. })) => Ok(None),
            from => put(from, time.as_bytes(), self.batch, draft).map(|()| None),
        }
    }

    fn put_conditions(&self, draft: &mut Draft) -> Result<(), SignError> {
        for check in &self.block.checks {
            match check {
                Check::Equals(from, text) => put(from, text.as_bytes(), self.batch, draft)?,
                Check::Block(inner) => {
                    if let Some(secret) = inner.secrets.first() {
                        present(inner, secret, self.batch, draft)?;
                    }
                }
                Check::Absent(_) | Check::Ip(_) | Check::ClientCertificate { .. } => {}
            }
        }
        if let Some(digest) = &self.block.body_digest {
            let value = digest.encoding.encode(&digest.hash.digest([draft.body.as_slice()]));
            put(&digest.from, value.as_bytes(), self.batch, draft)?;
        }
        Ok(())
    }
}

impl Draft {
    fn as_request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            body: &self.body,
            path_secret: None,
            peer: None,
        }
    }

    fn put_header(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), SignError> {
        let mut value = HeaderValue::from_bytes(value).map_err(|_| SignError::Value(name.clone()))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }
}

/// A piece of the signature value that lists the headers to be signed: all that are there.
fn name_headers(signed: &Signed, draft: &Draft) -> Option<String> {
    signed.contents.first()?.iter().find_map(|part| match &part.what {
        What::HeaderList(HeaderList { names: Expr::KeyValue(name), separator, .. }) => {
            let names: Vec<_> = draft.headers.keys().map(HeaderName::as_str).collect();
            Some(format!("{name}={}", names.join(&separator.to_string())))
        }
        _ => None,
    })
}

/// Puts the secret where a block of a kind from `header` to `basic` looks for it.
fn present(block: &Block, secret: &Secret, batch: Option<&Batch>, draft: &mut Draft) -> Result<(), SignError> {
    if matches!(block.kind, Kind::None) {
        return Ok(());
    }
    let key = block.secret_format.key(secret)?;
    let bytes = key.expose();
    match &block.kind {
        Kind::Header { name, prefix } => {
            let prefix = prefix.first().map(String::as_str).unwrap_or_default();
            draft.put_header(name, &[prefix.as_bytes(), bytes].concat())
        }
        Kind::Query(name) => put(&Expr::Query(name.clone()), bytes, batch, draft),
        Kind::Form(name) => put(&Expr::Form(name.clone()), bytes, batch, draft),
        Kind::Json(from) => put(from, bytes, batch, draft),
        Kind::Basic => draft.put_header(&AUTHORIZATION, format!("Basic {}", Encoding::Base64.encode(bytes)).as_bytes()),
        Kind::Path if draft.target.contains("{secret}") => {
            draft.target = draft.target.replace("{secret}", &escaped(bytes));
            Ok(())
        }
        Kind::Path => Err(SignError::Path),
        Kind::Hmac(..) | Kind::Hash(..) | Kind::PublicKey(..) | Kind::Jws(_) | Kind::None => Ok(()),
    }
}

fn put_first(places: &[Expr], value: &[u8], batch: Option<&Batch>, draft: &mut Draft) -> Result<(), SignError> {
    let mut error = SignError::Place("nothing".to_owned());
    for place in places {
        match put(place, value, batch, draft) {
            Ok(()) => return Ok(()),
            Err(why) => error = why,
        }
    }
    Err(error)
}

/// Puts a value where the expression finds it. In JSON another has to be there already, in a batch in each element.
fn put(place: &Expr, value: &[u8], batch: Option<&Batch>, draft: &mut Draft) -> Result<(), SignError> {
    if place.find(&Scope::of(draft.as_request())).is_some_and(|found| *found == *value) {
        return Ok(());
    }
    match place {
        Expr::Header(name) => draft.put_header(name, value),
        Expr::Query(name) => {
            let (path, query) = draft.target.split_once('?').unwrap_or((&draft.target, ""));
            draft.target = format!("{path}?{}", with_pair(query.as_bytes(), name, value));
            Ok(())
        }
        Expr::Form(name) => {
            draft.body = with_pair(&draft.body, name, value).into_bytes();
            Ok(())
        }
        Expr::First(places) => put_first(places, value, batch, draft),
        Expr::StartsWith(from, _) => put(from, value, batch, draft),
        Expr::Json(_) | Expr::Item { .. } => put_into_json(place, value, batch, draft),
        Expr::Xml(_)
        | Expr::ItemIndex
        | Expr::KeyValue(_)
        | Expr::Text(_)
        | Expr::Hash
        | Expr::Member { .. }
        | Expr::Composite(_) => Err(SignError::Place(place.to_string())),
    }
}

fn put_into_json(place: &Expr, value: &[u8], batch: Option<&Batch>, draft: &mut Draft) -> Result<(), SignError> {
    let places = places(place, batch, &draft.as_request());
    let (Ok(text), false) = (std::str::from_utf8(value), places.is_empty()) else {
        return Err(SignError::Place(place.to_string()));
    };
    fill(places.into_iter().map(|place| (place, text)).collect(), draft);
    Ok(())
}

/// Puts texts into a JSON body, each where a value stands.
fn fill(places: Vec<(Range<usize>, &str)>, draft: &mut Draft) {
    // From the end, so that the places before stay where they are.
    for (place, text) in places.into_iter().rev() {
        draft.body.splice(place, serde_json::Value::from(text).to_string().bytes());
    }
}

/// The query or form with that pair at its end and no other of its name.
fn with_pair(text: &[u8], name: &str, value: &[u8]) -> String {
    let kept =
        pairs(text).filter(|pair| !pair.is_named(name)).map(|pair| String::from_utf8_lossy(pair.raw).into_owned());
    let added = format!("{}={}", escaped(name.as_bytes()), escaped(value));
    kept.chain([added]).collect::<Vec<_>>().join("&")
}

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn escaped(text: &[u8]) -> String {
    percent_encode(text, RESERVED).to_string()
}
