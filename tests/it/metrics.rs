//! The private port: what an operator sees.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::client::Request;
use crate::support::gateway::Gateway;
use crate::support::kafka::Kafka;
use crate::support::port;
use crate::support::setup::{Setup, event};

/// Families that dashboards and alerts may stand on, with their types. (Two more come with the first error that they
/// name: `hookgate_kafka_produce_errors_total` and `hookgate_kafka_dead_letters_total`.)
const FAMILIES: [(&str, &str); 37] = [
    ("hookgate_build_info", "gauge"),
    ("hookgate_requests_total", "counter"),
    ("hookgate_acks_total", "counter"),
    ("hookgate_signature_key_used_total", "counter"),
    ("hookgate_request_duration_seconds", "histogram"),
    ("hookgate_request_body_bytes", "histogram"),
    ("hookgate_clock_skew_seconds", "histogram"),
    ("hookgate_connections", "gauge"),
    ("hookgate_panics_total", "counter"),
    ("hookgate_body_budget_used_bytes", "gauge"),
    ("hookgate_events_produced_total", "counter"),
    ("hookgate_event_delivery_seconds", "histogram"),
    ("hookgate_spool_records", "gauge"),
    ("hookgate_spool_bytes", "gauge"),
    ("hookgate_spool_capacity_bytes", "gauge"),
    ("hookgate_spool_oldest_age_seconds", "gauge"),
    ("hookgate_spool_fsync_seconds", "histogram"),
    ("hookgate_spool_corrupt_records_total", "counter"),
    ("hookgate_spool_torn_tails_total", "counter"),
    ("hookgate_spool_damaged_segments", "gauge"),
    ("hookgate_spool_poisoned_segments_total", "counter"),
    ("hookgate_kafka_up", "gauge"),
    ("hookgate_kafka_queue_messages", "gauge"),
    ("hookgate_kafka_broker_rtt_seconds", "gauge"),
    ("hookgate_kafka_topic_paused", "gauge"),
    ("hookgate_kafka_producer_rebuilds_total", "counter"),
    ("hookgate_dedupe_entries", "gauge"),
    ("hookgate_dedupe_pending", "gauge"),
    ("hookgate_dedupe_window_seconds", "gauge"),
    ("hookgate_dedupe_early_turns_total", "counter"),
    ("hookgate_config_last_reload_successful", "gauge"),
    ("hookgate_config_last_reload_success_timestamp_seconds", "gauge"),
    ("process_cpu_seconds_total", "counter"),
    ("process_open_fds", "gauge"),
    ("process_max_fds", "gauge"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_start_time_seconds", "gauge"),
];

fn page(gateway: &Gateway) -> String {
    let page = gateway.ask_admin("/metrics").expect("an answer");
    assert_eq!(page.status, 200);
    let kind = page.header("content-type").expect("a type").to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4") || kind.contains("openmetrics"), "{kind}");
    String::from_utf8(page.body).expect("text")
}

/// Family → type, as the page says.
fn families(page: &str) -> BTreeMap<&str, &str> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split_once(' ').expect("a name and a type")).collect()
}

/// Name of a series without its labels, and without what a histogram adds.
fn family_of<'a>(series: &'a str, families: &BTreeMap<&str, &str>) -> &'a str {
    let name = series.split(['{', ' ']).next().unwrap_or_default();
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
    base.filter(|base| families.get(base) == Some(&"histogram")).unwrap_or(name)
}

#[test]
fn every_family_is_there_with_its_type_and_every_sample_belongs_to_one() {
    let kafka = Kafka::shared();
    let gateway = Gateway::start(&Setup::new(kafka, "metrics").spool().source("orders", "").text());
    assert_eq!(gateway.ask(&event("orders", "1")).status, 200);
    kafka.records("metrics.orders", 1);
    let page = page(&gateway);
    let families = families(&page);
    for (name, kind) in FAMILIES {
        assert_eq!(families.get(name), Some(&kind), "{name} in\n{page}");
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    let mut seen = BTreeSet::new();
    for sample in page.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = sample.rsplit_once(' ').expect("a value");
        assert!(seen.insert(series), "{series} twice");
        assert!(value.parse::<f64>().is_ok(), "{sample}");
        assert!(families.contains_key(family_of(series, &families)), "{series} is of no family");
    }
}

#[test]
fn every_family_stands_in_readme_with_its_type_and_its_meaning() {
    let kafka = Kafka::shared();
    let gateway = Gateway::start(&Setup::new(kafka, "listed").spool().source("orders", "").text());
    let page = page(&gateway);
    let readme = include_str!("../../README.md");
    for (name, kind) in families(&page) {
        let help = page.lines().find_map(|line| line.strip_prefix(&format!("# HELP {name} "))).expect("a help");
        let row = |line: &str| {
            line.starts_with(&format!("| `{name}` | {kind} |")) && line.contains(help.trim_end_matches('.'))
        };
        assert!(readme.lines().any(row), "README has no row for {name}, {kind}: {help}");
    }
}

