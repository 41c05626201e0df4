//! Texts with holes.

use proptest::prelude::*;

use super::*;
use crate::ingest::template::{Filling, Template};
use crate::locate::Scope;
use crate::signature::Subject;
use crate::signature::scheme::Allow;

fn fill(text: &str, value: &str, allow: Allow, json: bool) -> Option<String> {
    let received = received(parts("POST", "/?q=from%20query", &[("x-rate", "120")]), r#"{"a":"b\"c"}"#);
    let scope = Scope::of(received.request());
    Template::parse(text).fill(&Filling { value, mac: "MAC", scope: &scope, allow, json })
}

#[test]
fn holes_are_filled_and_all_else_is_literal() {
    for (text, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("{value}", "v"),
        ("{value}{mac}{value}", "vMACv"),
        (r#"{"challenge":"{value}"}"#, r#"{"challenge":"v"}"#),
        (r#"{"a":{"b":"{mac}"}}"#, r#"{"a":{"b":"MAC"}}"#),
        ("{header:X-Rate}", "120"),
        ("{=text}", "text"),
        ("{Value}{ value }{values}{}", "{Value}{ value }{values}{}"),
        ("{", "{"),
        ("}{value", "}{value"),
        ("{{value}}", "{v}"),
    ] {
        assert_eq!(fill(text, "v", Allow::Token, false).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn an_expression_that_is_missing_or_holds_what_is_not_allowed_leaves_nothing() {
    for (text, allow, expected) in [
        ("{header:X-None}", Allow::Text, None),
        ("{query:q}", Allow::Token, None),
        ("{query:q}", Allow::Text, Some("from query")),
        ("{json:/a}", Allow::Token, None),
        ("{header:X-Rate}", Allow::Hex, Some("120")),
    ] {
        assert_eq!(fill(text, "v", allow, false).as_deref(), expected, "{text} {allow:?}");
    }
}

#[test]
fn inside_json_what_is_put_in_stays_inside_its_string() {
    let text = r#"{"v":"{value}","a":"{json:/a}"}"#;
    let filled = fill(text, "\"},\\\n\u{0}{mac}", Allow::Text, true).expect("filled");
    let object: serde_json::Value = serde_json::from_str(&filled).expect("JSON");
    assert_eq!((&object["v"], &object["a"]), (&"\"},\\\n\u{0}{mac}".into(), &"b\"c".into()));
}

proptest! {
    #[test]
    fn whatever_is_put_into_json_can_be_read_out_again(value in ".{0,40}") {
        let filled = fill(r#"{"v":"{value}"}"#, &value, Allow::Text, true).expect("filled");
        let object: serde_json::Value = serde_json::from_str(&filled).expect("JSON");
        prop_assert_eq!(object["v"].as_str(), Some(value.as_str()));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}\":=/a-z]{0,40}") {
        fill(&text, "v", Allow::Token, false);
    }
}
