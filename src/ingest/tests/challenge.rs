//! Handshakes: when a request is one, and what it is answered.

use super::*;
use crate::ingest::Reject;
use crate::ingest::challenge::Challenge;
use crate::ingest::reply::Answer;
use crate::ingest::source::{Condition, Handshake, HandshakeAuth, HandshakeMac, Purpose};
use crate::secret::Secret;
use crate::signature::Subject;
use crate::signature::scheme::{Allow, Encoding, Hash, SecretFormat};

fn handshake() -> Handshake {
    Handshake {
        purpose: Purpose::Answer,
        methods: vec![Method::GET],
        when: vec![Condition::Present(expr("query:c"))],
        auth: HandshakeAuth::Same,
        value: Some(expr("query:c")),
        allow: Allow::Token,
        mac: None,
        reply: plain_reply("{value}"),
    }
}

fn demands() -> Demands {
    Demands { secrets: vec![Secret::new("the first secret"), Secret::new("the second")], ..Demands::default() }
}

fn challenge(change: impl FnOnce(&mut Handshake)) -> Challenge {
    let mut handshake = handshake();
    change(&mut handshake);
    Challenge::new(&handshake, &demands()).expect("a challenge")
}

fn answer(challenge: &Challenge, target: &str) -> Result<Answer, Reject> {
    challenge.answer(&received(parts("GET", target, &[("x-rate", "5")]), "").request()).map(|(answer, _)| answer)
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(answer.body()).expect("UTF-8")
}

#[test]
fn a_request_fits_by_its_method_and_all_conditions() {
    let challenge = challenge(|handshake| {
        handshake.when = vec![
            Condition::Present(expr("query:c")),
            Condition::Equals(expr("json:/type"), "verification".into()),
            Condition::Absent(expr("header:x-event")),
        ];
    });
    let fits = |method: &str, target: &str, headers: &[(&str, &str)], body: &str| {
        challenge.fits(&received(parts(method, target, headers), body.to_owned()).request())
    };
    let body = r#"{"type":"verification"}"#;
    assert!(fits("GET", "/?c=1", &[], body));
    assert!(fits("GET", "/?c", &[], body), "an empty value is there, and is refused as a value");
    assert!(!fits("POST", "/?c=1", &[], body));
    assert!(!fits("GET", "/?d=1", &[], body));
    assert!(!fits("GET", "/?c=1", &[("x-event", "")], body));
    for other in [r#"{"type":"Verification"}"#, "{}", ""] {
        assert!(!fits("GET", "/?c=1", &[], other), "{other}");
    }
}

#[test]
fn without_a_proof_a_large_body_is_not_looked_at() {
    for (auth, fits) in [(HandshakeAuth::None, false), (HandshakeAuth::Same, true)] {
        let challenge = challenge(|handshake| handshake.auth = auth);
        let of = |bytes: usize| challenge.fits(&received(parts("GET", "/?c=1", &[]), vec![b' '; bytes]).request());
        assert!(of(8 * 1024));
        assert_eq!(of(8 * 1024 + 1), fits);
    }
}

#[test]
fn what_is_echoed_is_short_plain_and_never_sniffed() {
    let plain = challenge(|_| {});
    let longest = format!("/?c={}", "a".repeat(1024));
    for (target, value) in [("/?c=aZ0%2B/=_-.", "aZ0+/=_-."), (&longest, &"a".repeat(1024))] {
        let answer = answer(&plain, target).expect("an answer");
        assert_eq!((answer.status(), text(&answer)), (StatusCode::OK, value));
        assert_eq!(
            (&answer.headers()["x-content-type-options"], &answer.headers()["content-type"]),
            (&"nosniff".parse().expect("a value"), &"text/plain".parse().expect("a value"))
        );
    }
    for target in ["/?c=", "/?d=1", "/?c=%3Cb%3E", "/?c=a%20b", "/?c=%FF", &format!("{longest}a")] {
        assert_eq!(answer(&plain, target).err(), Some(Reject::Challenge), "{target:.20}");
    }
    let text_allowed = challenge(|handshake| handshake.allow = Allow::Text);
    assert_eq!(answer(&text_allowed, "/?c=%FF").err(), Some(Reject::Challenge), "not UTF-8");
    assert_eq!(text(&answer(&text_allowed, "/?c=%C3%A4%3C").expect("an answer")), "\u{e4}<");
}

#[test]
fn the_first_secret_signs_a_reply() {
    let mac = HandshakeMac { hash: Hash::Sha256, encoding: Encoding::Hex, format: SecretFormat::default() };
    let of = |reply: &str| {
        let challenge = challenge(|handshake| {
            handshake.mac = Some(mac.clone());
            handshake.reply = plain_reply(reply);
        });
        answer(&challenge, "/?c=token").map(|answer| text(&answer).to_owned())
    };
    // printf token | openssl dgst -sha256 -hmac 'the first secret'
    let expected = "ff38b9eba2bfb03002d4cb6bb23d15d48bfbe31af68c390c77dcf2b8ae17ab97";
    assert_eq!(of("{mac}").as_deref(), Ok(expected));
    assert_eq!(of("{value}.{mac}"), Ok(format!("token.{expected}")));
    let challenge = challenge(|handshake| handshake.mac = Some(mac.clone()));
    assert_eq!(answer(&challenge, &format!("/?c={}", "a".repeat(257))).err(), Some(Reject::Challenge));
}

#[test]
fn a_header_without_its_value_is_left_out_and_a_status_needs_no_value() {
    let challenge = challenge(|handshake| {
        handshake.value = None;
        handshake.reply.content_type = String::new();
        handshake.reply.status = StatusCode::NO_CONTENT;
        handshake.reply.body = String::new();
        let header = |name: &str, value: &str| (name.parse().expect("a name"), value.to_owned());
        handshake.reply.headers = vec![header("x-rate", "{header:X-Rate}"), header("x-none", "{header:X-None}")];
    });
    let answer = answer(&challenge, "/").expect("an answer");
    assert_eq!((answer.status(), text(&answer)), (StatusCode::NO_CONTENT, ""));
    let mut names: Vec<_> = answer.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-content-type-options", "x-rate"]);
}

#[test]
fn a_proof_of_its_own_stands_before_it() {
    assert!(challenge(|_| {}).gate().is_none());
    let block = Block::new(Kind::Query("token".into()));
    let own = Demands { blocks: vec![block], secrets: vec![Secret::new("a token of its own")], ..Demands::default() };
    let challenge = challenge(|handshake| handshake.auth = HandshakeAuth::Own(own));
    let gate = challenge.gate().expect("a gate");
    assert!(gate.check(received(parts("GET", "/?token=a%20token%20of%20its%20own", &[]), ""), NOW).is_ok());
    assert!(gate.check(received(parts("GET", "/?token=the%20first%20secret", &[]), ""), NOW).is_err());
}
