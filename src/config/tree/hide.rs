//! Which values of a tree are secrets, and must not be seen.

use crate::config::place::Place;
use crate::config::tree::{Entry, Node, Value};

/// Marks every secret of a tree, and gives the places that no line of a finding may show.
pub(super) fn hide_secrets(root: &mut Node) -> Vec<Place> {
    let mut hidden = Vec::new();
    hide(root, "", &mut hidden);
    hidden
}

/// Whether the value under this key is a secret. librdkafka's properties are known by their names.
fn is_secret(key: &str, parent: &str) -> bool {
    let name = key.to_ascii_lowercase();
    let property = ["password", "secret", "jaas"].iter().any(|word| name.contains(word))
        || [".pem", ".key"].iter().any(|end| name.ends_with(end));
    match parent {
        // A source may have any name.
        "sources" => false,
        "properties" => property,
        _ => matches!(key, "secret" | "secrets"),
    }
}

fn hide(node: &mut Node, parent: &str, hidden: &mut Vec<Place>) {
    let entries = match &mut node.value {
        Value::Map(entries) => entries,
        Value::List(items) => return items.iter_mut().for_each(|item| hide(item, parent, hidden)),
        Value::Null | Value::Scalar(_) => return,
    };
    for Entry { key, node, .. } in entries {
        if is_secret(key, parent) {
            hide_all(node, hidden);
        } else {
            if parent == "properties" {
                // A misspelt password is one all the same: no line of a finding shows any property.
                hidden.push(node.place.clone());
            }
            hide(node, key, hidden);
        }
    }
}

fn hide_all(node: &mut Node, hidden: &mut Vec<Place>) {
    match &mut node.value {
        Value::Scalar(scalar) => {
            scalar.hidden = true;
            if !is_variable(&scalar.raw) {
                hidden.push(node.place.clone());
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| hide_all(item, hidden)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| hide_all(&mut entry.node, hidden)),
        Value::Null => {}
    }
}

/// `${NAME}` tells nothing; a default in it would.
fn is_variable(raw: &str) -> bool {
    let name = raw.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}
