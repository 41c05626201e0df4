//! `hookgate send` plays the provider, and secrets change.

use std::fs;
use std::process::Output;
use std::sync::LazyLock;

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::gateway::hookgate;
use crate::support::sign::hmac_base64;

static FRONT: LazyLock<Front> = LazyLock::new(|| {
    Front::open(
        "presets",
        "crm: { preset: generic-header, secret: a-secret-of-the-presets-test, id: json:/id, type: json:/type }\n\
         stripe: { preset: stripe, secret: whsec_of-the-presets-test }",
    )
});

fn send(source: &str, event: Option<&str>, more: &[&str]) -> (Option<i32>, String) {
    let to = format!("http://{}", FRONT.gateway.public);
    let config = FRONT.gateway.config();
    let mut command = hookgate();
    command.args(["send", source, "--to", &to, "--config"]).arg(config).args(more);
    command.args(event.into_iter().flat_map(|event| ["--event", event]));
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8(said).expect("UTF-8"))
}

#[test]
fn many_can_be_sent_and_a_body_of_ones_own() {
    let body = FRONT.gateway.config().with_file_name("body.json");
    fs::write(&body, r#"{"id":"a body of my own","type":"mine"}"#).expect("written");
    let (code, said) = send("crm", None, &["--body", &format!("@{}", body.display())]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = send("crm", None, &["--count", "5", "--rate", "1000/s"]);
    assert_eq!((code, said.lines().filter(|line| line.starts_with("200 OK")).count()), (Some(0), 5), "{said}");
    let records = FRONT
        .records_until("crm", |records| records.iter().any(|record| record.value.starts_with(br#"{"id":"a body"#)));
    assert!(records.iter().any(|record| record.header("ce_type") == Some("crm.mine")));
}

#[test]
fn what_cannot_be_sent_is_said_so() {
    let (code, said) = send("nobody", None, &[]);
    assert!(code == Some(2) && said.contains("nobody") && said.contains("stripe"), "{said}");
    let (code, said) = send("stripe", Some("invoice.eaten"), &[]);
    assert!(code == Some(2) && said.contains("invoice.paid"), "{said}");
    let (code, said) = send("stripe", None, &["--stale", "--bad-signature"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = send("stripe", None, &["--secret", "@/nowhere"]);
    assert!(code == Some(2) && said.contains("/nowhere"), "{said}");
    let (code, said) = send("stripe", None, &["--body", "@/nowhere"]);
    assert!(code == Some(1) && said.contains("/nowhere"), "{said}");
    let nobody = hookgate().args(["send", "stripe", "--to", "http://127.0.0.1:1"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert!(nobody.status.code() == Some(1) && said.contains("127.0.0.1:1: is the gateway running?"), "{said}");
    assert!(nobody.stdout.is_empty());
}

#[test]
fn secrets_are_changed_without_a_gap() {
    const OLD: &str = "an-old-secret-of-the-rotation";
    const NEW: &str = "a-new-secret-of-the-rotation";
    let source = |secrets: &str| format!("secrets: [{secrets}]");
    let mut front = Front::open("rotation", &format!("respond: {{ preset: respond-io, {} }}", source(OLD)));
    let ask = |front: &Front, n: u8, secret: &str| {
        let body = format!(r#"{{"event_type":"contact.created","event_id":"{n}"}}"#);
        let signature = hmac_base64(secret, body.as_bytes());
        front.ask(&Request::post("/in/respond").header("x-webhook-signature", &signature).body(body)).status
    };
    let restart = |front: &mut Front, old: &str, new: &str| {
        assert_eq!(front.gateway.stop(), Some(0), "{}", front.gateway.log());
        front.gateway.restart_with(&source(old), &source(new));
    };
    let both = format!("{NEW}, {OLD}");
    assert_eq!((ask(&front, 1, OLD), ask(&front, 2, NEW)), (200, 401));
    restart(&mut front, OLD, &both);
    assert_eq!((ask(&front, 2, OLD), ask(&front, 3, NEW)), (200, 200));
    restart(&mut front, &both, NEW);
    assert_eq!((ask(&front, 4, OLD), ask(&front, 4, NEW)), (401, 200));
    let records = front.records("respond", 4);
    let proofs: Vec<_> = records.iter().filter_map(|record| record.header("hookgate-verified")).collect();
    assert_eq!(proofs, ["hmac-sha256;key=0", "hmac-sha256;key=1", "hmac-sha256;key=0", "hmac-sha256;key=0"]);
}

#[test]
fn a_provider_that_nobody_has_heard_of_needs_a_file_and_no_build() {
    const PRESET: &str = "about: { name: Made Up, docs: 'https://made-up.example', secret: The key of the webhook }\n\
                          auth: { hmac: sha384, signature: header:X-Made-Up, prefix: 'up:', encoding: base64url,\n\
                          \x20       content: [header:X-Made-Up-At, '=/', body], timestamp: { from: header:X-Made-Up-At } }\n\
                          id: json:/id\ntype: '=made'\nretries: false\n";
    let dir = crate::support::scratch::dir("own-presets-");
    fs::write(dir.path().join("made-up.yaml"), PRESET).expect("written");
    let settings = format!("presets: '{}'", dir.path().display());
    let front = Front::open_with("own", &settings, "somebody: { preset: made-up, secret: a-secret-of-somebody }");
    let to = format!("http://{}", front.gateway.public);
    let send = |more: &[&str]| {
        let mut command = hookgate();
        command
            .args(["send", "somebody", "--to", &to, "--body", r#"{"id":"first"}"#, "--config"])
            .arg(front.gateway.config());
        let output = command.args(more).output().expect("it runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for flaw in ["--bad-signature", "--tampered", "--stale"] {
        let said = send(&[flaw]);
        assert!(said.starts_with("401 "), "{flaw}: {said}");
    }
    let said = send(&[]);
    assert!(said.starts_with("200 OK"), "{said}");
    let record = front.record("somebody");
    assert_eq!(record.value, br#"{"id":"first"}"#);
    assert_eq!((record.header("ce_id"), record.header("ce_type")), (Some("first"), Some("somebody.made")));
    assert_eq!(record.header("hookgate-verified"), Some("hmac-sha384;key=0"));
}

#[test]
fn a_captured_request_becomes_a_source_that_takes_it() {
    let captured = send("stripe", None, &["--dry-run"]).1;
    let dir = crate::support::scratch::dir("captured-");
    let (request, config) = (dir.path().join("request.http"), dir.path().join("hookgate.yaml"));
    fs::write(&request, captured).expect("written");
    let new = |secret: &str| {
        let mut command = hookgate();
        command.args(["presets", "new", "--name", "mine", "--secret", secret, "--request"]).arg(&request);
        command.output().expect("it runs")
    };
    let Output { status, stdout, .. } = new("whsec_of-the-presets-test");
    let block = String::from_utf8(stdout).expect("UTF-8");
    assert!(status.success() && block.contains("# This is preset: stripe"), "{block}");
    fs::write(&config, format!("kafka: {{ brokers: ['none:0'] }}\n{block}")).expect("written");
    let mut check = hookgate();
    check.env("MINE_SECRET", "whsec_of-the-presets-test").args(["check", "--config"]).arg(&config);
    let Output { status, stdout, .. } = check.output().expect("it runs");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stdout));
    let Output { status, stdout, stderr } = new("another-secret");
    assert!(status.code() == Some(1) && stdout.is_empty(), "{}", String::from_utf8_lossy(&stderr));
}
