//! What an expression is evaluated against, and the evaluation itself.

use std::borrow::Cow;
use std::cell::RefCell;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::batch::Element;
use super::{Composite, Expr, Pointer, Request, json, pairs, xml};

/// A found value: a slice of the request wherever it can be.
pub type Value<'a> = Cow<'a, [u8]>;

/// A request, perhaps one element of its batch, and perhaps the pieces of its signature.
///
/// It remembers what was found outside of the element, so that ten thousand elements that ask for one member of the
/// body read the body once.
#[derive(Debug)]
pub struct Scope<'a> {
    request: Request<'a>,
    element: Option<Element<'a>>,
    pieces: Vec<Value<'a>>,
    hashed: Option<&'a [u8]>,
    values: Memo<Option<Value<'a>>>,
    repeated: Memo<bool>,
}

/// What expressions gave the last time, each with the value it was applied to (its start in the text): elements come in
/// order, so the last one is enough.
#[derive(Debug)]
struct Memo<T>(RefCell<Vec<(Expr, usize, T)>>);

impl<T: Clone> Memo<T> {
    fn ask(&self, expr: &Expr, start: usize, find: impl FnOnce() -> T) -> T {
        let mut seen = self.0.borrow_mut();
        if let Some((_, known_start, known)) = seen.iter_mut().find(|(known, ..)| known == expr) {
            if *known_start != start {
                (*known_start, *known) = (start, find());
            }
            return known.clone();
        }
        let found = find();
        seen.push((expr.clone(), start, found.clone()));
        found
    }
}

/// How the parts of a composite become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// `|`, and a missing part means that there is nothing.
    Id,
    /// `.`, and missing parts are left out.
    Type,
}

/// `sha256:<hex>` of the value of an event: what it is known by where it has no id.
#[must_use]
pub fn content_hash(value: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(value)))
}

impl<'a> Scope<'a> {
    /// The whole request.
    #[must_use]
    pub fn of(request: Request<'a>) -> Self {
        Self {
            request,
            element: None,
            pieces: Vec::new(),
            hashed: None,
            values: Memo(RefCell::default()),
            repeated: Memo(RefCell::default()),
        }
    }

    /// From now on `item:` is in this element, and `hash` is of it.
    pub fn enter(&mut self, element: Element<'a>) {
        self.element = Some(element);
        self.hashed = None;
    }

    /// From now on `kv:` looks at these pieces of a signature value.
    pub fn set_pieces(&mut self, pieces: Vec<Value<'a>>) {
        self.pieces = pieces;
    }

    /// From now on `hash` is of this value, where the event's value is neither the element nor the body.
    pub fn set_hashed(&mut self, value: &'a [u8]) {
        self.hashed = Some(value);
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request<'a> {
        &self.request
    }

    fn header_lines(&self, name: &http::HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.request.headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii())
    }

    /// The text of the element, or the whole body where there is none.
    fn item(&self) -> &'a [u8] {
        self.element.map_or(self.request.body, |element| element.value())
    }

    /// Whether the element is one of XML.
    fn is_xml(&self) -> bool {
        self.element.is_some_and(|element| element.is_xml())
    }

    /// What `climb` levels above the element is, by its start in the text.
    fn above(&self, climb: u8) -> Option<(usize, &'a [u8])> {
        match self.element {
            Some(element) => element.holder(climb),
            None => (climb == 0).then_some((0, self.request.body)),
        }
    }

    fn pieces_of(&self, name: &str) -> impl Iterator<Item = Value<'a>> {
        let start = name.len() + 1;
        let is_it = move |piece: &&Value<'a>| {
            piece.get(..start).is_some_and(|begin| begin.strip_suffix(b"=") == Some(name.as_bytes()))
        };
        self.pieces.iter().filter(is_it).filter_map(move |piece| match piece {
            Cow::Borrowed(piece) => piece.get(start..).map(Cow::Borrowed),
            Cow::Owned(piece) => piece.get(start..).map(|value| Cow::Owned(value.to_vec())),
        })
    }

    /// The value, asked for once where it is the same for many elements.
    fn value_of(&self, expr: &Expr, start: usize, find: impl FnOnce() -> Option<Value<'a>>) -> Option<Value<'a>> {
        if self.element.is_some() { self.values.ask(expr, start, find) } else { find() }
    }

    /// The same for whether it is repeated.
    fn is_twice(&self, expr: &Expr, start: usize, find: impl FnOnce() -> bool) -> bool {
        if self.element.is_some() { self.repeated.ask(expr, start, find) } else { find() }
    }
}

impl Expr {
    /// The value; the parts of a composite are joined by `|`, and a `|` or `%` inside a part is percent-encoded.
    #[must_use]
    pub fn find<'v, 's: 'v>(&'v self, scope: &Scope<'s>) -> Option<Value<'v>> {
        self.joined(scope, Join::Id)
    }

    /// The value; the parts of a composite are joined by `.`, and missing ones are left out.
    #[must_use]
    pub fn find_type<'v, 's: 'v>(&'v self, scope: &Scope<'s>) -> Option<Value<'v>> {
        self.joined(scope, Join::Type)
    }

