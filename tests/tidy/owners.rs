//! What only one place does.

use http::StatusCode;

use crate::reference;
use crate::source::{self, Source, assert_found, assert_none};

struct Owned {
    /// What is done, for the finding.
    what: &'static str,
    /// Paths and methods that do it.
    words: &'static [&'static str],
    /// Who may.
    owners: &'static [&'static str],
}

const OWNED: &[Owned] = &[
    Owned {
        what: "compares credentials",
        words: &["ct_eq", "ConstantTimeEq", "verify_slice", "verify_slices_are_equal", "fixed_time_eq"],
        owners: &["signature/gate.rs"],
    },
    Owned {
        what: "checks or makes a signature",
        words: &["ring::signature", "ring::hmac", "hmac::Hmac", "hmac::Mac", "hmac::KeyInit"],
        owners: &["signature"],
    },
    Owned {
        what: "reads the time",
        words: &["Instant::now", "SystemTime", "Timestamp::now", "Zoned::now", "std::time::Instant", "Uuid::now_v7"],
        owners: &["clock.rs"],
    },
    Owned {
        // Beside the spool and the secrets: `config` reads the configuration file, `cli` the files that its arguments
        // name. None of them writes data.
        what: "touches files",
        words: &["std::fs", "tokio::fs"],
        owners: &["spool/io", "secret", "config", "cli"],
    },
    Owned {
        what: "reads the environment",
        words: &["env::var", "env::var_os", "env::vars", "env::vars_os"],
        owners: &["config"],
    },
    Owned { what: "names a metric", words: &["prometheus_client::registry"], owners: &["metrics"] },
    Owned { what: "speaks librdkafka", words: &["rdkafka"], owners: &["kafka"] },
    Owned {
        // `listener` refuses what never became a request; `admin` answers on the private port; `config` says which
        // statuses a source may ask for.
        what: "names the status of a refusal",
        words: &[],
        owners: &["ingest/reject.rs", "listener", "admin", "config"],
    },
];

/// What a place never does, as a promise that the rest of the design leans on.
struct Absent {
    place: &'static str,
    words: &'static [&'static str],
    why: &'static str,
}

const WITHOUT_IO: &[&str] = &["tokio", "std::fs", "TcpStream", "UdpSocket", "std::thread", "std::env", "clock::Clock"];
const HTTP: &[&str] = &["http", "axum", "hyper", "hyper_util", "tower", "tower_http"];

const ABSENT: &[Absent] = &[
    Absent { place: "ingest", words: &["crate::kafka"], why: "the way in waits on a slot, not on Kafka" },
    Absent { place: "event", words: WITHOUT_IO, why: "floor 1 is pure" },
    Absent { place: "locate", words: WITHOUT_IO, why: "floor 1 is pure" },
    Absent { place: "signature", words: WITHOUT_IO, why: "signatures are pure" },
    Absent { place: "spool", words: HTTP, why: "the spool never sees HTTP" },
    Absent { place: "forward", words: HTTP, why: "the way out never sees HTTP" },
    Absent { place: "kafka", words: HTTP, why: "the way out never sees HTTP" },
];

/// `UNAUTHORIZED` and its like, from the crate that names them.
fn refusals() -> Vec<String> {
    let reason = |code| StatusCode::from_u16(code).ok()?.canonical_reason();
    let constant =
        |reason: &str| format!("StatusCode::{}", reason.to_uppercase().replace([' ', '-'], "_").replace('\'', ""));
    (400..600).filter_map(reason).map(constant).collect()
}

fn trespasses(sources: &[Source]) -> Vec<String> {
    let refusals = refusals();
    let mut findings = Vec::new();
    // The build script runs before there is a gateway, and is told everything through its environment.
    for source in sources.iter().filter(|source| source.module().is_some()) {
        for reference in reference::of(source) {
            let (path, line) = (&source.path, reference.line);
            for owned in OWNED {
                let mut words: Vec<&str> = owned.words.to_vec();
                if owned.words.is_empty() {
                    words.extend(refusals.iter().map(String::as_str));
                }
                let word = words.into_iter().find(|word| reference.speaks_of(word));
                if let Some(word) = word.filter(|_| !owned.owners.iter().any(|owner| source.is_in(owner))) {
                    let (what, owners) = (owned.what, owned.owners.join(", "));
                    findings.push(format!("src/{path}:{line}: {word} {what}; only {owners} may"));
                }
            }
            for absent in ABSENT.iter().filter(|absent| source.is_in(absent.place)) {
                let begins = |word: &&&str| reference.speaks_of(word) && !is_own(&reference, word);
                if let Some(word) = absent.words.iter().find(begins) {
                    findings.push(format!("src/{path}:{line}: speaks of {word}; {}", absent.why));
                }
            }
        }
    }
    findings.dedup();
    findings
}

/// A crate's name counts as the head of a path only: `self.http` and `crate::x::http` are names of our own.
fn is_own(reference: &reference::Reference, word: &str) -> bool {
    let is_crate = !word.contains("::");
    is_crate
        && (reference.is_method || reference.path.len() < 2 || reference.path.first().is_none_or(|first| first != word))
}

#[test]
fn what_only_one_place_does_is_done_in_no_other() {
    assert_none(&trespasses(&source::ours()));
}

#[test]
fn a_trespass_is_found() {
    let sources = source::planted(&[
        ("signature/gate.rs", "use subtle::ConstantTimeEq;\nfn f() { a.ct_eq(b) }"),
        ("signature/mac.rs", "fn f() { assert!(bool::from(a.ct_eq(b))) }"),
        ("admin.rs", "use std::{fs, io};\nfn f() { StatusCode::NOT_FOUND; }"),
        ("cli/dev.rs", "use std::fs;\nuse std::time::Instant as I;\nuse rdkafka::mocking::MockCluster;"),
        ("ingest/accept.rs", "fn f() { StatusCode::SERVICE_UNAVAILABLE; StatusCode::OK; env::var(\"A\"); }"),
        (
            "ingest/reject.rs",
            "use crate::kafka::Producer;\nfn f() { StatusCode::UNAUTHORIZED; StatusCode::IM_A_TEAPOT; }",
        ),
        ("forward.rs", "fn f(http: u8) { http; http::Method::GET; self.http }"),
        ("locate/json.rs", "use crate::clock::{Clock, UnixMillis};\nuse tokio::sync::Notify;"),
    ]);
    assert_found(
        &trespasses(&sources),
        &[
            "src/signature/mac.rs:1: ct_eq compares credentials; only signature/gate.rs may",
            "src/admin.rs:1: std::fs touches files; only spool/io, secret, config, cli may",
            "src/cli/dev.rs:2: std::time::Instant reads the time; only clock.rs may",
            "src/cli/dev.rs:3: rdkafka speaks librdkafka; only kafka may",
            "src/ingest/accept.rs:1: StatusCode::SERVICE_UNAVAILABLE names the status of a refusal; only \
             ingest/reject.rs, listener, admin, config may",
            "src/ingest/accept.rs:1: env::var reads the environment; only config may",
            "src/ingest/reject.rs:1: speaks of crate::kafka; the way in waits on a slot, not on Kafka",
            "src/forward.rs:1: speaks of http; the way out never sees HTTP",
            "src/locate/json.rs:1: speaks of clock::Clock; floor 1 is pure",
            "src/locate/json.rs:2: speaks of tokio; floor 1 is pure",
        ],
    );
}
