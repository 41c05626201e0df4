//! Secrets that a sender brings itself, in a window that an operator holds open; and messages that ask for a confirmation.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::support::client::Request;
use crate::support::front::Front;
use crate::support::gateway::hookgate;
use crate::support::limit::wait_for;
use crate::support::process::Process;
use crate::support::said::Said;
use crate::support::scratch;
use crate::support::sign::{hmac_base64, hmac_hex};

const BROUGHT: &str = "b537207f20cbaa02785586dfe51be2bb";

const SOURCES: &str = r#"
asana:
  auth: { hmac: sha256, signature: header:X-Hook-Signature }
  secret: the-configured-key-of-this-test
  handshake:
    kind: learn_secret
    when: { all: [header:X-Hook-Secret] }
    auth: none
    value: header:X-Hook-Secret
    reply: { body: "", headers: { X-Hook-Secret: "{value}" } }
notion:
  auth: { hmac: sha256, signature: header:X-Notion-Signature, prefix: sha256= }
  handshake: { kind: learn_secret, when: { all: [json:/verification_token] }, auth: none, value: json:/verification_token }
freshbooks:
  auth: { hmac: sha256, signature: header:X-FreshBooks-Hmac-SHA256, encoding: base64 }
  handshake: { kind: learn_secret, when: { all: [form:verifier] }, auth: none, value: form:verifier }
"#;

/// `hookgate learn`, once the window is open.
fn learn(front: &Front, source: &str, more: &[&str]) -> Child {
    let mut command = command(front, source);
    let child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    wait_until_open(front, source);
    child
}

fn command(front: &Front, source: &str) -> Command {
    let mut command = hookgate();
    command.args(["learn", source, "--admin", &format!("http://{}", front.gateway.admin)]);
    command
}

fn wait_until_open(front: &Front, source: &str) {
    front.gateway.wait_for_number(&format!("hookgate_learn_window{{source=\"{source}\"}}"), |open| open == 1);
}

fn wait_until_shut(front: &Front, source: &str) {
    front.gateway.wait_for_number(&format!("hookgate_learn_window{{source=\"{source}\"}}"), |open| open == 0);
}

/// How it ended and what it printed.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("our own child");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

fn asana(secret: &str) -> Request {
    Request::post("/in/asana").header("x-hook-secret", secret).body("{}")
}

fn signed(secret: &str, body: &str) -> Request {
    Request::post("/in/asana").header("x-hook-signature", &hmac_hex(secret, body.as_bytes())).body(body)
}

#[test]
fn a_secret_is_learned_only_in_its_window_is_echoed_and_proves_from_then_on_and_after_a_restart() {
    let mut front = Front::open("learn", SOURCES);
    assert_eq!(front.ask(&asana(BROUGHT)).status, 401);
    assert_eq!(front.ask(&signed(BROUGHT, "0")).status, 401);

    let child = learn(&front, "asana", &[]);
    let answer = front.ask(&asana(BROUGHT));
    assert_eq!((answer.status, answer.header("x-hook-secret"), answer.text()), (200, Some(BROUGHT), ""));
    assert_eq!(ended(child), (Some(0), format!("{BROUGHT}\n")));
    // The first secret has closed it.
    assert_eq!(front.ask(&asana("another-one-that-comes-too-late")).status, 401);
    assert_eq!(front.gateway.number("hookgate_secrets_learned_total{source=\"asana\"}"), 1);

    front.deliver(&signed("the-configured-key-of-this-test", "1"));
    front.deliver(&signed(BROUGHT, "2"));
    assert_eq!(front.gateway.number("hookgate_signature_key_used_total{source=\"asana\",key=\"1\"}"), 1);
    let file = front.gateway.spool().join("asana.learned");
    assert_eq!(fs::read_to_string(&file).expect("kept"), format!("{BROUGHT}\n"));
    assert_eq!(fs::metadata(&file).expect("kept").permissions().mode() & 0o777, 0o600);

    front.gateway.kill();
    front.gateway.restart();
    front.deliver(&signed(BROUGHT, "3"));
    // The registration itself is no event.
    let records = front.records("asana", 3);
    let seen: Vec<_> =
        records.iter().map(|record| (record.value.as_slice(), record.header("hookgate-verified"))).collect();
    let (configured, learned) = (Some("hmac-sha256;key=0"), Some("hmac-sha256;key=1"));
    assert_eq!(seen, [(&b"1"[..], configured), (b"2", learned), (b"3", learned)]);
    assert!(!front.gateway.log().contains(BROUGHT), "a secret is never in the log");
}

