//! One value out of a JSON text: walked by path, without a DOM, stopped as soon as it is found.
//!
//! What is found is a slice of the text. What follows it is not looked at, so the rest may be anything. Of members with
//! the same name the first counts. A value is skipped without recursion, so its depth costs no stack; the path itself is
//! at most [`Pointer::TOKENS_MAX`](super::Pointer::TOKENS_MAX) deep.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The text of the value at that path, without the spaces around it. The whole document must be one value and nothing
/// else.
pub(super) fn find<'t>(text: &'t [u8], path: &[String]) -> Option<&'t str> {
    if path.is_empty() {
        return serde_json::from_slice::<&RawValue>(text).ok().map(RawValue::get);
    }
    let mut found = None;
    // An error is how a walk ends that stopped early, as well as one that met what is no JSON: `found` tells.
    Walk { path, found: &mut found }.deserialize(&mut serde_json::Deserializer::from_slice(text)).ok();
    found.map(RawValue::get)
}

/// Whether an object on the way to the value has two members of the name that the way takes: another reader may take the
/// other one. Unlike [`find`] it reads every such object to its end.
pub(super) fn is_repeated(text: &[u8], path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    let (mut count, mut first) = (0, None);
    let visitor = Namesakes { name, count: &mut count, first: &mut first };
    // An array has no names, and what is no JSON nobody can read another way.
    serde_json::Deserializer::from_slice(text).deserialize_any(visitor).ok();
    if count > 1 {
        return true;
    }
    let inner = first.map(RawValue::get).or_else(|| find(text, std::slice::from_ref(name)));
    inner.is_some_and(|inner| is_repeated(inner.as_bytes(), rest))
}

/// A found value as an expression gives it: text unescaped, null as absent, everything else as it is written.
pub(super) fn value(raw: &str) -> Option<Cow<'_, [u8]>> {
    match raw.as_bytes() {
        b"null" => None,
        [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => Some(Cow::Borrowed(inside)),
        [b'"', ..] => serde_json::from_str::<String>(raw).ok().map(|text| Cow::Owned(text.into_bytes())),
        written => Some(Cow::Borrowed(written)),
    }
}

/// More values than the caller has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// The values of an array, in order; `None` where it is none.
pub(super) fn elements(raw: &str, limit: usize) -> Result<Option<Vec<&str>>, TooMany> {
    Children::collect(raw, limit, false)
}

/// The values of an array or an object, in order; `None` where it is neither.
pub(super) fn children(raw: &str, limit: usize) -> Result<Option<Vec<&str>>, TooMany> {
    Children::collect(raw, limit, true)
}

/// The name of the first member of an object that is none of `except`.
pub(super) fn first_member(raw: &str, except: &[String]) -> Option<String> {
    let mut found = None;
    let visitor = FirstMember { except, found: &mut found };
    // As in `find`, an error is how a walk ends that stopped early.
    serde_json::Deserializer::from_str(raw).deserialize_any(visitor).ok();
    found
}

/// Whether the text is one JSON value and nothing else.
pub(super) fn is_one_value(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

struct Walk<'p, 'f, 't> {
    path: &'p [String],
    found: &'f mut Option<&'t RawValue>,
}

impl<'t> DeserializeSeed<'t> for Walk<'_, '_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            *self.found = Some(serde::Deserialize::deserialize(deserializer)?);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Walk<'_, '_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((name, rest)) = self.path.split_first() else { return Ok(()) };
        while let Some(is_it) = map.next_key_seed(NameIs(name))? {
            if is_it {
                return map.next_value_seed(Walk { path: rest, found: self.found });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((token, rest)) = self.path.split_first() else { return Ok(()) };
        let Some(index) = array_index(token) else { return Ok(()) };
        for _ in 0..index {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        seq.next_element_seed(Walk { path: rest, found: self.found })?;
        Ok(())
    }
}

/// RFC 6901: digits, and no zero before others.
fn array_index(token: &str) -> Option<usize> {
    let written_so = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    token.parse().ok().filter(|_| written_so)
}

/// Compares a member's name without keeping it.
struct NameIs<'n>(&'n str);

impl<'t> DeserializeSeed<'t> for NameIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

struct Namesakes<'n, 'o, 't> {
    name: &'n str,
    count: &'o mut usize,
    first: &'o mut Option<&'t RawValue>,
}

impl<'t> Visitor<'t> for Namesakes<'_, '_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_it) = map.next_key_seed(NameIs(self.name))? {
            let value = map.next_value::<&RawValue>()?;
            *self.count += usize::from(is_it);
            if is_it {
                self.first.get_or_insert(value);
            }
        }
        Ok(())
    }
}

struct Children<'o> {
    members: bool,
    limit: usize,
    overflow: &'o mut bool,
}

impl Children<'_> {
    fn collect(raw: &str, limit: usize, members: bool) -> Result<Option<Vec<&str>>, TooMany> {
        let mut overflow = false;
        let visitor = Children { members, limit, overflow: &mut overflow };
        let list = serde_json::Deserializer::from_str(raw).deserialize_any(visitor).ok();
        if overflow { Err(TooMany) } else { Ok(list) }
    }

    fn push<'t, E: Error>(&mut self, list: &mut Vec<&'t str>, value: &'t RawValue) -> Result<(), E> {
        if list.len() == self.limit {
            *self.overflow = true;
            return Err(E::custom("too many"));
        }
        list.push(value.get());
        Ok(())
    }
}

impl<'t> Visitor<'t> for Children<'_> {
    type Value = Vec<&'t str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut seq: A) -> Result<Vec<&'t str>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element::<&RawValue>()? {
            self.push(&mut list, value)?;
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<Vec<&'t str>, A::Error> {
        if !self.members {
            return Err(A::Error::custom("an object"));
        }
        let mut list = Vec::new();
        while let Some((IgnoredAny, value)) = map.next_entry::<IgnoredAny, &RawValue>()? {
            self.push(&mut list, value)?;
        }
        Ok(list)
    }
}

