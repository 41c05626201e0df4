//! `public_url`: the gateway as senders know it.

use crate::config::decode::Field;
use crate::config::problem::Problems;

/// Without slashes at its end.
pub(super) fn public_url(url: &Field<Option<String>>, problems: &mut Problems) -> Option<String> {
    let text = url.as_ref()?.trim_end_matches('/');
    let good = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(|c: char| c.is_whitespace() || "?#@{}".contains(c))
    });
    if !good {
        let expected =
            "http:// or https:// and a host such as https://hooks.example.com, without user, query or fragment";
        // What stands before an `@` is a password.
        let shown = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
        problems.error(&url.at, format!("`{shown}`"), expected);
    }
    good.then(|| text.to_owned())
}
