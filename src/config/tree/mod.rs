//! YAML as a tree in which every value knows where it stands.
//!
//! A value has no type here: a scalar is text, and what is read from it is decided by who asks for it, so that `no`, `1e3`
//! and `12:30` are never anything but what was typed. Bounded in bytes, nodes and depth; an alias costs what it repeats,
//! so that a small file cannot become a large one. Duplicate keys, tags, further documents and `<<` are refused.

use std::sync::Arc;

use crate::config::environment::Environment;
use crate::config::place::{Document, Place};
use crate::config::problem::{At, Problems};

mod builder;
mod hide;

/// What `config show` writes for a secret. No secret is written so: nobody runs with what was shown.
pub(crate) const SECRET_SHOWN: &str = "***";
/// The largest file, in bytes.
pub(crate) const BYTES_MAX: usize = 1 << 20;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`: as if the key were not there.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A text; variables in it have been replaced.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// As it was typed.
    pub(crate) raw: String,
    /// Holds a secret: never to be shown.
    pub(crate) hidden: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

impl Node {
    /// Reads a document; what is wrong with it goes to `problems`. Without an environment a `$` is itself.
    pub(crate) fn read(
        document: &Arc<Document>,
        environment: Option<&dyn Environment>,
        problems: &mut Problems,
    ) -> Option<Self> {
        if document.text().len() > BYTES_MAX {
            problems.error(&At::default(), format!("{} bytes", document.text().len()), "a file of at most 1 MiB");
            return None;
        }
        let (mut root, mut dropped) = builder::build(document, environment, problems)?;
        document.hide(&hide::hide_secrets(&mut root, &mut dropped));
        Some(root)
    }

    /// No line of a finding shows any of it: nobody knows what it is, so it may be a secret.
    pub(crate) fn hide(&self) {
        match &self.value {
            Value::Scalar(_) => self.place.hide(),
            Value::List(items) => items.iter().for_each(Self::hide),
            Value::Map(entries) => entries.iter().for_each(|entry| entry.node.hide()),
            Value::Null => {}
        }
    }

    /// The value under a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries of a map; of anything else, none.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What a problem says that it found here: as it stands in the file, and of a secret nothing.
    pub(crate) fn shown(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Scalar(Scalar { hidden: true, .. }) => "a secret".into(),
            Value::Scalar(Scalar { text, raw, .. }) if text != raw => format!("`{raw}`, with its variables replaced"),
            Value::Scalar(scalar) => format!("`{}`", scalar.text.chars().take(80).collect::<String>()),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }
}
