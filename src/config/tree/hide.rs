//! Which values of a tree are secrets, and must not be seen.

use crate::config::place::Place;
use crate::config::tree::{Entry, Node, Value};

/// Marks every secret of a tree, and gives the places that no line of a finding may show. Of what was `dropped`, being
/// there a second time, none is shown: it may have been a secret's second place.
pub(super) fn hide_secrets(root: &mut Node, dropped: &mut [Node]) -> Vec<Place> {
    let mut hidden = Vec::new();
    hide(root, "", &mut hidden);
    for node in dropped {
        hide_all(node, &mut hidden);
    }
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
        // No map from names: whatever it was meant to be, a password may be in it.
        _ if parent == "properties" => return hide_all(node, hidden),
        Value::List(items) => return items.iter_mut().for_each(|item| hide(item, parent, hidden)),
        Value::Scalar(scalar) if names_a_user(&scalar.raw) => return hide_all(node, hidden),
        Value::Null | Value::Scalar(_) => return,
    };
    for Entry { key, node, .. } in entries {
        match (parent, &node.value) {
            _ if is_secret(key, parent) => hide_all(node, hidden),
            // A misspelt password is one all the same: no line of a finding shows any property.
            ("properties", Value::Scalar(_)) => hidden.push(node.place.clone()),
            ("properties", _) => hide_all(node, hidden),
            // A source may have any name.
            ("sources", _) => hide(node, "", hidden),
            _ => hide(node, key, hidden),
        }
    }
}

/// `https://user:password@host`
fn names_a_user(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
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
