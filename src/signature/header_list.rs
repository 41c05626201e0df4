//! The part of `content` that is a list of headers: which ones are signed, the request itself says.
//!
//! So the request could also leave out the one that matters, such as that of the time: `must` names what has to be there.

use http::HeaderName;

use super::scheme::HeaderList;
use crate::locate::Scope;

/// A list has at most this many names.
pub const LISTED_HEADERS_MAX: usize = 64;

impl HeaderList {
    /// Whether the list or one of its headers comes twice.
    pub(super) fn is_repeated(&self, scope: &Scope<'_>) -> bool {
        let twice = |name: &HeaderName| scope.request().headers.get_all(name).iter().nth(1).is_some();
        self.names.is_repeated(scope) || self.listed(scope).is_some_and(|names| names.iter().any(twice))
    }

    /// The headers as they are signed; none where the list or one of them is missing, or one that must be on it.
    pub(super) fn write(&self, scope: &Scope<'_>) -> Option<Vec<u8>> {
        let names = self.listed(scope).filter(|names| self.must.iter().all(|must| names.contains(must)))?;
        let mut written = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                written.extend_from_slice(self.join.as_bytes());
            }
            if let Some(between) = &self.named {
                written.extend_from_slice(name.as_str().as_bytes());
                written.extend_from_slice(between.as_bytes());
            }
            written.extend_from_slice(scope.request().headers.get(name)?.as_bytes().trim_ascii());
        }
        Some(written)
    }

    /// The names in their order. A name that is none, or that comes twice, is no list of anything: else a short request
    /// could ask for the work of a long one.
    fn listed(&self, scope: &Scope<'_>) -> Option<Vec<HeaderName>> {
        let list = self.names.find(scope)?;
        let mut names = Vec::new();
        for name in list.split(|byte| char::from(*byte) == self.separator).map(<[u8]>::trim_ascii) {
            let name = HeaderName::from_bytes(name).ok().filter(|name| !names.contains(name))?;
            if names.len() == LISTED_HEADERS_MAX {
                return None;
            }
            names.push(name);
        }
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::{Expr, Request};
    use http::{HeaderMap, HeaderValue};

    fn list(named: Option<&str>, must: &[&'static str]) -> HeaderList {
        HeaderList {
            names: Expr::parse("header:listed").expect("an expression"),
            separator: ',',
            named: named.map(str::to_owned),
            join: ";".into(),
            must: must.iter().map(|name| HeaderName::from_static(name)).collect(),
        }
    }

    fn written(list: &HeaderList, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let request = Request { method: "POST", target: "/", headers: &map, body: b"", path_secret: None, peer: None };
        let scope = Scope::of(request);
        list.write(&scope).filter(|_| !list.is_repeated(&scope)).map(|text| String::from_utf8(text).expect("text"))
    }

    #[test]
    fn headers_are_written_in_the_order_of_the_list() {
        let headers = [("listed", "X-B, x-a"), ("x-a", "1"), ("x-b", " 2 "), ("x-c", "3")];
        assert_eq!(written(&list(Some(":"), &[]), &headers).as_deref(), Some("x-b:2;x-a:1"));
        assert_eq!(written(&list(None, &["x-a"]), &headers).as_deref(), Some("2;1"));
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_no_match() {
        let good = [("listed", "x-a"), ("x-a", "1")];
        assert!(written(&list(None, &[]), &good).is_some());
        assert_eq!(written(&list(None, &["x-time"]), &good), None);
        for headers in [
            &[("x-a", "1")][..],
            &[("listed", ""), ("x-a", "1")],
            &[("listed", "x-a"), ("x-b", "1")],
            &[("listed", "x-a,"), ("x-a", "1")],
            &[("listed", "x-a,x-a"), ("x-a", "1")],
            &[("listed", "x-a,X-A"), ("x-a", "1")],
            &[("listed", "x a"), ("x-a", "1")],
            &[("listed", "x-a"), ("x-a", "1"), ("x-a", "2")],
            &[("listed", "x-a"), ("listed", "x-a"), ("x-a", "1")],
        ] {
            assert_eq!(written(&list(None, &[]), headers), None, "{headers:?}");
        }
    }

    #[test]
    fn a_list_has_an_end() {
        for (count, there) in [(LISTED_HEADERS_MAX, true), (LISTED_HEADERS_MAX + 1, false)] {
            let names: Vec<String> = (0..count).map(|index| format!("x-{index}")).collect();
            let mut headers = HeaderMap::new();
            headers.insert("listed", names.join(",").parse().expect("a value"));
            for name in &names {
                headers.insert(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_static("v"));
            }
            let request =
                Request { method: "POST", target: "/", headers: &headers, body: b"", path_secret: None, peer: None };
            assert_eq!(list(None, &[]).write(&Scope::of(request)).is_some(), there, "{count}");
        }
    }
}
