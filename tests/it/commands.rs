//! The command line: exit codes, what goes to stdout and what to stderr.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::gateway::hookgate;
use crate::support::kafka::Kafka;
use crate::support::sign::hmac_hex;
use crate::support::{port, scratch};

const SECRET: &str = "a-secret-of-the-commands-test";

const GOOD: &str = "kafka: { brokers: [\"127.0.0.1:9092\"] }\n\
                    sources:\n  repo: { preset: github, secret: a-secret-of-the-commands-test }\n";

/// What a command said, and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    messages: String,
}

fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: status.code(), out: text(stdout), messages: text(stderr) }
}

fn command(arguments: &[&str]) -> Said {
    run(hookgate().args(arguments))
}

/// A file with that text, in a directory of its own.
fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = scratch::dir("command-");
    let path = dir.path().join("hookgate.yaml");
    fs::write(&path, text).expect("written");
    (dir, path)
}

fn with_file(arguments: &[&str], text: &str) -> Said {
    let (_dir, path) = file(text);
    run(hookgate().args(arguments).arg("--config").arg(path))
}

#[test]
fn check_tells_a_good_file_from_a_bad_one() {
    let good = with_file(&["check"], GOOD);
    assert_eq!((good.code, good.messages.as_str()), (Some(0), ""));
    assert!(good.out.ends_with("hookgate.yaml: good\n"), "{}", good.out);
    let bad = GOOD.replace("brokers", "broker").replace("secret:", "secrets_file:").replace("github", "githb");
    let said = with_file(&["check"], &bad);
    assert_eq!((said.code, said.messages.as_str()), (Some(78), ""));
    for (line, path, hint) in [
        (1, "kafka.broker", "did you mean `brokers`?"),
        (3, "sources.repo.preset", "did you mean `github`?"),
        (3, "sources.repo.secrets_file", "did you mean `secret_file`?"),
    ] {
        let place = format!("hookgate.yaml:{line}:");
        let found = said.out.split("\n\n").find(|finding| finding.contains(&format!("{path}:")));
        assert!(
            found.is_some_and(|finding| finding.contains(&place) && finding.contains(hint)),
            "{path}:\n{}",
            said.out
        );
    }
}

#[test]
fn check_speaks_json_too() {
    for (text, code, errors) in [(GOOD, 0, 0), (&GOOD.replace("brokers", "broker"), 78, 2)] {
        let said = with_file(&["check", "--format", "json"], text);
        assert_eq!((said.code, said.messages.as_str()), (Some(code), ""));
        let object: Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!((&object["errors"], object["findings"].as_array().map(Vec::len)), (&errors.into(), Some(errors)));
        assert!(object["file"].as_str().is_some_and(|file| file.ends_with("hookgate.yaml")));
    }
}

#[test]
fn check_never_shows_a_secret() {
    let file = "kafka: { brokers: [a:1], properties: { sasl.password: sesame-of-kafka, nonsense: sesame-of-nothing } }\n\
                sources:\n  one: { auth: { header: X-Key, secret: sesame-of-the-block, colour: red }, secret: sesame }\n";
    for command in [&["check"][..], &["check", "--format", "json"], &["run"], &["config", "show"]] {
        let said = with_file(command, file);
        assert_eq!(said.code, Some(78), "{command:?}");
        let all = said.out + &said.messages;
        assert!(all.contains("colour") && !all.contains("sesame"), "{command:?}: {all}");
    }
}

#[test]
fn check_asks_kafka_about_topics() {
    let kafka = Kafka::shared();
    let config = |topic: &str, more: &str| {
        let brokers = kafka.bootstrap();
        GOOD.replace(
            "brokers: [\"127.0.0.1:9092\"]",
            &format!("brokers: [\"{brokers}\"], topic: {topic}, dead_letter_topic: check.dead {more}"),
        )
    };
    kafka.create_topic("check.there", 1);
    kafka.create_topic("check.dead", 1);
    let said = with_file(&["check", "--kafka"], &config("check.there", ""));
    // GitHub's bodies may be longer than what Kafka takes by default.
    assert!(said.code == Some(0) && said.out.contains("max.message.bytes"), "{}", said.out);
    assert_eq!(said.messages, "");
    let said = with_file(&["check", "--kafka"], &config("check.missing", ""));
    assert!(said.code == Some(78) && said.out.contains("check.missing"), "{}", said.out);
    let said = with_file(&["check"], &config("check.missing", ""));
    assert_eq!(said.code, Some(0), "without --kafka nobody asks: {}", said.out);
    let create = ", create_topics: { partitions: 1, replication: 1 }";
    let said = with_file(&["check", "--kafka"], &config("check.created", create));
    assert_eq!(said.code, Some(0), "{}", said.out);
}

