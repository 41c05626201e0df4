//! Which source a request is for. Never refuses: where no source takes the request, a decoy stands in, which does the same
//! work and ends in the same 401.
//!
//! Paths are matched byte for byte; nothing is normalised, so that two spellings of one path can never be two opinions
//! of who has to prove what.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use http::request::Parts;

use crate::metrics::{Metrics, SourceMetrics, UNKNOWN_SOURCE};
use crate::signature::Gate;
use crate::units::ByteSize;

use super::Incoming;
use super::reject::Reject;
use super::source::Terms;
use super::sources::Source;

/// A segment that stands for the credential.
const SECRET_SEGMENT: &str = "{secret}";

/// All sources, by path.
#[derive(Debug)]
pub struct Sources {
    by_path: HashMap<String, Arc<Source>>,
    /// Sources whose path holds the credential; tried in order where no path fits exactly.
    with_secret: Vec<WithSecret>,
    decoy: Decoy,
}

/// A path around its credential.
#[derive(Debug)]
struct WithSecret {
    before: String,
    after: String,
    source: Arc<Source>,
}

/// What an unknown source has: the default body limit, and a gate that nothing satisfies.
#[derive(Debug)]
pub(super) struct Decoy {
    pub(super) gate: Arc<Gate>,
    pub(super) body_max: ByteSize,
    pub(super) metrics: SourceMetrics,
}

/// Where a request goes.
#[derive(Debug)]
pub struct Route<'s> {
    pub(super) target: Target<'s>,
    /// Where in the path the credential is.
    pub(super) path_secret: Option<Range<usize>>,
}

/// Who checks a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'s> {
    Source(&'s Arc<Source>),
    /// Nobody takes it; the operator is told why, and of which source.
    Decoy {
        decoy: &'s Decoy,
        why: Reject,
        instead_of: Option<&'s Arc<Source>>,
    },
}

impl Sources {
    /// Lays out the sources; their paths differ, the configuration has seen to it. `unknown_body_max` is the default body
    /// limit, which unknown sources have.
    #[must_use]
    pub fn new(sources: impl IntoIterator<Item = Source>, unknown_body_max: ByteSize, metrics: &Metrics) -> Self {
        let metrics = SourceMetrics::new(metrics, UNKNOWN_SOURCE, 0);
        let decoy = Decoy { gate: Arc::new(Gate::decoy()), body_max: unknown_body_max, metrics };
        let mut laid_out = Self { by_path: HashMap::new(), with_secret: Vec::new(), decoy };
        for source in sources {
            laid_out.add(Arc::new(source));
        }
        laid_out
    }

    fn add(&mut self, source: Arc<Source>) {
        match source.path.split_once(SECRET_SEGMENT) {
            Some((before, after)) => {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.with_secret.push(WithSecret { before, after, source });
            }
            None => drop(self.by_path.insert(source.path.clone(), source)),
        }
    }

    /// The terms of each source.
    pub fn terms(&self) -> impl Iterator<Item = &Terms> {
        let with_secret = self.with_secret.iter().map(|with| &with.source);
        self.by_path.values().chain(with_secret).map(|source| source.terms())
    }

    /// The source of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Source> {
        let with_secret = self.with_secret.iter().map(|with| &with.source);
        self.by_path.values().chain(with_secret).map(Arc::as_ref).find(|source| source.name == name)
    }

    fn find(&self, path: &str) -> Option<(&Arc<Source>, Option<Range<usize>>)> {
        match self.by_path.get(path) {
            Some(source) => Some((source, None)),
            None => self.with_secret.iter().find_map(|with| Some((&with.source, Some(with.fit(path)?)))),
        }
    }
}

/// The source of the request's path, or the decoy.
pub fn source<'s>(sources: &'s Sources, incoming: &Incoming) -> Route<'s> {
    route(sources, &incoming.parts)
}

pub(super) fn route<'s>(sources: &'s Sources, parts: &Parts) -> Route<'s> {
    let decoy = |why, instead_of| Target::Decoy { decoy: &sources.decoy, why, instead_of };
    let Some((source, path_secret)) = sources.find(parts.uri.path()) else {
        return Route { target: decoy(Reject::UnknownSource, None), path_secret: None };
    };
    let target = if !source.enabled {
        decoy(Reject::Disabled, Some(source))
    } else if !source.takes(&parts.method) {
        decoy(Reject::WrongMethod, Some(source))
    } else {
        Target::Source(source)
    };
    Route { target, path_secret }
}

impl WithSecret {
    /// Where the credential is: one whole segment, and not empty.
    fn fit(&self, path: &str) -> Option<Range<usize>> {
        let secret = path.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        let range = self.before.len()..self.before.len() + secret.len();
        (!secret.is_empty() && !secret.contains('/')).then_some(range)
    }
}

impl<'s> Route<'s> {
    /// As it is now: a secret may be learned meanwhile.
    pub(super) fn gate(&self) -> Arc<Gate> {
        match self.target {
            Target::Source(source) => source.gate.load_full(),
            Target::Decoy { decoy, .. } => Arc::clone(&decoy.gate),
        }
    }

    pub(super) fn body_max(&self) -> ByteSize {
        match self.target {
            Target::Source(source) => source.body_max,
            Target::Decoy { decoy, .. } => decoy.body_max,
        }
    }

    /// The counters of the source that was asked for, and its name; of unknown ones, those that all of them share.
    pub(super) fn named(&self) -> (&'s SourceMetrics, &'s str) {
        match self.target {
            Target::Source(source) | Target::Decoy { instead_of: Some(source), .. } => (&source.metrics, &source.name),
            Target::Decoy { decoy, .. } => (&decoy.metrics, UNKNOWN_SOURCE),
        }
    }
}
