//! The JSON Schema (draft 2020-12), put together from the declarations of the keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// A text in which a variable stands may become anything.
const VARIABLE: &str = r"\$\{";

/// The named schemas, each written once however often it is referred to.
#[derive(Debug, Default)]
pub(crate) struct Definitions(BTreeMap<&'static str, Json>);

/// A block that is being described.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    definitions: &'a mut Definitions,
    properties: Map<String, Json>,
}

impl Definitions {
    /// Describes a block once, and refers to it.
    pub(crate) fn block(&mut self, name: &'static str, about: &str, keys: impl FnOnce(&mut Block<'_>)) -> Json {
        self.define(name, |definitions| {
            let mut block = Block { definitions, properties: Map::new() };
            keys(&mut block);
            json!({ "type": ["object", "null"], "description": about.trim(), "properties": block.properties, "additionalProperties": false })
        })
    }

    /// Makes a named schema once, and refers to it; it may refer to itself.
    pub(crate) fn define(&mut self, name: &'static str, make: impl FnOnce(&mut Self) -> Json) -> Json {
        if !self.0.contains_key(name) {
            self.0.insert(name, Json::Null);
            let schema = make(self);
            self.0.insert(name, schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

impl Block<'_> {
    /// Describes a key whose values `kind` describes.
    pub(crate) fn key(&mut self, key: &str, doc: &str, default: Option<&str>, kind: fn(&mut Definitions) -> Json) {
        let mut schema = json!({ "description": doc.trim(), "anyOf": [kind(self.definitions), { "type": "null" }] });
        if let (Some(default), Some(schema)) = (default, schema.as_object_mut()) {
            // `true` and `64` are themselves; what is no JSON is a text.
            schema.insert("default".into(), serde_json::from_str(default).unwrap_or_else(|_| default.into()));
        }
        self.properties.insert(key.into(), schema);
    }
}

/// The schema of a whole document, which `root` describes.
pub(crate) fn document(title: &str, root: fn(&mut Definitions) -> Json) -> Json {
    let mut definitions = Definitions::default();
    let root = root(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "allOf": [root],
        "$defs": definitions.0,
    })
}

/// One of these words.
pub(crate) fn words(words: &[&str]) -> Json {
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": VARIABLE }] })
}

/// A text of that pattern.
pub(crate) fn pattern(pattern: &str) -> Json {
    json!({ "type": "string", "pattern": format!("^(?:{pattern})$|{VARIABLE}") })
}

/// A text; YAML's readers may take it for a number or a truth value.
pub(crate) fn text() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

/// A whole number of that range.
pub(crate) fn number(minimum: u64, maximum: u64) -> Json {
    json!({ "anyOf": [
        { "type": "integer", "minimum": minimum, "maximum": maximum },
        { "type": "string", "pattern": VARIABLE },
    ] })
}

/// `true` or `false`.
pub(crate) fn truth() -> Json {
    json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": VARIABLE }] })
}