#[test]
fn a_bad_configuration_ends_before_anything_is_touched() {
    let port = port::free();
    let (dir, _) = file("");
    let spool = dir.path().join("spool");
    let config = |more: &str| {
        format!(
            "listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{}\nspool: {{ dir: {} }}\n{more}{GOOD}",
            port::free(),
            spool.display()
        )
    };
    // Who bound the port would end with another code.
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let said = with_file(&["run"], &config("colour: red\n"));
    assert_eq!((said.code, said.out.as_str()), (Some(78), ""));
    assert!(said.messages.contains("colour") && !spool.exists(), "{}", said.messages);
    let said = with_file(&["run"], &config(""));
    assert_eq!(said.code, Some(1), "{}", said.messages);
    assert!(said.messages.contains(&format!("127.0.0.1:{port}")), "{}", said.messages);
    drop(taken);
}

#[test]
fn the_configuration_is_looked_for_in_its_places() {
    let (dir, path) = file(GOOD);
    let by_variable = run(hookgate().arg("check").env("HOOKGATE_CONFIG", &path));
    assert_eq!(by_variable.code, Some(0), "{}", by_variable.out);
    let here = run(hookgate().arg("check").current_dir(dir.path()).env_remove("HOOKGATE_CONFIG"));
    assert_eq!(here.code, Some(0), "{}", here.out);
    let (bad, worse) = file("nonsense: 1\n");
    let flag_first = run(hookgate().arg("check").arg("-c").arg(&path).env("HOOKGATE_CONFIG", worse));
    assert_eq!(flag_first.code, Some(0), "{}", flag_first.out);
    let nowhere = run(hookgate().arg("check").arg("-c").arg(bad.path().join("nothing.yaml")));
    assert!(nowhere.code == Some(78) && nowhere.out.contains("nothing.yaml"), "{}", nowhere.out);
}

