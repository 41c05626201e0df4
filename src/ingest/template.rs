//! The text of a handshake's answer: `{value}`, `{mac}` and expressions in braces are put in, all else is literal.

use std::borrow::Cow;

use crate::locate::{Expr, Scope};
use crate::signature::scheme::Allow;

/// A text with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value,
    Mac,
    Expr(Expr),
}

/// What is put in.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) value: &'a str,
    pub(super) mac: &'a str,
    pub(super) scope: &'a Scope<'a>,
    /// What a value that a stranger sends may be made of.
    pub(super) allow: Allow,
    /// The text is JSON and the holes are inside its strings.
    pub(super) json: bool,
}

impl Template {
    /// Reads a text. Braces around anything else than `value`, `mac` or an expression are literal, as JSON's are.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            let hole = after.split_once('}').and_then(|(inner, behind)| Some((Piece::hole(inner)?, behind)));
            rest = if let Some((piece, behind)) = hole {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(piece);
                behind
            } else {
                literal.push('{');
                after
            };
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        Self(pieces)
    }

    /// Fills the holes; none where an expression is missing or holds what is not allowed.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value => text.push_str(&filling.escaped(filling.value)),
                Piece::Mac => text.push_str(&filling.escaped(filling.mac)),
                Piece::Expr(expr) => {
                    let found = expr.find(filling.scope)?;
                    let found =
                        std::str::from_utf8(&found).ok().filter(|found| filling.allow.permits(found.as_bytes()))?;
                    text.push_str(&filling.escaped(found));
                }
            }
        }
        Some(text)
    }
}

impl Piece {
    fn hole(inner: &str) -> Option<Self> {
        match inner {
            "value" => Some(Self::Value),
            "mac" => Some(Self::Mac),
            _ if inner.contains(['{', '"']) => None,
            _ => Expr::parse(inner).ok().map(Self::Expr),
        }
    }
}

impl Filling<'_> {
    fn escaped<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.json {
            return Cow::Borrowed(text);
        }
        // A string as JSON has its quotes around it, and they stand in the template already.
        let quoted = serde_json::Value::from(text).to_string();
        let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
        Cow::Owned(inner.to_owned())
    }
}
