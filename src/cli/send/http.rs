//! A client for one request at a time: what `send` and `dev --demo` knock with.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Longer than any deadline that a source is likely to have.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// An answer of ours is far shorter.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Letter {
    /// Writes it as it would go over the wire.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let target = self.url.path_and_query().map_or("/", |target| target.as_str());
        let host = self.url.authority().map_or("", |host| host.as_str());
        write!(out, "{} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n", self.method, self.body.len())?;
        for (name, value) in &self.headers {
            write!(out, "{name}: ")?;
            out.write_all(value.as_bytes())?;
            write!(out, "\r\n")?;
        }
        write!(out, "\r\n")?;
        out.write_all(&self.body)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request over a connection of its own and waits for the answer.
pub(crate) async fn send(letter: Letter) -> Result<Answer> {
    let url = letter.url.to_string();
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, exchange(letter)).await;
    answer.with_context(|| format!("{url}: no answer within {} s", ANSWER_TIMEOUT.as_secs()))?
}

async fn exchange(letter: Letter) -> Result<Answer> {
    let (answer, connection) = open(letter).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
    connection.await??;
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Sends a request and comes back with the head of its answer; the connection runs beside and ends with it.
pub(crate) async fn open(letter: Letter) -> Result<(Response<Incoming>, JoinHandle<hyper::Result<()>>)> {
    let authority = letter.url.authority().context("the URL has no host")?.clone();
    if letter.url.scheme_str() != Some("http") {
        bail!("{}: only http:// is spoken here; send to the gateway itself, behind its TLS", letter.url);
    }
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(&address).await.with_context(|| format!("{address}: is the gateway running?"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);

    let target = letter.url.path_and_query().map_or("/", |target| target.as_str());
    let mut request = Request::builder().method(letter.method).uri(target).body(Full::new(letter.body))?;
    *request.headers_mut() = letter.headers;
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    Ok((sender.send_request(request).await?, connection))
}
