//! The writing half of a WebSocket. Sending never waits.

use std::{collections::VecDeque, future::poll_fn, rc::Rc, time::Duration};

use actix_ws::{CloseCode, CloseReason, Message, Session};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _};
use tokio::time::{Instant, sleep_until};

use super::OutputGauge;
use crate::{engine::Disconnected, frame::Frame, mailbox::Outgoing};

/// The pause between the reply to a CONNECT and the next frame. Clients that add their listeners only
/// after the reply, such as those of the public checks, lose what arrives in the same read.
const PAUSE_AFTER_CONNECT: Duration = Duration::from_millis(5);

/// Writes frames with their attachments, and control messages between them.
pub(super) struct Writer {
    session: Session,
    gauge: Rc<OutputGauge>,
    /// The unsent messages of the current frame.
    staged: VecDeque<Message>,
    /// No frame is sent before this.
    paused_until: Option<Instant>,
}

impl Writer {
    pub(super) fn new(session: Session, gauge: Rc<OutputGauge>) -> Self {
        Self { session, gauge, staged: VecDeque::new(), paused_until: None }
    }

    /// Sends the staged messages, then frames from `source`, while there is capacity.
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
        while self.gauge.has_capacity() && self.paused_until.is_none() {
            let message = match self.staged.pop_front() {
                Some(message) => Some(message),
                None => match source() {
                    Some(outgoing) => {
                        if outgoing.is_connect_reply() {
                            self.paused_until = Some(Instant::now() + PAUSE_AFTER_CONNECT);
                        }
                        self.split(outgoing.frame)
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

    /// Whether nothing is staged and a further frame would be accepted.
    pub(super) fn is_ready(&self) -> bool {
        self.staged.is_empty() && self.gauge.has_capacity() && self.paused_until.is_none()
    }

    /// Whether no message is staged.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Sends a text ahead of all queued frames. `false` when the client has not read the previous
    /// ones either.
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(super) fn urgent_text(&mut self, text: &'static str) -> Result<bool, Disconnected> {
        self.control(Message::Text(text.into()))
    }

    /// Answers a WebSocket ping, unless earlier pongs are still queued (allowed by RFC 6455, 5.5.3).
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(super) fn pong(&mut self, bytes: Bytes) -> Result<bool, Disconnected> {
        self.control(Message::Pong(bytes))
    }

    /// Waits until there is capacity for data, or the connection has ended.
    pub(super) async fn wait_for_capacity(&self) {
        if let Some(moment) = self.paused_until {
            tokio::select! {
                () = sleep_until(moment) => {}
                () = self.closed() => return,
            }
        }
        poll_fn(|cx| self.gauge.poll_capacity(cx)).await;
    }

    /// Waits until the connection has ended.
    pub(super) async fn closed(&self) {
        poll_fn(|cx| self.gauge.poll_closed(cx)).await;
    }

    /// Sends a close frame and drops the connection.
    pub(super) fn close(mut self, code: CloseCode) {
        let reason = CloseReason { code, description: None };
        if self.send(Message::Close(Some(reason))).is_err() {
            tracing::trace!("the connection ended before it was closed");
        }
    }

    fn control(&mut self, message: Message) -> Result<bool, Disconnected> {
        if !self.gauge.has_control_capacity() {
            return Ok(false);
        }
        self.gauge.add_control();
        self.send(message).map(|()| true)
    }

    /// Returns the first message of `frame` and stages the others. Most frames have only one, so
    /// most sessions never allocate the queue.
    fn split(&mut self, frame: Frame) -> Option<Message> {
        let (text, attachments) = frame.into_parts();
        self.staged.extend(attachments.iter().cloned().map(Message::Binary));
        if text.is_empty() { self.staged.pop_front() } else { Some(Message::Text(text)) }
    }

    /// The gauge guarantees room in the queue, so sending completes at once. `unconstrained`, since
    /// an exhausted task budget would make it return `Pending`.
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

    async fn writer() -> (Writer, actix_web::HttpResponse) {
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
        let (mut writer, _response) = writer().await;
        let frame = |text: &str| Frame::of_text("/".into(), text.into(), Vec::new());
        let mut mailbox = Mailbox::new(8, 100);
        mailbox.add_socket(Key(1), "/".into());
        let early = mailbox.post(Key(1), frame("auth"), Delivery::Durable);
        assert_eq!(early, Ok(()));
        assert_eq!(mailbox.accept(Key(1), vec![frame("missed")], frame("40")), Ok(true));

        writer.pump(|| mailbox.pop()).expect("open");
        assert_eq!((mailbox.messages(), writer.is_ready()), (1, false));
        writer.wait_for_capacity().await;
        writer.pump(|| mailbox.pop()).expect("open");
        assert_eq!((mailbox.messages(), writer.is_ready()), (0, true));
    }
}
