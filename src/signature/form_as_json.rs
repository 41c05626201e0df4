//! A form written as the JSON that some senders sign instead of it: one object of texts, fields in their order, a space
//! behind each comma and colon, and everything beyond printable ASCII escaped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::locate::{is_endless, pairs};

/// None where a name or value is no UTF-8, or a name comes twice: nobody knows which of them was signed. Nor where there
/// are more than are read.
pub(super) fn form_as_json(body: &[u8]) -> Option<Vec<u8>> {
    if is_endless(body) {
        return None;
    }
    let mut names = BTreeSet::new();
    let mut json = String::from("{");
    for pair in pairs(body) {
        let name = String::from_utf8(pair.name().into_owned()).ok()?;
        if !names.is_empty() {
            json.push_str(", ");
        }
        push_text(&mut json, &name);
        json.push_str(": ");
        push_text(&mut json, std::str::from_utf8(&pair.value()).ok()?);
        if !names.insert(name) {
            return None;
        }
    }
    json.push('}');
    Some(json.into_bytes())
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            ' '..='~' => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a text cannot fail.
                    write!(json, "\\u{unit:04x}").ok();
                }
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_an_object_of_texts() {
        for (form, expected) in [
            ("", "{}"),
            ("name=invoice.create&object_id=1234567", r#"{"name": "invoice.create", "object_id": "1234567"}"#),
            ("b=&a", r#"{"b": "", "a": ""}"#),
            ("a=x+y%26z%2F", r#"{"a": "x y&z/"}"#),
            ("a=%22%5C%0A%0D%09%08%0C%00%1F%7F", r#"{"a": "\"\\\n\r\t\b\f\u0000\u001f\u007f"}"#),
            ("%C3%A9=%E2%82%AC%F0%9F%98%80", r#"{"\u00e9": "\u20ac\ud83d\ude00"}"#),
        ] {
            let json = form_as_json(form.as_bytes()).map(|json| String::from_utf8(json).expect("text"));
            assert_eq!(json.as_deref(), Some(expected), "{form}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_nothing() {
        for form in ["a=1&a=1", "a=1&%61=2", "a=%FF", "%FF=1"] {
            assert_eq!(form_as_json(form.as_bytes()), None, "{form}");
        }
    }
}
