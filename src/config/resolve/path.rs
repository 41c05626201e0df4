//! Paths of sources: byte for byte, with at most one `{secret}` as a whole segment.

use crate::config::problem::{At, Problems};

/// The segment that holds the credential.
pub(super) const SECRET: &str = "{secret}";

/// Whether the credential is in the path.
pub(super) fn has_secret(path: &str) -> bool {
    path.split('/').any(|segment| segment == SECRET)
}

/// Refuses what can never be the path of a request.
pub(super) fn check(path: &str, at: &At, problems: &mut Problems) {
    let allowed = |c: char| c.is_ascii_graphic() && !"?#{}\\\"<>^`|".contains(c);
    let segments: Vec<&str> = path.split('/').collect();
    let secrets = segments.iter().filter(|segment| **segment == SECRET).count();
    let good = path.starts_with('/')
        && secrets <= 1
        && segments.iter().all(|segment| *segment == SECRET || segment.chars().all(allowed));
    if !good {
        let expected = "a path such as /hooks/orders: a slash first, no query, other characters percent-encoded, `{secret}` only as one whole segment";
        problems.error(at, format!("`{path}`"), expected);
    }
}

/// Whether one request could be meant for both.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (segments(one), segments(other));
    let same = |(one, other): (&String, &String)| one == other || one == SECRET || other == SECRET;
    one.len() == other.len() && one.iter().zip(&other).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(path: &str) -> bool {
        let mut problems = Problems::default();
        check(path, &At::default(), &mut problems);
        problems.is_empty()
    }

    #[test]
    fn a_path_is_bytes_of_a_request_line() {
        for path in ["/", "/in/a", "/a%20b", "/a/", "/a//b", "/a:b@c~d", "/in/{secret}", "/{secret}/x"] {
            assert!(good(path), "{path}");
        }
        for path in ["", "in/a", "/a b", "/a?b", "/a#b", "/ä", "/a/{secret}x", "/{secret}/{secret}", "/{name}", "/{}"]
        {
            assert!(!good(path), "{path}");
        }
    }

    #[test]
    fn a_secret_segment_overlaps_whatever_could_stand_there() {
        assert!(overlap("/in/a", "/in/a"));
        assert!(overlap("/in/{secret}", "/in/a"));
        assert!(overlap("/{secret}/a", "/in/{secret}"));
        for (one, other) in [("/in/a", "/in/A"), ("/in/a", "/in/a/"), ("/in/{secret}", "/in/a/b"), ("/in/a", "/in/b")] {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }
}
