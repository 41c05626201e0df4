//! Rules about what an event is: its id, its elements, its value.

use crate::config::file::scalars::OnMalformed;
use crate::config::file::source::{Source, SourceDedupe};
use crate::config::problem::Problems;
use crate::event::header;
use crate::ingest::source::{Identify, Payload};
use crate::locate::Expr;

/// Kafka's headers have names of at most 255 bytes here, and that of a carried one begins with `http-`.
const HEADER_BYTES_MAX: usize = 255 - header::HTTP_PREFIX.len();

/// What an event of this source is.
pub(super) fn resolve(source: &Source, credential_parameters: Vec<String>, problems: &mut Problems) -> Identify {
    check(source, problems);
    Identify {
        batch: (*source.batch).clone(),
        id: (*source.id).clone(),
        also: match &*source.dedupe {
            SourceDedupe::On(remember) => (*remember.also).clone(),
            SourceDedupe::Off => None,
        },
        kind: (*source.kind).clone(),
        key: (*source.key).clone(),
        payload: source.payload.unwrap_or(Payload::ByMethod),
        headers: source.headers.iter().map(|header| header.value.clone()).collect(),
        credential_parameters,
        reject_malformed: *source.on_malformed == OnMalformed::Reject,
    }
}

/// Looks at `id`, `type`, `key`, `batch`, `payload` and `dedupe.also` together.
fn check(source: &Source, problems: &mut Problems) {
    if source.batch.is_some() && source.id.sound && !names_the_element(&source.id) {
        let expected = "an `item:` in every alternative, or `hash`; else all elements of a delivery would be one event";
        problems.error(&source.id.at, "an `id` that is the same for all elements of a batch", expected);
    }
    if *source.payload == Some(Payload::Headers) && source.headers.is_empty() && source.headers.sound {
        problems.error(&source.payload.at, "`headers`, and none are listed", "the `headers` that are the event");
    }
    if source.batch.is_some() && matches!(*source.payload, Some(Payload::Query | Payload::Headers)) {
        problems.error(&source.payload.at, "a batch that is not in the body", "`payload: body`, or no `batch`");
    }
    for header in source.headers.iter().filter(|header| header.value.as_str().len() > HEADER_BYTES_MAX) {
        let found = format!("a name of {} bytes", header.value.as_str().len());
        problems.error(&header.at, found, format!("at most {HEADER_BYTES_MAX}: no record could carry it"));
    }
    let also = match &*source.dedupe {
        SourceDedupe::On(remember) => remember.also.as_ref().map(|also| (also, &remember.also.at)),
        SourceDedupe::Off => None,
    };
    if let Some((expression, at)) =
        also.filter(|(expression, _)| source.batch.is_some() && !names_the_element(expression))
    {
        let expected = "an `item:` in every alternative; else only the first element of a delivery would be kept";
        problems.error(at, format!("`{expression}`, which is the same for all elements of a batch"), expected);
    }
    let optional = [(source.kind.as_ref(), &source.kind.at), (source.key.as_ref(), &source.key.at)];
    let optional = optional.into_iter().filter_map(|(expression, at)| Some((expression?, at)));
    for (expression, at) in std::iter::once((&*source.id, &source.id.at)).chain(optional).chain(also) {
        if expression.any(&|expression| matches!(expression, Expr::KeyValue(_))) {
            problems.error(at, "`kv:`", "another expression; `kv:` is for `auth`: it looks at a signature's value");
        }
    }
}

/// Whether two elements of one delivery can be told apart by this id.
fn names_the_element(id: &Expr) -> bool {
    match id {
        Expr::Item { .. } | Expr::ItemIndex | Expr::Hash => true,
        Expr::First(expressions) => expressions.iter().all(names_the_element),
        Expr::StartsWith(expression, _) => names_the_element(expression),
        Expr::Composite(parts) => parts.iter().any(|part| names_the_element(&part.expr)),
        _ => false,
    }
}
