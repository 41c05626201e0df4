//! What we ship: presets, samples, the example, the schema.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{environment, good, with_source};
use crate::config::{Config, EXAMPLE, PresetInfo, Sample, dev, json_schema, preset_source, show};
use crate::ingest::source::Settings;
use crate::locate::{Request, Scope, elements};
use crate::secret::Secret;
use crate::signature::{Draft, Gate, Subject, sign};

/// What a file says to a reader of JSON; variables stay what they are.
fn json(text: &str) -> Json {
    fn value(node: &crate::config::tree::Node) -> Json {
        use crate::config::tree::Value;
        match &node.value {
            Value::Null => Json::Null,
            Value::Scalar(scalar) => serde_json::from_str(&scalar.text)
                .ok()
                .filter(|value: &Json| value.is_number() || value.is_boolean())
                .unwrap_or_else(|| scalar.text.clone().into()),
            Value::List(items) => items.iter().map(value).collect(),
            Value::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), value(&entry.node))).collect(),
        }
    }
    let document = crate::config::place::Document::new("test", text);
    value(&crate::config::tree::Node::read(&document, None, &mut super::Problems::default()).expect("YAML"))
}

#[track_caller]
fn assert_valid(schema: &Json, instance: &Json) {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(instance).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A secret in the form that the preset takes.
fn secret_of_its_vectors(preset: &str) -> Secret {
    let path = format!("{}/tests/vectors/{preset}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Vec<Json> = serde_json::from_slice(&std::fs::read(&path).expect(&path)).expect("vectors");
    let good = vectors.iter().filter(|vector| vector["valid"] == true);
    let secret = |vector: &Json| vector["secret"].as_str().or_else(|| vector["secret"][0].as_str()).map(Secret::new);
    good.clone().find_map(secret).unwrap_or_else(|| panic!("{path}: a good one with a secret"))
}

#[test]
fn every_preset_is_a_source_that_needs_nothing_but_a_secret_and_a_url() {
    let presets = PresetInfo::all().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(presets.len() >= 110);
    for PresetInfo { preset, docs, secret, .. } in presets {
        let secrets = [secret_of_its_vectors(&preset)];
        let source = preset_source(&preset, &secrets, Some("https://a.example"), "/in/x");
        let source = source.unwrap_or_else(|problems| panic!("{preset}: {problems}"));
        assert_eq!(source.demands.secrets, secrets);
        assert!(docs.starts_with("https://"), "{preset} says where it comes from");
        assert!(!secret.is_empty(), "{preset} says what to fill in");
    }
}

#[test]
fn an_unknown_preset_is_told_with_the_one_that_was_meant() {
    let problems = PresetInfo::of("strpe").expect_err("unknown");
    assert!(problems.to_string().contains("did you mean `stripe`?"), "{problems}");
}

#[test]
fn dev_starts_without_an_error_and_every_source_of_it_has_a_sample() {
    let (_, loaded) = dev().unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.config.sources.len(), 14);
    for source in &loaded.config.sources {
        let preset = loaded.presets.get(&source.name).expect("a preset");
        let samples = Sample::all(preset).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!samples.is_empty(), "{preset}");
    }
}

/// A request that was made of a sample.
struct Sent(Draft);

impl Subject for Sent {
    fn request(&self) -> Request<'_> {
        let Draft { method, target, headers, body } = &self.0;
        Request { method, target, headers, body, path_secret: None, peer: None }
    }
}

fn draft(source: &Settings, sample: &Sample) -> Draft {
    let mut headers: http::HeaderMap =
        sample.headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect();
    if !sample.content_type.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, sample.content_type.parse().expect("a value"));
    }
    let question = if sample.query.is_empty() { "" } else { "?" };
    Draft {
        method: sample.method.to_string(),
        target: format!("{}{question}{}", source.path, sample.query),
        headers,
        body: sample.body.clone().into_bytes(),
    }
}

#[test]
fn every_sample_that_is_signed_is_authentic_and_has_an_id_and_a_type() {
    let (now, (_, loaded)) = (crate::clock::UnixMillis(1_760_000_000_000), dev().expect("dev"));
    for source in &loaded.config.sources {
        let gate = Gate::new(source.demands.clone()).expect("good keys");
        for sample in Sample::all(&loaded.presets[&source.name]).expect("samples") {
            let draft = draft(source, &sample.filled("0199a1b2-0000-7000-8000-000000000000", 42, now));
            assert!(source.methods.iter().any(|method| method.as_str() == draft.method), "{}", sample.event);
            let signed = sign(&source.demands, &source.demands.secrets[0], &draft, now);
            let signed = signed.unwrap_or_else(|error| panic!("{}: {error}", source.name));
            let sent = gate.check(Sent(signed), now);
            let sent = sent.unwrap_or_else(|denied| panic!("{}: {:?}", source.name, denied.reason)).into_parts().0;
            let request = sent.request();
            let mut scope = Scope::of(request);
            let elements = source.identify.batch.as_ref().map(|batch| elements(batch, &request).expect("an array"));
            let first = elements.as_ref().and_then(|elements| elements.iter().next());
            assert_eq!(first.is_some(), source.identify.batch.is_some(), "{}", source.name);
            if let Some(element) = first {
                scope.enter(element);
            }
            assert!(source.identify.id.find(&scope).is_some(), "{} {}: an id", source.name, sample.event);
            let kind = source.identify.kind.as_ref().and_then(|kind| kind.find_type(&scope));
            assert!(kind.is_some(), "{} {}: a type", source.name, sample.event);
        }
    }
}

