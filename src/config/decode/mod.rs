//! From a tree to values, without ever stopping at the first mistake.
//!
//! A type says how it is read and, beside it, what its JSON Schema is. Blocks of keys are declared with [`block!`], words
//! with [`choice!`], quantities with [`scalar!`]: each key stands there once, with its type, its default and its meaning,
//! and the list of known keys, the schema and the reference all come from that one line.

use std::ops::Deref;

use serde_json::Value as Json;

use crate::config::place::Document;
use crate::config::problem::{At, Problems};
use crate::config::schema::Definitions;
use crate::config::tree::{Node, Value};

mod collections;
mod declare;

pub(crate) use collections::{Named, OneOrMany, Placed};
pub(crate) use declare::{block, choice, scalar};

/// A type that can be read from the configuration.
pub(crate) trait Decode: Sized {
    /// Reads a value that is there. What is wrong goes to `problems`; none where nothing can be made of it.
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self>;

    /// What is meant when the key is absent; none where it must be there.
    fn absent() -> Option<Self> {
        None
    }

    /// Its JSON Schema.
    fn schema(definitions: &mut Definitions) -> Json;
}

/// The value of a key, and where it stands (or would). Not `Clone`, so that `.clone()` is the value's.
#[derive(Debug)]
pub(crate) struct Field<T> {
    value: T,
    pub(crate) at: At,
    /// Somebody wrote it; else it is the default.
    pub(crate) given: bool,
    /// Nothing was wrong with it. Rules about what is missing ask this first, so that one mistake is reported once.
    pub(crate) sound: bool,
}

impl<T> Deref for Field<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A block of declared keys.
pub(crate) trait Block {
    /// Where it stands.
    fn at(&self) -> &At;

    /// The keys that somebody wrote, in the order of the declaration.
    fn given(&self) -> Vec<(&'static str, &At)>;
}

/// The keys of a map that is being read as a block.
pub(crate) struct Keys<'a> {
    node: &'a Node,
    at: &'a At,
}

impl<'a> Keys<'a> {
    /// Refuses what is no map, and every key that is not known.
    pub(crate) fn of(node: &'a Node, at: &'a At, known: &[&str], problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            let listed: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            problems.error(at, node.shown(), format!("a map with some of {}", listed.join(", ")));
            return None;
        }
        for entry in node.entries() {
            if !known.contains(&entry.key.as_str()) {
                entry.node.hide();
                problems.unknown(&at.key(&entry.key).placed(&entry.place), "key", &entry.key, known);
            }
        }
        Some(Self { node, at })
    }

    /// The value under the key, or its default; none where it is missing or wrong and there is no default either.
    pub(crate) fn take<T: Decode>(
        &self,
        key: &str,
        default: Option<&str>,
        problems: &mut Problems,
    ) -> Option<Field<T>> {
        let at = self.at.key(key);
        let Some(entry) = self.node.entries().iter().find(|entry| entry.key == key && !entry.node.is_null()) else {
            let Some(value) = fallback(default, &at, problems) else {
                problems.error(&at, format!("no `{key}`"), "it; there is no default");
                return None;
            };
            return Some(Field { value, at, given: false, sound: true });
        };
        let at = at.placed(&entry.node.place);
        let before = problems.errors();
        let decoded = T::decode(&entry.node, &at, problems);
        let sound = problems.errors() == before;
        let value = match decoded {
            Some(value) => value,
            None => fallback(default, &at, &mut Problems::default())?,
        };
        Some(Field { value, at, given: true, sound })
    }
}

/// A default is written as it would be in the file. One of a whole block may lack what has to be given: that is reported.
fn fallback<T: Decode>(default: Option<&str>, at: &At, problems: &mut Problems) -> Option<T> {
    match default {
        Some(text) => {
            Node::read(&Document::new("default", text), None, problems).and_then(|node| T::decode(&node, at, problems))
        }
        None => T::absent(),
    }
}
