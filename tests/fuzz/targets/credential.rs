//! The secret itself in a header, and in one of basic authentication. `@` in the value stands for the secret.

use std::sync::LazyLock;

use hookgate::signature::Gate;
use hookgate::signature::scheme::{Block, Encoding, Kind};
use http::HeaderName;

use super::encodings::plainly;
use super::post::{Post, SECRET, gate, judge};

static PLAIN: LazyLock<Gate> = LazyLock::new(|| of_header(&[]));
static BEARER: LazyLock<Gate> = LazyLock::new(|| of_header(&["Bearer "]));
static BASIC: LazyLock<Gate> = LazyLock::new(|| gate(Block::new(Kind::Basic)));

fn of_header(prefix: &[&str]) -> Gate {
    let prefix = prefix.iter().map(|&prefix| prefix.to_owned()).collect();
    gate(Block::new(Kind::Header { name: HeaderName::from_static("authorization"), prefix }))
}

pub(super) fn run(data: &[u8]) {
    let [which, template @ ..] = data else { return };
    let basic = which % 3 == 2;
    let secret = if basic { Encoding::Base64.encode(SECRET.as_bytes()) } else { SECRET.to_owned() };
    let value = template.split(|byte| *byte == b'@').collect::<Vec<_>>().join(secret.as_bytes());
    let Some(post) = Post::new("authorization", &value, b"") else { return };
    let text = value.trim_ascii();
    let (gate, good) = match which % 3 {
        0 => (&*PLAIN, text == SECRET.as_bytes()),
        1 => (&*BEARER, text.strip_prefix(b"Bearer ") == Some(SECRET.as_bytes())),
        _ => (&*BASIC, is_basic(text)),
    };
    assert_eq!(judge(gate, post).0.is_ok(), good, "{} {:?}", which % 3, String::from_utf8_lossy(&value));
}

/// RFC 7617: the scheme in any case, at least one space, the secret in base64.
fn is_basic(text: &[u8]) -> bool {
    let Some((scheme, rest)) = text.split_first_chunk::<5>() else { return false };
    let encoded = rest.trim_ascii_start();
    scheme.eq_ignore_ascii_case(b"basic")
        && rest.first() == Some(&b' ')
        && plainly(Encoding::Base64, encoded).is_some_and(|bytes| bytes == SECRET.as_bytes())
}
