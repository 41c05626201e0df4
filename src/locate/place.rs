//! Where in a body the values stand that an expression finds: for the sender's side, which puts others there.

use std::ops::Range;

use super::{Batch, Expr, Request, batch, json};

/// The place of what `json:` finds, or of what `item:` finds in each element; in order. Nothing where one element has no
/// such value, or where the body is not what was searched (a decoded field, XML, what stands above an element).
#[must_use]
pub fn places(expr: &Expr, of: Option<&Batch>, request: &Request<'_>) -> Vec<Range<usize>> {
    let body = request.body;
    match (expr, of) {
        (Expr::Json(pointer), _) | (Expr::Item { climb: 0, pointer }, None) => {
            json::find(body, &pointer.0).map(|found| range(found, body)).into_iter().collect()
        }
        (Expr::Item { climb: 0, pointer }, Some(of)) => {
            let Some(elements) = batch::elements(of, request).filter(batch::Elements::are_of_body) else {
                return Vec::new();
            };
            let found = elements.iter().map(|element| {
                let start = element.range().start;
                let inside = range(json::find(element.value(), &pointer.0)?, element.value());
                Some(start + inside.start..start + inside.end)
            });
            found.collect::<Option<_>>().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// `part` is a slice of `text`.
fn range(part: &str, text: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(expr: &str, of: Option<&str>, body: &str) -> Vec<String> {
        let headers = http::HeaderMap::new();
        let body = body.as_bytes();
        let request = Request { method: "POST", target: "/", headers: &headers, body, path_secret: None, peer: None };
        let of = of.map(|of| Batch::parse(of).expect("a batch"));
        let places = places(&Expr::parse(expr).expect("an expression"), of.as_ref(), &request);
        places.into_iter().map(|place| String::from_utf8_lossy(&body[place]).into_owned()).collect()
    }

    #[test]
    fn values_are_found_as_they_are_written() {
        let body = r#" {"a":{"b":"x\u0041"},"list":[{"b": 1},{"b":"2"}]}"#;
        assert_eq!(texts("json:/a/b", None, body), [r#""x\u0041""#]);
        assert_eq!(texts("item:/a/b", None, body), [r#""x\u0041""#]);
        assert_eq!(texts("item:/b", Some("json:/list"), body), ["1", r#""2""#]);
        assert!(texts("item:/c", Some("json:/list"), body).is_empty());
        assert!(texts("item:/b", Some("json:/list"), r#"{"list":[{"b":1},{"c":2}]}"#).is_empty());
        assert!(texts("item:/b", Some("form:a"), "a=%5B%7B%22b%22:1%7D%5D").is_empty());
        assert!(texts("header:b", None, body).is_empty());
    }
}
