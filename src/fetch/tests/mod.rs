//! Against a real TLS server on the loopback, whose certificate an authority of the tests signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const CA: &[u8] = include_bytes!("ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("server.pem");
const KEY: &[u8] = include_bytes!("server.key");

/// Answers each connection with the next of these, and the last one for ever; gives its port and how many came.
async fn serve(answers: Vec<Vec<u8>>) -> (u16, Arc<AtomicUsize>) {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let answer = answers[counted.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
            // A client that believes nothing breaks the handshake off.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a head"));
            }
            // A client that has had enough does not read to the end.
            drop(stream.write_all(&answer).await);
            drop(stream.shutdown().await);
        }
    });
    (port, count)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn client(port: u16, host: &str, roots: &[u8]) -> Client {
    Client::new(format!("https://{host}:{port}/keys?x=1").parse().expect("a URL"), Some(roots)).expect("a client")
}

#[tokio::test]
async fn a_document_is_fetched_with_its_age() {
    let (port, _) = serve(vec![answer("200 OK", "cache-control: public, max-age=600\r\n", b"{}")]).await;
    let fetched = client(port, "localhost", CA).get().await.expect("a document");
    assert_eq!((&*fetched.body, fetched.max_age.map(|age| age.as_secs())), (&b"{}"[..], Some(600)));
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_is_not_believed() {
    let (port, _) = serve(vec![answer("200 OK", "", b"{}")]).await;
    for (host, roots) in [("127.0.0.1", CA), ("localhost", CERTIFICATE)] {
        let failed = client(port, host, roots).get().await;
        assert!(matches!(failed, Err(FetchError::Connection(_))), "{host}: {failed:?}");
    }
}

#[tokio::test]
async fn what_is_no_whole_document_is_none() {
    let long = vec![b' '; DOCUMENT_BYTES_MAX + 1];
    for (text, says) in [
        (answer("302 Found", "location: /other\r\n", b"{}"), "answered 302"),
        (answer("404 Not Found", "", b""), "answered 404"),
        (answer("204 No Content", "", b""), "answered 204"),
        (answer("200 OK", "", &long), "longer than 1 MiB"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".to_vec(), "broken off"),
        (b"SSH-2.0-x\r\n\r\n".to_vec(), "no answer"),
    ] {
        let (port, _) = serve(vec![text]).await;
        let error = client(port, "localhost", CA).get().await.expect_err(says);
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn a_document_is_asked_for_again_until_it_can_be_used() {
    let answers = vec![answer("500 Oops", "", b""), answer("200 OK", "", b"bad"), answer("200 OK", "", b"good")];
    let (port, count) = serve(answers).await;
    let (tell, mut told) = tokio::sync::mpsc::channel(8);
    let take = |body: &[u8]| if body == b"good" { Ok(()) } else { Err("it is not good".to_owned()) };
    let keeping = tokio::spawn(keep(client(port, "localhost", CA), take, move |ended| {
        tell.try_send(ended.map_err(|error| error.to_string())).expect("the test listens");
    }));
    let mut ends = Vec::new();
    while ends.last() != Some(&Ok(())) {
        ends.push(told.recv().await.expect("it goes on"));
    }
    keeping.abort();
    assert_eq!(ends.len(), 3);
    assert!(ends[0].as_ref().is_err_and(|error| error.contains("answered 500")), "{ends:?}");
    assert!(ends[1].as_ref().is_err_and(|error| error.contains("it is not good")), "{ends:?}");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[test]
fn only_an_https_url_is_fetched() {
    for good in ["https://a.example/keys", "https://a.example:8443", "https://[::1]/x", "https://127.0.0.1/"] {
        assert!(good.parse::<Url>().is_ok(), "{good}");
    }
    for wrong in
        ["", "/keys", "http://a.example/", "https://", "https://user:pw@a.example/", "file:///x", "https://a b/"]
    {
        assert_eq!(wrong.parse::<Url>(), Err(UrlError), "{wrong}");
    }
}

#[test]
fn a_file_without_certificates_is_no_authority() {
    assert_eq!(certificates(CA).expect("one").len(), 1);
    for wrong in [&b""[..], KEY, b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n"] {
        assert!(certificates(wrong).is_err());
    }
}
