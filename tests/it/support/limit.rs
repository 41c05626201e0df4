//! How long a test waits for what must happen before it calls it a failure. Never asserted on, only given up at.

use std::thread::sleep;
use std::time::Duration;

use hookgate::clock::Clock;

/// Generous: a machine that also compiles is slow, and a test that waits this long has failed anyway.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(10);

/// Asks until there is an answer.
///
/// # Panics
/// With `what`, when there is none within [`LIMIT`].
pub(crate) fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_within(LIMIT, what, ask)
}

/// The same for what takes longer by design, in tests of a module `slow`.
pub(crate) fn wait_within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::system();
    let start = clock.now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(clock.now().since(start) < limit, "waited {limit:?} in vain: {what}");
        sleep(PAUSE);
    }
}
