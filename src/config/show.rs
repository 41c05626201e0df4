//! The effective file: what the user typed over its presets, with every default written out and every secret hidden.

use serde_json::Value as Json;

use crate::config::environment::Environment;
use crate::config::place::Document;
use crate::config::problem::Problems;
use crate::config::tree::{Entry, Node, SECRET_SHOWN, Scalar, Value};
use crate::config::{Config, json_schema, presets};

/// The effective file.
///
/// # Errors
/// The configuration is not good.
pub fn show(name: &str, text: &str, environment: &dyn Environment) -> Result<String, Problems> {
    Config::parse(name, text, environment)?;
    let mut problems = Problems::default();
    let Some(mut root) = Node::read(&Document::new(name, text), Some(environment), &mut problems) else {
        return Err(problems);
    };
    presets::lay_under_sources(&mut root, &mut problems);
    let schema = json_schema();
    write_defaults(&mut root, &schema, &schema);
    let mut shown = String::new();
    write_value(&root, 0, &mut shown);
    Ok(shown)
}

/// Adds what is not said and has a default. The schema knows the defaults.
fn write_defaults(node: &mut Node, schema: &Json, document: &Json) {
    let place = node.place.clone();
    match &mut node.value {
        Value::List(items) => {
            let Some(items_schema) = find(schema, document, "items") else { return };
            for item in items {
                write_defaults(item, items_schema, document);
            }
        }
        Value::Map(entries) => {
            if let Some(each) = find(schema, document, "additionalProperties").filter(|each| each.is_object()) {
                for entry in entries.iter_mut() {
                    write_defaults(&mut entry.node, each, document);
                }
            }
            let Some(properties) = find(schema, document, "properties").and_then(Json::as_object) else { return };
            // A map that is a long form of something else (an expression) has other keys, and no defaults.
            if !entries.iter().all(|entry| properties.contains_key(&entry.key)) {
                return;
            }
            for (key, property) in properties {
                if let Some(default) = property.get("default").and_then(default_node) {
                    let missing = !entries.iter().any(|entry| entry.key == *key && !entry.node.is_null());
                    entries.retain(|entry| !missing || entry.key != *key);
                    if missing {
                        entries.push(Entry { key: key.clone(), place: place.clone(), node: default });
                    }
                }
                if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *key) {
                    write_defaults(&mut entry.node, property, document);
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

fn default_node(default: &Json) -> Option<Node> {
    let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
    Node::read(&Document::new("default", text), None, &mut Problems::default())
}

/// The first schema below this one, through references and alternatives, that speaks of the word.
fn find<'a>(schema: &'a Json, document: &'a Json, word: &str) -> Option<&'a Json> {
    if let Some(found) = schema.get(word) {
        return Some(found);
    }
    if let Some(name) = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/$defs/")) {
        return find(document.get("$defs")?.get(name)?, document, word);
    }
    let alternatives = ["anyOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    alternatives.flatten().find_map(|schema| find(schema, document, word))
}

fn write_value(node: &Node, indent: usize, shown: &mut String) {
    let margin = " ".repeat(indent);
    match &node.value {
        Value::Map(entries) => {
            for Entry { key, node, .. } in entries {
                shown.extend([&margin, &scalar(key), ":"]);
                write_after(node, indent, shown);
            }
        }
        Value::List(items) => {
            for item in items {
                let start = shown.len();
                match one_line(item) {
                    Some(line) => shown.extend([&margin, "  ", &line, "\n"]),
                    None => write_value(item, indent + 2, shown),
                }
                // The dash takes the place of the first line's margin.
                shown.replace_range(start..start + indent + 2, &format!("{margin}- "));
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

/// What stands behind a key: on the same line where it is short.
fn write_after(node: &Node, indent: usize, shown: &mut String) {
    if let Some(line) = one_line(node) {
        shown.extend([" ", &line, "\n"]);
    } else {
        shown.push('\n');
        write_value(node, indent + 2, shown);
    }
}

fn one_line(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some("~".into()),
        Value::Scalar(Scalar { hidden: true, .. }) => Some(format!("'{SECRET_SHOWN}'")),
        Value::Scalar(Scalar { text, .. }) => Some(scalar(text)),
        Value::Map(entries) if entries.is_empty() => Some("{}".into()),
        Value::Map(_) => None,
        Value::List(items) => {
            let simple = |item: &Node| matches!(item.value, Value::Scalar(_)).then(|| one_line(item)).flatten();
            let line = format!("[{}]", items.iter().map(simple).collect::<Option<Vec<_>>>()?.join(", "));
            (line.len() <= 100).then_some(line)
        }
    }
}

/// A text, quoted unless it can stand alone wherever it is put. What looks like a variable is none any more.
fn scalar(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./%+$".contains(c);
    let plain =
        !matches!(text, "" | "null" | "~" | "-") && text.chars().all(|c| bare(c) || c == ':') && !text.ends_with(':');
    let plain = plain && text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/_".contains(c));
    let text = text.replace("${", "$${");
    if plain { text } else { Json::String(text).to_string() }
}
