//! Signatures in a header: `separator`, `prefix`, `after`, `encoding`. `@` in the value stands for the right signature.
//!
//! The first byte chooses a grammar, the second a bit to turn. The gate must open where a plain reading of the same value
//! has the signature in it, and nowhere else; and never after a bit of the body was turned.

use std::sync::LazyLock;

use hookgate::clock::UnixMillis;
use hookgate::locate::Expr;
use hookgate::secret::Secret;
use hookgate::signature::scheme::{Block, Encoding, Hash, Kind, Part, Signed, What};
use hookgate::signature::{CANDIDATES_MAX, Demands, Draft, Gate, SIGNATURE_BYTES_MAX, sign};
use http::HeaderMap;

use super::encodings::plainly;
use super::post::{Post, SECRET, gate, judge};

struct Grammar {
    separator: Option<char>,
    prefix: &'static [&'static str],
    after: Option<&'static str>,
    encoding: Encoding,
}

const GRAMMARS: [Grammar; 6] = [
    Grammar { separator: None, prefix: &[], after: None, encoding: Encoding::Hex },
    Grammar { separator: None, prefix: &["sha256="], after: None, encoding: Encoding::Hex },
    Grammar { separator: Some(','), prefix: &["v1="], after: None, encoding: Encoding::Hex },
    Grammar { separator: Some(' '), prefix: &["v1,", "v1a,"], after: None, encoding: Encoding::Base64 },
    Grammar { separator: Some('&'), prefix: &[], after: Some("|"), encoding: Encoding::Base64Url },
    Grammar { separator: Some(';'), prefix: &["k:"], after: Some("//"), encoding: Encoding::Base64 },
];

static GATES: LazyLock<Vec<Gate>> = LazyLock::new(|| GRAMMARS.iter().map(|grammar| gate(block(grammar))).collect());

fn block(grammar: &Grammar) -> Block {
    Block::new(Kind::Hmac(
        Hash::Sha256,
        Signed {
            signature: vec![Expr::parse("header:x-signature").expect("an expression")],
            separator: grammar.separator,
            prefix: grammar.prefix.iter().map(|&prefix| prefix.to_owned()).collect(),
            after: grammar.after.map(str::to_owned),
            encoding: grammar.encoding,
            contents: vec![vec![Part { what: What::Body, optional: false }]],
            url_unescape: String::new(),
            prehash: false,
        },
    ))
}

/// The signature of that body, as it comes: by the sender's side, where it stands alone.
fn signature(body: &[u8]) -> Vec<u8> {
    let demands = Demands { blocks: vec![block(&GRAMMARS[0])], ..Demands::default() };
    let draft = Draft { method: "POST".into(), target: "/in".into(), headers: HeaderMap::new(), body: body.to_vec() };
    let signed = sign(&demands, &Secret::new(SECRET), &draft, UnixMillis(0)).expect("a signature");
    Encoding::Hex.decode(signed.headers["x-signature"].as_bytes()).expect("hex")
}

/// The encoded signatures in a value, read plainly: nothing where there are too many.
fn read(grammar: &Grammar, value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pieces: Vec<&[u8]> = match grammar.separator {
        Some(separator) => value.split(|byte| char::from(*byte) == separator).map(<[u8]>::trim_ascii).collect(),
        None => vec![value.trim_ascii()],
    };
    let mut texts = Vec::new();
    for piece in pieces {
        let start = grammar.prefix.iter().find(|prefix| piece.starts_with(prefix.as_bytes()));
        let Some(mut text) = piece.get(start.map_or(0, |start| start.len())..) else { continue };
        if start.is_none() && !grammar.prefix.is_empty() {
            continue;
        }
        if let Some(after) = grammar.after {
            let Some(end) = (0..=text.len()).rev().find(|end| text[..*end].ends_with(after.as_bytes())) else {
                continue;
            };
            text = &text[end..];
        }
        if !text.is_empty() {
            texts.push(text.to_vec());
        }
    }
    (texts.len() <= CANDIDATES_MAX && value.trim_ascii().len() <= SIGNATURE_BYTES_MAX).then_some(texts)
}

pub(super) fn run(data: &[u8]) {
    let [which, bit, rest @ ..] = data else { return };
    let split = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (template, body) = (&rest[..split], rest.get(split + 1..).unwrap_or_default());
    let which = usize::from(*which) % GRAMMARS.len();
    let (grammar, gate) = (&GRAMMARS[which], &GATES[which]);
    let signature = signature(body);
    let written = grammar.encoding.encode(&signature);
    let value = template.split(|byte| *byte == b'@').collect::<Vec<_>>().join(written.as_bytes());
    let Some(post) = Post::new("x-signature", &value, body) else { return };
    let (verdict, found) = judge(gate, post.clone());

    let texts = read(grammar, &value);
    let good = texts.iter().flatten().any(|text| plainly(grammar.encoding, text).is_some_and(|is| is == signature));
    assert_eq!(verdict.is_ok(), good, "{which} {:?}", String::from_utf8_lossy(&value));
    assert_eq!(found.refused.is_some(), texts.is_none(), "{which} {:?}", String::from_utf8_lossy(&value));
    assert!(found.candidates <= CANDIDATES_MAX);
    if good && !body.is_empty() {
        let mut turned = post;
        let at = usize::from(*bit) % (body.len() * 8);
        turned.body[at / 8] ^= 1 << (at % 8);
        assert!(judge(gate, turned).0.is_err(), "bit {at} of the body was turned");
    }
    if good && texts.iter().flatten().count() == 1 {
        let mut turned = signature.clone();
        let at = usize::from(*bit) % (turned.len() * 8);
        turned[at / 8] ^= 1 << (at % 8);
        let turned = grammar.encoding.encode(&turned);
        let value = template.split(|byte| *byte == b'@').collect::<Vec<_>>().join(turned.as_bytes());
        let verdict = Post::new("x-signature", &value, body).map(|post| judge(gate, post).0);
        // A template without `@` has the signature written out, and stays good.
        assert!(!template.contains(&b'@') || verdict.is_none_or(|verdict| verdict.is_err()), "bit {at} was turned");
    }
}
