//! The way out to one session.

use socketio::{EmitError, Frame, Socket};

/// Where a session's events go.
pub(super) trait Outlet: Send + Sync {
    /// Sends a frame that must not be lost. Never waits.
    ///
    /// # Errors
    /// The session is ending: it is closed, or too slow.
    fn send(&self, frame: &Frame) -> Result<(), EmitError>;

    /// Ends the session. The client is told, and does not come back by itself.
    fn dismiss(&self);
}

impl Outlet for Socket {
    fn send(&self, frame: &Frame) -> Result<(), EmitError> {
        Socket::send(self, frame)
    }

    fn dismiss(&self) {
        self.disconnect();
    }
}
