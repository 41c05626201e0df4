//! Elements of an XML text, by path: `/Envelope/Body/notifications`, names without their prefixes.
//!
//! A strict little scanner: tags have to match, one root and nothing around it. A text with a DTD is refused whole, so
//! there are no entities to expand; nothing is fetched, and depth costs no stack. What is found is a slice of the text.
//! `@name` at the end of a path is an attribute.

use std::borrow::Cow;

use super::json::TooMany;

/// Elements inside of each other, at most.
const DEPTH_MAX: usize = 128;

/// Not well-formed, or more than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused;

/// All elements at that path, each with its tags, in order; `None` where the text is refused or there is no such element.
pub(super) fn elements<'t>(text: &'t [u8], path: &[String], limit: usize) -> Result<Option<Vec<&'t [u8]>>, TooMany> {
    match walk(text, path) {
        Ok(found) if found.len() > limit => Err(TooMany),
        Ok(found) if !found.is_empty() => Ok(Some(found)),
        Ok(_) | Err(Refused) => Ok(None),
    }
}

/// Whether there are two elements at that path or more.
pub(super) fn is_repeated(text: &[u8], path: &[String]) -> bool {
    walk(text, split_attribute(path).0).is_ok_and(|found| found.len() > 1)
}

/// The text of the first element at that path, which has no elements in it; or its attribute. The five entities of XML
/// itself and characters by number are decoded.
pub(super) fn value<'t>(text: &'t [u8], path: &[String]) -> Option<Cow<'t, [u8]>> {
    let (path, attribute) = split_attribute(path);
    let element = *walk(text, path).ok()?.first()?;
    let mut scanner = Scanner { text: element, at: 0 };
    let Ok(Some(Token::Open { attributes, empty, .. })) = scanner.next() else { return None };
    if let Some(wanted) = attribute {
        let mut found = attributes.into_iter().filter(|(name, _)| local(name) == wanted.as_bytes());
        return found.next().filter(|_| found.next().is_none()).and_then(|(_, value)| decoded(value));
    }
    if empty {
        return Some(Cow::default());
    }
    let start = scanner.at;
    match (scanner.next(), scanner.at) {
        (Ok(Some(Token::Close { .. })), _) => Some(Cow::default()),
        (Ok(Some(Token::Text)), end) => match scanner.next() {
            Ok(Some(Token::Close { .. })) => decoded(element.get(start..end)?),
            _ => None,
        },
        _ => None,
    }
}

/// The same inside of an element, whose own name is no part of the path.
pub(super) fn value_inside<'t>(element: &'t [u8], path: &[String]) -> Option<Cow<'t, [u8]>> {
    value(element, &below(element, path)?)
}

/// Whether the path inside of an element leads to two.
pub(super) fn is_repeated_inside(element: &[u8], path: &[String]) -> bool {
    below(element, path).is_some_and(|path| is_repeated(element, &path))
}

fn below(element: &[u8], path: &[String]) -> Option<Vec<String>> {
    let Ok(Some(Token::Open { name, .. })) = (Scanner { text: element, at: 0 }).next() else { return None };
    let root = String::from_utf8(local(name).to_vec()).ok()?;
    Some(std::iter::once(root).chain(path.iter().cloned()).collect())
}

fn split_attribute(path: &[String]) -> (&[String], Option<&str>) {
    match path.split_last() {
        Some((last, path)) if last.starts_with('@') => (path, last.strip_prefix('@')),
        _ => (path, None),
    }
}

/// Reads the whole text, and collects the elements at that path.
fn walk<'t>(text: &'t [u8], path: &[String]) -> Result<Vec<&'t [u8]>, Refused> {
    let mut scanner = Scanner { text, at: 0 };
    let (mut open, mut found) = (Vec::new(), Vec::new());
    // How many of the open elements, from the root, are those of the path; and where the one at its end begins.
    let (mut matched, mut start, mut roots) = (0, 0, 0);
    while scanner.at < text.len() {
        let at = scanner.at;
        let (name, empty, closes) = match scanner.next()?.ok_or(Refused)? {
            Token::Open { name, empty, .. } => (name, empty, empty),
            Token::Close { name } => (name, false, true),
            Token::Text | Token::Cdata if open.is_empty() && !is_blank(text.get(at..scanner.at)) => {
                return Err(Refused);
            }
            Token::Text | Token::Cdata | Token::Aside => continue,
        };
        if !closes || empty {
            roots += usize::from(open.is_empty());
            if roots > 1 || open.len() == DEPTH_MAX {
                return Err(Refused);
            }
            if open.len() == matched && path.get(matched).is_some_and(|wanted| wanted.as_bytes() == local(name)) {
                matched += 1;
                start = if matched == path.len() { at } else { start };
            }
            open.push(name);
        }
        if closes {
            if open.last() != Some(&name) {
                return Err(Refused);
            }
            if open.len() == matched {
                if matched == path.len() {
                    found.push(text.get(start..scanner.at).unwrap_or_default());
                }
                matched -= 1;
            }
            open.pop();
        }
    }
    if roots == 1 && open.is_empty() { Ok(found) } else { Err(Refused) }
}

