//! A connection's own reader and writer: passes on to hyper only what [`Framing`] lets through, and ends what takes too
//! long.
//!
//! hyper has one timer for a head and for the wait before it, none for an answer that nobody reads, and hides from
//! everybody above it that a head had two lengths. So all of that is decided here.
//!
//! Bytes are read straight into hyper's buffer and looked at there; in the usual case, a whole request in one read,
//! nothing is copied. Only a head that comes in pieces is held back until it is complete.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::conversation::{Conversation, STAND_IN};
use super::framing::{End, Framing};
use super::head::Limits;

/// How long the peer may take to read what is written, from when its window is full to when all is written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long what the peer still sends is read and thrown away after an answer in the middle of a request. A socket that is closed with
/// unread bytes in it is reset, and the answer is lost with it (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(5);
/// So much of that is read at once, in bytes.
const LINGER_READ: usize = 4096;

/// How long a connection may wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// From the first byte of a head to its last. The time of the answers before it does not count: nobody reads then.
    pub(super) head: Duration,
    /// Before the first byte of a head.
    pub(super) idle: Duration,
}

/// One connection, as hyper sees it.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    framing: Framing,
    conversation: Arc<Conversation>,
    timeouts: Timeouts,
    /// Bytes that are held back, behind those that may be passed on but have not been asked for yet.
    held: Vec<u8>,
    /// The first so many of `held` may be passed on.
    released: usize,
    wait: Wait,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since the peer stopped to read.
    write_timer: Option<Pin<Box<Sleep>>>,
    /// The peer has said all it will, or nobody will listen any more.
    deaf: bool,
}

/// What the timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    /// The first byte of a head.
    Idle,
    /// The rest of a head.
    Head,
    /// The peer's last bytes.
    Linger,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, limits: Limits, timeouts: Timeouts, conversation: Arc<Conversation>) -> Self {
        Self {
            stream,
            framing: Framing::new(limits),
            conversation,
            timeouts,
            held: Vec::new(),
            released: 0,
            wait: Wait::Nothing,
            timer: None,
            write_timer: None,
            deaf: false,
        }
    }

    /// Starts with bytes that were read before.
    pub(super) fn begin_with(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        self.release();
    }

    /// Looks at what is held back, to which something was added.
    fn release(&mut self) {
        let passed = self.framing.pass(&self.held);
        self.released = passed.bytes;
        self.passed(passed.heads);
    }

    /// Looks at bytes in `buf` behind `before`, and takes out what must wait.
    fn sort(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if !self.held.is_empty() {
            self.held.extend_from_slice(buf.filled().get(before..).unwrap_or_default());
            buf.set_filled(before);
            return self.release();
        }
        let fresh = buf.filled().get(before..).unwrap_or_default();
        let passed = self.framing.pass(fresh);
        self.held.extend_from_slice(fresh.get(passed.bytes..).unwrap_or_default());
        buf.set_filled(before + passed.bytes);
        self.passed(passed.heads);
    }

    fn passed(&mut self, heads: u64) {
        if let Some(end) = self.framing.end() {
            self.held.truncate(self.released);
            if let End::Refused(refusal) = end {
                self.held.extend_from_slice(STAND_IN);
                self.released = self.held.len();
                self.conversation.pass(heads, false);
                self.conversation.refuse(refusal.status());
            }
            return;
        }
        let begun = self.held.len() > self.released;
        self.conversation.pass(heads, begun);
        if heads > 0 || !begun {
            self.wait = Wait::Nothing;
        }
    }

    /// Moves what may be passed on. True if that was anything.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let bytes = self.released.min(buf.remaining());
        buf.put_slice(self.held.get(..bytes).unwrap_or_default());
        self.held.drain(..bytes);
        self.released -= bytes;
        if self.held.is_empty() {
            // An idle connection keeps no buffer.
            self.held = Vec::new();
        }
        bytes > 0 || buf.remaining() == 0
    }

    fn arm(&mut self, wait: Wait, after: Duration) {
        self.wait = wait;
        match &mut self.timer {
            Some(timer) => timer.as_mut().set(sleep(after)),
            None => self.timer = Some(Box::pin(sleep(after))),
        }
    }

    /// Nothing has come. Ready when that has lasted too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.framing.in_head() {
            return Poll::Pending;
        }
        let begun = !self.held.is_empty();
        let (wait, limit) = if begun { (Wait::Head, self.timeouts.head) } else { (Wait::Idle, self.timeouts.idle) };
        if self.wait != wait {
            self.arm(wait, limit);
        }
        self.poll_timer(cx)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.as_mut().map_or(Poll::Ready(()), |timer| timer.as_mut().poll(cx))
    }

    /// The result of a write, unless the peer has not read for too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_pending() {
            let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
            ready!(timer.as_mut().poll(cx));
            self.deaf = true;
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read its answers")));
        }
        result
    }

    /// Reads until the peer has seen the end, or for a while.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.wait != Wait::Linger {
            self.arm(Wait::Linger, LINGER);
        }
        let mut space = [0; LINGER_READ];
        while self.poll_timer(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                break;
            }
        }
        self.deaf = true;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            if self.hand_over(buf) {
                return Poll::Ready(Ok(()));
            }
            match self.framing.end() {
                Some(End::Refused(_)) => return Poll::Ready(Ok(())),
                Some(End::Broken) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "not a chunked body")));
                }
                None => {}
            }
            match Pin::new(&mut self.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => self.sort(buf, before),
                Poll::Ready(result) => {
                    self.deaf = true;
                    return Poll::Ready(result);
                }
                Poll::Pending => {
                    ready!(self.poll_patience(cx));
                    self.deaf = true;
                    return Poll::Ready(Ok(()));
                }
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written all.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_timer = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.wait != Wait::Linger {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        // Behind a whole request nothing more is on its way.
        let between_requests = self.framing.in_head() && self.held.is_empty();
        if self.deaf || between_requests { Poll::Ready(Ok(())) } else { self.poll_linger(cx) }
    }
}
