//! Public keys that are fetched: until they are there senders are asked to come again, and no forgery is let in.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::limit::wait_for;

/// The certificates with which the tests of the fetching itself are made.
fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fetch/tests")
}

/// A TLS server on the loopback that answers every request with what stands there; gives its port.
fn serve(answer: Arc<Mutex<String>>) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(certificates().join("server.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(certificates().join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream.expect("a stream"));
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() {
                let text = answer.lock().expect("whole").clone();
                drop(stream.write_all(text.as_bytes()));
                stream.conn.send_close_notify();
                drop(stream.flush());
            }
        }
    });
    port
}

fn token(pair: &Ed25519KeyPair, alg: &str) -> String {
    let encoded = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let signed = format!("{}.{}", encoded(&format!(r#"{{"alg":"{alg}","kid":"1"}}"#)), encoded(r#"{"aud":"us"}"#));
    format!("{signed}.{}", BASE64URL_NOPAD.encode(pair.sign(signed.as_bytes()).as_ref()))
}

#[test]
fn a_sender_comes_again_until_its_keys_are_fetched() {
    let answer = Arc::new(Mutex::new("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned()));
    let port = serve(Arc::clone(&answer));
    let authority = certificates().join("ca.pem");
    let front = Front::open(
        "keys",
        &format!(
            "a: {{ auth: {{ jws: EdDSA, token: header:X-Token, claims: {{ aud: us }}, keys: {{ jwks: 'https://localhost:{port}/keys', ca_file: '{}' }} }} }}",
            authority.display()
        ),
    );
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let ask = |token: &str| front.ask(&Request::post("/in/a").header("x-token", token).body(r#"{"id":1}"#));
    let good = token(&pair, "EdDSA");
    let early = ask(&good);
    assert_eq!((early.status, early.header("retry-after")), (503, Some("2")));
    assert_eq!(front.ask(&Request::post("/in/a").body("{}")).status, 401);
    let verbose = front.gateway.ask_admin("/readyz?verbose").expect("an answer");
    assert_eq!(verbose.status, 200);
    assert!(verbose.text().contains("[!]keys: not fetched yet, of a\n"), "{}", verbose.text());
    let public = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
    let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"1","x":"{public}"}}]}}"#);
    *answer.lock().expect("whole") = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{set}", set.len());
    wait_for("the keys", || (ask(&good).status == 200).then_some(()));
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("a seed");
    for forged in [token(&pair, "none"), token(&other, "EdDSA"), token(&pair, "HS256")] {
        assert_eq!(ask(&forged).status, 401);
    }
    let record = &front.records("a", 1)[0];
    assert_eq!(record.header("hookgate-verified"), Some("jws-eddsa"));
    assert_eq!(record.header("http-x-token"), None);
}