#[test]
fn what_happens_is_counted() {
    let kafka = Kafka::shared();
    kafka.create_topic_with("counts.small", 1, &[("max.message.bytes", "1000")]);
    let setup = Setup::new(kafka, "counts").spool().source("orders", "limits: { body: 100B }").source("small", "");
    let gateway = Gateway::start(&setup.text());
    let ask = |request: &Request| gateway.ask(request).status;
    assert_eq!(ask(&event("orders", "1")), 200);
    assert_eq!(ask(&event("orders", "1")), 200);
    assert_eq!(ask(&event("orders", "2")), 200);
    assert_eq!(ask(&Request::post("/in/orders").header("x-api-key", "wrong").body("x")), 401);
    assert_eq!(ask(&Request::post("/in/orders").body("x")), 401);
    assert_eq!(ask(&Request::post("/in/nobody").body("x")), 401);
    assert_eq!(ask(&Request::post("/in/orders").body("x".repeat(101))), 413);
    kafka.records("counts.orders", 2);
    let expected = [
        ("hookgate_requests_total{source=\"orders\",outcome=\"accepted\"}", 2),
        ("hookgate_requests_total{source=\"orders\",outcome=\"duplicate\"}", 1),
        ("hookgate_requests_total{source=\"orders\",outcome=\"bad_signature\"}", 1),
        ("hookgate_requests_total{source=\"orders\",outcome=\"missing_credential\"}", 1),
        ("hookgate_requests_total{source=\"orders\",outcome=\"too_large\"}", 1),
        ("hookgate_requests_total{source=\"orders\",outcome=\"unavailable\"}", 0),
        ("hookgate_requests_total{source=\"-\",outcome=\"unknown_source\"}", 1),
        ("hookgate_acks_total{source=\"orders\",custody=\"disk\"}", 2),
        ("hookgate_signature_key_used_total{source=\"orders\",key=\"0\"}", 3),
        ("hookgate_events_produced_total{topic=\"counts.orders\"}", 2),
        ("hookgate_event_delivery_seconds_count", 2),
        ("hookgate_request_duration_seconds_count", 7),
        ("hookgate_dedupe_pending", 0),
        ("hookgate_kafka_up", 1),
        ("hookgate_panics_total", 0),
    ];
    for (series, value) in expected {
        gateway.wait_for_number(series, |number| number == value);
    }
    assert!(gateway.number("hookgate_spool_fsync_seconds_count") >= 2);
    assert!(gateway.number("hookgate_dedupe_entries") >= 2);
    assert!(gateway.number("hookgate_dedupe_window_seconds{window=\"3d\"}") > 0);
    gateway.wait_until_delivered();
    assert_eq!(gateway.number("hookgate_spool_oldest_age_seconds"), 0);
}

#[test]
fn nothing_that_a_stranger_sends_makes_the_metrics_grow_or_gets_into_them_or_the_log() {
    let kafka = Kafka::shared();
    let gateway = Gateway::start(&Setup::new(kafka, "strange").spool().source("orders", "").text());
    let names = || gateway.series().into_keys().collect::<BTreeSet<_>>();
    let before = names();
    for number in 0..100 {
        let target = format!("/in/sesame{number}?token=sesame{number}");
        let request = Request::post(&target)
            .header("x-api-key", &format!("sesame{number}"))
            .header("x-event-id", &format!("sesame{number}"))
            .header("content-type", &format!("sesame/{number}"))
            .header("user-agent", "sesame")
            .body(format!("sesame{number}"));
        assert_eq!(gateway.ask(&request).status, 401);
        let known = Request::post("/in/orders").header("x-api-key", &format!("sesame{number}")).body("sesame");
        assert_eq!(gateway.ask(&known).status, 401);
    }
    assert_eq!(names(), before);
    assert_eq!(gateway.ask(&event("orders", "an-id")).status, 200);
    kafka.records("strange.orders", 1);
    let (page, log) = (page(&gateway), gateway.log());
    for secret in ["sesame", "the-key-of-every-source-here"] {
        assert!(!page.contains(secret) && !log.contains(secret), "{secret}");
    }
    assert!(!page.contains("an-id"));
    let lines = log.lines().filter(|line| line.contains("refused")).count();
    assert!((1..20).contains(&lines), "{lines} lines about 200 refusals:\n{log}");
}

#[test]
fn alive_is_not_ready_and_each_says_why() {
    let nobody = format!("127.0.0.1:{}", port::free());
    let mut gateway = Gateway::launch(&Setup::before(&nobody, "health").source("orders", "").text());
    gateway.wait_until_alive();
    let ask = |target: &str| {
        let page = gateway.ask_admin(target).expect("an answer");
        (page.status, String::from_utf8(page.body).expect("text"))
    };
    assert_eq!(ask("/livez"), (200, "ok\n".to_owned()));
    let (status, said) = ask("/readyz");
    assert_eq!(status, 503);
    assert!(said.contains("[+]serving ok\n") && said.contains("[-]custody failed: "), "{said}");
    assert!(said.contains("no Kafka broker answers"), "{said}");
    let kept = gateway.ask(&event("orders", "1"));
    assert_eq!((kept.status, kept.header("retry-after").is_some()), (503, true));

    gateway.kill();
    gateway.restart_with(&nobody, &Kafka::shared().bootstrap());
    let verbose = gateway.ask_admin("/readyz?verbose").expect("an answer");
    let said = String::from_utf8(verbose.body).expect("text");
    assert_eq!((verbose.status, said.as_str()), (200, "[+]serving ok\n[+]custody ok\nreadyz check passed\n"));
    assert_eq!(gateway.ask_admin("/readyz").expect("an answer").body, b"ok\n");
}

#[test]
fn the_ports_do_not_do_each_others_work() {
    let gateway = Gateway::start(&Setup::new(Kafka::shared(), "ports").spool().source("orders", "").text());
    for target in ["/metrics", "/livez", "/readyz"] {
        assert_eq!(gateway.ask(&Request::get(target)).status, 401, "{target} on the public port");
    }
    let private = |request: &Request| {
        let mut connection = crate::support::client::Connection::open(gateway.admin).expect("it listens");
        connection.ask(request).expect("an answer").status
    };
    assert_eq!(private(&event("orders", "1")), 404);
    assert_eq!(private(&Request::post("/metrics").body("x")), 405);
    assert_eq!(private(&Request::get("/healthz")), 404);
}
