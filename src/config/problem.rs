//! What is wrong with a configuration: every error and warning of it, collected, each with its place, its key path, what
//! was found and what is expected.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::config::place::Place;

/// Longer than this, in bytes, a list of known words is left out where one of them was probably meant.
const EXPECTED_LONG: usize = 100;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The gateway does not start with it.
    Error,
    /// It starts, and somebody should know.
    Warning,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub at: At,
    /// What was found there. Never a secret.
    pub found: String,
    /// What would be right; empty where `found` says it, being a whole sentence.
    pub expected: String,
    /// The word that was probably meant.
    pub meant: Option<String>,
}

/// A key path (`sources.orders.limits.body`) and where it stands.
#[derive(Debug, Clone, Default)]
pub struct At {
    /// Keys joined by dots, positions in brackets.
    pub path: String,
    /// None where there is no file, or nothing in it.
    pub place: Option<Place>,
}

/// All findings of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    found: Vec<Problem>,
    /// Paths of values that could not be read at all: what else is wrong with such a value follows from that.
    unread: Vec<String>,
}

impl At {
    /// The same path at a place.
    pub(crate) fn new(path: impl Into<String>, place: &Place) -> Self {
        Self { path: path.into(), place: Some(place.clone()) }
    }

    /// A key below, that stands at the same place until it is known better.
    pub(crate) fn key(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, place: self.place.clone() }
    }

    /// An element below.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), place: self.place.clone() }
    }

    /// The same path, standing there.
    pub(crate) fn placed(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }
}

impl Problems {
    pub(crate) fn error(&mut self, at: &At, found: impl Into<String>, expected: impl Into<String>) {
        self.push(Severity::Error, at, found.into(), expected.into(), None);
    }

    pub(crate) fn warn(&mut self, at: &At, found: impl Into<String>, expected: impl Into<String>) {
        self.push(Severity::Warning, at, found.into(), expected.into(), None);
    }

    /// An error that leaves nothing of the value; more is not said about it.
    pub(crate) fn unreadable(&mut self, at: &At, found: impl Into<String>, expected: impl Into<String>) {
        self.error(at, found, expected);
        self.unread.push(at.path.clone());
    }

    /// A word that is not one of `known`; `kind` says what such words are called.
    pub(crate) fn unknown(&mut self, at: &At, kind: &str, word: &str, known: &[&str]) {
        let listed: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        self.unlisted(at, kind, word, known, format!("one of {}", listed.join(", ")));
    }

    /// The same of words that are too many to be listed; `expected` says where they are.
    pub(crate) fn unlisted(&mut self, at: &At, kind: &str, word: &str, known: &[&str], expected: impl Into<String>) {
        let found = format!("unknown {kind} `{word}`");
        self.push(Severity::Error, at, found, expected.into(), closest(word, known));
    }

    fn push(&mut self, severity: Severity, at: &At, found: String, expected: String, meant: Option<String>) {
        // What is wrong for the whole is found once a source.
        let said = |problem: &Problem| problem.at.path == at.path && problem.found == found;
        if self.found.iter().any(said) || self.unread.contains(&at.path) {
            return;
        }
        self.found.push(Problem { severity, at: at.clone(), found, expected, meant });
    }

    /// Adds what somebody else found about the key path, as a sentence.
    pub fn report(&mut self, severity: Severity, path: &str, sentence: impl Into<String>) {
        let at = At { path: path.to_owned(), place: None };
        self.push(severity, &at, sentence.into(), String::new(), None);
    }

    /// An error that is told in a sentence of its own.
    pub(crate) fn refuse(&mut self, at: &At, sentence: impl Into<String>) {
        self.error(at, sentence, "");
    }

    /// Adds the findings of somebody else.
    pub fn extend(&mut self, others: Self) {
        self.found.extend(others.found);
    }

    /// The same, of a text that nobody wrote: where it stands there says nothing.
    pub(crate) fn without_places(mut self) -> Self {
        self.found.iter_mut().for_each(|problem| problem.at = At::default());
        self
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let position = |problem: &Problem| problem.at.place.as_ref().map(|place| (place.line(), place.column()));
        self.found.sort_by_key(position);
        self
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.found.iter()
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The word of `known` that is nearest; none where none is near enough to have been meant.
fn closest(word: &str, known: &[&str]) -> Option<String> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(&word.to_lowercase(), &known.to_lowercase());
    let nearest = known.iter().min_by_key(distance)?;
    (distance(&nearest) <= word.chars().count().max(3) / 3).then(|| (*nearest).to_owned())
}

impl Problem {
    /// `found …, expected …`, or the sentence itself.
    #[must_use]
    pub fn message(&self) -> String {
        if self.expected.is_empty() {
            return self.found.clone();
        }
        // A long list is of no help to who has only misspelt a word.
        let expected = match &self.meant {
            Some(_) if self.expected.len() > EXPECTED_LONG => String::new(),
            _ => format!(", expected {}", self.expected),
        };
        let meant = self.meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        format!("found {}{expected}{meant}", self.found)
    }

    /// One object of `check --format json`.
    #[must_use]
    pub fn json(&self) -> Value {
        let place = self.at.place.as_ref();
        json!({
            "severity": self.severity.to_string(),
            "file": place.map(Place::file),
            "line": place.map(Place::line),
            "column": place.map(Place::column),
            "path": self.at.path,
            "message": self.message(),
            "found": self.found,
            "expected": Some(&self.expected).filter(|expected| !expected.is_empty()),
            "did_you_mean": self.meant,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `error: file:line:column: key.path: found …, expected …`, and the line with a caret below it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        if let Some(place) = &self.at.place {
            write!(f, "{place}: ")?;
        }
        if !self.at.path.is_empty() {
            write!(f, "{}: ", self.at.path)?;
        }
        f.write_str(&self.message())?;
        match self.at.place.as_ref().and_then(Place::snippet) {
            Some(snippet) => write!(f, "\n{snippet}"),
            None => Ok(()),
        }
    }
}

/// As `check` prints them: each finding, and how many there are.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for problem in self {
            writeln!(text, "{problem}")?;
        }
        f.write_str(text.trim_end())
    }
}

impl std::error::Error for Problems {}
