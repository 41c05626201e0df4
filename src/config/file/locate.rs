//! Expressions: where a value is, in the short form (`header:Name`) and in the long ones (`{ first: […] }`).

use http::HeaderName;
use serde_json::{Value as Json, json};

use crate::config::decode::{Decode, block, scalar};
use crate::config::file::scalars::Separator;
use crate::config::problem::{At, Problems};
use crate::config::schema::{self, Definitions};
use crate::config::tree::{Node, Value};
use crate::locate::{Batch, Composite, Expr, split_optional};
use crate::signature::scheme::{self, Part, What};

/// What a problem says is expected where an expression should be.
const SHORT: &str =
    "header:Name, query:name, form:name, json:/pointer, xml:/path, item:/pointer, kv:name, =text or hash";
/// The keys of the long forms.
const LONG: [&str; 5] = ["first", "from", "starts_with", "member", "except"];

/// Whether a map is a long form of an expression, so that it is replaced as a whole.
pub(crate) fn is_expression_map(node: &Node) -> bool {
    node.get("first").is_some() || node.get("starts_with").is_some() || node.get("member").is_some()
}

/// A text that is not empty.
#[derive(Debug, Clone)]
pub(crate) struct Text(pub(crate) String);

scalar!(Text, |text| (!text.is_empty()).then(|| Self(text.to_owned())), "a text", schema::text());

impl Decode for Expr {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) => match Expr::parse(&scalar.text) {
                Ok(expression) => Some(expression),
                Err(error) => refuse(node, at, &error.to_string(), problems),
            },
            Value::List(items) => composite(items, at, problems),
            Value::Map(_) => long(node, at, problems),
            Value::Null => refuse(node, at, &format!("expected {SHORT}"), problems),
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        definitions.define("Expression", |_| {
            let this = json!({ "$ref": "#/$defs/Expression" });
            let map = |keys: Json| json!({ "type": "object", "properties": keys, "additionalProperties": false });
            json!({ "description": "Where a value is.", "anyOf": [
                schema::pattern("(header|query|form|kv):.+|xml:/.+|(json|item):.*|=[\\s\\S]*|hash"),
                { "type": "array", "items": this },
                map(json!({ "first": { "type": "array", "items": this } })),
                map(json!({ "from": this, "starts_with": schema::text() })),
                map(json!({ "member": schema::text(), "except": { "type": "array", "items": schema::text() } })),
            ] })
        })
    }
}

fn refuse<T>(node: &Node, at: &At, error: &str, problems: &mut Problems) -> Option<T> {
    problems.error(at, node.shown(), error.strip_prefix("expected ").unwrap_or(error));
    None
}

fn composite(items: &[Node], at: &At, problems: &mut Problems) -> Option<Expr> {
    if items.is_empty() {
        problems.error(at, "an empty list", "at least one expression");
        return None;
    }
    let before = problems.errors();
    let parts = items.iter().enumerate().filter_map(|(index, item)| {
        let (item, optional) = without_question_mark(item);
        let expr = Expr::decode(&item, &at.index(index).placed(&item.place), problems)?;
        Some(Composite { expr, optional })
    });
    let parts: Vec<Composite> = parts.collect();
    (problems.errors() == before).then_some(Expr::Composite(parts))
}

/// `item:/a?` is `item:/a` that may be missing.
fn without_question_mark(node: &Node) -> (Node, bool) {
    let mut node = node.clone();
    let Value::Scalar(scalar) = &mut node.value else { return (node, false) };
    let (text, optional) = split_optional(&scalar.text);
    scalar.text = text.to_owned();
    (node, optional)
}

fn long(node: &Node, at: &At, problems: &mut Problems) -> Option<Expr> {
    for entry in node.entries() {
        if !LONG.contains(&entry.key.as_str()) {
            entry.node.hide();
            problems.unknown(&at.key(&entry.key).placed(&entry.place), "key", &entry.key, &LONG);
        }
    }
    let keys: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
    let child = |key: &str| node.get(key).map(|child| (child, at.key(key).placed(&child.place)));
    match (child("first"), child("from"), child("starts_with"), child("member")) {
        (Some((list, at)), None, None, None) if keys.len() == 1 => {
            let before = problems.errors();
            let expressions = Vec::<Expr>::decode(list, &at, problems)?;
            if expressions.is_empty() && problems.errors() == before {
                problems.error(&at, "an empty list", "at least one expression");
            }
            (problems.errors() == before).then_some(Expr::First(expressions))
        }
        (None, Some((from, from_at)), Some((start, start_at)), None) if keys.len() == 2 => {
            let from = Expr::decode(from, &from_at, problems);
            let start = String::decode(start, &start_at, problems);
            Some(Expr::StartsWith(Box::new(from?), start?))
        }
        (None, None, None, Some((of, of_at))) => {
            let names = child("except").map(|(list, at)| Vec::<String>::decode(list, &at, problems));
            let except = names.unwrap_or_default().unwrap_or_default();
            match Expr::decode(of, &of_at, problems)? {
                Expr::Json(of) => Some(Expr::Member { of, except }),
                _ => refuse(of, &of_at, "json:/pointer", problems),
            }
        }
        _ => {
            let expected =
                "{ first: [e, …] }, { from: e, starts_with: text } or { member: json:/pointer, except: [name] }";
            problems.error(at, format!("a map with {}", keys.join(", ")), expected);
            None
        }
    }
}

