//! Optional values, lists and maps of what can be read.

use serde_json::{Value as Json, json};

use crate::config::decode::Decode;
use crate::config::place::Place;
use crate::config::problem::{At, Problems};
use crate::config::schema::Definitions;
use crate::config::tree::{Node, Value};

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