#[test]
fn schema_example_and_effective_file_agree() {
    let schema = command(&["config", "schema"]);
    assert_eq!((schema.code, schema.messages.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&schema.out).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let example = command(&["config", "example"]);
    let (dir, path) = file(&example.out);
    let secrets = ["ORDERS_WEBHOOK_SECRET", "BILLING_SECRET_NEW", "CRM_API_KEY"];
    let with_secrets = |arguments: &[&str]| {
        let mut command = hookgate();
        run(command.args(arguments).arg("-c").arg(&path).envs(secrets.map(|name| (name, format!("sesame-for-{name}")))))
    };
    let checked = with_secrets(&["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let shown = with_secrets(&["config", "show"]);
    assert_eq!((shown.code, shown.messages.as_str()), (Some(0), ""));
    assert!(shown.out.contains("signature: header:X-Signature") && shown.out.contains("body_budget: 256MiB"));
    assert!(!shown.out.contains("sesame"), "{}", shown.out);
    // What is shown is a file again, but for its secrets.
    let again = dir.path().join("again.yaml");
    fs::write(&again, shown.out.replace("'***'", "a-secret-in-its-place")).expect("written");
    let checked = run(hookgate().arg("check").arg("-c").arg(&again));
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let without = run(hookgate().args(["config", "show"]).arg("-c").arg(&path));
    assert!(without.code == Some(78) && without.out.is_empty(), "a variable is not set");
    assert!(without.messages.contains("ORDERS_WEBHOOK_SECRET"), "{}", without.messages);
}

#[test]
fn presets_are_listed_shown_and_put_to_the_test() {
    let list = command(&["presets", "list"]);
    let listed: Vec<_> = list.out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let json: Value = serde_json::from_str(&command(&["presets", "list", "--json"]).out).expect("JSON");
    let named: Vec<_> = json.as_array().expect("a list").iter().filter_map(|one| one["preset"].as_str()).collect();
    assert!(listed == named && listed.len() >= 17 && listed.is_sorted(), "{listed:?}");
    for preset in listed {
        let shown = command(&["presets", "show", preset]);
        assert!(shown.code == Some(0) && shown.out.contains("about:") && shown.messages.is_empty(), "{preset}");
    }
    let unknown = command(&["presets", "show", "strype"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""));
    assert!(unknown.messages.contains("did you mean `stripe`?"), "{}", unknown.messages);

    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/github.json");
    let vectors = fs::read_to_string(vectors).expect("it is there");
    let test = |text: &str, more: &[&str]| {
        let (_dir, path) = file(text);
        run(hookgate().args(["presets", "test"]).arg(path).args(more))
    };
    let good = test(&vectors, &["--preset", "github"]);
    assert_eq!((good.code, good.messages.as_str()), (Some(0), ""), "{}", good.out);
    let bad = test(&vectors.replacen("\"valid\": true", "\"valid\": false", 1), &["--preset", "github"]);
    assert_eq!((bad.code, bad.messages.as_str()), (Some(1), ""), "{}", bad.out);
    let none = test("not json", &[]);
    assert!(none.code == Some(2) && none.out.is_empty() && !none.messages.is_empty());
}

/// `verify` of a push that is signed with that secret.
fn verify(signed_with: &str, more: &[&str]) -> Said {
    let body = r#"{"action":"opened"}"#;
    let signature = format!("X-Hub-Signature-256: sha256={}", hmac_hex(signed_with, body.as_bytes()));
    let mut all = vec!["verify", "--url", "/in/repo", "--body", body, "-H", &signature];
    all.extend(["-H", "X-GitHub-Event: pull_request", "-H", "X-GitHub-Delivery: 7"]);
    all.extend(more);
    command(&all)
}

#[test]
fn verify_explains_and_never_says_what_the_signature_should_have_been() {
    let expected = hmac_hex(SECRET, br#"{"action":"opened"}"#);
    let good = verify(SECRET, &["--preset", "github", "--secret", "an-old-secret", "--secret", SECRET]);
    assert_eq!((good.code, good.messages.as_str()), (Some(0), ""));
    for line in [
        "secret 0: does not fit",
        "secret 1: fits",
        "signed: {\"action\":\"opened\"}",
        "id 7  type pull_request.opened",
        "answer 200",
    ] {
        assert!(good.out.contains(line), "no `{line}`:\n{}", good.out);
    }
    let bad = verify("another", &["--preset", "github", "--secret", SECRET]);
    assert_eq!((bad.code, bad.messages.as_str()), (Some(1), ""));
    assert!(bad.out.contains("bad_signature") && bad.out.contains("answer 401"), "{}", bad.out);
    let json = verify("another", &["--preset", "github", "--secret", SECRET, "--json"]);
    for said in [&good.out, &bad.out, &json.out] {
        assert!(!said.contains(&expected) && !said.contains(SECRET), "{said}");
    }
}

#[test]
fn verify_speaks_json_too() {
    let object = |said: &Said| serde_json::from_str::<Value>(&said.out).expect("JSON");
    let good = object(&verify(SECRET, &["--preset", "github", "--secret", "wrong-one", "--secret", SECRET, "--json"]));
    let event = serde_json::json!({ "id": "7", "type": "pull_request.opened", "key": null, "size": 19 });
    assert_eq!(
        (&good["verdict"], &good["reason"], &good["secret"], &good["events"]),
        (&"accepted".into(), &Value::Null, &1.into(), &serde_json::json!([event]))
    );
    let response = &good["response"];
    assert_eq!((&response["status"], &response["body"]), (&200.into(), &r#"{"status":"accepted"}"#.into()));
    assert_eq!(response["headers"]["content-type"], "application/json");
    let bad = object(&verify("another", &["--preset", "github", "--secret", SECRET, "--json"]));
    assert_eq!(
        (&bad["verdict"], &bad["reason"], &bad["secret"]),
        (&"rejected".into(), &"bad_signature".into(), &Value::Null)
    );
    assert_eq!((&bad["response"]["status"], &bad["events"]), (&401.into(), &serde_json::json!([])));
}

#[test]
fn verify_takes_its_source_secrets_and_time_from_where_they_are() {
    let (dir, config) = file(GOOD);
    let config = config.to_str().expect("UTF-8");
    assert_eq!(verify(SECRET, &["--source", "repo", "-c", config]).code, Some(0));
    assert_eq!(verify("another", &["--source", "repo", "-c", config]).code, Some(1));
    let secret = dir.path().join("secret");
    fs::write(&secret, format!("{SECRET}\n")).expect("written");
    assert_eq!(verify(SECRET, &["--preset", "github", "--secret", &format!("@{}", secret.display())]).code, Some(0));
    let slack = |at: &[&str]| {
        let body = "token=x&command=%2Fdeploy";
        let signature = hmac_hex(SECRET, format!("v0:1614265330:{body}").as_bytes());
        let mut command = hookgate();
        command.args(["verify", "--preset", "slack", "--secret", "env:SLACK", "--url", "/in/slack", "--body", body]);
        command.args([
            "-H",
            &format!("X-Slack-Signature: v0={signature}"),
            "-H",
            "X-Slack-Request-Timestamp: 1614265330",
        ]);
        run(command.args(at).env("SLACK", SECRET))
    };
    for at in ["1614265330", "1614265629.9", "2021-02-25T15:02:10Z", "2021-02-25T15:57:10+01:00"] {
        assert_eq!(slack(&["--at", at]).code, Some(0), "{at}");
    }
    for at in [&["--at", "1614265631"][..], &["--at", "1614265029"], &[]] {
        let said = slack(at);
        assert!(said.code == Some(1) && said.out.contains("stale"), "{at:?}: {}", said.out);
    }
    let challenge = run(hookgate()
        .args(["verify", "--preset", "meta", "--secret", SECRET, "--method", "GET", "--json", "--url"])
        .arg(format!("https://a.example/in/meta?hub.mode=subscribe&hub.challenge=115&hub.verify_token={SECRET}")));
    assert_eq!(challenge.code, Some(0), "{}", challenge.messages);
    let object: Value = serde_json::from_str(&challenge.out).expect("JSON");
    assert_eq!((&object["verdict"], &object["response"]["body"]), (&"challenge".into(), &"115".into()));
}

#[test]
fn a_question_that_makes_no_sense_ends_with_2_and_says_so_on_stderr() {
    let (_dir, config) = file(GOOD);
    let config = config.to_str().expect("UTF-8");
    let preset = ["verify", "--preset", "github", "--url", "/x"];
    let verify = |more: &[&str]| command(&[&preset[..], more].concat());
    let questions = [
        command(&[]),
        command(&["rum"]),
        command(&["check", "--colour"]),
        command(&["check", "--format", "xml"]),
        command(&["presets"]),
        command(&["send"]),
        command(&["send", "github", "--count", "many"]),
        command(&["send", "github", "--rate", "10"]),
        command(&["send", "github", "--to", "not a url"]),
        command(&["verify", "--url", "/x"]),
        command(&["verify", "--preset", "githb", "--secret", "x", "--url", "/x"]),
        command(&["verify", "--source", "nobody", "-c", config, "--url", "/x"]),
        verify(&[]),
        verify(&["--secret", ""]),
        verify(&["--secret", "env:HOOKGATE_NOT_SET"]),
        verify(&["--secret", SECRET, "-H", "nonsense"]),
        verify(&["--secret", SECRET, "--at", "yesterday"]),
        verify(&["--secret", SECRET, "--method", "a b"]),
        verify(&["--secret", SECRET, "--source", "repo"]),
    ];
    for (index, said) in questions.iter().enumerate() {
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "question {index}: {}", said.messages);
        assert!(!said.messages.is_empty(), "question {index}");
    }
}

#[test]
fn the_version_names_what_it_was_built_from() {
    let said = command(&["version"]);
    assert_eq!((said.code, said.messages.as_str()), (Some(0), ""));
    assert!(said.out.starts_with(&format!("hookgate {} ", env!("CARGO_PKG_VERSION"))), "{}", said.out);
    let object: Value = serde_json::from_str(&command(&["version", "--json"]).out).expect("JSON");
    let mut keys: Vec<_> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["librdkafka", "revision", "rustc", "version"]);
    assert_eq!(command(&["--version"]).out, format!("hookgate {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(command(&["--help"]).code, Some(0));
}

#[test]
fn nothing_is_coloured_that_is_not_a_terminal() {
    let bad = GOOD.replace("brokers", "broker");
    let (_dir, path) = file(&bad);
    for variables in [&[][..], &[("NO_COLOR", "1")], &[("CLICOLOR", "1"), ("TERM", "xterm-256color")]] {
        for arguments in [&["check"][..], &["run"], &["config", "show"]] {
            let said = run(hookgate().args(arguments).arg("-c").arg(&path).envs(variables.iter().copied()));
            assert!(!said.out.contains('\x1b') && !said.messages.contains('\x1b'), "{arguments:?} {variables:?}");
        }
        let said = run(hookgate().arg("rum").envs(variables.iter().copied()));
        assert!(!said.messages.contains('\x1b'), "{}", said.messages);
    }
}

#[test]
fn no_color_is_respected_on_a_terminal_too() {
    let on_a_terminal = |variable: &str| {
        let line = format!("{variable} {} rum", hookgate().get_program().display());
        run(Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).env_remove("NO_COLOR")).out
    };
    assert!(on_a_terminal("TERM=xterm").contains('\x1b'), "else this says nothing");
    let plain = on_a_terminal("TERM=xterm NO_COLOR=1");
    assert!(plain.contains("unrecognized subcommand 'rum'") && !plain.contains('\x1b'), "{plain}");
}

#[test]
fn whoever_has_read_enough_may_close_the_pipe() {
    for arguments in
        [&["config", "schema"][..], &["config", "example"], &["presets", "list"], &["version"], &["--help"]]
    {
        let mut child =
            hookgate().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        let messages = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), messages.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}