fn is_blank(text: Option<&[u8]>) -> bool {
    // A byte order mark may stand before everything.
    text.unwrap_or_default().strip_prefix(b"\xef\xbb\xbf").or(text).is_none_or(|text| text.trim_ascii().is_empty())
}

/// A name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or_default()
}

enum Token<'t> {
    Open {
        name: &'t [u8],
        attributes: Vec<(&'t [u8], &'t [u8])>,
        empty: bool,
    },
    Close {
        name: &'t [u8],
    },
    Text,
    Cdata,
    /// A comment, or an instruction such as the declaration at the beginning.
    Aside,
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    fn next(&mut self) -> Result<Option<Token<'t>>, Refused> {
        let rest = self.rest();
        match rest {
            [] => Ok(None),
            [b'<', b'/', ..] => {
                self.at += 2;
                let name = self.name()?;
                self.skip_spaces();
                self.take(b">")?;
                Ok(Some(Token::Close { name }))
            }
            [b'<', b'?', ..] => self.skip_to(b"?>", Token::Aside).map(Some),
            [b'<', b'!', b'-', b'-', ..] => {
                self.at += 4;
                self.skip_to(b"-->", Token::Aside).map(Some)
            }
            _ if rest.starts_with(b"<![CDATA[") => self.skip_to(b"]]>", Token::Cdata).map(Some),
            // A DTD.
            [b'<', b'!', ..] => Err(Refused),
            [b'<', ..] => self.open().map(Some),
            _ => {
                let length = rest.iter().position(|byte| *byte == b'<').unwrap_or(rest.len());
                self.at += length;
                Ok(Some(Token::Text))
            }
        }
    }

    fn open(&mut self) -> Result<Token<'t>, Refused> {
        self.at += 1;
        let name = self.name()?;
        let mut attributes: Vec<(&[u8], &[u8])> = Vec::new();
        loop {
            let spaces = self.skip_spaces();
            match self.rest() {
                [b'>', ..] => {
                    self.at += 1;
                    return Ok(Token::Open { name, attributes, empty: false });
                }
                [b'/', b'>', ..] => {
                    self.at += 2;
                    return Ok(Token::Open { name, attributes, empty: true });
                }
                _ if spaces == 0 => return Err(Refused),
                _ => {
                    let attribute = self.attribute()?;
                    if attributes.len() == DEPTH_MAX || attributes.iter().any(|(name, _)| *name == attribute.0) {
                        return Err(Refused);
                    }
                    attributes.push(attribute);
                }
            }
        }
    }

    fn attribute(&mut self) -> Result<(&'t [u8], &'t [u8]), Refused> {
        let name = self.name()?;
        self.skip_spaces();
        self.take(b"=")?;
        self.skip_spaces();
        let quote = match self.rest() {
            [quote @ (b'"' | b'\''), ..] => *quote,
            _ => return Err(Refused),
        };
        self.at += 1;
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == quote).ok_or(Refused)?;
        let value = rest.get(..length).filter(|value| !value.contains(&b'<')).ok_or(Refused)?;
        self.at += length + 1;
        Ok((name, value))
    }

    fn name(&mut self) -> Result<&'t [u8], Refused> {
        let rest = self.rest();
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.-".contains(byte) || !byte.is_ascii();
        let length = rest.iter().position(|byte| !is_of_name(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).filter(|name| !name.is_empty()).ok_or(Refused)
    }

    fn skip_to(&mut self, end: &[u8], token: Token<'t>) -> Result<Token<'t>, Refused> {
        let length = self.rest().windows(end.len()).position(|window| window == end).ok_or(Refused)?;
        self.at += length + end.len();
        Ok(token)
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) -> usize {
        let rest = self.rest();
        let spaces = rest.len() - rest.trim_ascii_start().len();
        self.at += spaces;
        spaces
    }

    fn take(&mut self, text: &[u8]) -> Result<(), Refused> {
        if !self.rest().starts_with(text) {
            return Err(Refused);
        }
        self.at += text.len();
        Ok(())
    }
}

/// The text with the entities of XML itself decoded; none where there is another, or no such character.
fn decoded(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !text.contains(&b'&') {
        return Some(Cow::Borrowed(text));
    }
    let mut pieces = std::str::from_utf8(text).ok()?.split('&');
    let mut plain = pieces.next()?.to_owned();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';')?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
                // What reads numbers takes a sign too.
                let plain = digits.chars().all(|c| c.is_digit(radix));
                let code = plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
                char::from_u32(code).filter(|c| *c != '\0')?
            }
        });
        plain.push_str(rest);
    }
    Some(Cow::Owned(plain.into_bytes()))
}

#[cfg(test)]
mod tests;
