//! Batches: the first line, into the body that follows it.

use hookgate::locate::{Batch, ELEMENTS_MAX, Elements, Pointer, Request, elements};
use http::HeaderMap;
use serde_json::Value;

pub(super) fn run(data: &[u8]) {
    let Some((text, body)) = super::first_line(data) else { return };
    let Ok(batch) = Batch::parse(text) else { return };
    assert_eq!(Batch::parse(&batch.to_string()).as_ref(), Ok(&batch), "a batch is read as it is written");
    let headers = HeaderMap::new();
    let request = Request { method: "POST", target: "/", headers: &headers, body, path_secret: None, peer: None };
    let found = elements(&batch, &request);
    if let Some(found) = &found {
        lie_apart(found, &batch, body);
    }
    let Batch::Json(pointer) = &batch else { return };
    // Objects with a name twice: the tree keeps the last of them, and of `*` the gateway takes all.
    let Some(tree) = serde_json::from_slice::<Value>(body).ok().filter(|_| !body.contains(&b'{') || is_plain(body))
    else {
        return;
    };
    let mut expected = None;
    collect(&tree, pointer, 0, &mut expected);
    let read = |elements: Elements<'_>| -> Vec<Value> {
        elements.iter().map(|element| serde_json::from_slice(element.value()).expect("an element is JSON")).collect()
    };
    if expected.as_ref().is_none_or(|list: &Vec<Value>| list.len() <= ELEMENTS_MAX) {
        // serde_json's map is sorted, and the gateway keeps the order of the body.
        let sorted = |list: Vec<Value>| {
            let mut texts: Vec<String> = list.iter().map(Value::to_string).collect();
            texts.sort_unstable();
            texts
        };
        assert_eq!(found.map(read).map(sorted), expected.map(sorted), "{batch}");
    }
}

/// Every element is a slice of the text, a JSON value, and behind the one before it.
fn lie_apart(found: &Elements<'_>, batch: &Batch, body: &[u8]) {
    assert!(found.len() <= ELEMENTS_MAX);
    let owned = body.to_vec().into();
    let text = found.text(&owned);
    if !matches!(batch, Batch::Form(_)) {
        assert_eq!(*text, *body);
    }
    let mut end = 0;
    for (index, element) in found.iter().enumerate() {
        let range = element.range();
        assert_eq!(element.index(), index);
        assert!(end <= range.start && range.start < range.end && range.end <= text.len());
        assert_eq!(&text[range.clone()], element.value());
        assert!(serde_json::from_slice::<&serde_json::value::RawValue>(element.value()).is_ok());
        end = range.end;
    }
}

/// Whether no object has a name twice: written again from the tree, it would be shorter.
fn is_plain(body: &[u8]) -> bool {
    let colons = |text: &[u8]| text.split(|byte| *byte == b':').count();
    let tree = serde_json::from_slice::<Value>(body).map(|tree| tree.to_string()).unwrap_or_default();
    colons(tree.as_bytes()) == colons(body)
}

/// The elements at the pointer, `*` being all; nothing where there is no array on the way.
fn collect(here: &Value, pointer: &Pointer, depth: usize, found: &mut Option<Vec<Value>>) {
    let Some(token) = pointer.0.get(depth) else {
        if let Value::Array(list) = here {
            found.get_or_insert_default().extend(list.iter().cloned());
        }
        return;
    };
    let plain = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    let children: Vec<&Value> = match (here, token.as_str()) {
        (Value::Array(list), "*") => list.iter().collect(),
        (Value::Object(members), "*") => members.values().collect(),
        (Value::Object(members), name) => members.get(name).into_iter().collect(),
        (Value::Array(list), index) => {
            index.parse().ok().filter(|_| plain).and_then(|at: usize| list.get(at)).into_iter().collect()
        }
        _ => return,
    };
    if children.is_empty() && token == "*" {
        found.get_or_insert_default();
    }
    for child in children {
        collect(child, pointer, depth + 1, found);
    }
}
