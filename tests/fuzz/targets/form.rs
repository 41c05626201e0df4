//! Queries and forms, against a reader that goes byte by byte.

use hookgate::locate::{PAIRS_MAX, pairs};

pub(super) fn run(data: &[u8]) {
    let found: Vec<_> = pairs(data).map(|pair| (pair.name().into_owned(), pair.value().into_owned())).collect();
    let pieces: Vec<&[u8]> = data.split(|byte| *byte == b'&').collect();
    if pieces.len() > PAIRS_MAX {
        assert!(found.is_empty());
        return;
    }
    let expected: Vec<_> = pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let end = piece.iter().position(|byte| *byte == b'=');
            (decode(&piece[..end.unwrap_or(piece.len())]), decode(end.map_or(b"", |end| &piece[end + 1..])))
        })
        .collect();
    assert_eq!(found, expected);

    let bounds = data.as_ptr_range();
    for pair in pairs(data) {
        let raw = pair.raw.as_ptr_range();
        assert!(bounds.start <= raw.start && raw.end <= bounds.end, "a pair lies inside of the form");
    }
    let written: Vec<String> =
        found.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let written = written.join("&");
    let again: Vec<_> =
        pairs(written.as_bytes()).map(|pair| (pair.name().into_owned(), pair.value().into_owned())).collect();
    assert_eq!(again, found, "what is written is read again");
}

fn decode(text: &[u8]) -> Vec<u8> {
    let hex =
        |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let (mut plain, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => plain.push(b' '),
            _ => plain.push(*byte),
        }
        at += 1;
    }
    plain
}

fn encode(plain: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
    plain.iter().flat_map(|byte| ['%', digit(byte >> 4), digit(byte & 15)]).collect()
}
