//! Knows how much of what was sent the connection has not taken yet.
//!
//! `actix-ws` queues 32 messages of any size without saying how many are in the queue. Counting
//! them bounds the bytes in it, keeps a ping from waiting behind megabytes, and lets a session send
//! without ever waiting.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;

/// Data messages in flight at most. The queue holds 32, and may be left half empty when the
/// runtime makes the connection yield, so this and the control messages have to fit twice.
const MAX_DATA_MESSAGES: usize = 10;

/// Pings, pongs and the close in flight at most.
const MAX_CONTROL_MESSAGES: usize = 4;

/// Bytes in flight from which on no further data message is taken.
const MAX_BYTES: usize = 64 * 1024;

/// What is in flight on one connection.
#[derive(Debug, Default)]
pub(super) struct OutputGauge {
    data_messages: Cell<usize>,
    control_messages: Cell<usize>,
    bytes: Cell<usize>,
    gone: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl OutputGauge {
    /// Whether a further data message may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.data_messages.get() < MAX_DATA_MESSAGES && self.bytes.get() < MAX_BYTES
    }

    /// Whether a further ping or pong may be sent, with one place left for the close.
    pub(super) fn has_control_room(&self) -> bool {
        self.control_messages.get() + 1 < MAX_CONTROL_MESSAGES
    }

    /// Whether the connection has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    pub(super) fn add_data(&self, bytes: usize) {
        self.data_messages.set(self.data_messages.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }

    pub(super) fn add_control(&self) {
        self.control_messages.set(self.control_messages.get() + 1);
    }

    /// Ready once there is room, or the connection has ended.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_room() || self.is_gone() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    /// Ready once the connection has ended.
    pub(super) fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.replace(Some(cx.waker().clone()));
        Poll::Pending
    }

    fn taken(&self) {
        self.data_messages.set(0);
        self.control_messages.set(0);
        self.bytes.set(0);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// Reports what the connection takes from the body of `response` to `gauge`.
pub(super) fn watch(response: HttpResponse, gauge: Rc<OutputGauge>) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(Watched { body, gauge }))
}

struct Watched {
    body: BoxBody,
    gauge: Rc<OutputGauge>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        // A chunk holds all that was in the queue.
        if next.is_ready() {
            self.gauge.taken();
        }
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.gauge.gone.set(true);
        self.gauge.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_fill_the_gauge_before_messages_do_when_they_are_large() {
        let gauge = OutputGauge::default();
        gauge.add_data(MAX_BYTES);
        assert!(!gauge.has_room());
        gauge.taken();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(!gauge.has_room());
    }

    #[test]
    fn data_never_takes_the_place_of_a_ping_and_a_ping_never_that_of_the_close() {
        let gauge = OutputGauge::default();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(gauge.has_control_room());
        (1..MAX_CONTROL_MESSAGES).for_each(|_| gauge.add_control());
        assert!(!gauge.has_control_room());
    }
}