    /// Whether what it names is there more than once: a header on two lines, a parameter, a piece of a signature or a
    /// member of a JSON object that comes twice. Nobody knows then which of them the sender meant, and a consumer may
    /// read another one than we do.
    #[must_use]
    pub fn is_repeated(&self, scope: &Scope<'_>) -> bool {
        let request = scope.request;
        match self {
            Self::Header(name) => scope.header_lines(name).nth(1).is_some(),
            Self::Query(name) => scope.is_twice(self, 0, || pairs::repeated(request.query().as_bytes(), name)),
            Self::Form(name) => scope.is_twice(self, 0, || pairs::repeated(request.body, name)),
            Self::KeyValue(name) => scope.pieces_of(name).nth(1).is_some(),
            Self::Json(pointer) => scope.is_twice(self, 0, || json::is_repeated(request.body, &pointer.0)),
            Self::Xml(path) => scope.is_twice(self, 0, || xml::is_repeated(request.body, &path.0)),
            Self::Item { climb: 0, pointer } if scope.is_xml() => xml::is_repeated_inside(scope.item(), &pointer.0),
            Self::Item { climb: 0, pointer } => json::is_repeated(scope.item(), &pointer.0),
            Self::Item { climb, pointer } => scope
                .above(*climb)
                .is_some_and(|(start, holder)| scope.is_twice(self, start, || json::is_repeated(holder, &pointer.0))),
            Self::First(members) => members.iter().any(|member| member.is_repeated(scope)),
            Self::StartsWith(from, _) => from.is_repeated(scope),
            Self::Composite(parts) => parts.iter().any(|part| part.expr.is_repeated(scope)),
            Self::ItemIndex | Self::Text(_) | Self::Hash | Self::Member { .. } => false,
        }
    }

    /// Whether it says something about an element rather than the delivery.
    #[must_use]
    pub fn is_of_item(&self) -> bool {
        self.any(&|expr| matches!(expr, Self::Item { .. } | Self::ItemIndex))
    }

    /// Whether the body is read for it.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        let in_body = |expr: &Self| {
            matches!(
                expr,
                Self::Form(_) | Self::Json(_) | Self::Xml(_) | Self::Item { .. } | Self::Member { .. } | Self::Hash
            )
        };
        self.any(&in_body)
    }

    /// Whether it, or an expression that it is made of, is one of those.
    pub fn any(&self, is_one: &impl Fn(&Self) -> bool) -> bool {
        is_one(self)
            || match self {
                Self::First(members) => members.iter().any(|member| member.any(is_one)),
                Self::StartsWith(from, _) => from.any(is_one),
                Self::Composite(parts) => parts.iter().any(|part| part.expr.any(is_one)),
                _ => false,
            }
    }

    fn joined<'v, 's: 'v>(&'v self, scope: &Scope<'s>, join: Join) -> Option<Value<'v>> {
        match self {
            Self::Header(name) => scope.header_lines(name).next().map(Cow::Borrowed),
            Self::Query(name) => scope.value_of(self, 0, || pairs::first(scope.request.query().as_bytes(), name)),
            Self::Form(name) => scope.value_of(self, 0, || pairs::first(scope.request.body, name)),
            Self::Json(pointer) => scope.value_of(self, 0, || at(scope.request.body, pointer)),
            Self::Xml(path) => scope.value_of(self, 0, || xml::value(scope.request.body, &path.0)),
            Self::Item { climb: 0, pointer } if scope.is_xml() => xml::value_inside(scope.item(), &pointer.0),
            Self::Item { climb: 0, pointer } => at(scope.item(), pointer),
            Self::Item { climb, pointer } => {
                let (start, holder) = scope.above(*climb)?;
                scope.value_of(self, start, || at(holder, pointer))
            }
            Self::ItemIndex => Some(Cow::Owned(scope.element.map_or(0, |e| e.index()).to_string().into_bytes())),
            Self::KeyValue(name) => scope.pieces_of(name).next(),
            Self::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Self::Hash => {
                let value = scope.hashed.unwrap_or_else(|| scope.item());
                Some(Cow::Owned(content_hash(value).into_bytes()))
            }
            Self::First(members) => {
                members.iter().find_map(|member| member.joined(scope, join).filter(|value| !value.is_empty()))
            }
            Self::StartsWith(from, start) => {
                from.joined(scope, join).filter(|value| value.starts_with(start.as_bytes()))
            }
            Self::Member { of, except } => scope.value_of(self, 0, || {
                let name = json::first_member(json::find(scope.request.body, &of.0)?, except)?;
                Some(Cow::Owned(name.into_bytes()))
            }),
            Self::Composite(parts) => match join {
                Join::Id => join_id(parts, scope),
                Join::Type => join_type(parts, scope),
            }
            .map(Cow::Owned),
        }
    }
}

fn at<'a>(text: &'a [u8], pointer: &Pointer) -> Option<Value<'a>> {
    json::value(json::find(text, &pointer.0)?)
}

/// Two different lists of parts never give one id: a separator inside a part is not one. Only an optional part may be
/// empty: else all events that lack it would be one. An id whose parts are all empty is none.
fn join_id(parts: &[Composite], scope: &Scope<'_>) -> Option<Vec<u8>> {
    let mut id = Vec::new();
    let mut something = false;
    for (index, part) in parts.iter().enumerate() {
        let value = part.expr.joined(scope, Join::Id).unwrap_or_default();
        if value.is_empty() && !part.optional {
            return None;
        }
        if index > 0 {
            id.push(b'|');
        }
        something |= !value.is_empty();
        for byte in value.iter() {
            match byte {
                b'|' => id.extend_from_slice(b"%7C"),
                b'%' => id.extend_from_slice(b"%25"),
                _ => id.push(*byte),
            }
        }
    }
    something.then_some(id)
}

fn join_type(parts: &[Composite], scope: &Scope<'_>) -> Option<Vec<u8>> {
    let found = parts.iter().filter_map(|part| part.expr.joined(scope, Join::Type));
    let found: Vec<_> = found.filter(|value| !value.is_empty()).collect();
    if found.is_empty() { None } else { Some(found.join(&b"."[..])) }
}
