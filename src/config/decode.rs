//! From a tree to values, without ever stopping at the first mistake.
//!
//! A type says how it is read and, beside it, what its JSON Schema is. Blocks of keys are declared with [`block!`], words
//! with [`choice!`], quantities with [`scalar!`]: each key stands there once, with its type, its default and its meaning,
//! and the list of known keys, the schema and the reference all come from that one line.

use std::ops::Deref;

use serde_json::{Value as Json, json};

use crate::config::place::{Document, Place};
use crate::config::problem::{At, Problems};
use crate::config::schema::Definitions;
use crate::config::tree::{Node, Value};

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

/// Declares a block of keys. `key ("word"): Type = "default"`: the word is needed only where it is none of Rust's.
macro_rules! block {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $key:ident $(($word:literal))? : $type:ty $(= $default:literal)?,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name {
            at: $crate::config::problem::At,
            $($(#[doc = $doc])+ pub(crate) $key: $crate::config::decode::Field<$type>,)+
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                const KEYS: &[&str] = &[$(block!(@word $key $($word)?)),+];
                let keys = $crate::config::decode::Keys::of(node, at, KEYS, problems)?;
                $(let $key = keys.take::<$type>(block!(@word $key $($word)?), block!(@default $($default)?), problems);)+
                Some(Self { at: at.clone(), $($key: $key?),+ })
            }

            fn schema(definitions: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                definitions.block(stringify!($name), concat!($($about),+), |block| {
                    $(block.key::<$type>(block!(@word $key $($word)?), concat!($($doc),+), block!(@default $($default)?));)+
                })
            }
        }

        impl $crate::config::decode::Block for $name {
            fn at(&self) -> &$crate::config::problem::At {
                &self.at
            }

            fn given(&self) -> Vec<(&'static str, &$crate::config::problem::At)> {
                let keys = [$((self.$key.given, block!(@word $key $($word)?), &self.$key.at)),+];
                keys.into_iter().filter(|(given, ..)| *given).map(|(_, key, at)| (key, at)).collect()
            }
        }
    };
    (@word $key:ident) => { stringify!($key) };
    (@word $key:ident $word:literal) => { $word };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

/// Declares words of which one is taken.
macro_rules! choice {
    ($type:ty, $kind:literal { $($word:literal => $value:expr),+ $(,)? }) => {
        impl $crate::config::decode::Decode for $type {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                match node.text() {
                    $(Some($word) => Some($value),)+
                    Some(other) if !matches!(&node.value, $crate::config::tree::Value::Scalar(scalar) if scalar.hidden || scalar.raw.is_some()) => {
                        problems.unknown(at, $kind, other, &[$($word),+]);
                        None
                    }
                    _ => {
                        problems.error(at, node.shown(), concat!("one of", $(" `", $word, "`"),+));
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                $crate::config::schema::words(&[$($word),+])
            }
        }
    };
}

/// Declares a type that is read from one text: how, what is expected there, and the pattern of its schema.
macro_rules! scalar {
    ($type:ty, $parse:expr, $expected:literal, $schema:expr) => {
        impl $crate::config::decode::Decode for $type {
            fn decode(
                node: &$crate::config::tree::Node,
                at: &$crate::config::problem::At,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                let parse: fn(&str) -> Option<Self> = $parse;
                let value = node.text().and_then(parse);
                if value.is_none() {
                    problems.error(at, node.shown(), $expected);
                }
                value
            }

            fn schema(_: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                $schema
            }
        }
    };
}

pub(crate) use {block, choice, scalar};

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        T::decode(node, at, problems).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        T::schema(definitions)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        let Value::List(items) = &node.value else {
            problems.error(at, node.shown(), "a list");
            return None;
        };
        let item = |(index, item): (usize, &Node)| T::decode(item, &at.index(index).placed(&item.place), problems);
        Some(items.iter().enumerate().filter_map(item).collect())
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// One of them, or a list of them.
#[derive(Debug, Clone)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Value::List(_) => Vec::decode(node, at, problems).map(Self),
            _ => T::decode(node, at, problems).map(|one| Self(vec![one])),
        }
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "anyOf": [T::schema(definitions), Vec::<T>::schema(definitions)] })
    }
}

/// A map whose keys are names that the user gives.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(pub(crate) Vec<(String, Placed<T>)>);

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: At,
}

impl<T: Decode> Decode for Placed<T> {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        Some(Self { value: T::decode(node, at, problems)?, at: at.clone() })
    }

    fn schema(definitions: &mut Definitions) -> Json {
        T::schema(definitions)
    }
}

impl<T: Decode> Decode for Named<T> {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            problems.error(at, node.shown(), "a map from names");
            return None;
        };
        let mut named = Vec::with_capacity(entries.len());
        for entry in entries {
            // A name with nothing behind it is a mistake in the block itself, and is told at the name.
            let place: &Place = if entry.node.is_null() { &entry.place } else { &entry.node.place };
            let at = at.key(&entry.key).placed(place);
            if let Some(value) = T::decode(&entry.node, &at, problems) {
                named.push((entry.key.clone(), Placed { value, at: at.placed(&entry.place) }));
            }
        }
        Some(Self(named))
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }
}
