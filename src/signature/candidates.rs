//! Signatures as they stand in a request: where they are, how they are cut out, what they decode to.

use super::scheme::Algorithm;
use super::scheme::{Hash, Kind, Signed};
use crate::locate::{Expr, Scope, Value};

/// All values of signatures of a request together are at most this long, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// A request has at most this many signatures of one block.
pub const CANDIDATES_MAX: usize = 16;

/// Why what is there is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It comes twice, and nobody knows which is meant.
    Repeated,
    /// Longer than [`SIGNATURE_BYTES_MAX`].
    TooLong,
    /// More than [`CANDIDATES_MAX`].
    TooMany,
}

/// What could be a signature.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Decoded, each of a length that a signature of this kind can have.
    pub(super) list: Vec<Vec<u8>>,
    /// Pieces of the value that are no signature of this block.
    pub(super) passed_over: usize,
    /// Whether something is there at all.
    pub(super) present: bool,
    pub(super) refused: Option<Refusal>,
}

impl Candidates {
    /// Cuts out what is there, and leaves the pieces in the scope for `kv:`.
    pub(super) fn find<'a>(kind: &Kind, signed: &'a Signed, scope: &mut Scope<'a>) -> Self {
        match pieces(signed, scope) {
            Ok(pieces) => {
                let found = Self::among(kind, signed, &pieces);
                scope.set_pieces(if signed.separator.is_some() { pieces } else { Vec::new() });
                found
            }
            Err(refusal) => Self { present: true, refused: Some(refusal), ..Self::default() },
        }
    }

    fn among(kind: &Kind, signed: &Signed, pieces: &[Value<'_>]) -> Self {
        let mut found = Self { present: pieces.iter().any(|piece| !piece.is_empty()), ..Self::default() };
        let mut tried = 0;
        for piece in pieces {
            let text = signed.text(piece).filter(|text| !text.is_empty());
            tried += usize::from(text.is_some());
            match text.and_then(|text| signed.encoding.decode(text)).filter(|bytes| kind.can_be_signature(bytes)) {
                Some(candidate) if tried <= CANDIDATES_MAX => found.list.push(candidate),
                _ => found.passed_over += 1,
            }
        }
        if tried > CANDIDATES_MAX {
            found.list.clear();
            found.refused = Some(Refusal::TooMany);
        }
        found
    }
}

/// The pieces of all values that are there; one piece a value where there is no separator.
fn pieces<'a>(signed: &'a Signed, scope: &Scope<'a>) -> Result<Vec<Value<'a>>, Refusal> {
    let mut pieces = Vec::new();
    let mut bytes = 0;
    for from in &signed.signature {
        for value in values(from, signed.separator, scope)? {
            bytes += value.len();
            if bytes > SIGNATURE_BYTES_MAX {
                return Err(Refusal::TooLong);
            }
            match signed.separator {
                Some(separator) => split(&value, separator, &mut pieces),
                None => pieces.push(value),
            }
        }
    }
    Ok(pieces)
}

/// A header on several lines is one list where its separator is a comma (RFC 9110, 5.3); else what comes twice is
/// refused.
fn values<'a>(from: &'a Expr, separator: Option<char>, scope: &Scope<'a>) -> Result<Vec<Value<'a>>, Refusal> {
    if let (Expr::Header(name), Some(',')) = (from, separator) {
        let lines = scope.request().headers.get_all(name).iter();
        return Ok(lines.map(|line| line.as_bytes().trim_ascii().into()).collect());
    }
    if from.is_repeated(scope) {
        return Err(Refusal::Repeated);
    }
    Ok(from.find(scope).into_iter().collect())
}

fn split<'a>(value: &Value<'a>, separator: char, pieces: &mut Vec<Value<'a>>) {
    let is_separator = |byte: &u8| char::from(*byte) == separator;
    match value {
        Value::Borrowed(text) => pieces.extend(text.split(is_separator).map(|piece| piece.trim_ascii().into())),
        Value::Owned(text) => pieces.extend(text.split(is_separator).map(|piece| piece.trim_ascii().to_vec().into())),
    }
}

impl Signed {
    /// The encoded signature in a piece: behind one of the prefixes, and behind the last `after`.
    fn text<'p>(&self, piece: &'p [u8]) -> Option<&'p [u8]> {
        let text = if self.prefix.is_empty() {
            piece
        } else {
            self.prefix.iter().find_map(|prefix| piece.strip_prefix(prefix.as_bytes()))?
        };
        match self.after.as_deref().map(str::as_bytes) {
            None | Some(b"") => Some(text),
            Some(after) => {
                let start = text.windows(after.len()).rposition(|window| window == after)?;
                text.get(start + after.len()..)
            }
        }
    }
}

