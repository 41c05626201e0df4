//! The elements of a delivery that brings several events: exact slices, and what stands around each.
//!
//! One pass a level of the path, so the work grows with the body and not with its square. Elements are ranges of one
//! text: the body, or a decoded form field. Each knows the values that hold it, for `item:^n`.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::json::{self, TooMany};
use super::{Batch, Request, pairs, xml};

/// A delivery has at most this many elements, and as many arrays and objects around them; more counts as no batch. A
/// body of 1 MiB, which is the limit by default, would then hold events of 52 bytes, and that is less than one with an id
/// and a time takes. Each becomes a record of its own, many times larger.
pub const ELEMENTS_MAX: usize = 20_000;

/// The elements of one delivery, in order; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elements<'a> {
    text: Cow<'a, [u8]>,
    /// Whether `text` is the body.
    of_body: bool,
    /// Whether they are elements of XML.
    is_xml: bool,
    /// The arrays and objects that were passed on the way.
    holders: Vec<Place>,
    places: Vec<Place>,
}

/// Where a value lies in the text, and the index of the holder around it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    start: usize,
    end: usize,
    holder: Option<usize>,
}

/// One element of a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    all: &'a Elements<'a>,
    index: usize,
    place: &'a Place,
}

/// Finds the elements; `None` where there is no array, or more elements than [`ELEMENTS_MAX`].
///
/// A path that ends at an array without elements, or passes one at a `*`, is there and empty.
#[must_use]
pub fn elements<'a>(batch: &Batch, request: &Request<'a>) -> Option<Elements<'a>> {
    found(batch, request).unwrap_or_default()
}

/// Where there are too many in one place, no member of a `first` counts.
fn found<'a>(batch: &Batch, request: &Request<'a>) -> Result<Option<Elements<'a>>, TooMany> {
    match batch {
        Batch::Json(pointer) => Elements::of_json(Cow::Borrowed(request.body), true, &pointer.0),
        Batch::Xml(path) => Elements::of_xml(request.body, &path.0),
        Batch::Form(name) => match pairs::first(request.body, name) {
            Some(field) => Elements::of_json(field, false, &[]),
            None => Ok(None),
        },
        Batch::Lines => Elements::of_lines(request.body),
        Batch::First(members) => {
            let mut all = None;
            for member in members {
                let Some(more) = found(member, request)? else { continue };
                all = Some(match all {
                    Some(elements) => join(elements, more)?,
                    None => more,
                });
            }
            Ok(all)
        }
    }
}

/// The elements of two members of a `first`. As a rule one of them has none; where both have, one delivery brings two
/// kinds of events, and none may be lost. What lies inside of the other's elements is no further event.
fn join<'a>(first: Elements<'a>, second: Elements<'a>) -> Result<Elements<'a>, TooMany> {
    if first.is_empty() || second.is_empty() {
        return Ok(if first.is_empty() { second } else { first });
    }
    if !(first.of_body && second.of_body) || first.is_xml != second.is_xml {
        // Ranges of two texts, or of two kinds, are no one list.
        return Err(TooMany);
    }
    let inner = first.holders.len();
    let shifted = |place: Place| Place { holder: place.holder.map(|holder| holder + inner), ..place };
    let mut places = first.places.clone();
    places.extend(second.places.into_iter().map(shifted));
    places.sort_by_key(|place| place.start);
    if places.windows(2).any(|pair| matches!(pair, [one, next] if next.start < one.end)) {
        return Ok(first);
    }
    let holders = [first.holders, second.holders.into_iter().map(shifted).collect()].concat();
    if places.len() > ELEMENTS_MAX || holders.len() > ELEMENTS_MAX {
        return Err(TooMany);
    }
    Ok(Elements { holders, places, ..first })
}

impl<'a> Elements<'a> {
    fn of_json(text: Cow<'a, [u8]>, of_body: bool, path: &[String]) -> Result<Option<Self>, TooMany> {
        let Some(whole) = json::find(&text, &[]) else { return Ok(None) };
        let mut walk = Walk { text: &text, holders: Vec::new(), places: Vec::new(), present: false };
        walk.go(whole, path, None)?;
        let Walk { holders, places, present, .. } = walk;
        Ok(present.then_some(Self { text, of_body, is_xml: false, holders, places }))
    }

