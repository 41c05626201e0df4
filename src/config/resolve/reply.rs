//! What senders are told.

use http::{HeaderName, HeaderValue, StatusCode};

use crate::config::decode::{Field, Named, Placed};
use crate::config::file::source::Accepted;
use crate::config::problem::Problems;
use crate::ingest::source::Reply;

/// The answer to an accepted delivery, which every sender has to understand as such.
pub(super) fn accepted(reply: &Accepted, problems: &mut Problems) -> Reply {
    if !reply.status.is_success() {
        let expected = "200 to 299; a sender would take anything else for a failure";
        problems.error(&reply.status.at, format!("`{}`", reply.status.as_u16()), expected);
    }
    Reply {
        status: *reply.status,
        content_type: content_type(&reply.content_type, problems),
        body: (*reply.body).clone(),
        headers: headers(&reply.headers, problems),
    }
}

/// The status of a malformed delivery.
pub(super) fn malformed(status: &Field<StatusCode>, problems: &mut Problems) -> StatusCode {
    let refusal = status.is_client_error() || status.is_server_error();
    if !refusal || **status == StatusCode::UNAUTHORIZED {
        let expected = "400 to 599 without 401, which stands for a credential that is wrong";
        problems.error(&status.at, format!("`{}`", status.as_u16()), expected);
    }
    **status
}

/// Headers that the gateway sets itself, or that say where the answer ends.
const OWN: [&str; 7] = [
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "x-content-type-options",
    "x-duplicate",
    "x-request-id",
];

/// Headers of an answer.
pub(super) fn headers(headers: &Named<String>, problems: &mut Problems) -> Vec<(HeaderName, String)> {
    let mut good = Vec::with_capacity(headers.0.len());
    for (name, Placed { value, at }) in &headers.0 {
        if let Some(own) = OWN.iter().find(|own| name.eq_ignore_ascii_case(own)) {
            let expected = if *own == "content-type" { "`content_type` beside `headers`" } else { "other headers" };
            problems.error(at, format!("the header `{own}`, which the gateway sets"), expected);
        } else if let (Ok(name), Ok(_)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            good.push((name, value.clone()));
        } else {
            let expected = "the name of an HTTP header, and a text without control characters";
            problems.error(at, format!("the header `{name}`"), expected);
        }
    }
    good
}

/// The content type of an answer. Never HTML: what a stranger sent may be echoed in it.
pub(super) fn content_type(text: &Field<String>, problems: &mut Problems) -> String {
    if HeaderValue::from_str(text).is_err() || text.to_ascii_lowercase().contains("html") {
        problems.error(&text.at, format!("`{}`", **text), "a content type, and never HTML");
    }
    (**text).clone()
}
