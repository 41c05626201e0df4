//! The short text form of expressions, read and written: `header:X-Id`, `json:/data/0/id`, `=text` …
//!
//! Composites, `first`, `member` and `starts_with` have no short form: the configuration assembles them from its lists
//! and maps. They are written here all the same, for messages.

use std::fmt;
use std::str::FromStr;

use super::expr::{Batch, Composite, Expr, ExprError, Pointer};

impl Expr {
    /// Reads the short form.
    ///
    /// # Errors
    /// Says which form was expected.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        if let Some(literal) = text.strip_prefix('=') {
            return Ok(Self::Text(literal.to_owned()));
        }
        let Some((form, rest)) = text.split_once(':') else {
            return if text == "hash" { Ok(Self::Hash) } else { Err(ExprError::Form) };
        };
        match form {
            "header" => rest.parse().map(Self::Header).map_err(|_| ExprError::Header),
            "query" => name(rest).map(Self::Query),
            "form" => name(rest).map(Self::Form),
            "kv" => name(rest).map(Self::KeyValue),
            "json" => rest.parse().map(Self::Json),
            "xml" => xml(rest).map(Self::Xml),
            "item" => parse_item(rest),
            _ => Err(ExprError::Form),
        }
    }
}

impl Composite {
    /// Reads a member of a list: an expression, with a `?` at its end where it may be missing.
    ///
    /// # Errors
    /// As [`Expr::parse`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let (text, optional) = split_optional(text);
        Expr::parse(text).map(|expr| Self { expr, optional })
    }
}

impl Batch {
    /// Reads the short form: `json:/pointer`, `form:name` or `lines`.
    ///
    /// # Errors
    /// Says which form was expected.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        match text.split_once(':') {
            Some(("json", pointer)) => pointer.parse().map(Self::Json),
            Some(("xml", path)) => xml(path)
                .and_then(|path| if ends_in_attribute(&path) { Err(ExprError::Batch) } else { Ok(Self::Xml(path)) }),
            Some(("form", field)) => name(field).map(Self::Form),
            None if text == "lines" => Ok(Self::Lines),
            _ => Err(ExprError::Batch),
        }
    }
}

/// Cuts the `?` that says "may be missing" from the end of a list's member. A literal (`=really?`) keeps it: a text is
/// never missing.
#[must_use]
pub fn split_optional(text: &str) -> (&str, bool) {
    match text.strip_suffix('?') {
        Some(cut) if !text.starts_with('=') => (cut, true),
        _ => (text, false),
    }
}

fn name(text: &str) -> Result<String, ExprError> {
    if text.is_empty() { Err(ExprError::Name) } else { Ok(text.to_owned()) }
}

/// A path that is not empty, with an attribute at most at its end, which an element stands before.
fn xml(text: &str) -> Result<Pointer, ExprError> {
    let path: Pointer = text.parse().map_err(|_| ExprError::Xml)?;
    let names = path.0.len() - usize::from(ends_in_attribute(&path));
    let good = |name: &String| !name.is_empty() && !name.starts_with('@');
    if names > 0 && path.0.iter().take(names).all(good) { Ok(path) } else { Err(ExprError::Xml) }
}

fn ends_in_attribute(path: &Pointer) -> bool {
    path.0.last().is_some_and(|last| last.len() > 1 && last.starts_with('@'))
}

fn parse_item(text: &str) -> Result<Expr, ExprError> {
    if text == "#" {
        return Ok(Expr::ItemIndex);
    }
    let Some(relative) = text.strip_prefix('^') else {
        return Ok(Expr::Item { climb: 0, pointer: text.parse()? });
    };
    let (levels, pointer) = relative.find('/').and_then(|at| relative.split_at_checked(at)).ok_or(ExprError::Climb)?;
    let written_so = levels.bytes().all(|byte| byte.is_ascii_digit()) && !levels.starts_with('0');
    let climb = levels.parse().ok().filter(|_| written_so).ok_or(ExprError::Climb)?;
    Ok(Expr::Item { climb, pointer: pointer.parse()? })
}

/// RFC 6901, but for `/`, which is the whole document and not its member without a name.
impl FromStr for Pointer {
    type Err = ExprError;

