//! Every preset through the real front door: `hookgate send` plays the provider.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::gateway::hookgate;
use crate::support::sign::hmac_base64;

/// Presets of which `dev` starts no source.
const OTHERS: &str = r#"
generic-basic: { preset: generic-basic, secret: 'hooks:a-secret-of-the-presets-test' }
generic-hmac: { preset: generic-hmac, secret: a-secret-of-the-presets-test }
hubspot-legacy: { preset: hubspot-legacy, secret: a-secret-of-the-presets-test }
google-pubsub: { preset: google-pubsub, enabled: false, auth: { claims: { aud: a, email: b } } }
monday: { preset: monday, secret: a-secret-of-the-presets-test }
netlify: { preset: netlify, secret: a-secret-of-the-presets-test }
plaid: { preset: plaid, secret: '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}' }
qstash: { preset: qstash, secret: a-secret-of-the-presets-test }
vonage: { preset: vonage, secret: a-secret-of-the-presets-test }
"#;

/// Presets whose deliveries nobody here can sign: only the provider has the private key. Their vectors prove them.
const UNSIGNED: [&str; 2] = ["google-pubsub", "plaid"];

static FRONT: LazyLock<Front> = LazyLock::new(|| {
    let dev = fs::read_to_string(presets().join("samples/dev.yaml")).expect("it is there");
    let (_, sources) = dev.split_once("sources:\n").expect("sources");
    let sources: String = sources.lines().map(|line| line.get(2..).unwrap_or_default().to_owned() + "\n").collect();
    Front::open_with("presets", "public_url: https://hooks.example.com", &(sources + OTHERS.trim_start()))
});

fn presets() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/presets"))
}

/// Source → the preset that it has.
fn sources() -> BTreeMap<String, String> {
    let shown = hookgate().args(["config", "show", "--config"]).arg(FRONT.gateway.config()).output().expect("it runs");
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    let (_, shown) = shown.split_once("\nsources:\n").expect("sources");
    let mut sources = BTreeMap::new();
    let mut source = "";
    for line in shown.lines() {
        match line.strip_prefix("  ") {
            Some(name) if !name.starts_with(' ') => source = name.trim_end_matches(':'),
            Some(key) => {
                if let Some(preset) = key.trim().strip_prefix("preset: ") {
                    sources.insert(source.to_owned(), preset.to_owned());
                }
            }
            None => {}
        }
    }
    sources
}

/// Its samples; one of no name where it has none.
fn events(preset: &str) -> Vec<Option<String>> {
    let Ok(files) = fs::read_dir(presets().join("samples").join(preset)) else { return vec![None] };
    let name = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
    files.flatten().map(name).collect()
}

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
fn there_is_a_source_here_for_every_preset() {
    let mut used: Vec<_> = sources().into_values().collect();
    used.sort();
    let mut all: Vec<_> = fs::read_dir(presets()).expect("it is there").flatten().map(|file| file.path()).collect();
    all.retain(|path| path.is_file());
    let mut all: Vec<_> = all.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    all.sort_unstable();
    assert_eq!(used, all);
}

#[test]
fn what_a_provider_sends_is_taken_once_and_a_forgery_never() {
    for (source, preset) in sources().into_iter().filter(|(_, preset)| !UNSIGNED.contains(&preset.as_str())) {
        let recipe = fs::read_to_string(presets().join(format!("{preset}.yaml"))).expect("it is there");
        let timed = ["timestamp:", "exp: true", "iat:"].iter().any(|key| recipe.contains(key));
        for event in events(&preset) {
            let send = |more: &[&str]| send(&source, event.as_deref(), more);
            let (code, said) = send(&["--duplicate"]);
            let (first, second) = said.split_once('\n').unwrap_or_default();
            assert_eq!(code, Some(0), "{source} {event:?}: {said}");
            assert!(first.starts_with("200 OK") && !first.contains("x-duplicate"), "{source} {event:?}: {said}");
            assert!(second.contains("x-duplicate: true"), "{source} {event:?}: {said}");
            let (code, said) = send(&["--bad-signature"]);
            assert!(code == Some(1) && said.starts_with("401 "), "{source} {event:?}: {said}");
            let (code, said) = send(&["--stale"]);
            let expected = if timed { (Some(1), "401 ") } else { (Some(0), "200 ") };
            assert!(code == expected.0 && said.starts_with(expected.1), "{source} {event:?}: {said}");
        }
        let records = FRONT.records(&source, 1);
        for record in &records {
            let malformed = record.header("hookgate-malformed");
            // The plain sample of who has none says nothing that they would say.
            assert!(malformed.is_none() || events(&preset) == [None], "{source}: {record:?}");
            assert_eq!(record.header("hookgate-source"), Some(source.as_str()));
            assert!(record.header("hookgate-verified").is_some_and(|proof| proof.ends_with(";key=0")), "{record:?}");
            assert!(record.header("ce_type").is_some_and(|kind| kind.starts_with(&format!("{source}."))));
        }
    }
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
