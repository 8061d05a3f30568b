//! The way out to a Socket.IO client.

use std::time::Duration;

use socketio::{EmitError, Socket};

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

impl Outlet for SocketOutlet {
    fn send(&self, told: &Told, whereabouts: &Whereabouts) -> Result<(), Ending> {
        // What cannot be framed was written down when that was tried.
        let Some(frame) = told.frame() else { return Ok(()) };
        let sent = match &self.ticket {
            Some(ticket) => self.socket.send(&frame.offset_by(&ticket.offset(whereabouts))),
            None => self.socket.send(frame),
        };
        sent.map_err(|_| Ending)
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
