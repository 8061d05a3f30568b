//! The way out to one session.

use std::time::Duration;

use super::{subscriptions::Subscriptions, told::OutgoingEvent};

/// The session is ending: it is closed, or was too slow. It comes back for what it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is ending")]
pub(crate) struct SessionClosed;

/// Where a session's events go. Each kind of door has one.
pub(crate) trait EventSink: Send + Sync {
    /// Says what must not be lost. Never waits. `subscriptions` is where the session is, this told
    /// included: a door may say it along, so that a client that was cut off can resume.
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn send(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Says what the session asked for. It is not held against a client that reads, however much it
    /// is: whoever asked bounds it, and nothing more is done for the session until it has left.
    /// Never waits. `subscriptions` as with [`send`](Self::send).
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn answer(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Says what may be lost: a session that is behind is spared it. Never waits.
    fn send_volatile(&self, told: &OutgoingEvent);

    /// How long nothing was heard of the client, not even the answer to a ping.
    fn silent_for(&self) -> Duration;

    /// Ends the session. The client is told, and does not come back by itself.
    fn disconnect(&self);
}
