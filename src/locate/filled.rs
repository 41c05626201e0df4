//! The sender's side: a JSON body with another text in the place of one that is there. All other bytes stay.

use super::expr::{Batch, Pointer};
use super::request::Request;
use super::{batch, json};

impl Pointer {
    /// The document with that text there; none where no text is.
    #[must_use]
    pub fn filled(&self, document: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        let old = json::find(document, &self.0).filter(|raw| raw.starts_with('"'))?;
        let start = old.as_ptr().addr().checked_sub(document.as_ptr().addr())?;
        let new = serde_json::Value::from(str::from_utf8(text).ok()?).to_string();
        Some([document.get(..start)?, new.as_bytes(), document.get(start + old.len()..)?].concat())
    }

    /// The same in every element of a body; none where one of them has no text there.
    #[must_use]
    pub fn filled_in_elements(&self, batch: &Batch, request: &Request<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let elements = batch::elements(batch, request)?;
        let (mut body, mut done) = (Vec::new(), 0);
        for element in elements.iter() {
            let range = element.range();
            body.extend_from_slice(request.body.get(done..range.start)?);
            body.extend(self.filled(element.value(), text)?);
            done = range.end;
        }
        body.extend_from_slice(request.body.get(done..)?);
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.parse().expect("a pointer")
    }

    fn filled(document: &str, at: &str, text: &str) -> Option<String> {
        let body = pointer(at).filled(document.as_bytes(), text.as_bytes())?;
        Some(String::from_utf8(body).expect("text"))
    }

    #[test]
    fn a_text_takes_the_place_of_one_that_is_there_and_nothing_else_moves() {
        let document = "{ \"a\" : [1, {\"b\":\"\"}],\r\n\"c\":\"x\" }";
        assert_eq!(
            filled(document, "/a/1/b", "q\"\u{e9}").as_deref(),
            Some("{ \"a\" : [1, {\"b\":\"q\\\"\u{e9}\"}],\r\n\"c\":\"x\" }")
        );
        assert_eq!(filled(document, "/a/0", "x"), None);
        assert_eq!(filled(document, "/d", "x"), None);
    }

    #[test]
    fn every_element_is_filled_or_none() {
        let fill = |body: &str| {
            let headers = http::HeaderMap::new();
            let request = Request {
                method: "POST",
                target: "/",
                headers: &headers,
                body: body.as_bytes(),
                path_secret: None,
                peer: None,
            };
            let filled = pointer("/k").filled_in_elements(&Batch::Json(pointer("/v")), &request, b"s")?;
            Some(String::from_utf8(filled).expect("text"))
        };
        assert_eq!(
            fill(r#"{"v":[{"k":"1"}, {"k":"22"}],"k":"0"}"#).as_deref(),
            Some(r#"{"v":[{"k":"s"}, {"k":"s"}],"k":"0"}"#)
        );
        assert_eq!(fill(r#"{"v":[{"k":"1"},{}]}"#), None);
    }
}