#[test]
fn a_secret_in_json_or_in_a_form_is_learned_by_a_source_that_has_none() {
    let front = Front::open("learn-none", SOURCES);
    assert!(front.gateway.log().contains("no secret, and none learned yet"), "{}", front.gateway.log());
    let token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
    let child = learn(&front, "notion", &[]);
    let body = format!(r#"{{"verification_token":"{token}"}}"#);
    let answer = front.ask(&Request::post("/in/notion").body(body.as_str()));
    assert_eq!((answer.status, answer.text()), (200, ""), "what came is not given back unasked");
    assert_eq!(ended(child), (Some(0), format!("{token}\n")));
    let sign = |body: &str| {
        let signature = format!("sha256={}", hmac_hex(token, body.as_bytes()));
        Request::post("/in/notion").header("x-notion-signature", &signature).body(body)
    };
    front.deliver(&sign(r#"{"type":"page.created"}"#));
    assert_eq!(front.record("notion").header("hookgate-verified"), Some("hmac-sha256;key=0"));
    // A registration is never an event, also where it is signed and no window is open.
    assert_eq!(front.ask(&sign(&body)).status, 401);

    let child = learn(&front, "freshbooks", &[]);
    let form = "name=callback.verify&object_id=1&verifier=xf5hhNWKjjhHuMpJ3tK9";
    assert_eq!(front.ask(&Request::post("/in/freshbooks").body(form)).status, 200);
    assert_eq!(ended(child), (Some(0), "xf5hhNWKjjhHuMpJ3tK9\n".to_owned()));
    let proof = hmac_base64("xf5hhNWKjjhHuMpJ3tK9", b"name=invoice.create");
    front.deliver(
        &Request::post("/in/freshbooks").header("x-freshbooks-hmac-sha256", &proof).body("name=invoice.create"),
    );
}

#[test]
fn outside_of_its_window_a_registration_is_refused_as_any_stranger_is() {
    let front = Front::open("learn-shut", SOURCES);
    let stranger = front.ask(&Request::post("/in/nobody").header("x-hook-secret", BROUGHT).body("{}"));
    assert_eq!(front.ask(&asana(BROUGHT)).likeness(), stranger.likeness());
    // A window that is over, and one whose operator has gone.
    let output = command(&front, "asana").args(["--for", "1s"]).output().expect("it runs");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    assert_eq!(front.ask(&asana(BROUGHT)).likeness(), stranger.likeness());
    let dir = scratch::dir("learn-");
    for signal in ["INT", "KILL"] {
        let mut process = Process::start(&command(&front, "asana"), &dir.path().join("log"));
        wait_until_open(&front, "asana");
        process.signal(signal);
        process.wait();
        wait_until_shut(&front, "asana");
        assert_eq!(front.ask(&asana(BROUGHT)).likeness(), stranger.likeness());
    }
    assert!(!front.gateway.spool().join("asana.learned").exists());
    let log = front.gateway.log();
    assert!(log.contains("a window is open") && log.contains("the window is closed"), "{log}");
}

#[test]
fn a_window_may_be_for_several_secrets_and_takes_nothing_that_is_none() {
    let front = Front::open("learn-many", SOURCES);
    let child = learn(&front, "asana", &["--count", "2"]);
    for wrong in ["", "a b", "<script>", &"a".repeat(1025)] {
        assert_eq!(front.ask(&asana(wrong)).status, 401, "{wrong:.10}");
    }
    let secrets = [0, 1].map(|number| format!("{BROUGHT}{number}"));
    for secret in &secrets {
        assert_eq!(front.ask(&asana(secret)).status, 200);
    }
    assert_eq!(front.ask(&asana(BROUGHT)).status, 401);
    assert_eq!(ended(child), (Some(0), format!("{}\n{}\n", secrets[0], secrets[1])));
    for secret in &secrets {
        front.deliver(&signed(secret, secret));
    }
    assert_eq!(front.records("asana", 2)[1].header("hookgate-verified"), Some("hmac-sha256;key=2"));
}

#[test]
fn a_window_is_opened_only_by_the_command_and_only_where_something_is_learned() {
    let front = Front::open(
        "learn-who",
        &format!("{SOURCES}\nplain: {{ auth: {{ header: X-Key }}, secret: 0123456789abcdef }}"),
    );
    let ask = |target: &str, header: &str| {
        let request = Request::post(target).host("localhost").header(header, "1").body("");
        let mut connection = crate::support::client::Connection::open(front.gateway.admin).expect("the private port");
        connection.ask(&request).expect("an answer").status
    };
    let good = "/learn/asana?seconds=60&count=1";
    assert_eq!(ask(good, "x-other"), 403, "a web page cannot set the header");
    for wrong in [
        "/learn/asana",
        "/learn/asana?seconds=0&count=1",
        "/learn/asana?seconds=90000&count=1",
        "/learn/asana?seconds=1&count=65",
    ] {
        assert_eq!(ask(wrong, "x-hookgate-learn"), 400, "{wrong}");
    }
    for source in ["plain", "nobody"] {
        let said = Said::by(&mut command(&front, source));
        assert_eq!((said.code, said.text().as_str()), (Some(2), ""), "{}", said.messages);
        assert!(said.messages.contains("no source"), "{}", said.messages);
    }
    let child = learn(&front, "asana", &["--count", "64"]);
    let second = Said::by(&mut command(&front, "asana"));
    assert_eq!(second.code, Some(1));
    assert!(second.messages.contains("another window of this source is open"), "{}", second.messages);
    assert_eq!(front.ask(&asana(BROUGHT)).status, 200);
    drop(front);
    let (code, out) = ended(child);
    assert_eq!((code, out), (Some(1), format!("{BROUGHT}\n")), "the gateway has gone, and the window with it");
}

#[test]
fn what_cannot_be_kept_is_not_learned_and_the_sender_is_asked_to_come_again() {
    let front = Front::open("learn-disk", SOURCES);
    let child = learn(&front, "asana", &[]);
    // A directory stands where the new file is to be made.
    fs::create_dir(front.gateway.spool().join("asana.learned.new")).expect("made");
    let answer = front.ask(&asana(BROUGHT));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(front.ask(&signed(BROUGHT, "1")).status, 401);
    fs::remove_dir(front.gateway.spool().join("asana.learned.new")).expect("removed");
    assert_eq!(front.ask(&asana(BROUGHT)).status, 200);
    assert_eq!(ended(child), (Some(0), format!("{BROUGHT}\n")));
    front.deliver(&signed(BROUGHT, "2"));
}

#[test]
fn a_confirmation_is_told_to_the_operator_and_is_no_event() {
    let front = Front::open(
        "confirm",
        r"
sns:
  auth: { header: X-Api-Key }
  secret: a-key-of-the-confirmation-test
  handshake: { kind: confirm_out_of_band, when: { all: [{ from: json:/Type, equals: SubscriptionConfirmation }] }, value: json:/SubscribeURL }
",
    );
    let url = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37";
    let ask = |key: &str, url: &str| {
        let body = format!(r#"{{"Type":"SubscriptionConfirmation","SubscribeURL":"{url}"}}"#);
        front.ask(&Request::post("/in/sns").header("x-api-key", key).body(body))
    };
    assert_eq!(ask("a-wrong-key", url).status, 401);
    let answer = ask("a-key-of-the-confirmation-test", &format!("{url}\\u001b[2J\\n"));
    assert_eq!((answer.status, answer.text()), (200, ""));
    wait_for("the line", || front.gateway.log().contains(url).then_some(()));
    assert!(!front.gateway.log().contains('\u{1b}'), "a stranger does not write to the operator's terminal");
    assert_eq!(ask("a-key-of-the-confirmation-test", &"a".repeat(1025)).status, 401, "too long");
    assert_eq!(front.gateway.number("hookgate_confirmations_total{source=\"sns\"}"), 1);
    front.deliver(&Request::post("/in/sns").header("x-api-key", "a-key-of-the-confirmation-test").body("an event"));
    assert_eq!(front.record("sns").value, b"an event");
}
