//! Puts the YAML parser's events together to a tree, within its bounds.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::config::environment::Environment;
use crate::config::expand::expand;
use crate::config::place::{Document, Place};
use crate::config::problem::{At, Problems};
use crate::config::tree::{Entry, Node, Scalar, Value};

/// The most values of one file, aliases written out.
const NODES_MAX: usize = 50_000;
/// How deep values may lie within each other.
const DEPTH_MAX: usize = 32;

/// Reads a document; none where it is empty, or is no YAML, which `problems` then says. Beside it the values whose key
/// was there before, and which count for nothing.
pub(super) fn build(
    document: &Arc<Document>,
    environment: Option<&dyn Environment>,
    problems: &mut Problems,
) -> Option<(Node, Vec<Node>)> {
    let mut builder = Builder {
        document,
        environment,
        problems,
        open: Vec::new(),
        root: None,
        dropped: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut parser = Parser::new_from_str(document.text());
    while let Some(event) = parser.next_event() {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let place = Place::new(document, Span::empty(*error.marker()));
                Err((place, error.info().to_owned(), "YAML"))
            }
        };
        if let Err((place, found, expected)) = taken {
            builder.problems.error(&At::new("", &place), found, expected);
            return None;
        }
    }
    Some((builder.root?, builder.dropped))
}

/// Why reading cannot go on: where, what was found, what is expected.
type Halt = (Place, String, &'static str);

/// Puts the parser's events together.
struct Builder<'a> {
    document: &'a Arc<Document>,
    environment: Option<&'a dyn Environment>,
    problems: &'a mut Problems,
    open: Vec<Open>,
    root: Option<Node>,
    dropped: Vec<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A list or a map that has not ended yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Place)> },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Halt> {
        let place = Place::new(self.document, span);
        match event {
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return Err((place, "a tag".into(), "a value without one"));
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                return Err((place, "a second document".into(), "one document a file"));
            }
            Event::Scalar(text, style, anchor, None) => return self.scalar(&text, style, anchor, place),
            Event::SequenceStart(anchor, None) => self.begin(place, anchor, Content::List(Vec::new()))?,
            Event::MappingStart(anchor, None) => {
                self.begin(place, anchor, Content::Map { entries: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => return self.end(),
            Event::Alias(anchor) => return self.alias(anchor, place),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, place: Place, anchor: usize, content: Content) -> Result<(), Halt> {
        if self.awaits_a_key() {
            return Err((place, "a list or a map as a key".into(), "a text"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err((place, format!("more than {DEPTH_MAX} levels"), "fewer"));
        }
        self.open.push(Open { place, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Halt> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        self.put(Node { place: open.place, value }, open.anchor)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, place: Place) -> Result<(), Halt> {
        if let Some(Open { content: Content::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            if text == "<<" {
                return Err((place, "`<<`".into(), "the keys themselves; YAML 1.2 has no merge key"));
            }
            *key = Some((text.to_owned(), place));
            return Ok(());
        }
        let value = if style == ScalarStyle::Plain && matches!(text, "" | "~" | "null") {
            Value::Null
        } else {
            Value::Scalar(self.expanded(text, &place))
        };
        self.put(Node { place, value }, anchor)
    }

    fn expanded(&mut self, text: &str, place: &Place) -> Scalar {
        let expanded = self.environment.map(|environment| expand(text, environment));
        let raw = text.to_owned();
        let text = match expanded {
            None => raw.clone(),
            Some(Ok(expanded)) => expanded,
            Some(Err(error)) => {
                let at = At::new(self.path(), place);
                self.problems.unreadable(&at, error.found, error.expected);
                raw.clone()
            }
        };
        Scalar { text, raw, hidden: false }
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Halt> {
        if self.awaits_a_key() {
            return Err((place, "an alias as a key".into(), "a text"));
        }
        match self.anchors.get(&anchor).cloned() {
            Some(node) => {
                self.nodes += size(&node);
                self.put(node, 0)
            }
            None => Err((place, "an alias inside of what it names".into(), "an alias to a value that has ended")),
        }
    }

    /// The value is whole: it goes where it belongs.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Halt> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err((
                node.place,
                format!("more than {NODES_MAX} values"),
                "fewer; aliases count as what they repeat",
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let path = self.path();
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key }) => {
                let Some((key, place)) = key.take() else { return Ok(()) };
                match entries.iter().find(|entry| entry.key == key) {
                    Some(first) => {
                        let expected = format!("it once; it is already on line {}", first.place.line());
                        self.problems.error(&At::new(path, &place), format!("the key `{key}` a second time"), expected);
                        self.dropped.push(node);
                    }
                    None => entries.push(Entry { key, place, node }),
                }
            }
        }
        Ok(())
    }

    fn awaits_a_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    /// The key path of what is being read.
    fn path(&self) -> String {
        let mut at = At::default();
        for open in &self.open {
            at = match &open.content {
                Content::List(items) => at.index(items.len()),
                Content::Map { key: Some((key, _)), .. } => at.key(key),
                Content::Map { key: None, .. } => at,
            };
        }
        at.path
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.node)).sum(),
        Value::Null | Value::Scalar(_) => 0,
    }
}
