//! What is fuzzed: for each grammar that a stranger or an operator writes in, what must hold whatever the bytes are.
//!
//! A target takes any bytes and panics where something does not hold. `tests/fuzz/main.rs` runs each over its corpus with
//! the other tests; `tests/fuzz/engine` lets libFuzzer look for more. To add one: a module here, a line in [`TARGETS`], a
//! seed or two under `corpus/NAME/`.

mod batch;
mod candidates;
mod config;
mod credential;
mod encodings;
mod expression;
mod form;
mod forwarded;
mod head;
mod json;
mod post;
mod proxy_protocol;
mod timestamp;

/// Panics where a property does not hold.
pub(crate) type Target = fn(&[u8]);

/// Each by the name of its corpus.
pub(crate) const TARGETS: [(&str, Target); 12] = [
    ("batch", batch::run),
    ("candidates", candidates::run),
    ("config", config::run),
    ("credential", credential::run),
    ("encodings", encodings::run),
    ("expression", expression::run),
    ("form", form::run),
    ("forwarded", forwarded::run),
    ("head", head::run),
    ("json", json::run),
    ("proxy_protocol", proxy_protocol::run),
    ("timestamp", timestamp::run),
];

/// The first line, and what follows it.
fn first_line(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((str::from_utf8(&data[..end]).ok()?, &data[end + 1..]))
}
