//! A request body that must not come too slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::conversation::Conversation;
use crate::throttle::{Pace, TooSlow};

/// A body that ends with [`TooSlow`] when more time has gone by than its pace allows for what has come.
///
/// The time counts from when a handler first had to wait for it; a body that came with its head needs no timer.
#[derive(Debug)]
pub(super) struct Paced {
    body: Incoming,
    pace: Pace,
    /// Is told when the body has been read to its end.
    conversation: Arc<Conversation>,
    received: u64,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    timer: Pin<Box<Sleep>>,
    /// When the time is over if nothing more comes than had come when the waiting began.
    deadline: Instant,
    /// What had come then.
    received: u64,
}

impl Paced {
    pub(super) fn new(body: Incoming, pace: Pace, conversation: Arc<Conversation>) -> Self {
        Self { body, pace, conversation, received: 0, waiting: None }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| {
            let timer = Box::pin(sleep(self.pace.grace));
            Waiting { deadline: timer.deadline(), timer, received: self.received }
        });
        while waiting.timer.as_mut().poll(cx).is_ready() {
            let bought = self.pace.bought_by(self.received.saturating_sub(waiting.received));
            let deadline = waiting.deadline + bought;
            if deadline <= waiting.timer.deadline() {
                return Poll::Ready(());
            }
            waiting.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
                    let bytes = data.map_or(0, Bytes::len);
                    self.received = self.received.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
                }
                if frame.is_none() || self.body.is_end_stream() {
                    self.conversation.set_unread(false);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => self.poll_deadline(cx).map(|()| Some(Err(TooSlow.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