#[test]
fn samples_are_filled_with_an_id_and_a_time() {
    for preset in PresetInfo::all().expect("presets") {
        for sample in Sample::all(&preset.preset).unwrap_or_else(|problems| panic!("{problems}")) {
            let filled = sample.filled("0199-id", 42, crate::clock::UnixMillis(1_614_265_330_007));
            let text = format!("{}{:?}{}", filled.query, filled.headers, filled.body);
            for placeholder in ["%uuid%", "%number%", "%unix%", "%unix_ms%", "%rfc3339%"] {
                assert!(!text.contains(placeholder), "{}: {text}", sample.event);
            }
            if filled.content_type.starts_with("application/json") {
                serde_json::from_str::<Json>(&filled.body).unwrap_or_else(|error| panic!("{}: {error}", sample.event));
            }
        }
    }
}

#[test]
fn the_example_is_good_and_begins_with_its_schema() {
    assert!(EXAMPLE.starts_with("# yaml-language-server: $schema="));
    let environment = |name: &str| Some(format!("a-secret-for-{name}"));
    let loaded = Config::parse("example.yaml", EXAMPLE, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn the_example_names_every_key_of_the_gateway_and_of_a_source() {
    let schema = json_schema();
    for block in
        ["Gateway", "Kafka", "CreateTopics", "Spool", "Dedupe", "Server", "Shutdown", "Log", "Source", "Limits"]
    {
        let keys = schema["$defs"][block]["properties"].as_object().unwrap_or_else(|| panic!("{block}"));
        for key in keys.keys().filter(|key| !["public_url", "handshake", "reply"].contains(&key.as_str())) {
            assert!(EXAMPLE.contains(&format!("{key}:")) || EXAMPLE.contains(&format!("{key},")), "{block}.{key}");
        }
    }
}

#[test]
fn the_defaults_in_the_example_are_the_true_ones() {
    let commented: String =
        EXAMPLE.lines().map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n").collect();
    let schema = json_schema();
    for block in ["Spool", "Dedupe", "Server"] {
        for (key, property) in schema["$defs"][block]["properties"].as_object().expect(block) {
            let Some(default) = property.get("default").filter(|default| !default.is_array()) else { continue };
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            assert!(commented.contains(&format!("{key}: {default}")), "{block}.{key}: {default}");
        }
    }
}

#[test]
fn every_default_can_be_read_and_every_key_has_a_meaning() {
    good(&with_source("auth: { header: X-Key }"));
    let schema = json_schema();
    for (name, block) in schema["$defs"].as_object().expect("definitions") {
        for (key, property) in block["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}.{key}");
        }
    }
}

#[test]
fn the_schema_accepts_what_we_ship() {
    let schema = json_schema();
    assert_valid(&schema, &json(EXAMPLE));
    assert_valid(&schema, &json(&dev().expect("dev").0));
    let mut of_preset = schema.clone();
    of_preset["allOf"] = serde_json::json!([{ "$ref": "#/$defs/Source" }]);
    of_preset["$defs"]["Source"]["properties"]["about"] = serde_json::json!({ "type": "object" });
    for preset in PresetInfo::all().expect("presets") {
        assert_valid(&of_preset, &json(&preset.text));
    }
}

#[test]
fn the_schema_refuses_what_check_refuses() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for wrong in [
        "lisen: a",
        "kafka: { brokers: kafka:9092 }",
        "spool: { max_bytes: 10 }",
        "ack: dsik",
        "sources: { a: { deadline: 5 } }",
        "sources: { a: { limits: { bdy: 1MiB } } }",
        "sources: { a: { auth: { jws: none } } }",
        "sources: { a: { auth: { hmac: sha256, timestamp: { form: a } } } }",
        "sources: { a: { id: nowhere } }",
    ] {
        assert!(!validator.is_valid(&json(wrong)), "{wrong}");
    }
    assert!(validator.is_valid(&json("sources: { a: { deadline: '${DEADLINE}', retries: '${RETRIES}' } }")));
}

#[test]
fn show_lays_over_writes_defaults_and_hides_secrets() {
    let text = with_source("preset: stripe\nsecrets: [hunter2hunter2hunter2]\nauth: { timestamp: { tolerance: 10m } }")
        .replace(
            "brokers:",
            "properties: { sasl.password: hunter2, ssl.ca.pem: hunter2, client.id: visible }, brokers:",
        );
    let shown = show("hookgate.yaml", &text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    for part in ["tolerance: 10m", "v1=", "listen: 0.0.0.0:8080", "in_flight: 1024", "window: 3d", "visible", "'***'"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert!(!shown.contains("hunter2") && !shown.contains("0123456789abcdef"), "{shown}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let dev = dev().expect("dev").0;
    // One source takes no stand-in for a secret: here it takes any.

    let texts =
        [EXAMPLE.to_owned(), dev.replace("secret: whsec_ZGV2", "auth: { header: X-Key }\n    secret: whsec_ZGV2")];
    let environment = |name: &str| Some(format!("a-secret-for-{name}"));
    for text in texts {
        let shown = show("a", &text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
        let shown = shown.replace("'***'", "user:a-long-password");
        let again = show("b", &shown, &environment).unwrap_or_else(|problems| panic!("{problems}\nin\n{shown}"));
        assert_eq!(shown, again.replace("'***'", "user:a-long-password"));
    }
}

#[test]
fn no_two_presets_share_a_provider() {
    let presets = PresetInfo::all().expect("presets");
    let names: BTreeSet<&str> = presets.iter().map(|preset| preset.name.as_str()).collect();
    assert_eq!(names.len(), presets.len());
}
