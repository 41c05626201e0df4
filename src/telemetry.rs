//! Logs.

/// What the operator sets under `log`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `log.level`: a filter such as `info,hookgate::spool=debug`.
    pub level: String,
    /// `log.format`
    pub format: Format,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON off a terminal, human on one.
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Human,
}
