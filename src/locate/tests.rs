//! Expressions against whole requests.

use std::hint::black_box;
use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn request<'a>(target: &'a str, headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", target, headers, body, path_secret: None, peer: None }
}

fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a value"));
    }
    map
}

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect(text)
}

fn list(members: &[&str]) -> Expr {
    Expr::Composite(members.iter().map(|text| Composite::parse(text).expect(text)).collect())
}

fn first(members: &[&str]) -> Expr {
    Expr::First(members.iter().map(|text| expr(text)).collect())
}

fn pieces<'a>(of: &[&'a str]) -> Vec<Value<'a>> {
    of.iter().map(|piece| piece.as_bytes().into()).collect()
}

fn text(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// What the expression gives for each element.
fn each(batch: &str, body: &str, expr: &Expr) -> Option<Vec<Option<String>>> {
    let headers = HeaderMap::new();
    let request = request("/", &headers, body.as_bytes());
    let elements = elements(&Batch::parse(batch).expect(batch), &request)?;
    let mut scope = Scope::of(request);
    let values = elements.iter().map(|element| {
        scope.enter(element);
        text(expr.find(&scope))
    });
    Some(values.collect())
}

fn all(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn every_form_finds_its_value() {
    let headers =
        headers(&[("x-id", b"  a b\t"), ("x-two", b"1"), ("x-two", b"2"), ("x-raw", b"\xff\xfe"), ("x-empty", b"")]);
    let body = br#"{"id":7,"form":"x","o":{"k":"v"}}"#;
    let mut scope = Scope::of(request("/in?hub.mode=sub%20scribe&hub.mode=2&e=", &headers, body));
    scope.set_pieces(pieces(&["t=12", "v1=aa", "v1=bb", "tt=no"]));
    for (of, expected) in [
        ("header:X-Id", Some("a b")),
        ("header:x-two", Some("1")),
        ("header:x-empty", Some("")),
        ("header:x-none", None),
        ("query:hub.mode", Some("sub scribe")),
        ("query:e", Some("")),
        ("query:mode", None),
        ("form:id", None),
        ("json:/id", Some("7")),
        ("json:/o/k", Some("v")),
        ("json:/o", Some(r#"{"k":"v"}"#)),
        ("item:/id", Some("7")),
        ("item:^1/id", None),
        ("item:#", Some("0")),
        ("kv:t", Some("12")),
        ("kv:v1", Some("aa")),
        ("kv:v", None),
        ("=x", Some("x")),
    ] {
        assert_eq!(text(expr(of).find(&scope)).as_deref(), expected, "{of}");
    }
    let raw = expr("header:x-raw");
    assert_eq!(raw.find(&scope).as_deref(), Some(&b"\xff\xfe"[..]));
}

#[test]
fn what_comes_twice_is_known_to() {
    let headers = headers(&[("x-one", b"1, 2"), ("x-two", b"1"), ("x-two", b"1")]);
    let mut scope = Scope::of(request("/?a=1&%61=2&b=1", &headers, b"f=1&g=2&f=1"));
    scope.set_pieces(pieces(&["t=1", "t=2", "v1=a"]));
    for twice in ["header:x-two", "query:a", "form:f", "kv:t"] {
        assert!(expr(twice).is_repeated(&scope), "{twice}");
        assert!(Expr::First(vec![expr("=x"), expr(twice)]).is_repeated(&scope), "first of {twice}");
        assert!(list(&["=x", twice]).is_repeated(&scope), "list with {twice}");
        assert!(Expr::StartsWith(Box::new(expr(twice)), String::new()).is_repeated(&scope), "start of {twice}");
    }
    for once in ["header:x-one", "header:x-none", "query:b", "form:g", "form:h", "kv:v1", "json:/f", "hash"] {
        assert!(!expr(once).is_repeated(&scope), "{once}");
    }
}

#[test]
fn a_member_that_comes_twice_on_the_way_is_known_to() {
    let headers = HeaderMap::new();
    let body = br#"{"data":[{"id":1},{"id":2,"id":3}],"a":1,"b":1,"b":2}"#;
    let request = request("/", &headers, body);
    let found = elements(&Batch::parse("json:/data").expect("a batch"), &request).expect("an array");
    let mut scope = Scope::of(request);
    let mut repeated = Vec::new();
    for element in found.iter() {
        scope.enter(element);
        repeated
            .push(["item:/id", "item:^2/a", "item:^2/b", "json:/a", "json:/b"].map(|of| expr(of).is_repeated(&scope)));
    }
    assert_eq!(repeated, [[false, false, true, false, true], [true, false, true, false, true]]);
}

#[test]
fn first_passes_over_what_is_missing_empty_or_begins_otherwise() {
    let headers = headers(&[("x-empty", b"")]);
    let body = br#"{"key":"user-1","n":null,"id":"RB-1"}"#;
    let scope = Scope::of(request("/", &headers, body));
    let starts = |of: &str, start: &str| Expr::StartsWith(Box::new(expr(of)), start.to_owned());
    assert_eq!(text(first(&["header:x-empty", "json:/n", "json:/id"]).find(&scope)).as_deref(), Some("RB-1"));
    assert_eq!(text(first(&["header:x-empty", "json:/n"]).find(&scope)), None);
    assert_eq!(text(starts("json:/id", "RB-").find(&scope)).as_deref(), Some("RB-1"));
    assert_eq!(text(starts("json:/key", "RB-").find(&scope)), None);
    let fallback = Expr::First(vec![list(&["json:/n", "item:#"]), expr("hash")]);
    assert_eq!(text(fallback.find(&scope)), Some(content_hash(body)));
}

#[test]
fn the_parts_of_an_id_cannot_be_confused() {
    let headers = HeaderMap::new();
    let at = |body: &str| {
        text(list(&["json:/a", "json:/b", "json:/c?"]).find(&Scope::of(request("/", &headers, body.as_bytes()))))
    };
    assert_eq!(at(r#"{"a":"1","b":"2","c":"3"}"#).as_deref(), Some("1|2|3"));
    assert_eq!(at(r#"{"a":"1|2","b":"5%"}"#).as_deref(), Some("1%7C2|5%25|"));
    assert_eq!(at(r#"{"a":"1","b":2,"c":""}"#).as_deref(), Some("1|2|"));
    assert_eq!(at(r#"{"a":"","b":2}"#), None, "empty is missing");
    assert_eq!(at(r#"{"a":"1","c":"3"}"#), None);
    assert_eq!(at(r#"{"a":"","b":"","c":""}"#), None);
}

#[test]
fn a_type_leaves_out_what_is_missing() {
    let headers = HeaderMap::new();
    let of = list(&["header:x-event", "json:/action"]);
    let at = |body: &str| text(of.find_type(&Scope::of(request("/", &headers, body.as_bytes()))));
    assert_eq!(at(r#"{"action":"opened"}"#).as_deref(), Some("opened"));
    assert_eq!(at("{}"), None);
    let both = list(&["=push", "json:/action", "=x"]);
    assert_eq!(text(both.find_type(&Scope::of(request("/", &headers, b"{}")))).as_deref(), Some("push.x"));
}

#[test]
fn a_member_is_named() {
    let headers = HeaderMap::new();
    let of = Expr::Member { of: Pointer::default(), except: vec!["update_id".to_owned()] };
    let at = |body: &str| text(of.find(&Scope::of(request("/", &headers, body.as_bytes()))));
    assert_eq!(at(r#"{"update_id":1,"message":{}}"#).as_deref(), Some("message"));
    assert_eq!(at(r#"{"update_id":1}"#), None);
    assert_eq!(at("[1]"), None);
}

#[test]
fn elements_are_exact_slices_of_the_body() {
    let body = br#" { "data" : [ {"id": 1 } , [2],"x" ,null] } "#;
    let headers = HeaderMap::new();
    let request = request("/", &headers, body);
    let found = elements(&Batch::parse("json:/data").expect("a batch"), &request).expect("an array");
    let slices: Vec<&[u8]> = found.iter().map(|element| element.value()).collect();
    assert_eq!(slices, [&br#"{"id": 1 }"#[..], b"[2]", br#""x""#, b"null"]);
    let whole = Bytes::from_static(body);
    let shared = found.text(&whole);
    assert_eq!(shared.as_ptr(), whole.as_ptr());
    let ranges: Vec<Range<usize>> = found.iter().map(|element| element.range()).collect();
    assert!(ranges.into_iter().zip(slices).all(|(range, slice)| &shared[range] == slice));
}

#[test]
fn a_batch_that_is_not_there_is_not_an_empty_one() {
    let ids = |batch: &str, body: &str| each(batch, body, &expr("item:/"));
    assert_eq!(ids("json:/", "[1,2]"), Some(all(&["1", "2"])));
    assert_eq!(ids("json:/", " [] "), Some(all(&[])));
    assert_eq!(ids("json:/a", r#"{"a":[]}"#), Some(all(&[])));
    assert_eq!(ids("json:/e/*/c", r#"{"e":[]}"#), Some(all(&[])));
    for (batch, body) in [
        ("json:/", "{}"),
        ("json:/", ""),
        ("json:/", "[1,2"),
        ("json:/", "[1,2] garbage"),
        ("json:/a", r#"{"a":{"0":1}}"#),
        ("json:/a", r#"{"a":null}"#),
        ("json:/a", r#"{"b":[1]}"#),
        ("json:/a", r#"{"a":[1]"#),
        ("json:/e/*/c", r#"{"e":[{"d":[1]}]}"#),
        ("json:/e/*/c", r#"{"e":1}"#),
        ("form:a", "a=%7B%7D"),
        ("form:a", "b=[1]"),
        ("lines", "{\"a\":\n1}"),
    ] {
        assert_eq!(ids(batch, body), None, "{batch} in {body}");
    }
}

#[test]
fn a_star_stands_for_every_element_and_member() {
    let ids = |batch: &str, body: &str| each(batch, body, &expr("item:/id"));
    let entries = r#"{"e":[{"c":[{"id":1}]},{"d":[]},{"c":[{"id":2},{"id":3}]},{"c":7}]}"#;
    assert_eq!(ids("json:/e/*/c", entries), Some(all(&["1", "2", "3"])));
    assert_eq!(ids("json:/*", r#"{"a":[{"id":1}],"b":[{"id":2}],"c":"x"}"#), Some(all(&["1", "2"])));
    assert_eq!(ids("json:/*/*", r#"[[[{"id":1}]],[]]"#), Some(all(&["1"])));
}

#[test]
fn the_first_batch_that_is_an_array_counts() {
    let batch = Batch::First(vec![Batch::parse("json:/").expect("a batch"), Batch::parse("json:/a").expect("a batch")]);
    let headers = HeaderMap::new();
    let count = |body: &str| elements(&batch, &request("/", &headers, body.as_bytes())).map(|found| found.len());
    assert_eq!(count("[1]"), Some(1));
    assert_eq!(count(r#"{"a":[1,2]}"#), Some(2));
    assert_eq!(count("{}"), None);
    let too_many = format!("[{}1]", "1,".repeat(ELEMENTS_MAX));
    assert_eq!(count(&too_many), None);
    assert_eq!(count(&format!(r#"{{"a":{too_many}}}"#)), None);
}

#[test]
fn no_element_is_lost_because_another_array_comes_first() {
    let batch = |members: &[&str]| Batch::First(members.iter().map(|text| Batch::parse(text).expect(text)).collect());
    let found = |members: &[&str], body: &str| {
        let headers = HeaderMap::new();
        let request = request("/", &headers, body.as_bytes());
        let batch = batch(members);
        let found = elements(&batch, &request)?;
        let mut scope = Scope::of(request);
        let id = list(&["item:^2/id?", "item:/"]);
        let ids = found.iter().map(|element| {
            scope.enter(element);
            text(id.find(&scope)).expect("an id")
        });
        Some(ids.collect::<Vec<_>>())
    };
    let two = ["json:/e/*/c", "json:/e/*/m"];
    let mixed = r#"{"e":[{"id":1,"c":[10,11]},{"m":[20],"id":2},{"id":3,"c":[30],"m":[31]}]}"#;
    let ids = ["1|10", "1|11", "2|20", "3|30", "3|31"].map(str::to_owned).to_vec();
    assert_eq!(found(&two, mixed), Some(ids.clone()));
    assert_eq!(found(&["json:/e/*/m", "json:/none", "json:/e/*/c"], mixed), Some(ids), "in the order of the body");
    assert_eq!(found(&two, r#"{"e":[{"c":[],"id":1},{"id":2,"m":[20]}]}"#), Some(vec!["2|20".into()]));
    assert_eq!(found(&two, r#"{"e":[{"c":[]}]}"#), Some(vec![]));
    assert_eq!(found(&["json:/", "lines"], "[1,2]"), Some(vec!["|1".into(), "|2".into()]), "the line is no event too");
    assert_eq!(found(&["json:/", "json:/0"], "[[1],2]"), Some(vec!["|[1]".into(), "|2".into()]));
    assert_eq!(found(&["form:a", "form:b"], "a=[1]&b=[2]"), None, "two texts");
    let half = vec!["1"; ELEMENTS_MAX / 2 + 1].join(",");
    assert_eq!(found(&["json:/a", "json:/b"], &format!(r#"{{"a":[{half}],"b":[{half}]}}"#)), None, "too many");
}

#[test]
fn an_array_with_too_many_elements_is_never_passed_over() {
    let body = format!(r#"{{"e":[{{"c":[1]}},{{"c":[{}1]}}]}}"#, "1,".repeat(ELEMENTS_MAX));
    assert_eq!(each("json:/e/*/c", &body, &expr("item:#")), None);
}

#[test]
fn what_holds_the_elements_is_counted_too() {
    let body = |count: usize| format!(r#"{{"e":[{}]}}"#, vec![r#"{"c":[1]}"#; count].join(","));
    let count = |body: &str| each("json:/e/*/c", body, &expr("item:/")).map(|found| found.len());
    assert_eq!(count(&body(ELEMENTS_MAX / 2 - 1)), Some(ELEMENTS_MAX / 2 - 1));
    assert_eq!(count(&body(ELEMENTS_MAX / 2)), None);
}

#[test]
fn an_element_climbs_to_what_holds_it() {
    let body =
        r#"{"n":[{"realm":"r1","d":{"x":"y","list":[{"id":1},{"id":2}]}},{"d":{"list":[{"id":3}]},"realm":"r2"}]}"#;
    let batch = "json:/n/*/d/list";
    assert_eq!(each(batch, body, &expr("item:^3/realm")), Some(all(&["r1", "r1", "r2"])));
    assert_eq!(each(batch, body, &expr("item:^1/0/id")), Some(all(&["1", "1", "3"])));
    assert_eq!(each(batch, body, &expr("item:^5/n/0/realm")), Some(all(&["r1", "r1", "r1"])));
    assert_eq!(each(batch, body, &expr("item:^6/n")), Some(vec![None, None, None]));
    assert_eq!(each(batch, body, &expr("item:^2/x")), Some(vec![Some("y".to_owned()), Some("y".to_owned()), None]));
    assert_eq!(each(batch, body, &expr("json:/n/1/realm")), Some(all(&["r2", "r2", "r2"])));
    assert_eq!(each(batch, body, &expr("item:#")), Some(all(&["0", "1", "2"])));
}

#[test]
fn elements_of_xml_are_exact_slices_with_values_inside() {
    let body = "<e:E xmlns:e='u'><Org>o</Org><n><Id>1</Id></n>\n<n a='x'><Id>2</Id></n></e:E>";
    let batch = "xml:/E/n";
    assert_eq!(each(batch, body, &expr("item:/Id")), Some(all(&["1", "2"])));
    assert_eq!(each(batch, body, &expr("item:/@a")), Some(vec![None, Some("x".to_owned())]));
    assert_eq!(each(batch, body, &expr("xml:/E/Org")), Some(all(&["o", "o"])));
    assert_eq!(each(batch, body, &expr("item:^1/Org")), Some(vec![None, None]));
    assert_eq!(each(batch, "<e:E xmlns:e='u'><n>", &expr("item:/Id")), None);
    let headers = HeaderMap::new();
    let request = request("/", &headers, body.as_bytes());
    let found = elements(&Batch::parse(batch).expect("a batch"), &request).expect("two");
    let slices: Vec<_> = found.iter().map(|element| &body.as_bytes()[element.range()]).collect();
    assert_eq!(slices, [&b"<n><Id>1</Id></n>"[..], b"<n a='x'><Id>2</Id></n>"]);
}

#[test]
fn a_form_field_can_hold_the_batch() {
    let body = "a=1&events=%5B%7B%22id%22%3A%221+2%22%7D,+%7B%22id%22:%222%22%7D%5D";
    let headers = HeaderMap::new();
    let request = request("/", &headers, body.as_bytes());
    let found = elements(&Batch::parse("form:events").expect("a batch"), &request).expect("an array");
    let shared = found.text(&Bytes::copy_from_slice(body.as_bytes()));
    let slices: Vec<Bytes> = found.iter().map(|element| shared.slice(element.range())).collect();
    assert_eq!(slices, [r#"{"id":"1 2"}"#, r#"{"id":"2"}"#]);
    assert_eq!(each("form:events", body, &expr("form:a")), Some(all(&["1", "1"])));
}

#[test]
fn lines_hold_one_text_each() {
    assert_eq!(each("lines", "{\"id\":1}\r\n\n {\"id\":2} \n", &expr("item:/id")), Some(all(&["1", "2"])));
    assert_eq!(each("lines", "", &expr("item:/id")), Some(all(&[])));
    assert_eq!(each("lines", "{\"id\":1}\n{\"id\":", &expr("item:/id")), None);
}

#[test]
fn the_hash_is_of_the_events_value() {
    let hashes = each("json:/", r#"[{"a":1}, 2]"#, &expr("hash"));
    assert_eq!(hashes, Some(all(&[&content_hash(br#"{"a":1}"#), &content_hash(b"2")])));
    let headers = HeaderMap::new();
    let mut scope = Scope::of(request("/?a=1", &headers, b"body"));
    scope.set_hashed(b"a=1");
    assert_eq!(text(Expr::Hash.find(&scope)), Some(content_hash(b"a=1")));
}

/// Ten thousand elements that each look behind the array and around themselves: 2.5 MB a look, 50 GB if each looked anew.
#[test]
fn many_elements_read_the_body_once() {
    let items = vec![format!(r#"{{"id":"{}"}}"#, "x".repeat(240)); 10_000].join(",");
    let body = format!(r#"{{"data":[{items}],"tenant":"t"}}"#);
    let headers = HeaderMap::new();
    let request = request("/", &headers, body.as_bytes());
    let found = elements(&Batch::parse("json:/data").expect("a batch"), &request).expect("an array");
    assert_eq!(found.len(), 10_000);
    for of in ["json:/tenant", "item:^2/tenant"].map(expr) {
        let mut scope = Scope::of(request);
        for element in found.iter() {
            scope.enter(element);
            assert_eq!((text(of.find(&scope)).as_deref(), of.is_repeated(&scope)), (Some("t"), false), "{of}");
        }
    }
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop::sample::select(vec![
        "json:/",
        "json:/a",
        "json:/a/0/b",
        "json:/*",
        "item:/",
        "item:/a",
        "item:^1/0",
        "item:^2/a",
        "item:#",
        "form:a",
        "query:a",
        "header:x-id",
        "kv:a",
        "hash",
        "=x",
    ])
    .prop_map(expr);
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Expr::First),
            prop::collection::vec((inner.clone(), any::<bool>()), 0..3).prop_map(|parts| {
                Expr::Composite(parts.into_iter().map(|(expr, optional)| Composite { expr, optional }).collect())
            }),
            (inner, "[a-z{]{0,2}").prop_map(|(from, start)| Expr::StartsWith(Box::new(from), start)),
        ]
    })
}

/// Texts that are almost JSON, and some that are not.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "1",
        "-0.5e9",
        "null",
        "true",
        " ",
        "\n",
        "\"",
        "\\",
        "a=1",
        "&",
        "%5B",
        "+",
    ]);
    prop_oneof![
        prop::collection::vec(fragment, 0..40).prop_map(|parts| parts.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..100),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics_and_every_element_lies_inside(body in any_body(), of in any_expr(), target in "(/[?&=a%]{0,12})") {
        let headers = headers(&[("x-id", b"1")]);
        let request = request(&target, &headers, &body);
        let mut scope = Scope::of(request);
        scope.set_pieces(pieces(&["a=1"]));
        let inside = |part: &[u8]| part.is_empty() || body.windows(part.len()).any(|window| window == part);
        black_box((of.find_type(&scope), of.is_repeated(&scope)));
        for batch in ["json:/", "json:/a", "json:/*/a", "json:/*/*", "form:a", "lines"] {
            let batch = Batch::parse(batch).expect("a batch");
            let Some(found) = elements(&batch, &request) else { continue };
            for element in found.iter() {
                prop_assert!(matches!(batch, Batch::Form(_)) || inside(element.value()));
                prop_assert_eq!(&found.text(&Bytes::copy_from_slice(&body))[element.range()], element.value());
                let mut inner = Scope::of(request);
                inner.enter(element);
                black_box(of.find(&inner));
            }
        }
        if let Some(std::borrow::Cow::Borrowed(value)) = expr("json:/a").find(&scope) {
            prop_assert!(inside(value));
        }
    }

    #[test]
    fn an_id_never_says_the_same_of_different_parts(a in "[ab|%]{0,4}", b in "[ab|%]{0,4}", c in "[ab|%]{0,4}", d in "[ab|%]{0,4}") {
        let headers = HeaderMap::new();
        let scope = Scope::of(request("/", &headers, b""));
        let id = |x: &str, y: &str| {
            let parts = [x, y].map(|part| Composite { expr: Expr::Text(part.to_owned()), optional: true });
            let of = Expr::Composite(parts.to_vec());
            text(of.find(&scope))
        };
        prop_assert_eq!(id(&a, &b) == id(&c, &d), (&a, &b) == (&c, &d));
    }

    #[test]
    fn a_value_survives_being_written_as_json(value in any::<String>()) {
        let body = serde_json::json!({ "x": [1, { "a": [] }], "id": value }).to_string();
        let headers = HeaderMap::new();
        let of = expr("json:/id");
        prop_assert_eq!(text(of.find(&Scope::of(request("/", &headers, body.as_bytes())))), Some(value));
    }
}
