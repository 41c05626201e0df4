//! Where something stands: a file, a line, a column; and the line itself, with every secret in it masked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use saphyr_parser::{Marker, Span};

/// So much of a line is shown, in characters.
const COLUMNS_MAX: usize = 120;

/// A text that was read, under the name that problems give it.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
    text: String,
    /// What must not be shown, once the text has been understood; until then every line is looked at with suspicion.
    /// More is added while values are read: what stands under a key that nobody knows may be a misspelt secret.
    hidden: Mutex<Option<Vec<Hidden>>>,
}

/// From (line, column), to (line, column), the end not part of it; lines from 1, columns from 0.
type Hidden = ((usize, usize), (usize, usize));

/// A place in a document.
#[derive(Debug, Clone)]
pub struct Place {
    document: Arc<Document>,
    start: (usize, usize),
    end: (usize, usize),
}

impl Document {
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), hidden: Mutex::new(None) })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Says which places hold secrets, and with it that the whole text has been understood.
    pub(crate) fn hide(&self, places: &[Place]) {
        let mut hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.get_or_insert_default().extend(places.iter().map(|place| (place.start, place.end)));
    }

    fn line(&self, number: usize) -> Option<String> {
        let line = self.text.lines().nth(number.checked_sub(1)?)?;
        match &*self.hidden.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(hidden) => Some(mask(line, number, hidden)),
            None => (!self.may_hold_a_secret(number)).then(|| line.to_owned()),
        }
    }

    /// For a text that is not YAML: the line, or one of those that it may belong to, speaks of a secret.
    fn may_hold_a_secret(&self, number: usize) -> bool {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let mut reach = usize::MAX;
        let lines: Vec<&str> = self.text.lines().take(number).collect();
        lines.iter().rev().filter(|line| !line.trim().is_empty()).any(|line| {
            let owner = indent(line) < reach;
            // A dash may stand right below the key that it belongs to.
            reach = reach.min(indent(line) + usize::from(line.trim_start().starts_with('-')));
            let line = line.to_ascii_lowercase();
            owner && ["secret", "password", ".pem", ".key"].iter().any(|word| line.contains(word))
        })
    }
}

/// The line with what is hidden replaced by stars, one a character.
fn mask(line: &str, number: usize, hidden: &[Hidden]) -> String {
    let inside = |column: usize| hidden.iter().any(|(from, to)| (number, column) >= *from && (number, column) < *to);
    line.chars().enumerate().map(|(column, c)| if inside(column) { '*' } else { c }).collect()
}

/// A line as it is, or of a long one what stands around the column, and by how much the column has moved to the left.
fn around(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    if length <= COLUMNS_MAX {
        return (line.to_owned(), 0);
    }
    let from = column.saturating_sub(COLUMNS_MAX / 2);
    let piece: String = line.chars().skip(from).take(COLUMNS_MAX).collect();
    let (before, cut) = if from > 0 { ("…", from - 1) } else { ("", 0) };
    let after = if from + COLUMNS_MAX < length { "…" } else { "" };
    (format!("{before}{piece}{after}"), cut)
}

impl Place {
    pub(crate) fn new(document: &Arc<Document>, span: Span) -> Self {
        let mark = |mark: Marker| (mark.line(), mark.col());
        Self { document: Arc::clone(document), start: mark(span.start), end: mark(span.end) }
    }

    /// No finding shows what stands here.
    pub(crate) fn hide(&self) {
        self.document.hide(std::slice::from_ref(self));
    }

    /// The file's name.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.document.name
    }

    /// From 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.start.0
    }

    /// From 1, in characters.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.start.1 + 1
    }

    /// The line and a caret under the place; nothing where the line may hold a secret.
    pub(crate) fn snippet(&self) -> Option<String> {
        let line = self.document.line(self.line())?;
        let (line, cut) = around(&line, self.start.1);
        let number = self.line().to_string();
        let margin = " ".repeat(number.len());
        let width = if self.end.0 == self.start.0 { self.end.1.saturating_sub(self.start.1) } else { 1 };
        let column = self.start.1.saturating_sub(cut);
        let width = width.min(line.chars().count().saturating_sub(column)).max(1);
        // Tabs stay tabs, so that the caret stands where the eye expects it.
        let blank: String = line.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        Some(format!("  {number} | {line}\n  {margin} | {blank}{}", "^".repeat(width)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}
