//! Receipts and refusals as HTTP.

use super::*;
use crate::ingest::reply::{Answer, accepted, refused};
use crate::ingest::{Receipt, Reject};
use crate::signature::Denial;

fn answer(content_type: &str) -> Answer {
    let headers = vec![("x-taken".parse().expect("a name"), "yes".to_owned())];
    Answer::new(&Reply { content_type: content_type.into(), headers, ..plain_reply("<Response/>") })
}

#[test]
fn a_prepared_answer_is_what_the_configuration_says() {
    let response = accepted(Receipt::Handshake(answer("text/xml")));
    assert_eq!(response.status(), StatusCode::OK);
    let headers: Vec<_> = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(headers, [("content-type", &b"text/xml"[..]), ("x-taken", b"yes")]);
    assert!(!answer("").headers().contains_key("content-type"));
}

#[test]
fn a_refusal_says_its_status_when_to_come_again_and_nothing_else() {
    let strangers = [
        Reject::UnknownSource,
        Reject::Disabled,
        Reject::WrongMethod,
        Reject::Challenge,
        Reject::Denied(Denial::Missing),
        Reject::Denied(Denial::Wrong),
        Reject::Denied(Denial::Stale),
    ];
    for reject in strangers {
        let response = refused(reject);
        assert_eq!((response.status(), response.headers().len()), (StatusCode::UNAUTHORIZED, 0), "{reject}");
    }
    for (reject, status, retry_after, closes) in [
        (Reject::TooOften { retry_after: 7 }, 429, Some("7"), false),
        (Reject::TooManyInFlight, 429, Some("1"), false),
        (Reject::TooManyFailures { retry_after: 9 }, 429, Some("9"), true),
        (Reject::BudgetSpent, 503, Some("2"), true),
        (Reject::Deadline, 503, Some("2"), false),
        (Reject::TwinLost, 503, Some("2"), false),
        (Reject::TooLarge, 413, None, true),
        (Reject::TooSlow, 408, None, true),
        (Reject::BrokenBody, 400, None, true),
        (Reject::Malformed { status: StatusCode::NOT_ACCEPTABLE }, 406, None, false),
    ] {
        let response = refused(reject);
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!((response.status().as_u16(), header("retry-after")), (status, retry_after), "{reject}");
        assert_eq!(header("connection"), closes.then_some("close"), "{reject}");
        assert_eq!(response.headers().len(), usize::from(retry_after.is_some()) + usize::from(closes));
    }
}
