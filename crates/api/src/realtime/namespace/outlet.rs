//! The way out to a Socket.IO client.

use std::{borrow::Cow, time::Duration};

use socketio::{EmitError, Frame, Socket};

use super::super::{
    outlet::{EventSink, SessionClosed},
    recovery::RecoveryTokenIssuer,
    subscriptions::Subscriptions,
    told::OutgoingEvent,
};

/// The way out to a Socket.IO client.
pub(super) struct SocketEventSink {
    pub(super) socket: Socket,
    /// Writes the offsets by which the client may come back.
    pub(super) ticket: Option<RecoveryTokenIssuer>,
}

impl SocketEventSink {
    /// `told` with its offset, where the client takes those. What cannot be framed was written down
    /// when that was tried.
    fn frame<'a>(
        &self,
        told: &'a OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Option<Cow<'a, Frame>> {
        let frame = told.frame()?;
        Some(match &self.ticket {
            Some(ticket) => Cow::Owned(frame.offset_by(&ticket.offset(subscriptions))),
            None => Cow::Borrowed(frame),
        })
    }
}

impl EventSink for SocketEventSink {
    fn send(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let Some(frame) = self.frame(told, subscriptions) else { return Ok(()) };
        self.socket.send(&frame).map_err(|_| SessionClosed)
    }

    fn answer(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let Some(frame) = self.frame(told, subscriptions) else { return Ok(()) };
        self.socket.send_answer(&frame).map_err(|_| SessionClosed)
    }

    fn send_volatile(&self, told: &OutgoingEvent) {
        let Some(frame) = told.frame() else { return };
        match self.socket.send_volatile(frame) {
            Ok(()) | Err(EmitError::Dropped) => {}
            Err(error) => tracing::debug!(%error, "an event did not reach its session"),
        }
    }

    fn silent_for(&self) -> Duration {
        self.socket.silent_for()
    }

    fn disconnect(&self) {
        self.socket.disconnect();
    }
}
