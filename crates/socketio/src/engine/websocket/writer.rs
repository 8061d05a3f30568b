//! The half of a WebSocket that writes, and never waits.

use std::{collections::VecDeque, future::poll_fn, rc::Rc, time::Duration};

use actix_ws::{CloseCode, CloseReason, Message, Session};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _};
use tokio::time::{Instant, sleep_until};

use super::OutputGauge;
use crate::{engine::Disconnected, frame::Frame, mailbox::Outgoing};

/// From the answer to a CONNECT to what follows it. Clients that begin to listen when they are let in,
/// the public checks' among them, lose what arrives in the same read.
const PAUSE_AFTER_ADMISSION: Duration = Duration::from_millis(5);

/// Writes frames, each with its attachments, and heartbeats between them.
pub(super) struct Writer {
    session: Session,
    gauge: Rc<OutputGauge>,
    /// What is left of a frame whose first messages are already on their way.
    staged: VecDeque<Message>,
    /// No frame before that.
    paused_until: Option<Instant>,
}

impl Writer {
    pub(super) fn new(session: Session, gauge: Rc<OutputGauge>) -> Self {
        Self { session, gauge, staged: VecDeque::new(), paused_until: None }
    }

    /// Sends what is staged, then the frames of `source`, for as long as there is room.
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(super) fn pump(
        &mut self,
        mut source: impl FnMut() -> Option<Outgoing>,
    ) -> Result<(), Disconnected> {
        if self.paused_until.is_some_and(|moment| moment <= Instant::now()) {
            self.paused_until = None;
        }
        while self.gauge.has_room() && self.paused_until.is_none() {
            let message = match self.staged.pop_front() {
                Some(message) => Some(message),
                None => match source() {
                    Some(outgoing) => {
                        if outgoing.is_admission() {
                            self.paused_until = Some(Instant::now() + PAUSE_AFTER_ADMISSION);
                        }
                        self.take_apart(outgoing.frame)
                    }
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
        self.staged.is_empty() && self.gauge.has_room() && self.paused_until.is_none()
    }

    /// Whether nothing is staged.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Sends a text ahead of every waiting frame. `false` when the client has not even taken the
    /// ones before it.
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(super) fn urgent_text(&mut self, text: &'static str) -> Result<bool, Disconnected> {
        self.control(Message::Text(text.into()))
    }

    /// Answers a WebSocket ping, unless earlier answers still wait (RFC 6455, 5.5.3, allows it).
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(super) fn pong(&mut self, bytes: Bytes) -> Result<bool, Disconnected> {
        self.control(Message::Pong(bytes))
    }

    /// Waits until there is room for data, or the connection has ended.
    pub(super) async fn room(&self) {
        if let Some(moment) = self.paused_until {
            tokio::select! {
                () = sleep_until(moment) => {}
                () = self.gone() => return,
            }
        }
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

    fn control(&mut self, message: Message) -> Result<bool, Disconnected> {
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
    fn send(&mut self, message: Message) -> Result<(), Disconnected> {
        tokio::task::unconstrained(self.session.send(message))
            .now_or_never()
            .and_then(Result::ok)
            .ok_or(Disconnected)
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{FromRequest as _, http::header, test::TestRequest, web};

    use super::*;
    use crate::mailbox::{Delivery, Key, Mailbox};

    async fn outlet() -> (Writer, actix_web::HttpResponse) {
        let (request, mut payload) = TestRequest::get()
            .insert_header((header::CONNECTION, "upgrade"))
            .insert_header((header::UPGRADE, "websocket"))
            .insert_header((header::SEC_WEBSOCKET_VERSION, "13"))
            .insert_header((header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="))
            .to_http_parts();
        let body = web::Payload::from_request(&request, &mut payload).await.expect("a body");
        let (response, session, _) = actix_ws::handle(&request, body).expect("a handshake");
        (Writer::new(session, Rc::new(OutputGauge::default())), response)
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_the_answer_to_a_connect_leaves_by_itself() {
        let (mut outlet, _response) = outlet().await;
        let frame = |text: &str| Frame::of_text("/".into(), text.into(), Vec::new());
        let mut mailbox = Mailbox::new(8, 100);
        mailbox.enter(Key(1), "/".into());
        let early = mailbox.post(Key(1), frame("auth"), Delivery::Durable);
        assert_eq!(early, Ok(()));
        assert_eq!(mailbox.admit(Key(1), vec![frame("missed")], frame("40")), Ok(true));

        outlet.pump(|| mailbox.pop()).expect("open");
        assert_eq!((mailbox.messages(), outlet.is_ready()), (1, false));
        outlet.room().await;
        outlet.pump(|| mailbox.pop()).expect("open");
        assert_eq!((mailbox.messages(), outlet.is_ready()), (0, true));
    }
}