impl Kind {
    /// Whether so many bytes can be a signature of this kind. Only DER has no fixed length; RSA's is that of the key.
    fn can_be_signature(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Hmac(hash, _) | Self::Hash(hash, _) => bytes.len() == Hash::bytes(*hash),
            Self::PublicKey(Algorithm::Ed25519, _) => bytes.len() == 64,
            Self::PublicKey(..) => !bytes.is_empty(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Request;
    use crate::signature::scheme::Encoding;
    use http::{HeaderMap, HeaderName, HeaderValue};

    const HEX: &str = "900150983cd24fb0d6963f7d28e17f72";

    fn signed(separator: Option<char>, prefix: &[&str], after: Option<&str>) -> Signed {
        Signed {
            signature: vec![Expr::parse("header:x-sig").expect("an expression")],
            separator,
            prefix: prefix.iter().map(|&prefix| prefix.to_owned()).collect(),
            after: after.map(str::to_owned),
            encoding: Encoding::Hex,
            contents: Vec::new(),
            url_unescape: String::new(),
            prehash: false,
        }
    }

    fn found(signed: &Signed, lines: &[&str]) -> (usize, bool, Option<Refusal>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static("x-sig"), HeaderValue::from_str(line).expect("a value"));
        }
        let request =
            Request { method: "POST", target: "/", headers: &headers, body: b"", path_secret: None, peer: None };
        let kind = Kind::Hmac(Hash::Md5, signed.clone());
        let found = Candidates::find(&kind, signed, &mut Scope::of(request));
        (found.list.len(), found.present, found.refused)
    }

    #[test]
    fn a_list_is_cut_and_what_is_no_signature_is_passed_over() {
        let list = signed(Some(','), &["v1="], None);
        for (line, count) in [
            (format!("t=1,v1={HEX}"), 1),
            (format!("v1={HEX} , v0={HEX},v1={}", HEX.to_uppercase()), 2),
            (format!("v1={HEX}00,v1=zz,v1=,v1,=,,V1={HEX}"), 0),
            (format!("xv1={HEX}"), 0),
            (",".repeat(SIGNATURE_BYTES_MAX), 0),
        ] {
            assert_eq!(found(&list, &[&line]).0, count, "{line}");
        }
        let several = signed(Some(' '), &["v1,", "v1a,"], None);
        assert_eq!(found(&several, &[&format!("v1,{HEX} v1a,{HEX} v2,{HEX}")]).0, 2);
        let keyed = signed(Some('&'), &[], Some("|"));
        assert_eq!(found(&keyed, &[&format!("key|{HEX}&a|b|{HEX}&{HEX}")]).0, 2);
    }

    #[test]
    fn two_lines_are_one_list_only_where_a_comma_separates() {
        for (separator, expected) in [
            (Some(','), (2, true, None)),
            (Some(' '), (0, true, Some(Refusal::Repeated))),
            (None, (0, true, Some(Refusal::Repeated))),
        ] {
            assert_eq!(found(&signed(separator, &[], None), &[HEX, HEX]), expected, "{separator:?}");
        }
    }

    #[test]
    fn there_is_a_limit_to_how_much_is_tried() {
        let list = signed(Some(','), &["v1="], None);
        let of = |count: usize| vec![format!("v1={HEX}"); count].join(",");
        assert_eq!(found(&list, &[&of(16)]), (16, true, None));
        assert_eq!(found(&list, &[&of(17)]), (0, true, Some(Refusal::TooMany)));
        assert_eq!(found(&list, &[&of(8), &of(9)]), (0, true, Some(Refusal::TooMany)));
        assert_eq!(found(&list, &[&" v1=zz,".repeat(17)]), (0, true, Some(Refusal::TooMany)));
        assert_eq!(found(&list, &[&"x".repeat(SIGNATURE_BYTES_MAX + 1)]), (0, true, Some(Refusal::TooLong)));
        let long = "x".repeat(SIGNATURE_BYTES_MAX / 2 + 1);
        assert_eq!(found(&list, &[&long, &long]), (0, true, Some(Refusal::TooLong)));
    }

    #[test]
    fn nothing_is_not_something_wrong() {
        let list = signed(Some(','), &[], None);
        assert_eq!(found(&list, &[]), (0, false, None));
        assert_eq!(found(&list, &[""]), (0, false, None));
        assert_eq!(found(&list, &[" , "]), (0, false, None));
        assert_eq!(found(&list, &["x"]), (0, true, None));
    }
}
