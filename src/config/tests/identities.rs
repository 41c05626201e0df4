//! By what the presets know an event: what a provider tells apart is told apart here.

use http::HeaderMap;

use crate::config::preset_source;
use crate::locate::{Request, Scope, elements};
use crate::secret::Secret;

/// The id and the type of each event of a body.
fn told(preset: &str, body: &str) -> Vec<(Option<String>, Option<String>)> {
    let secrets = [Secret::new("a-secret-of-the-identities")];
    let source = preset_source(preset, &secrets, Some("https://a.example"), "/in/x");
    let identify = source.unwrap_or_else(|problems| panic!("{preset}: {problems}")).identify;
    let headers = HeaderMap::new();
    let request = Request {
        method: "POST",
        target: "/in/x",
        headers: &headers,
        body: body.as_bytes(),
        path_secret: None,
        peer: None,
    };
    let text = |value: crate::locate::Value<'_>| String::from_utf8(value.into_owned()).expect("UTF-8");
    let mut scope = Scope::of(request);
    let named = |scope: &Scope<'_>| {
        let kind = identify.kind.as_ref().and_then(|kind| kind.find_type(scope));
        (identify.id.find(scope).map(text), kind.map(text))
    };
    let Some(batch) = &identify.batch else { return vec![named(&scope)] };
    let elements = elements(batch, &request).expect("an array");
    let each = elements.iter().map(|element| {
        scope.enter(element);
        named(&scope)
    });
    each.collect()
}

fn ids(preset: &str, body: &str) -> Vec<String> {
    told(preset, body).into_iter().map(|(id, _)| id.expect("an id")).collect()
}

#[test]
fn a_change_is_another_one_on_another_page_and_at_another_time() {
    let entry = |page: u8, time: u32| {
        format!(r#"{{"id":"{page}","time":{time},"changes":[{{"field":"feed","value":{{"verb":"edited"}}}}]}}"#)
    };
    let body = |entries: &[String]| format!(r#"{{"object":"page","entry":[{}]}}"#, entries.join(","));
    let first = ids("meta", &body(&[entry(1, 10)]));
    assert_eq!(first, ids("meta", &body(&[entry(1, 10)])), "sent again");
    let others = ids("meta", &body(&[entry(1, 10), entry(2, 10), entry(1, 20)]));
    assert_eq!(others[0], first[0]);
    assert!(others[0] != others[1] && others[0] != others[2] && others[1] != others[2], "{others:?}");
    let no_time = r#"{"object":"page","entry":[{"changes":[{"field":"feed"}]}]}"#;
    assert_eq!(ids("meta", no_time).len(), 1, "an entry that says nothing of itself has an id as well");
}

#[test]
fn a_delivery_with_changes_and_messages_brings_both() {
    let leads = r#"{"id":"1","time":10,"changes":[{"field":"leadgen","value":{"leadgen_id":"44"}}]}"#;
    let messages = r#"{"id":"1","time":10,"messaging":[{"message":{"mid":"m_1"}}]}"#;
    for (body, expected) in [
        (format!("{leads},{messages}"), &["44", "m_1"][..]),
        (format!(r#"{{"id":"1","changes":[]}},{messages}"#), &["m_1"]),
    ] {
        assert_eq!(ids("meta", &format!(r#"{{"object":"page","entry":[{body}]}}"#)), expected);
    }
}

#[test]
fn an_association_is_known_by_both_of_its_objects_and_an_object_by_its_type() {
    let event = |rest: &str| {
        format!(r#"[{{"eventId":1,"portalId":2,"occurredAt":3,"attemptNumber":0,"subscriptionType":{rest}}}]"#)
    };
    let association = |to: u8| {
        event(&format!(r#""contact.associationChange","fromObjectId":4,"toObjectId":{to},"associationType":"A""#))
    };
    let object = event(r#""object.creation","objectId":4,"objectTypeId":"2-123""#);
    for preset in ["hubspot", "hubspot-legacy"] {
        let (first, second) = (told(preset, &association(5)), told(preset, &association(6)));
        assert_eq!(first[0].0.as_deref(), Some("2|contact.associationChange||4|5|1|3"));
        assert_ne!(first[0].0, second[0].0);
        assert_eq!(first[0].1.as_deref(), Some("contact.associationChange"));
        let named = (Some("2|object.creation|4|||1|3".to_owned()), Some("object.creation.2-123".to_owned()));
        assert_eq!(told(preset, &object), [named]);
    }
}

#[test]
fn an_interaction_has_an_id_and_a_type() {
    let [(id, kind)] = &told("slack", "payload=%7B%22type%22%3A%22block_actions%22%7D")[..] else {
        panic!("one event")
    };
    assert!(id.as_deref().is_some_and(|id| id.starts_with("sha256:")), "{id:?}");
    assert_eq!(kind.as_deref(), Some("interaction"));
    let command = told("slack", "command=%2Fweather&trigger_id=13345224609.8534564800");
    assert_eq!(command, [(Some("13345224609.8534564800".into()), Some("/weather".into()))]);
}
