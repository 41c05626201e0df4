//! What the sender's side signs, the gate opens; and it says why where it cannot sign.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

use super::super::scheme::{BodyDigest, Check, HeaderList, SecretFormat, What};
use super::super::{Draft, KeyError, SignError, sign};
use super::*;
use crate::locate::Batch;

const SECRET: &str = "a secret, of some length: yes";

fn draft() -> Draft {
    let headers = post(&[("webhook-id", "msg_1"), ("content-type", "application/json")], "").headers;
    Draft { method: "POST".into(), target: "/in/x?a=1".into(), headers, body: br#"{"id":1}"#.to_vec() }
}

fn at_url(blocks: Vec<Block>, secrets: &[&str]) -> Demands {
    Demands { public_url: Some("https://gw.example".into()), ..demands(blocks, secrets) }
}

/// The request as the gateway gets it; what stands for `{secret}` in the path is cut out of it.
fn arrived(draft: &Draft) -> Post {
    let path_secret = draft.target.strip_prefix("/in/").and_then(|rest| rest.split('?').next()).map(str::to_owned);
    let Draft { method, target, headers, body } = draft.clone();
    Post { method, target, headers, body, path_secret, peer: None }
}

fn round_trip(block: Block, draft: &Draft) {
    let kind = block.kind.verified();
    let demands = at_url(vec![block], &["another secret, also long", SECRET]);
    let signed = sign(&demands, &Secret::new(SECRET), draft, NOW).expect(kind);
    let proof = verdict(&Gate::new(demands).expect("a gate"), arrived(&signed));
    assert_eq!(proof.map(|proof| (proof.kind, proof.secret)), Ok((kind, Some(1))), "{signed:?}");
}

#[test]
fn a_value_in_json_takes_the_place_of_another() {
    let body = br#"{"sig":"","t":7,"list":[{"key":"a"},{"n":1,"key":""}]}"#.to_vec();
    let draft = Draft { body, ..draft() };
    round_trip(hmac(Signed { contents: vec![content(&["json:/t"])], ..signed("json:/sig") }), &draft);
    round_trip(Block::new(Kind::Json(expr("json:/sig"))), &draft);
    let batch = Some(Batch::parse("json:/list").expect("a batch"));
    let demands = Demands { batch, ..demands(vec![Block::new(Kind::Json(expr("item:/key")))], &[SECRET]) };
    let signed = sign(&demands, &Secret::new(SECRET), &draft, NOW).expect("signed");
    assert!(signed.body.ends_with(format!(r#"{{"n":1,"key":"{SECRET}"}}]}}"#).as_bytes()));
    assert!(verdict(&Gate::new(demands).expect("a gate"), arrived(&signed)).is_ok());
}

#[test]
fn every_element_gets_a_signature_of_its_own() {
    let body = br#"{"list":[{"id":1,"sig":""},{"sig":"","id":2}]}"#.to_vec();
    let each = Signed { contents: vec![content(&["item:/id"])], ..signed("item:/sig") };
    let batch = Some(Batch::parse("json:/list").expect("a batch"));
    let demands = Demands { batch, ..demands(vec![hmac(each)], &[SECRET]) };
    let mut signed = sign(&demands, &Secret::new(SECRET), &Draft { body, ..draft() }, NOW).expect("signed");
    let gate = Gate::new(demands.clone()).expect("a gate");
    assert!(verdict(&gate, arrived(&signed)).is_ok());
    let other = String::from_utf8(signed.body).expect("text").replace("\"id\":2", "\"id\":1");
    signed.body = other.into_bytes();
    assert!(verdict(&gate, arrived(&signed)).is_err(), "each is of its own element");
    let empty = Draft { body: br#"{"list":[]}"#.to_vec(), ..draft() };
    assert!(matches!(sign(&demands, &Secret::new(SECRET), &empty, NOW), Err(SignError::Place(_))));
}

#[test]
fn headers_that_the_signature_lists_are_all_that_are_there() {
    let list = HeaderList { names: expr("kv:h"), separator: ' ', named: None, join: ".".into(), must: Vec::new() };
    let mut parts = content(&["kv:t", "=.", "kv:h", "=.", "body"]);
    parts.push(Part { what: What::HeaderList(list), optional: false });
    let listed = Signed { separator: Some(','), contents: vec![parts], ..prefixed("header:x-sig", "v1=") };
    let block = timed(hmac(listed), "kv:t", TimeFormat::Unix, 300);
    round_trip(block.clone(), &draft());
    let demands = at_url(vec![block], &[SECRET]);
    let mut signed = sign(&demands, &Secret::new(SECRET), &draft(), NOW).expect("signed");
    signed.headers.insert("webhook-id", http::HeaderValue::from_static("msg_2"));
    assert!(verdict(&Gate::new(demands).expect("a gate"), arrived(&signed)).is_err(), "a header is another");
}

#[test]
fn what_is_signed_opens_the_gate() {
    let with = |signed: Signed, parts: &[&str]| Signed { contents: vec![content(parts)], ..signed };
    let listed = Signed { separator: Some(','), ..with(prefixed("header:x-sig", "v1="), &["kv:t", "=.", "body"]) };
    let id_and_time = ["header:webhook-id", "=.", "header:x-time", "=.", "body"];
    let digest = BodyDigest { from: expr("query:bodySHA256"), hash: Hash::Sha256, encoding: Encoding::Hex };
    let keyed = Signed { after: Some("|".into()), separator: Some('&'), ..with(signed("form:sig"), &["form:payload"]) };
    let own = Block { secrets: vec![Secret::new("the check's own secret")], ..header("x-key") };
    let checks = vec![Check::Equals(expr("header:x-version"), "1".into()), Check::Block(Box::new(own))];
    let bearer = Kind::Header { name: http::header::AUTHORIZATION, prefix: vec!["Bearer ".into()] };
    for block in [
        hmac(signed("header:x-sig")),
        timed(hmac(listed), "kv:t", TimeFormat::Unix, 300),
        timed(hmac(with(prefixed("header:x-sig", "v0="), &id_and_time)), "header:x-time", TimeFormat::Unix, 1),
        timed(hmac(with(signed("header:x-sig"), &["query:t", "url"])), "query:t", TimeFormat::Iso8601, 1),
        Block {
            body_digest: Some(digest),
            ..Block::new(Kind::Hmac(Hash::Sha1, with(signed("header:x-sig"), &["url_port"])))
        },
        Block { checks, ..hmac(with(signed("query:sig"), &["body"])) },
        Block::new(Kind::Hash(Hash::Sha256, with(signed("header:x-sig"), &["secret", "method", "body"]))),
        hmac(Signed { prehash: true, ..signed("header:x-sig") }),
        Block::new(bearer),
        Block::new(Kind::Query("token".into())),
        Block::new(Kind::Basic),
    ] {
        round_trip(block, &draft());
    }
    let form = || Draft { body: b"payload=a+b%2B&x=1".to_vec(), ..draft() };
    round_trip(hmac(keyed), &form());
    round_trip(Block::new(Kind::Form("token".into())), &form());
    round_trip(hmac(with(signed("header:x-sig"), &["url_no_port", "form_sorted"])), &form());
    round_trip(Block::new(Kind::Path), &Draft { target: "/in/{secret}?a=1".into(), ..draft() });
    let body = format!(r#"{{"key":"{SECRET}"}}"#).into_bytes();
    round_trip(Block::new(Kind::Json(expr("json:/key"))), &Draft { body, ..draft() });
}

#[test]
fn an_old_time_makes_a_stale_request() {
    let block = timed(hmac(signed("header:x-sig")), "header:x-time", TimeFormat::Unix, 300);
    let demands = demands(vec![block], &[SECRET]);
    let old = sign(&demands, &Secret::new(SECRET), &draft(), UnixMillis(NOW.0 - 301_000)).expect("signed");
    assert_eq!(opened(&Gate::new(demands).expect("a gate"), arrived(&old)), Err(Denial::Stale));
}

#[test]
fn private_keys_sign_in_every_form() {
    let random = SystemRandom::new();
    let seed = [7; 32];
    let ed = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let public = ed.public_key().as_ref().to_vec();
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        Encoding::Base64.encode(pkcs8.as_ref())
    );
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let ec_pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, ec.as_ref(), &random).expect("a key");
    for (algorithm, public, private) in [
        (Algorithm::Ed25519, public.clone(), seed.to_vec()),
        (Algorithm::Ed25519, public.clone(), [&seed[..], &public].concat()),
        (Algorithm::Ed25519, pair.public_key().as_ref().to_vec(), pkcs8.as_ref().to_vec()),
        (Algorithm::Ed25519, pair.public_key().as_ref().to_vec(), pem.into_bytes()),
        (Algorithm::EcdsaP256, ec_pair.public_key().as_ref().to_vec(), ec.as_ref().to_vec()),
    ] {
        let block =
            Block::new(Kind::PublicKey(algorithm, Signed { encoding: Encoding::Base64, ..signed("header:x-sig") }));
        let demands = Demands { secrets: vec![Secret::new(public)], ..demands(vec![block], &[]) };
        let signed = sign(&demands, &Secret::new(private), &draft(), NOW).expect("signed");
        assert_eq!(opened(&Gate::new(demands).expect("a gate"), arrived(&signed)), Ok(Some(0)), "{algorithm:?}");
    }
}

#[test]
fn the_first_block_that_the_secret_is_for_signs() {
    let list =
        |prefix: &str| Signed { separator: Some(' '), encoding: Encoding::Base64, ..prefixed("header:x-sig", prefix) };
    let format = SecretFormat { decode: Some(Encoding::Base64), ..SecretFormat::default() };
    let secret_format = SecretFormat { strip: Some("whsec_".into()), ..format.clone() };
    let public_format = SecretFormat { require: Some("whpk_".into()), ..format };
    let blocks = vec![
        Block { secret_format, ..hmac(list("v1,")) },
        Block { secret_format: public_format, ..ed25519(list("v1a,")) },
    ];
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key");
    let public = format!("whpk_{}", Encoding::Base64.encode(pair.public_key().as_ref()));
    let shared = format!("whsec_{}", Encoding::Base64.encode(&[3; 32]));
    let demands = demands(blocks, &[&shared, &public]);
    let gate = Gate::new(demands.clone()).expect("a gate");
    let kind = |secret: &str| {
        let signed = sign(&demands, &Secret::new(secret), &draft(), NOW).expect("signed");
        verdict(&gate, arrived(&signed)).map(|proof| (proof.kind, proof.secret))
    };
    assert_eq!(kind(&shared), Ok(("hmac-sha256", Some(0))));
    assert_eq!(kind(&format!("whsk_{}", Encoding::Base64.encode(&[9; 32]))), Ok(("ed25519", Some(1))));
}

#[test]
fn what_cannot_be_signed_says_why() {
    let with = |parts: &[&str]| Signed { contents: vec![content(parts)], ..signed("header:x-sig") };
    let decoded = SecretFormat { decode: Some(Encoding::Hex), ..SecretFormat::default() };
    for (blocks, error) in [
        (vec![], SignError::NoBlock),
        (
            vec![Block { secret_format: decoded, ..hmac(with(&["body"])) }],
            SignError::Key(KeyError::NotEncoded(Encoding::Hex)),
        ),
        (vec![ed25519(with(&["body"]))], SignError::Key(KeyError::NotPrivateKey)),
        (vec![hmac(with(&["header:x-none"]))], SignError::Part("header:x-none is missing".into())),
        (vec![hmac(with(&["url"]))], SignError::Part("url is missing".into())),
        (vec![hmac(signed("json:/sig"))], SignError::Place("json:/sig".into())),
        (vec![Block::new(Kind::Json(expr("item:/key")))], SignError::Place("item:/key".into())),
        (vec![Block::new(Kind::Path)], SignError::Path),
    ] {
        let found = sign(&demands(blocks, &[]), &Secret::new(SECRET), &draft(), NOW).map(|_| ());
        assert_eq!(found, Err(error));
    }
    let newline = sign(&demands(vec![header("x-key")], &[]), &Secret::new("a\nb"), &draft(), NOW).map(|_| ());
    assert_eq!(newline, Err(SignError::Value(HeaderName::from_static("x-key"))));
}

#[test]
fn a_signed_header_is_not_shown_in_debug_output() {
    let signed = sign(&demands(vec![header("x-key")], &[]), &Secret::new(SECRET), &draft(), NOW).expect("signed");
    assert!(!format!("{signed:?}").contains(SECRET));
}
