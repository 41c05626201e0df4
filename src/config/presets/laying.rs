//! How a user's keys lie over a preset.
//!
//! Maps are laid over key by key; scalars, lists and expressions are replaced. An `auth` that names a kind replaces the
//! preset's whole, and so does a `handshake` with a `kind`; without one they are merged, so that a tolerance or a
//! secret can be set alone. `~` takes a key of the preset away.

use crate::config::file::auth::KINDS;
use crate::config::file::locate::is_expression_map;
use crate::config::presets::own::Own;
use crate::config::presets::{read, unknown};
use crate::config::problem::{At, Problems};
use crate::config::tree::{Entry, Node, Value};

/// Lays every source of a whole configuration over the preset that it names.
pub(crate) fn lay_under_sources(root: &mut Node, problems: &mut Problems) {
    let own = Own::of(root, problems);
    let Value::Map(entries) = &mut root.value else { return };
    let Some(sources) = entries.iter_mut().find(|entry| entry.key == "sources") else { return };
    let Value::Map(sources) = &mut sources.node.value else { return };
    for Entry { key, node, .. } in sources {
        let Some(preset) = node.get("preset") else { continue };
        let at = At::new(format!("sources.{key}.preset"), &preset.place);
        let Some(name) = preset.text() else { continue };
        let errors = problems.errors();
        match read(name, problems).or_else(|| own.read(name, problems)) {
            Some(preset) => {
                let laid = lay(preset.node, node);
                if laid.get("auth").is_none() {
                    problems.error(&at, format!("`{name}`, which has no `auth`"), "one in it, or in the source");
                }
                *node = laid;
            }
            None if own.unreadable || problems.errors() > errors => {}
            None => unknown(&at, name, own.names(), problems),
        }
    }
}

/// Keys of a source that hold an expression: replaced as a whole, map or not.
const EXPRESSIONS: [&str; 8] = ["id", "type", "key", "batch", "also", "from", "value", "token"];

/// Lays `over` over `under`. What is over keeps its place in the user's file.
fn lay(under: Node, over: &Node) -> Node {
    let Node { place: _, value: Value::Map(mut entries) } = under else { return over.clone() };
    let Value::Map(changes) = &over.value else {
        return if over.is_null() {
            Node { place: over.place.clone(), value: Value::Map(entries) }
        } else {
            over.clone()
        };
    };
    for change in changes {
        match entries.iter_mut().find(|entry| entry.key == change.key) {
            Some(entry) => {
                entry.node = if replaces(&change.key, &change.node) {
                    change.node.clone()
                } else {
                    lay(entry.node.clone(), &change.node)
                };
                entry.place = change.place.clone();
            }
            None => entries.push(change.clone()),
        }
    }
    Node { place: over.place.clone(), value: Value::Map(entries) }
}

/// Whether the user's value stands instead of the preset's whole.
fn replaces(key: &str, over: &Node) -> bool {
    let has = |keys: &[&str]| over.entries().iter().any(|entry| keys.contains(&entry.key.as_str()));
    match key {
        _ if over.is_null() => true,
        "auth" => has(&KINDS),
        "handshake" => has(&["kind"]),
        key => EXPRESSIONS.contains(&key) || is_expression_map(over),
    }
}