    fn from_str(text: &str) -> Result<Self, ExprError> {
        let rest = text.strip_prefix('/').ok_or(ExprError::Pointer)?;
        if rest.is_empty() {
            return Ok(Self::default());
        }
        let tokens: Vec<String> = rest.split('/').map(unescape).collect::<Option<_>>().ok_or(ExprError::Pointer)?;
        if tokens.len() > Self::TOKENS_MAX { Err(ExprError::Pointer) } else { Ok(Self(tokens)) }
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut pieces = token.split('~');
    let mut plain = pieces.next()?.to_owned();
    for piece in pieces {
        let (escaped, rest) =
            piece.strip_prefix('0').map(|rest| ('~', rest)).or(piece.strip_prefix('1').map(|rest| ('/', rest)))?;
        plain.push(escaped);
        plain.push_str(rest);
    }
    Some(plain)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Xml(path) => write!(f, "xml:{path}"),
            Self::Item { climb: 0, pointer } => write!(f, "item:{pointer}"),
            Self::Item { climb, pointer } => write!(f, "item:^{climb}{pointer}"),
            Self::ItemIndex => f.write_str("item:#"),
            Self::KeyValue(name) => write!(f, "kv:{name}"),
            Self::Text(text) => write!(f, "={text}"),
            Self::Hash => f.write_str("hash"),
            Self::First(members) => write!(f, "{{ first: [{}] }}", Listed(members)),
            Self::StartsWith(from, text) => write!(f, "{{ from: {from}, starts_with: {text} }}"),
            Self::Member { of, except } => write!(f, "{{ member: json:{of}, except: [{}] }}", Listed(except)),
            Self::Composite(parts) => write!(f, "[{}]", Listed(parts)),
        }
    }
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expr, if self.optional { "?" } else { "" })
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Xml(path) => write!(f, "xml:{path}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Lines => f.write_str("lines"),
            Self::First(members) => write!(f, "{{ first: [{}] }}", Listed(members)),
        }
    }
}

struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, member) in self.0.iter().enumerate() {
            write!(f, "{}{member}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_form_is_written_as_it_is_read() {
        for text in [
            "header:x-id",
            "query:hub.mode",
            "form:data[id]",
            "json:/",
            "json:/a/0/b",
            "json:/a~0b/c~1d/",
            "item:/id",
            "item:/",
            "item:^2/id",
            "item:^255/",
            "xml:/a/b",
            "xml:/a/@b",
            "item:#",
            "kv:t",
            "=",
            "=v0:",
            "=really?",
            "hash",
        ] {
            assert_eq!(Expr::parse(text).expect(text).to_string(), text);
        }
        for text in ["json:/entry/*/changes", "json:/", "xml:/a/b", "form:events", "lines"] {
            assert_eq!(Batch::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_what_was_expected() {
        let deep = format!("json:{}", "/a".repeat(65));
        for (wrong, error) in [
            ("", ExprError::Form),
            ("id", ExprError::Form),
            ("body:/a", ExprError::Form),
            ("Header:X", ExprError::Form),
            ("hash:", ExprError::Form),
            ("header:", ExprError::Header),
            ("header:X Y", ExprError::Header),
            ("query:", ExprError::Name),
            ("form:", ExprError::Name),
            ("kv:", ExprError::Name),
            ("json:", ExprError::Pointer),
            ("json:id", ExprError::Pointer),
            ("json:/a~2", ExprError::Pointer),
            ("json:/a~", ExprError::Pointer),
            (&deep, ExprError::Pointer),
            ("xml:", ExprError::Xml),
            ("xml:/", ExprError::Xml),
            ("xml:a", ExprError::Xml),
            ("xml:/@a", ExprError::Xml),
            ("xml:/@a/b", ExprError::Xml),
            ("xml:/a//b", ExprError::Xml),
            ("item:id", ExprError::Pointer),
            ("item:^/id", ExprError::Climb),
            ("item:^0/id", ExprError::Climb),
            ("item:^01/id", ExprError::Climb),
            ("item:^+1/id", ExprError::Climb),
            ("item:^256/id", ExprError::Climb),
            ("item:^2", ExprError::Climb),
        ] {
            assert_eq!(Expr::parse(wrong), Err(error), "{wrong}");
        }
        for wrong in ["", "items", "lines:", "query:a", "item:/a", "xml:/a/@b"] {
            assert_eq!(Batch::parse(wrong), Err(ExprError::Batch), "{wrong}");
        }
    }

    #[test]
    fn a_question_mark_at_the_end_of_a_member_makes_it_optional() {
        let part = Composite::parse("json:/a?").expect("a part");
        assert_eq!((part.expr.to_string().as_str(), part.optional), ("json:/a", true));
        assert_eq!(split_optional("=really?"), ("=really?", false));
        assert_eq!(split_optional("body"), ("body", false));
    }
}
