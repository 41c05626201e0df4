//! Where the id and the type of an event may be: by name alone, so each is a guess.

use super::captured::Captured;
use crate::locate::{Expr, Scope};

/// Parts of a header's name, the likeliest first.
const ID_HEADERS: [&str; 8] = [
    "idempotency-key",
    "webhook-id",
    "event-id",
    "delivery-id",
    "delivery",
    "message-id",
    "notification-id",
    "event-uuid",
];
const TYPE_HEADERS: [&str; 5] = ["event-type", "webhook-event", "topic", "event-name", "event"];
const ID_MEMBERS: [&str; 10] = [
    "/event_id",
    "/eventId",
    "/webhook_id",
    "/delivery_id",
    "/notification_id",
    "/idempotency_key",
    "/meta/id",
    "/event/id",
    "/id",
    "/uuid",
];
const TYPE_MEMBERS: [&str; 9] =
    ["/event_type", "/eventType", "/type", "/event/type", "/event", "/event_name", "/topic", "/meta/action", "/action"];
const ID_PARAMETERS: [&str; 4] = ["event_id", "id", "transaction_id", "transactionid"];
const TYPE_PARAMETERS: [&str; 3] = ["event", "type", "action"];

/// What a source may say about its events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) batch: Option<&'static str>,
    pub(super) id: Option<String>,
    pub(super) kind: Option<String>,
}

pub(super) fn guess(captured: &Captured) -> Guess {
    // A list is a delivery of several events.
    let batch = captured.body.trim_ascii_start().starts_with(b"[").then_some("json:/");
    let in_body = if batch.is_some() { "item:" } else { "json:" };
    let parameters = if captured.body.is_empty() { "query:" } else { "form:" };
    let find = |headers: &[&str], members: &[&str], parameters_of: &[&str]| {
        // A header would name the delivery, and not each event in it.
        let headers = headers.iter().filter(|_| batch.is_none()).filter_map(|part| header(captured, part));
        let members = members.iter().map(|member| format!("{in_body}{member}"));
        let parameters = parameters_of.iter().map(|name| format!("{parameters}{name}"));
        headers.chain(members).chain(parameters).find(|place| is_there(captured, place, batch.is_some()))
    };
    Guess {
        batch,
        id: find(&ID_HEADERS, &ID_MEMBERS, &ID_PARAMETERS),
        kind: find(&TYPE_HEADERS, &TYPE_MEMBERS, &TYPE_PARAMETERS),
    }
}

/// The header whose name is that, or ends so.
fn header(captured: &Captured, part: &str) -> Option<String> {
    let is_it = |name: &&http::HeaderName| name.as_str() == part || name.as_str().ends_with(&format!("-{part}"));
    captured.headers.keys().find(is_it).map(|name| format!("header:{name}"))
}

/// Whether a text or a number is there, in the first element of a list.
fn is_there(captured: &Captured, place: &str, in_elements: bool) -> bool {
    let request = captured.request();
    let first =
        in_elements.then(|| crate::locate::elements(&crate::locate::Batch::parse("json:/").ok()?, &request)).flatten();
    let mut scope = Scope::of(request);
    if let Some(element) = first.as_ref().and_then(|elements| elements.iter().next()) {
        scope.enter(element);
    }
    let Ok(expr) = Expr::parse(place) else { return false };
    expr.find(&scope).is_some_and(|value| !value.is_empty() && !value.starts_with(b"{") && !value.starts_with(b"["))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(head: &str, body: &str) -> Guess {
        guess(&Captured::read(format!("{head}\n\n{body}").as_bytes()).expect("a request"))
    }

    #[test]
    fn ids_and_types_are_guessed_by_their_names() {
        let of = |id: &str, kind: &str| Guess { batch: None, id: Some(id.into()), kind: Some(kind.into()) };
        let found = guessed("POST /a\nX-Acme-Event: paid\nX-Acme-Delivery: 1", r#"{"id":2,"type":"x"}"#);
        assert_eq!(found, of("header:x-acme-delivery", "header:x-acme-event"));
        assert_eq!(guessed("POST /a", r#"{"id":2,"event":{"type":"x"}}"#), of("json:/id", "json:/event/type"));
        assert_eq!(guessed("POST /a", "id=1&type=x"), of("form:id", "form:type"));
        assert_eq!(guessed("GET /a?id=1&action=x", ""), of("query:id", "query:action"));
        assert_eq!(guessed("POST /a", r#"{"id":{}}"#), Guess::default());
    }

    #[test]
    fn of_a_list_each_element_has_its_own() {
        let found = guessed("POST /a\nX-Event-Id: 1", r#"[{"id":2,"type":"x"}]"#);
        assert_eq!(
            found,
            Guess { batch: Some("json:/"), id: Some("item:/id".into()), kind: Some("item:/type".into()) }
        );
    }
}
