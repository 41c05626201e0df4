//! `json:` pointers: the first line, into the body that follows it, against `serde_json`'s own tree.

use hookgate::locate::{Expr, Pointer, Request, Scope};
use http::HeaderMap;
use serde_json::Value;

pub(super) fn run(data: &[u8]) {
    let Some((pointer, body)) = super::first_line(data) else { return };
    let Ok(pointer) = pointer.parse::<Pointer>() else { return };
    assert_eq!(pointer.to_string().parse().as_ref(), Ok(&pointer), "a pointer is read as it is written");
    let expr = Expr::Json(pointer.clone());
    let headers = HeaderMap::new();
    let request = Request { method: "POST", target: "/", headers: &headers, body, path_secret: None, peer: None };
    let scope = Scope::of(request);
    let (found, repeated) = (expr.find(&scope), expr.is_repeated(&scope));

    if let Some(std::borrow::Cow::Borrowed(slice)) = found {
        let (bounds, slice) = (body.as_ptr_range(), slice.as_ptr_range());
        assert!(bounds.start <= slice.start && slice.end <= bounds.end, "a value lies inside of the body");
    }
    // Of two members of one name the tree keeps the last and the gateway reads the first; a credential is refused there.
    let Some(tree) = serde_json::from_slice::<Value>(body).ok().filter(|_| !repeated) else { return };
    let expected = at(&tree, &pointer).filter(|value| !value.is_null());
    match (found, expected) {
        (None, None) => {}
        (Some(found), Some(Value::String(text))) => assert_eq!(*found, *text.as_bytes()),
        (Some(found), Some(value)) => assert_eq!(serde_json::from_slice::<Value>(&found).ok().as_ref(), Some(value)),
        (found, expected) => panic!("{expr}: found {found:?}, expected {expected:?}"),
    }
}

/// RFC 6901 in the tree; the pointer is unescaped already.
fn at<'v>(tree: &'v Value, pointer: &Pointer) -> Option<&'v Value> {
    pointer.0.iter().try_fold(tree, |here, token| match here {
        Value::Object(members) => members.get(token),
        Value::Array(list) => {
            let plain = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
            list.get(token.parse::<usize>().ok().filter(|_| plain)?)
        }
        _ => None,
    })
}
