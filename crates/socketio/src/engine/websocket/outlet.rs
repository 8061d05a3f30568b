//! The half of a WebSocket that writes, and never waits.

use std::{collections::VecDeque, future::poll_fn, rc::Rc};

use actix_ws::{CloseCode, CloseReason, Message, Session};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _};

use super::gauge::Gauge;
use crate::{engine::Gone, frame::Frame};

/// Writes frames, each with its attachments, and heartbeats between them.
pub(super) struct Outlet {
    session: Session,
    gauge: Rc<Gauge>,
    /// What is left of a frame whose first messages are already on their way.
    staged: VecDeque<Message>,
}

impl Outlet {
    pub(super) fn new(session: Session, gauge: Rc<Gauge>) -> Self {
        Self { session, gauge, staged: VecDeque::new() }
    }

    /// Sends what is staged, then the frames of `source`, for as long as there is room.
    ///
    /// # Errors
    /// [`Gone`].
    pub(super) fn pump(&mut self, mut source: impl FnMut() -> Option<Frame>) -> Result<(), Gone> {
        while self.gauge.has_room() {
            let message = match self.staged.pop_front() {
                Some(message) => Some(message),
                None => match source() {
                    Some(frame) => self.take_apart(frame),
                    None => break,
                },
            };
            if let Some(message) = message {
                self.gauge.add_data(size(&message));
                self.send(message)?;
            }
        }
        Ok(())
    }

    /// Whether everything pumped so far is on its way and more would be taken.
    pub(super) fn is_ready(&self) -> bool {
        self.staged.is_empty() && self.gauge.has_room()
    }

    /// Whether nothing is staged.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Sends a text ahead of every waiting frame. `false` when the client has not even taken the
    /// ones before it.
    ///
    /// # Errors
    /// [`Gone`].
    pub(super) fn urgent_text(&mut self, text: &'static str) -> Result<bool, Gone> {
        self.control(Message::Text(text.into()))
    }

    /// Answers a WebSocket ping, unless earlier answers still wait (RFC 6455, 5.5.3, allows it).
    ///
    /// # Errors
    /// [`Gone`].
    pub(super) fn pong(&mut self, bytes: Bytes) -> Result<bool, Gone> {
        self.control(Message::Pong(bytes))
    }

    /// Waits until there is room for data, or the connection has ended.
    pub(super) async fn room(&self) {
        poll_fn(|cx| self.gauge.poll_room(cx)).await;
    }

    /// Waits until the connection has ended.
    pub(super) async fn gone(&self) {
        poll_fn(|cx| self.gauge.poll_gone(cx)).await;
    }

    /// Says goodbye and lets go of the connection.
    pub(super) fn close(mut self, code: CloseCode) {
        let reason = CloseReason { code, description: None };
        if self.send(Message::Close(Some(reason))).is_err() {
            tracing::trace!("the connection ended before it was closed");
        }
    }

    fn control(&mut self, message: Message) -> Result<bool, Gone> {
        if !self.gauge.has_control_room() {
            return Ok(false);
        }
        self.gauge.add_control();
        self.send(message).map(|()| true)
    }

    /// The first message of `frame`; the others are staged. Most frames have but one, and so most
    /// sessions never need the room for more.
    fn take_apart(&mut self, frame: Frame) -> Option<Message> {
        let (text, attachments) = frame.into_parts();
        self.staged.extend(attachments.iter().cloned().map(Message::Binary));
        if text.is_empty() { self.staged.pop_front() } else { Some(Message::Text(text)) }
    }

    /// The gauge leaves room in the queue, so sending is done at once; outside of the runtime's
    /// budget, or it would ask to be called again now and then.
    fn send(&mut self, message: Message) -> Result<(), Gone> {
        tokio::task::unconstrained(self.session.send(message))
            .now_or_never()
            .and_then(Result::ok)
            .ok_or(Gone)
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}
