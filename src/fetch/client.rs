//! One request over TLS at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::pace::max_age;

/// A longer document is none of ours.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// From the connection to the last byte.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// An `https://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(Uri);

/// It is no URL that is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an https:// URL without user and password")]
pub struct UrlError;

impl std::str::FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError)?;
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let host = uri.host().is_some_and(|host| ServerName::try_from(unbracketed(host)).is_ok());
        (uri.scheme_str() == Some("https") && plain && host).then_some(Self(uri)).ok_or(UrlError)
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Why there is no document.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FetchError {
    #[error("no connection: {0}")]
    Connection(#[from] std::io::Error),
    #[error("no answer within 10 s")]
    Timeout,
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("answered {0}; only 200 will do, and no redirect is followed")]
    Status(StatusCode),
    #[error("longer than 1 MiB, or broken off")]
    Body,
    #[error("what came cannot be used: {0}")]
    Refused(String),
    #[error("no certificate authorities are known: {0}")]
    Roots(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the URL makes no request: {0}")]
    Request(#[from] http::Error),
}

/// What came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) body: Bytes,
    pub(super) max_age: Option<Duration>,
}

/// The certificates in a PEM text, or what is wrong with it.
///
/// # Errors
/// It holds none, or one that is broken.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, FetchError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(FetchError::Roots("there is no certificate in the file".to_owned())),
        Err(error) => Err(FetchError::Roots(error.to_string())),
    }
}

/// Fetches one document.
#[derive(Clone)]
pub struct Client {
    url: Uri,
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.url).finish()
    }
}

impl Client {
    /// A client for that URL. It believes the certificate authorities in `roots` (PEM), else those of the system.
    ///
    /// # Errors
    /// There are none.
    pub fn new(url: Url, roots: Option<&[u8]>) -> Result<Self, FetchError> {
        let mut store = RootCertStore::empty();
        if let Some(pem) = roots {
            certificates(pem)?.into_iter().try_for_each(|root| store.add(root))?;
        } else {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                let why = found.errors.first().map_or_else(|| "the system has none".to_owned(), ToString::to_string);
                return Err(FetchError::Roots(why));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self { url: url.0, tls: Arc::new(tls) })
    }

    pub(super) async fn get(&self) -> Result<Fetched, FetchError> {
        tokio::time::timeout(TIMEOUT, self.exchange()).await.map_err(|_| FetchError::Timeout)?
    }

    async fn exchange(&self) -> Result<Fetched, FetchError> {
        let host = unbracketed(self.url.host().unwrap_or_default());
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let stream = TcpStream::connect((host, self.url.port_u16().unwrap_or(443))).await?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answer = async {
            let target = self.url.path_and_query().map_or("/", |target| target.as_str());
            let authority = self.url.authority().map_or("", |authority| authority.as_str());
            let request = Request::get(target).header(HOST, authority).header(ACCEPT, "application/json, */*");
            let (head, body) = sender.send_request(request.body(Empty::<Bytes>::new())?).await?.into_parts();
            if head.status != StatusCode::OK {
                return Err(FetchError::Status(head.status));
            }
            let said = head.headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
            let max_age = said.and_then(max_age);
            let body = Limited::new(body, DOCUMENT_BYTES_MAX).collect().await.map_err(|_| FetchError::Body)?;
            Ok(Fetched { body: body.to_bytes(), max_age })
        };
        let answer = answer.await;
        connection.abort();
        answer
    }
}