    fn of_lines(body: &'a [u8]) -> Result<Option<Self>, TooMany> {
        let mut places = Vec::new();
        for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
            if places.len() == ELEMENTS_MAX {
                return Err(TooMany);
            }
            if !json::is_one_value(line) {
                return Ok(None);
            }
            places.push(Place::of(line, body, None));
        }
        Ok(Some(Self { text: Cow::Borrowed(body), of_body: true, is_xml: false, holders: Vec::new(), places }))
    }

    fn of_xml(body: &'a [u8], path: &[String]) -> Result<Option<Self>, TooMany> {
        let Some(found) = xml::elements(body, path, ELEMENTS_MAX)? else { return Ok(None) };
        let places = found.into_iter().map(|element| Place::of(element, body, None)).collect();
        Ok(Some(Self { text: Cow::Borrowed(body), of_body: true, is_xml: true, holders: Vec::new(), places }))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// An array was there, and nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether their ranges are of the body, and they are JSON.
    pub(super) fn are_of_body(&self) -> bool {
        self.of_body && !self.is_xml
    }

    /// Each in order.
    pub fn iter(&'a self) -> impl Iterator<Item = Element<'a>> {
        self.places.iter().enumerate().map(|(index, place)| Element { all: self, index, place })
    }

    /// The text that the elements' ranges are of, without a copy where it is the body: `body` is the one that the
    /// request was made of.
    #[must_use]
    pub fn text(&self, body: &Bytes) -> Bytes {
        if self.of_body { body.clone() } else { Bytes::copy_from_slice(&self.text) }
    }
}

impl<'a> Element<'a> {
    /// Its exact slice.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.place.slice(&self.all.text)
    }

    /// Where that slice lies in [`Elements::text`].
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.place.start..self.place.end
    }

    /// Its position among all elements of the delivery, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether it is one of XML.
    pub(super) fn is_xml(&self) -> bool {
        self.all.is_xml
    }

    /// What holds it, `levels` up: its start in the text, and its slice. An array counts as one level.
    pub(super) fn holder(&self, levels: u8) -> Option<(usize, &'a [u8])> {
        let holder = |place: &Place| self.all.holders.get(place.holder?);
        let place = (0..levels).try_fold(self.place, |place, _| holder(place))?;
        Some((place.start, place.slice(&self.all.text)))
    }
}

impl Place {
    /// `part` is a slice of `text`.
    fn of(part: &[u8], text: &[u8], holder: Option<usize>) -> Self {
        let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        Self { start, end: start + part.len(), holder }
    }

    fn slice<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

struct Walk<'t> {
    text: &'t [u8],
    holders: Vec<Place>,
    places: Vec<Place>,
    /// Whether an array was where one was looked for.
    present: bool,
}

impl<'t> Walk<'t> {
    /// Goes down `path` from `here`; what is no array at its end, or has no such member, is passed over.
    fn go(&mut self, here: &'t str, path: &[String], holder: Option<usize>) -> Result<(), TooMany> {
        let Some((token, rest)) = path.split_first() else { return self.take(here, holder) };
        if token == "*" {
            let Some(children) = json::children(here, ELEMENTS_MAX)? else { return Ok(()) };
            self.present |= children.is_empty();
            let holder = self.enter(here, holder)?;
            return children.into_iter().try_for_each(|child| self.go(child, rest, Some(holder)));
        }
        let Some(child) = json::find(here.as_bytes(), std::slice::from_ref(token)) else { return Ok(()) };
        let holder = self.enter(here, holder)?;
        self.go(child, rest, Some(holder))
    }

    fn take(&mut self, array: &'t str, holder: Option<usize>) -> Result<(), TooMany> {
        let Some(children) = json::elements(array, ELEMENTS_MAX)? else { return Ok(()) };
        self.present = true;
        if self.places.len() + children.len() > ELEMENTS_MAX {
            return Err(TooMany);
        }
        let holder = self.enter(array, holder)?;
        let text = self.text;
        self.places.extend(children.into_iter().map(|child| Place::of(child.as_bytes(), text, Some(holder))));
        Ok(())
    }

    fn enter(&mut self, here: &'t str, holder: Option<usize>) -> Result<usize, TooMany> {
        if self.holders.len() == ELEMENTS_MAX {
            return Err(TooMany);
        }
        self.holders.push(Place::of(here.as_bytes(), self.text, holder));
        Ok(self.holders.len() - 1)
    }
}
