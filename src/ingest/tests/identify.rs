//! What an authentic delivery says, and what is made of one that lacks something.

use prometheus_client::metrics::gauge::Gauge;

use super::*;
use crate::event::{HeadersView, header};
use crate::ingest::Reject;
use crate::ingest::identify::{Identified, Identifier, events};
use crate::locate::{Batch, Composite, content_hash};
use crate::throttle::Budget;
use crate::units::ByteSize;

fn identifier(change: impl FnOnce(&mut Settings)) -> Identifier {
    let mut settings = settings("orders");
    change(&mut settings);
    Identifier::new(&settings)
}

fn get<'e>(headers: HeadersView<'e>, name: &str) -> Option<&'e str> {
    headers.get(name).map(|value| std::str::from_utf8(value).expect("UTF-8"))
}

/// Of each event the value, the id, the type, and what it lacks.
fn told(found: &Identified) -> Vec<(String, &str, &str, Option<&str>)> {
    let of = |candidate: &'_ crate::ingest::identify::Candidate| {
        String::from_utf8_lossy(&candidate.event().value).into_owned()
    };
    let all = found.candidates().iter();
    all.map(|one| (of(one), one.id(), one.kind(), get(one.event().headers.view(), header::MALFORMED))).collect()
}

#[test]
fn an_event_is_named_by_what_its_source_says() {
    let identifier = identifier(|settings| {
        settings.identify.kind = Some(expr("json:/type"));
        settings.identify.key = Some(expr("json:/key"));
        settings.identify.also = Some(expr("json:/token"));
    });
    let found = events(&identifier, delivery(r#"{"id":1,"type":"a.b","key":2.0,"token":"t"}"#)).expect("good");
    let [candidate] = found.candidates() else { panic!("one event") };
    let event = candidate.event();
    assert_eq!((candidate.id(), candidate.kind(), candidate.also.as_deref()), ("1", "a.b", Some(&b"t"[..])));
    assert_eq!((event.key.as_deref(), event.received_at), (Some(&b"2.0"[..]), NOW));
    assert_eq!((event.source.as_str(), event.topic.as_str()), ("orders", "webhooks.orders"));
    let headers = event.headers.view();
    assert_eq!(get(headers, header::CE_TYPE), Some("orders.a.b"));
    assert_eq!(get(headers, header::CE_TIME), Some("2023-11-14T22:13:20.123Z"));
    assert_eq!(get(headers, header::VERIFIED), Some("none"));
    assert_eq!((get(headers, header::BATCH), get(headers, header::MALFORMED)), (None, None));
    assert!(event.digests.is_empty(), "that is the dedupe's");
}

#[test]
fn an_empty_second_key_is_none() {
    let identifier = identifier(|settings| settings.identify.also = Some(expr("json:/token")));
    for body in [r#"{"id":1,"token":""}"#, r#"{"id":1,"token":null}"#, r#"{"id":1}"#] {
        let found = events(&identifier, delivery(body)).expect("good");
        assert_eq!(found.candidates()[0].also, None, "{body}");
    }
}

#[test]
fn what_is_missing_is_said_and_rejected_only_where_that_was_asked_for() {
    let of = |reject: bool| {
        identifier(|settings| {
            settings.identify.kind = Some(expr("json:/type"));
            settings.identify.key = Some(expr("json:/key"));
            settings.identify.reject_malformed = reject;
            settings.malformed = StatusCode::NOT_ACCEPTABLE;
        })
    };
    for (body, missing) in [
        (r#"{"id":1,"type":"a","key":"k"}"#, None),
        (r#"{"id":1,"type":"a"}"#, Some("key")),
        (r#"{"id":1}"#, Some("type,key")),
        ("{}", Some("id,type,key")),
        (r#"{"id":"","type":"","key":""}"#, Some("id,type,key")),
        (r#"{"id":null,"type":null,"key":null}"#, Some("id,type,key")),
        ("", Some("id,type,key")),
    ] {
        let kept = events(&of(false), delivery(body)).expect("kept");
        assert_eq!(told(&kept)[0].3, missing, "{body}");
        let rejected = events(&of(true), delivery(body)).err();
        let is_lacking = missing.is_some_and(|missing| missing != "key");
        let status = StatusCode::NOT_ACCEPTABLE;
        assert_eq!(rejected, is_lacking.then_some(Reject::Malformed { status }), "{body}");
    }
}

#[test]
fn an_id_that_no_header_could_hold_is_missing() {
    let longest = "i".repeat(16 * 1024);
    for (id, fits) in
        [(longest.clone(), true), (longest + "i", false), ("\\u0000".into(), true), ("\\ud800".into(), false)]
    {
        let body = format!(r#"{{"id":"{id}"}}"#);
        let found = events(&identifier(|_| {}), delivery(&body)).expect("kept");
        assert_eq!(told(&found)[0].3, (!fits).then_some("id"), "{id:.10}");
        assert_eq!(told(&found)[0].1 == content_hash(body.as_bytes()), !fits);
    }
    let by_header = identifier(|settings| settings.identify.id = expr("header:x-id"));
    let mut head = parts("POST", "/", &[]);
    head.headers.insert("x-id", http::HeaderValue::from_bytes(b"\xff").expect("a value"));
    let found = events(&by_header, authentic(received(head, "x"))).expect("kept");
    assert_eq!(told(&found)[0].1, content_hash(b"x"), "not UTF-8");
}

#[test]
fn a_batch_is_its_elements_or_one_event_that_lacks_it() {
    let identifier = identifier(|settings| {
        settings.identify.batch = Some(Batch::parse("json:/data").expect("a batch"));
        settings.identify.id = expr("item:/id");
    });
    let batch = events(&identifier, delivery(r#"{"data":[ {"id":1} ,2]}"#)).expect("kept");
    let hash = content_hash(b"2");
    assert_eq!(told(&batch), [("{\"id\":1}".into(), "1", "event", None), ("2".into(), &hash, "event", Some("id"))]);
    let places = batch.candidates().iter().map(|one| get(one.event().headers.view(), header::BATCH));
    assert_eq!(places.collect::<Vec<_>>(), [Some("1/2"), Some("2/2")]);
    assert!(events(&identifier, delivery(r#"{"data":[]}"#)).expect("kept").candidates().is_empty());
    for body in [r#"{"data":{"id":1},"id":1}"#, r#"{"id":1}"#, "", "[1]"] {
        let whole = events(&identifier, delivery(body)).expect("kept");
        assert_eq!(told(&whole), [(body.into(), content_hash(body.as_bytes()).as_str(), "event", Some("batch"))]);
    }
}

#[test]
fn the_records_of_a_batch_count_in_the_budget_until_they_are_safe() {
    let identifier = identifier(|settings| {
        settings.identify.batch = Some(Batch::parse("json:/data").expect("a batch"));
        settings.identify.id =
            Expr::Composite(["json:/of", "item:/"].map(|part| Composite::parse(part).expect(part)).to_vec());
    });
    let budget = Budget::new(ByteSize::mib(1), Gauge::default());
    let with = |elements: usize| {
        let body = format!(r#"{{"of":"{}","data":[{}]}}"#, "x".repeat(1000), vec!["1"; elements].join(","));
        let mut received = received(parts("POST", "/in/orders", &[]), body);
        received.held = Some(budget.try_acquire(8192).expect("room"));
        events(&identifier, authentic(received))
    };
    let few = with(10).expect("room");
    assert!(budget.used() > 8192 + 10 * 2000, "id and header: {}", budget.used());
    let (candidates, held) = few.into_parts();
    drop(candidates);
    assert!(budget.used() > 8192 + 10 * 2000, "that is for whoever keeps them");
    drop(held);
    assert_eq!(with(1000).err(), Some(Reject::BudgetSpent));
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_rejected_delivery_is_rejected_whole() {
    let identifier = identifier(|settings| {
        settings.identify.batch = Some(Batch::parse("json:/").expect("a batch"));
        settings.identify.id = expr("item:/id");
        settings.identify.reject_malformed = true;
    });
    for (body, good) in [(r#"[{"id":1}]"#, true), ("[]", true), (r#"[{"id":1},{}]"#, false), ("{}", false)] {
        assert_eq!(events(&identifier, delivery(body)).is_ok(), good, "{body}");
    }
}

#[test]
fn the_value_is_the_body_or_the_query_less_its_credential() {
    let value = |payload: Payload, method: &str| {
        let identifier = identifier(|settings| {
            settings.identify.payload = payload;
            settings.identify.credential_parameters = vec!["a b".into(), "token".into()];
        });
        let request = received(parts(method, "/in/orders?x=1&a+b=2&%74oken=3&&token&tokens=4", &[]), "the body");
        told(&events(&identifier, authentic(request)).expect("kept")).remove(0).0
    };
    for (payload, method, expected) in [
        (Payload::ByMethod, "GET", "x=1&&tokens=4"),
        (Payload::ByMethod, "POST", "the body"),
        (Payload::Query, "POST", "x=1&&tokens=4"),
        (Payload::Body, "GET", "the body"),
        (Payload::Headers, "GET", "the body"),
    ] {
        assert_eq!(value(payload, method), expected, "{payload:?} {method}");
    }
}

#[test]
fn where_headers_are_the_event_the_hash_covers_those_that_are_listed() {
    let identifier = identifier(|settings| {
        settings.identify.payload = Payload::Headers;
        settings.identify.id = expr("hash");
        settings.identify.headers = vec!["x-a".parse().expect("a name"), "x-b".parse().expect("a name")];
    });
    let id = |headers: &[(&str, &str)]| {
        let found = events(&identifier, authentic(received(parts("POST", "/", headers), "body"))).expect("kept");
        (told(&found)[0].1.to_owned(), told(&found)[0].3.map(str::to_owned))
    };
    let base = id(&[("x-a", "1"), ("x-b", "2")]);
    assert_eq!(base, id(&[("x-b", "2"), ("x-a", "1"), ("x-c", "3")]), "not listed, or in another order");
    for other in [&[("x-a", "1")][..], &[("x-a", "2"), ("x-b", "1")], &[("x-a", "1"), ("x-a", "1"), ("x-b", "2")], &[]]
    {
        assert_ne!(id(other).0, base.0, "{other:?}");
    }
    assert_eq!(base.1, None, "a hash that was said on purpose is no lack");
}

#[test]
fn a_header_on_several_lines_is_one() {
    let identifier = identifier(|settings| settings.identify.headers = vec!["x-a".parse().expect("a name")]);
    let head = [("x-a", "1"), ("content-encoding", "br"), ("x-a", " 2"), ("content-encoding", "gzip")];
    let found = events(&identifier, authentic(received(parts("POST", "/", &head), "x"))).expect("kept");
    let headers = found.candidates()[0].event().headers.view();
    assert_eq!(get(headers, "http-x-a"), Some("1,  2"), "as it came: hyper has cut the spaces");
    assert_eq!(get(headers, header::CONTENT_ENCODING), Some("br, gzip"));
    assert_eq!(get(headers, header::CONTENT_TYPE), None);
}

#[test]
fn a_composite_id_is_whole_or_none() {
    let part = |text: &str| Composite::parse(text).expect(text);
    let id = Expr::Composite(vec![part("json:/a"), part("json:/b?")]);
    let identifier = identifier(|settings| settings.identify.id = id);
    for (body, expected) in [
        (r#"{"a":"x|","b":"y%"}"#, Some("x%7C|y%25")),
        (r#"{"a":"x"}"#, Some("x|")),
        (r#"{"b":"y"}"#, None),
        (r#"{"a":"x","b":""}"#, Some("x|")),
        (r#"{"a":"","b":"y"}"#, None),
        (r#"{"a":"","b":""}"#, None),
    ] {
        let found = events(&identifier, delivery(body)).expect("kept");
        let hash = content_hash(body.as_bytes());
        assert_eq!(told(&found)[0].1, expected.unwrap_or(&hash), "{body}");
    }
}
