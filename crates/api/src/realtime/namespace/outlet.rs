//! The way out to a Socket.IO client.

use std::{borrow::Cow, time::Duration};

use socketio::{EmitError, Frame, Socket};

use super::super::{
    outlet::{Ending, Outlet},
    recovery::Ticket,
    told::Told,
    whereabouts::Whereabouts,
};

/// The way out to a Socket.IO client.
pub(super) struct SocketOutlet {
    pub(super) socket: Socket,
    /// Writes the offsets by which the client may come back.
    pub(super) ticket: Option<Ticket>,
}

impl SocketOutlet {
    /// `told` with its offset, where the client takes those. What cannot be framed was written down
    /// when that was tried.
    fn frame<'a>(&self, told: &'a Told, whereabouts: &Whereabouts) -> Option<Cow<'a, Frame>> {
        let frame = told.frame()?;
        Some(match &self.ticket {
            Some(ticket) => Cow::Owned(frame.offset_by(&ticket.offset(whereabouts))),
            None => Cow::Borrowed(frame),
        })
    }
}

impl Outlet for SocketOutlet {
    fn send(&self, told: &Told, whereabouts: &Whereabouts) -> Result<(), Ending> {
        let Some(frame) = self.frame(told, whereabouts) else { return Ok(()) };
        self.socket.send(&frame).map_err(|_| Ending)
    }

    fn answer(&self, told: &Told, whereabouts: &Whereabouts) -> Result<(), Ending> {
        let Some(frame) = self.frame(told, whereabouts) else { return Ok(()) };
        self.socket.send_answer(&frame).map_err(|_| Ending)
    }

    fn send_volatile(&self, told: &Told) {
        let Some(frame) = told.frame() else { return };
        match self.socket.send_volatile(frame) {
            Ok(()) | Err(EmitError::Dropped) => {}
            Err(error) => tracing::debug!(%error, "an event did not reach its session"),
        }
    }

    fn silent_for(&self) -> Duration {
        self.socket.silent_for()
    }

    fn dismiss(&self) {
        self.socket.disconnect();
    }
}
