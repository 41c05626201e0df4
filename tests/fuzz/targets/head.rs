//! Heads and bodies of a connection. The first two bytes say where the bytes are cut between reads.

use hookgate::listener::framing::{End, Framing, Limits};

const LIMITS: Limits = Limits { bytes_max: 512, fields_max: 8 };

pub(super) fn run(data: &[u8]) {
    let [step, first, bytes @ ..] = data else { return };
    let whole = feed([bytes]);
    assert!(bytes.starts_with(&whole.0), "nothing is passed on but what came");
    let (early, late) = bytes.split_at(usize::from(*first).min(bytes.len()));
    let pieces = std::iter::once(early).chain(late.chunks(usize::from(*step).max(1)));
    let cut = feed(pieces);
    if whole.2 == Some(End::Broken) {
        // What came of a body before it broke may have been passed on.
        assert!((cut.1, cut.2) == (whole.1, whole.2) && cut.0.starts_with(&whole.0), "cuts change nothing else");
    } else {
        assert_eq!((&cut.0, cut.1, cut.2.is_some()), (&whole.0, whole.1, whole.2.is_some()), "cuts change nothing");
    }
    if cut.1 > 0 {
        is_well_formed(&whole.0);
    }
}

/// Feeds `pieces` as a connection would, and gives all that was passed on, the number of heads, and the end.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, u64, Option<End>) {
    let mut framing = Framing::new(LIMITS);
    let (mut held, mut out, mut heads) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        held.extend_from_slice(piece);
        let passed = framing.pass(&held);
        assert!(passed.bytes <= held.len());
        out.extend(held.drain(..passed.bytes));
        heads += passed.heads;
    }
    (out, heads, framing.end())
}

/// The first head that was passed on, read again line by line.
fn is_well_formed(passed: &[u8]) {
    let passed = passed.strip_prefix(b"\r\n").unwrap_or(passed);
    let end = passed.windows(4).position(|window| window == b"\r\n\r\n").expect("a head has an end");
    let head = &passed[..end];
    assert!(head.len() < LIMITS.bytes_max);
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request: Vec<&[u8]> = lines.next().expect("a request line").split(|byte| *byte == b' ').collect();
    assert!(
        matches!(request[..], [method, target, b"HTTP/1.0" | b"HTTP/1.1"] if !method.is_empty() && !target.is_empty())
    );
    let (mut lengths, mut fields) = (0, 0);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').expect("a field has a colon");
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        assert!(
            !name.is_empty()
                && name.iter().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte))
        );
        assert!(!value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
        let name = name.to_ascii_lowercase();
        lengths += usize::from(name == b"content-length" || name == b"transfer-encoding");
        fields += 1;
    }
    assert!(lengths <= 1, "the length of a body is said once");
    assert!(fields <= LIMITS.fields_max);
}
