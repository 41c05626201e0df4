//! Watches over code that must not end in a panic: a thread without which nothing is delivered or kept.
//!
//! A gateway that has lost such a thread would go on saying that it is ready. It counts the panic instead, and the
//! application ends the process in order; the next start finds everything on disk.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Metrics;

/// Whether such a thread has ended in a panic.
#[derive(Debug, Default)]
pub struct Fallen(AtomicBool);

/// Held while that code runs.
#[derive(Debug)]
#[must_use = "it watches until it is dropped"]
pub struct Guard<'a>(&'a Metrics);

impl Metrics {
    /// From now on a panic on this thread is one after which the gateway has to end.
    pub fn guard(&self) -> Guard<'_> {
        Guard(self)
    }

    /// The gateway has to end.
    #[must_use]
    pub fn has_fallen(&self) -> bool {
        self.fallen.0.load(Ordering::Acquire)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panics.inc();
            self.0.fallen.0.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Build;
    use std::sync::Arc;

    #[test]
    fn a_guarded_thread_that_panics_is_counted_and_one_that_ends_is_not() {
        let metrics = Arc::new(Metrics::new(Build { version: "1", revision: "r", rustc: "c" }));
        for (panics, expected) in [(false, 0), (true, 1)] {
            let guarded = Arc::clone(&metrics);
            let thread = std::thread::spawn(move || {
                let _guard = guarded.guard();
                assert!(!panics, "on purpose");
            });
            assert_eq!(thread.join().is_err(), panics);
            assert_eq!((metrics.has_fallen(), metrics.panics.get()), (panics, expected));
        }
    }
}