struct FirstMember<'e, 'f> {
    except: &'e [String],
    found: &'f mut Option<String>,
}

impl<'t> Visitor<'t> for FirstMember<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if !self.except.contains(&name) {
                *self.found = Some(name);
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, path: &[&str]) -> Option<String> {
        let path: Vec<String> = path.iter().map(|&token| token.to_owned()).collect();
        let found = value(find(text.as_bytes(), &path)?)?;
        Some(String::from_utf8_lossy(&found).into_owned())
    }

    #[test]
    fn values_are_given_as_they_are_written() {
        let text = r#" {"s":"a","e":"\u00e4\n","n":1.50e+3,"big":123456789012345678901234567890,"t":true,"o":{"x": 1},"l":[ ],"z":null} "#;
        for (name, expected) in [
            ("s", Some("a")),
            ("e", Some("ä\n")),
            ("n", Some("1.50e+3")),
            ("big", Some("123456789012345678901234567890")),
            ("t", Some("true")),
            ("o", Some("{\"x\": 1}")),
            ("l", Some("[ ]")),
            ("z", None),
            ("missing", None),
        ] {
            assert_eq!(at(text, &[name]).as_deref(), expected, "{name}");
        }
        assert_eq!(at(text, &[]).as_deref(), Some(text.trim()));
    }

    #[test]
    fn a_path_goes_through_objects_and_arrays_and_ends_at_scalars() {
        let text = r#"{"a":[{"b":"x"},{"0":"y"}],"":{"":"empty"},"s":"text","n":1}"#;
        for (path, expected) in [
            (&["a", "0", "b"][..], Some("x")),
            (&["a", "1", "0"], Some("y")),
            (&["", ""], Some("empty")),
            (&["a", "2"], None),
            (&["a", "-"], None),
            (&["a", "00", "b"], None),
            (&["a", "+0", "b"], None),
            (&["a", "18446744073709551616"], None),
            (&["a", "b"], None),
            (&["s", "0"], None),
            (&["n", "0"], None),
        ] {
            assert_eq!(at(text, path).as_deref(), expected, "{path:?}");
        }
    }

    #[test]
    fn the_first_of_two_members_with_one_name_counts() {
        assert_eq!(at(r#"{"id":"1","id":"2"}"#, &["id"]).as_deref(), Some("1"));
        assert_eq!(at(r#"{"a":1,"a":{"b":2}}"#, &["a", "b"]), None);
        assert_eq!(at(r#"{"\u0069d":"1","id":"2"}"#, &["id"]).as_deref(), Some("1"));
    }

    #[test]
    fn two_members_of_one_name_on_the_way_are_known() {
        let repeated = |text: &str, path: &[&str]| {
            let path: Vec<String> = path.iter().map(|&token| token.to_owned()).collect();
            is_repeated(text.as_bytes(), &path)
        };
        for text in [
            r#"{"a":[{"b":1}],"a":[{"b":2}]}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":[{"b":1,"c":2,"\u0062":1}]}"#,
            r#"{"a":1,"a":[{"b":2}]}"#,
        ] {
            assert!(repeated(text, &["a", "0", "b"]), "{text}");
        }
        for text in
            [r#"{"a":[{"b":1,"c":1,"c":2}],"d":1,"d":2}"#, r#"{"a":[{"b":{"x":1,"x":2}}]}"#, "[[{}]]", "1", "", "{"]
        {
            assert!(!repeated(text, &["a", "0", "b"]), "{text}");
        }
        assert!(!repeated(&"[".repeat(100_000), &["0", "0", "b"]));
    }

    #[test]
    fn what_follows_the_value_is_not_looked_at_but_the_whole_must_be_whole() {
        assert_eq!(at(r#"{"id":"1",} garbage"#, &["id"]).as_deref(), Some("1"));
        assert_eq!(at(r#"{"id":"1"} garbage"#, &[]), None);
        assert_eq!(at(r#"{"x":tru,"id":"1"}"#, &["id"]), None);
    }

    #[test]
    fn hostile_texts_are_passed_over_without_a_panic() {
        let deep = "[".repeat(100_000);
        assert_eq!(at(&deep, &["0", "0", "0"]), None);
        assert_eq!(at(&deep, &vec!["0"; 64]), None);
        assert_eq!(at(&format!(r#"{{"x":{deep}{},"id":"1"}}"#, "]".repeat(100_000)), &["id"]).as_deref(), Some("1"));
        assert_eq!(at(&deep, &[]), None);
        assert_eq!(find(b"{\"a\":\"\xff\",\"id\":\"1\"}", &["a".to_owned()]), None);
        assert_eq!(find(b"{\"id\":\"1\",\"a\":\"\xff\"}", &["id".to_owned()]), Some("\"1\""));
        for text in [
            "",
            " ",
            "\"",
            "{",
            "{\"id\"",
            "{\"id\":",
            "{\"id\":\"",
            "{\"id\":\"\\ud800\"}",
            "id",
            "\u{feff}{\"id\":1}",
        ] {
            assert_eq!(at(text, &["id"]), None, "{text}");
        }
    }

    #[test]
    fn the_first_member_other_than_some_is_named() {
        let except = ["a".to_owned()];
        assert_eq!(first_member(r#"{"a":{"x":1},"\u0062":2,"c":3}"#, &except).as_deref(), Some("b"));
        for text in [r#"{"a":1}"#, "{}", "[]", "1", "{\"a\":"] {
            assert_eq!(first_member(text, &except), None, "{text}");
        }
    }
}
