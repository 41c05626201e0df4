//! How far long work is: one line on a terminal, written over again and again, and gone at the end. Off one, nothing.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::clock::{Clock, Moment};

/// Eyes do not read faster.
const EVERY: Duration = Duration::from_millis(250);

/// A line on stderr.
#[derive(Debug)]
pub struct Progress {
    clock: Clock,
    is_terminal: bool,
    last: Option<Moment>,
}

impl Progress {
    /// One that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: Clock::system(), is_terminal: io::stderr().is_terminal(), last: None }
    }

    /// Shows this line, unless the last one is too young.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        let now = self.clock.now();
        if self.is_terminal && self.last.is_none_or(|last| now.since(last) >= EVERY) {
            self.last = Some(now);
            // Who cannot be told is not told.
            drop(write!(io::stderr(), "\r\x1b[K{}", line()));
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}