impl Decode for Batch {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        if let (Some(list), 1) = (node.get("first"), node.entries().len()) {
            let before = problems.errors();
            let batches = Vec::<Self>::decode(list, &at.key("first").placed(&list.place), problems)?;
            return (problems.errors() == before && !batches.is_empty()).then_some(Self::First(batches));
        }
        match node.text().map(Self::parse) {
            Some(Ok(batch)) => Some(batch),
            _ => refuse(node, at, "json:/pointer, xml:/path, form:name, lines, or { first: [such, …] }", problems),
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        definitions.define("Batch", |_| {
            let list = json!({ "type": "array", "items": { "$ref": "#/$defs/Batch" } });
            json!({ "description": "The array whose elements are the events.", "anyOf": [
                schema::pattern("json:/.*|xml:/.+|form:.+|lines"),
                { "type": "object", "properties": { "first": list }, "required": ["first"], "additionalProperties": false },
            ] })
        })
    }
}

/// What is signed: alternatives, each a list of parts.
#[derive(Debug, Clone)]
pub(crate) struct Content(pub(crate) Vec<Vec<Part>>);

impl Decode for Content {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        let before = problems.errors();
        let alternatives = match &node.value {
            Value::List(items)
                if !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::List(_))) =>
            {
                Vec::<Vec<Part>>::decode(node, at, problems)?
            }
            _ => vec![Vec::<Part>::decode(node, at, problems)?],
        };
        if problems.errors() == before && alternatives.iter().any(Vec::is_empty) {
            problems.error(at, "an empty list", "at least one part; what signs nothing proves nothing");
            return None;
        }
        Some(Self(alternatives))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let part = Part::schema(definitions);
        json!({ "type": "array", "items": { "anyOf": [part, { "type": "array", "items": part }] } })
    }
}

block! {
    /// A part of `content`: headers that the request itself lists.
    HeaderList {
        /// The list of their names, such as header:X-Signed-Headers.
        headers: Expr,
        /// The list is cut here; each trimmed piece is a name.
        separator: Separator = "','",
        /// Each name in lower case stands before its value, with this between them. Absent: the values alone.
        named: Option<String>,
        /// What stands between one header and the next.
        join: String = "''",
        /// Headers that have to be on the list, such as that of the time.
        must: Vec<HeaderName>,
    }
}

fn header_list(node: &Node, at: &At, problems: &mut Problems) -> Option<Part> {
    let list = HeaderList::decode(node, at, problems)?;
    let what = What::HeaderList(scheme::HeaderList {
        names: (*list.headers).clone(),
        separator: list.separator.0,
        named: (*list.named).clone(),
        join: (*list.join).clone(),
        must: (*list.must).clone(),
    });
    Some(Part { what, optional: false })
}

impl Decode for Part {
    fn decode(node: &Node, at: &At, problems: &mut Problems) -> Option<Self> {
        if node.get("headers").is_some() {
            return header_list(node, at, problems);
        }
        let (bare, optional) = without_question_mark(node);
        let what = match bare.text() {
            Some("body") => What::Body,
            Some("method") => What::Method,
            Some("url") => What::Url,
            Some("url_port") => What::UrlPort,
            Some("url_no_port") => What::UrlNoPort,
            Some("path_query") => What::PathQuery,
            Some("form_sorted") => What::FormSorted,
            Some("form_as_json") => What::FormAsJson,
            Some("secret") => What::Secret,
            Some("body_crc32") => What::BodyCrc32,
            Some(text) => match Expr::parse(text) {
                Ok(expression) if expression != Expr::Hash => What::Expr(expression),
                _ => {
                    let expected = "body, method, url, url_port, url_no_port, path_query, form_sorted, form_as_json, secret, body_crc32, { headers: e }, or an expression";
                    return refuse(node, at, expected, problems);
                }
            },
            None => match Expr::decode(&bare, at, problems)? {
                expression @ (Expr::StartsWith(..) | Expr::Member { .. }) => What::Expr(expression),
                _ => return refuse(node, at, "one part; `first` and composites are not for `content`", problems),
            },
        };
        Some(Self { what, optional })
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let words = "(body|method|url|url_port|url_no_port|path_query|form_sorted|form_as_json|secret|body_crc32)[?]?";
        json!({ "anyOf": [schema::pattern(words), Expr::schema(definitions), HeaderList::schema(definitions)] })
    }
}

/// A pointer as `json` and `item` of `auth` write it, without the word before it.
pub(crate) fn pointer(word: &str, text: &str) -> Option<Expr> {
    Expr::parse(&format!("{word}:{text}")).ok()
}
