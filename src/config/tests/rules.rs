//! Rules of the whole gateway, and between sources.

use super::{assert_error, assert_warning, good, with_header_source, with_sources};
use crate::spool::Ack;
use crate::units::ByteSize;

fn with(top: &str) -> String {
    format!("{top}\n{}", with_header_source(""))
}

#[test]
fn the_smallest_useful_file_acknowledges_from_disk() {
    let loaded = good(&with("spool: { dir: /var/lib/hookgate }"));
    assert_eq!(loaded.config.sources[0].terms.ack, Ack::Disk);
    let spool = loaded.config.spool.expect("a spool");
    assert_eq!((spool.max_bytes, spool.segment_bytes), (ByteSize(10 << 30), ByteSize::mib(64)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn without_a_directory_kafka_acknowledges() {
    let loaded = good(&with_header_source(""));
    assert_eq!((loaded.config.sources[0].terms.ack, loaded.config.spool.is_none()), (Ack::Kafka, true));
    assert!(loaded.config.kafka.someone_waits && !loaded.config.kafka.spooled);
}

#[test]
fn an_ack_that_nothing_could_satisfy_is_refused() {
    for ack in ["disk", "both"] {
        assert_error(&with(&format!("ack: {ack}")), "ack", "spool.dir");
        assert_error(&with(&format!("ack: {ack}\nspool: {{ dir: /x, scratch: true }}")), "ack", "second custody only");
        assert_error(&with_header_source(&format!("ack: {ack}")), "sources.a.ack", "spool.dir");
    }
    assert_warning(&with("ack: memory"), "ack", "is lost, after a 200");
}

#[test]
fn a_scratch_directory_is_second_custody_only() {
    let loaded = good(&with("spool: { dir: /x, scratch: true }"));
    assert_eq!(loaded.config.sources[0].terms.ack, Ack::Kafka);
    assert_warning(&with("spool: { scratch: true }"), "spool", "without `dir`");
}

#[test]
fn spool_sizes_fit_into_each_other() {
    assert_error(
        &with("spool: { dir: /x, max_bytes: 256MiB, segment_bytes: 64MiB }"),
        "spool.segment_bytes",
        "at most 32MiB, an eighth",
    );
    for (sizes, key, says) in [
        ("max_bytes: 0B", "max_bytes", "at least 32KiB"),
        ("max_bytes: 31KiB, segment_bytes: 4KiB", "max_bytes", "at least 32KiB"),
        ("segment_bytes: 1B", "segment_bytes", "4KiB to 1GiB"),
        ("max_bytes: 1TiB, segment_bytes: 4GiB", "segment_bytes", "4KiB to 1GiB"),
    ] {
        assert_error(&with(&format!("spool: {{ dir: /x, {sizes} }}")), &format!("spool.{key}"), says);
    }
    let spool = good(&with("spool: { dir: /x, max_bytes: 256MiB }")).config.spool.expect("a spool");
    assert_eq!(spool.segment_bytes, ByteSize::mib(32), "the default gives way");
    assert_error(&with("spool: { dir: /x, high_water: 96% }"), "spool.high_water", "at most 95%");
    assert_error(&with("spool: { dir: /x, low_water: 81% }"), "spool.low_water", "at most spool.high_water, 80%");
    assert_warning(&with("spool: { dir: /x, max_bytes: 8MiB }"), "spool.segment_bytes", "cannot be kept on disk");
}

#[test]
fn no_two_sources_share_a_path() {
    let source = |name: &str, path: &str| {
        format!(
            "{name}: {{ auth: {{ any_of: [{{ header: X-Key }}, {{ path: true }}] }}, secret: '${{SECRET}}', path: '{path}' }}"
        )
    };
    let two = |one: &str, other: &str| with_sources(&format!("{}\n{}", source("a", one), source("b", other)));
    assert_error(&two("/x", "/x"), "sources.b.path", "also that of `a`");
    assert_error(&two("/x/{secret}", "/x/y"), "sources.b.path", "also that of `a`");
    good(&two("/x", "/X"));
    let by_name = "a: { auth: { header: X-Key }, secret: '${SECRET}' }\nb: { auth: { header: X-Key }, secret: '${SECRET}', path: /in/a }";
    assert_error(&with_sources(by_name), "sources.b.path", "`/in/a`");
}

#[test]
fn kafka_has_brokers_with_ports() {
    assert_error("kafka: {}\n", "kafka.brokers", "no brokers");
    let brokers = |list: &str| with_header_source("").replace("[kafka:9092]", list);
    assert_error(&brokers("[]"), "kafka.brokers", "no brokers");
    assert_error(&brokers("[kafka]"), "kafka.brokers[0]", "host:port");
    assert_error(&brokers("[kafka:99999]"), "kafka.brokers[0]", "host:port");
}

#[test]
fn a_property_that_would_break_a_promise_is_refused_and_all_are_looked_at() {
    let text = with_header_source("").replace("brokers:", "properties: { acks: '1', no.such.property: x }, brokers:");
    let found = super::of(super::Severity::Error, &text);
    let paths: Vec<&str> = found.iter().map(|error| error.at.path.as_str()).collect();
    assert_eq!(paths, ["kafka.properties.acks", "kafka.properties.no.such.property"]);
}

#[test]
fn a_property_may_be_empty() {
    let text = with_header_source("").replace("brokers:", "properties: { client.rack: '' }, brokers:");
    let properties = good(&text).config.kafka.properties;
    assert_eq!(properties, [("client.rack".to_owned(), crate::secret::Secret::new(""))]);
}

#[test]
fn the_admin_port_is_not_for_the_world() {
    assert_error(&with("admin: 127.0.0.1:8080"), "admin", "the port of `listen`");
    assert_error(&with("listen: 127.0.0.1:8081"), "listen", "the port of `admin`");
    assert_warning(&with("admin: 0.0.0.0:9000"), "admin", "only operators reach");
    for inside in ["127.0.0.1:9000", "10.1.2.3:9000", "'[::1]:9000'"] {
        assert!(good(&with(&format!("admin: {inside}"))).warnings.is_empty());
    }
}

#[test]
fn there_is_time_to_stop() {
    assert_error(&with("shutdown: { drain_delay: 25s }"), "shutdown.timeout", "more than drain_delay, 25s");
    assert_warning(&with("shutdown: { drain_delay: 24s }"), "shutdown.timeout", "cut off before they are answered");
}

#[test]
fn server_limits_are_sane() {
    for (server, path) in [
        ("header_timeout: 0s", "header_timeout"),
        ("max_connections: 0", "max_connections"),
        ("max_headers: 0", "max_headers"),
        ("max_header_bytes: 1KiB", "max_header_bytes"),
        ("trusted_proxies: [10.0.0.0/33]", "trusted_proxies[0]"),
    ] {
        assert!(!super::of(super::Severity::Error, &with(&format!("server: {{ {server} }}"))).is_empty());
        assert_error(&with(&format!("server: {{ {server} }}")), &format!("server.{path}"), "expected");
    }
    let loaded = good(&with("server: { max_connections_per_address: 0, failed_auth: 0/s }"));
    assert_eq!(loaded.config.listener.max_connections_per_address, None);
    assert!(loaded.config.throttle.failed_auth.is_none(), "0 is off");
}

#[test]
fn what_is_wrong_for_all_sources_is_told_once_and_hides_nothing() {
    let text = with_sources("a: { auth: { header: X }, secret: '${SECRET}' }\nb: { auth: { header: X }, secret: '${SECRET}', deadline: 5m }")
        .replace("brokers:", "topic: 'a b', dead_letter_topic: 'c d', brokers:");
    let found = super::of(super::Severity::Error, &text);
    let paths: Vec<&str> = found.iter().map(|error| error.at.path.as_str()).collect();
    assert_eq!(paths, ["kafka.topic", "kafka.dead_letter_topic", "sources.b.deadline"]);
}

#[test]
fn a_file_without_sources_warns() {
    assert_warning("kafka: { brokers: [k:1] }\n", "sources", "no sources");
}

#[test]
fn what_a_gateway_could_not_start_with_is_refused_in_the_file() {
    let properties =
        |text: &str| with_header_source("").replace("brokers:", &format!("properties: {{ {text} }}, brokers:"));
    for (text, path) in [
        ("security.protocol: sasl_plaintext, sasl.mechanism: PLAIN", "kafka.properties"),
        ("security.protocol: sasl_plaintext, sasl.mechanism: GSSAPI", "kafka.properties"),
        ("security.protocol: ssl, ssl.ca.location: /nope/ca.pem", "kafka.properties.ssl.ca.location"),
    ] {
        assert_error(&properties(text), path, "makes no client of these properties");
    }
    assert_error(&with("log: { level: loud }"), "log.level", "`loud`, which is no log filter");
    assert_error(&with("dedupe: { hash_key_file: /nope }"), "dedupe.hash_key_file", "/nope");
    good(&properties("security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: a, sasl.password: b"));
    good(&with("log: { level: 'info,hookgate::spool=debug' }"));
}

#[test]
fn a_file_that_is_read_for_its_sources_may_lack_what_only_a_gateway_needs() {
    let text = with_header_source("").replace("brokers:", "properties: { ssl.ca.location: /nope, acks: 1 }, brokers:");
    let text = format!("dedupe: {{ hash_key_file: /nope }}\n{text}");
    let loaded = crate::config::parse("x", &text, &super::environment, crate::config::Purpose::Sources);
    assert!(loaded.is_ok_and(|loaded| loaded.config.hash_key.is_none()));
}
