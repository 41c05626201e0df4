//! What the two ends of one connection know of each other: the reader, which passes heads on, and the service, which
//! answers them. hyper stands between the two and hands over nothing but parsed requests, in order and one at a time.
//!
//! A head that must not be passed on is answered all the same, and only after the answers before it. So the reader passes
//! on a stand-in instead, the last head that it ever passes, and the service knows it by its number: it is the one
//! that makes the count of answered heads equal to the count of passed ones.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::StatusCode;

/// What is passed on instead of a head that is refused.
pub(super) const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// Shared by the reader and the service of one connection, which run in one task.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Heads passed on, the stand-in too.
    passed: AtomicU64,
    /// Heads that the service has seen.
    seen: AtomicU64,
    /// A part of a head has come.
    head_begun: AtomicBool,
    /// A request is being answered.
    busy: AtomicBool,
    /// The end of its body has not been read.
    unread: AtomicBool,
    refused: OnceLock<StatusCode>,
    /// No further request is wanted.
    closing: AtomicBool,
}

impl Conversation {
    /// The reader: so many complete heads were passed on, and `begun` says whether a part of the next has come.
    pub(super) fn pass(&self, heads: u64, begun: bool) {
        self.passed.fetch_add(heads, Ordering::Relaxed);
        self.head_begun.store(begun, Ordering::Relaxed);
    }

    /// The reader: a head is refused with this status, and the stand-in passed on.
    pub(super) fn refuse(&self, status: StatusCode) {
        if self.refused.set(status).is_ok() {
            self.pass(1, false);
        }
    }

    /// The service: the next head. Gives the status to answer where it is the stand-in.
    pub(super) fn next(&self) -> Option<StatusCode> {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        self.refused.get().copied().filter(|_| seen == self.passed.load(Ordering::Relaxed))
    }

    /// The service: an answer is being made, or is done.
    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    /// The service: whether the end of the request's body is still to be read.
    pub(super) fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// The next answer is the last.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether an answer given now is the last: nobody wants another, or nobody has read where the next request begins.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed) || self.unread.load(Ordering::Relaxed)
    }

    /// Nothing of a request has come that is not answered.
    pub(super) fn is_quiet(&self) -> bool {
        let waiting = self.passed.load(Ordering::Relaxed) != self.seen.load(Ordering::Relaxed);
        !waiting && !self.busy.load(Ordering::Relaxed) && !self.head_begun.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_head_is_the_stand_in() {
        let conversation = Conversation::default();
        conversation.pass(2, true);
        conversation.refuse(StatusCode::BAD_REQUEST);
        assert_eq!(conversation.next(), None);
        assert_eq!(conversation.next(), None);
        assert_eq!(conversation.next(), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_connection_is_quiet_when_all_that_came_is_answered() {
        let conversation = Conversation::default();
        assert!(conversation.is_quiet());
        conversation.pass(0, true);
        assert!(!conversation.is_quiet(), "a part of a head has come");
        conversation.pass(1, false);
        assert!(!conversation.is_quiet(), "a head is on its way to the service");
        assert_eq!(conversation.next(), None);
        conversation.set_busy(true);
        assert!(!conversation.is_quiet(), "an answer is being made");
        conversation.set_busy(false);
        assert!(conversation.is_quiet());
    }
}
