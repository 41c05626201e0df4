//! How a request was proven, or why it was not.

/// How it was proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The word of `hookgate-verified`: `hmac-sha256`, `header`, … `none`.
    pub kind: &'static str,
    /// Which of the secrets matched; none where there are none. The source's own are counted first, then those of its
    /// blocks in order, then the learned ones, so that no two have one number.
    pub secret: Option<usize>,
    /// How far the request's timestamp lies behind our clock in seconds, where it has one (negative: ahead of it).
    pub skew_seconds: Option<f64>,
}

/// Why a request was denied. Of several blocks the one that came furthest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// No credential of any block was there.
    Missing,
    /// One was there and none fitted.
    Wrong,
    /// One fitted, but its time is outside the window.
    Stale,
    /// One was there, and the keys that could prove it are not fetched yet.
    NoKeysYet,
}
