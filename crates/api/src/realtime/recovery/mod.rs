//! What a Socket.IO client carries for us, so that it can be cut off and come back to any node: who
//! it was (`pid`) and where it was (the offset on each event). Both are signed, and bound to the
//! person; the log does the rest (D12).

mod bytes;
mod holders;
mod key;
mod offset;
mod past;
mod pid;

pub(super) use holders::{SessionLease, SessionTable};
pub use key::RecoveryKey;
pub(super) use past::LastState;

/// Which Socket.IO clients may go on where they were cut off. For those, every event ends in one more
/// argument, the offset, which is one too many for handlers that count theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// All but those who say `recovery: false` as they connect.
    UnlessDeclined,
    /// Those alone who say `recovery: true`.
    WhenAsked,
    /// Nobody.
    Never,
}

impl Offered {
    /// Whether it is, to a client that said this.
    pub(super) fn to(self, wish: Option<bool>) -> bool {
        match self {
            Self::UnlessDeclined => wish != Some(false),
            Self::WhenAsked => wish == Some(true),
            Self::Never => false,
        }
    }
}

use std::sync::Arc;

use domain::{id::UserId, ports::Clock, time::Timestamp};
use socketio::RecoveryRequest;

use super::subscriptions::Subscriptions;
use offset::Offset;

/// The most conversations that an offset names. A session that has joined more cannot be recovered,
/// so that no event carries more than a few hundred bytes.
const ROOMS_MAX: usize = 8;
/// The offset of a session that cannot be recovered. It takes the place of older ones.
const NO_OFFSET: &str = "-";

/// Writes what the client of one session carries.
#[derive(Clone)]
pub(super) struct RecoveryTokenIssuer {
    key: RecoveryKey,
    socket_id: Arc<str>,
    user: UserId,
    clock: Arc<dyn Clock>,
}

impl RecoveryTokenIssuer {
    /// For the session in which `user` is known as `socket_id`.
    pub(super) fn new(
        key: RecoveryKey,
        socket_id: &str,
        user: UserId,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { key, socket_id: socket_id.into(), user, clock }
    }

    /// The id by which the client comes back; the same for the same session and person.
    pub(super) fn pid(&self) -> String {
        pid::write(&self.key, &self.socket_id, &self.user)
    }

    /// The offset of an event by which a session is at `subscriptions`.
    pub(super) fn offset(&self, subscriptions: &Subscriptions) -> String {
        self.offset_as_of(subscriptions, self.clock.now())
    }

    /// The same, where all that happened elsewhere since `at` may not have been told yet.
    pub(super) fn offset_as_of(&self, subscriptions: &Subscriptions, at: Timestamp) -> String {
        if subscriptions.rooms().len() > ROOMS_MAX {
            return NO_OFFSET.to_owned();
        }
        let offset = Offset { at, subscriptions: subscriptions.clone() };
        offset.write(&self.key, &self.socket_id, &self.user)
    }
}

/// What a client that comes back has proved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VerifiedRecovery {
    /// The id by which it knew itself.
    pub(super) socket_id: String,
    /// When it was told the last.
    pub(super) at: Timestamp,
    /// What it had joined, and how far it was told there.
    pub(super) subscriptions: Subscriptions,
}

impl VerifiedRecovery {
    /// Puts it right: what it says of the session is not newer than how that ended.
    pub(super) fn corrected_by(&mut self, parting: &LastState) {
        if self.at <= parting.at {
            self.subscriptions.keep(&parting.rooms);
        }
    }

    /// Checks what `request` says. `None` when it was not written by us for `user`, or is about a
    /// session that cannot be recovered.
    pub(super) fn check(
        key: &RecoveryKey,
        user: &UserId,
        request: &RecoveryRequest,
    ) -> Option<Self> {
        let socket_id = pid::read(key, &request.pid, user)?;
        let offset = Offset::read(key, &request.offset, &socket_id, user)?;
        Some(Self { socket_id, at: offset.at, subscriptions: offset.subscriptions })
    }
}

#[cfg(test)]
mod tests;
