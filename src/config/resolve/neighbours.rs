//! Rules between sources.

use crate::config::problem::{At, Problems};
use crate::config::resolve::path;
use crate::ingest::source::Settings;

/// No request may be meant for two sources.
pub(super) fn check(sources: &[(Settings, &At)], problems: &mut Problems) {
    for (index, (source, at)) in sources.iter().enumerate() {
        let earlier = sources.iter().take(index);
        if let Some((other, _)) = earlier.into_iter().find(|(other, _)| path::overlap(&source.path, &other.path)) {
            let found =
                format!("the path `{}`, which is also that of `{}` (`{}`)", source.path, other.name, other.path);
            problems.error(&at.key("path"), found, "a path of its own");
        }
    }
}
