//! README's lists are what the program says of itself: keys, values and defaults, metrics, presets, commands, examples.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::gateway::hookgate;
use crate::support::scratch;

/// The tables of the reference: heading, then the blocks that it lists, each with what stands before its keys and the
/// keys that are listed elsewhere.
const TABLES: [(&str, &[Listed]); 5] = [
    (
        "### The gateway",
        &[
            ("Gateway", "", &["kafka", "spool", "dedupe", "server", "shutdown", "log", "sources"]),
            ("Kafka", "kafka.", &[]),
            ("CreateTopics", "kafka.create_topics.", &[]),
            ("Spool", "spool.", &[]),
            ("Dedupe", "dedupe.", &[]),
            ("Server", "server.", &[]),
            ("Shutdown", "shutdown.", &[]),
            ("Log", "log.", &[]),
        ],
    ),
    (
        "### A source",
        &[
            ("Source", "", &["limits", "reply"]),
            ("Limits", "limits.", &[]),
            ("Remember", "dedupe.", &[]),
            ("Accepted", "reply.accepted.", &[]),
            ("Malformed", "reply.malformed.", &[]),
        ],
    ),
    ("### `auth`", &[("Block", "", &[])]),
    (
        "### Maps inside `auth`",
        &[
            ("SecretFormat", "secret_format.", &[]),
            ("Timestamp", "timestamp.", &[]),
            ("BodyDigest", "body_digest.", &[]),
            ("HeaderList", "content[].", &[]),
            ("KeySet", "keys.", &[]),
            ("BodyHash", "body_hash.", &[]),
            ("Check", "checks[].", &[]),
            ("ClientCertificate", "checks[].client_certificate.", &[]),
        ],
    ),
    (
        "### `handshake`",
        &[
            ("Handshake", "", &["when", "reply"]),
            ("When", "when.", &[]),
            ("Comparison", "when.all[].", &[]),
            ("Answer", "reply.", &[]),
        ],
    ),
];

type Listed = (&'static str, &'static str, &'static [&'static str]);

/// What a pattern of the schema means to a reader, told by a piece of it that no other has.
const MEANINGS: [(&str, &str); 9] = [
    ("(ms|s|m|h|d)", "duration"),
    ("iB/s", "size/s"),
    ("B/s)", "size/s"),
    ("i)?B)$", "size"),
    ("/[smh]", "rate"),
    ("[0-9]{1,5})$", "host:port"),
    ("%)", "percentage"),
    ("a-fA-F.:", "address or network"),
    ("^_`|~", "header name"),
];

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README is there")
}

fn said(arguments: &[&str]) -> String {
    let output = hookgate().args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What may stand there, as README writes it. None: nothing yet.
fn values(schema: &Value) -> Option<String> {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    if let Some(name) = text("$ref").and_then(|path| path.rsplit('/').next()) {
        return Some(if matches!(name, "Expression" | "Batch") { "expression" } else { "map" }.to_owned());
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return Some(words.join(" "));
    }
    if let Some(pattern) = text("pattern") {
        // The place of a variable, which may stand anywhere.
        let meaning = MEANINGS.iter().find(|(piece, _)| pattern.contains(piece));
        return (pattern != r"\$\{").then(|| meaning.map_or("text", |(_, meaning)| meaning).to_owned());
    }
    if let Some(kinds) = schema.get("anyOf").and_then(Value::as_array) {
        let mut kinds: Vec<_> = kinds.iter().filter_map(values).collect();
        kinds.dedup();
        return match kinds.as_slice() {
            [] => None,
            [one, many] if *many == format!("list of {one}") => Some(format!("{one}, or a list")),
            _ => Some(kinds.join(" or ")),
        };
    }
    match schema.get("type") {
        Some(Value::String(kind)) => match kind.as_str() {
            "array" => schema.get("items").and_then(values).map(|item| format!("list of {item}")),
            "integer" => Some("number".to_owned()),
            "boolean" => Some("`true` `false`".to_owned()),
            "object" => Some("map".to_owned()),
            "null" => None,
            _ => Some("text".to_owned()),
        },
        Some(_) => Some("text".to_owned()),
        None => None,
    }
}

fn default(key: &Value) -> String {
    match key.get("default") {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "–".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(words)) => {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            format!("`[{}]`", words.join(", "))
        }
        Some(Value::Object(map)) if map.is_empty() => "–".to_owned(),
        Some(other) => format!("`{other}`"),
    }
}

/// The rows of a block, in the order of its keys; a key that is refused until a later version has none.
fn rows(definitions: &Value, (block, before, elsewhere): Listed) -> Vec<String> {
    let keys = definitions[block]["properties"].as_object().unwrap_or_else(|| panic!("no block {block}"));
    let listed = keys.iter().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
    let row = |(name, key): (&String, &Value)| {
        let values = values(key)?;
        let meaning = key["description"].as_str().unwrap_or_default();
        Some(format!("| `{before}{name}` | {values} | {} | {meaning} |", default(key)))
    };
    listed.filter_map(row).collect()
}

#[test]
fn every_key_of_the_configuration_stands_in_its_table_with_its_values_and_its_default() {
    let readme = readme();
    let schema: Value = serde_json::from_str(&said(&["config", "schema"])).expect("JSON");
    let table = |(heading, blocks): &(&str, &[Listed])| {
        let rows: Vec<_> = blocks.iter().flat_map(|listed| rows(&schema["$defs"], *listed)).collect();
        format!("{heading}\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n{}\n", rows.join("\n"))
    };
    let missing: Vec<_> = TABLES.iter().map(table).filter(|table| !readme.contains(table)).collect();
    assert!(missing.is_empty(), "README must have:\n{}", missing.join("\n"));
}

#[test]
fn the_catalogue_that_readme_links_to_is_that_of_the_program() {
    const WRITE: &str = "hookgate presets list --format markdown > deploy/catalogue.md";
    assert!(readme().contains("(deploy/catalogue.md)"), "README links to no catalogue");
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/catalogue.md")).unwrap_or_default();
    let made = said(&["presets", "list", "--format", "markdown"]);
    let differs = page.lines().zip(made.lines()).find(|(old, new)| old != new);
    assert!(page == made, "deploy/catalogue.md is stale; write it with\n  {WRITE}\nfirst difference: {differs:#?}");
}

#[test]
fn every_command_stands_in_readme() {
    let help = said(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.contains(&"run") && names.contains(&"verify"), "{names:?}");
    let readme = readme();
    for name in names {
        assert!(readme.contains(&format!("\n| `{name}")), "README has no row for the command {name}");
    }
}

#[test]
fn the_configuration_in_readme_is_good() {
    let readme = readme();
    let (_, rest) = readme.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let dir = scratch::dir("readme-");
    let secret = dir.path().join("crm");
    fs::write(&secret, "a-secret-that-is-long-enough").expect("written");
    let file = dir.path().join("hookgate.yaml");
    let path = secret.to_str().expect("UTF-8");
    fs::write(&file, example.replace("/run/secrets/crm", path)).expect("written");
    let mut check = hookgate();
    for name in ["GITHUB_WEBHOOK_SECRET", "BILLING_NEW", "BILLING_OLD"] {
        check.env(name, format!("{name}-is-a-long-secret"));
    }
    let output = check.arg("check").arg("--config").arg(&file).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("hookgate.yaml: good\n"), "{said}");
}
