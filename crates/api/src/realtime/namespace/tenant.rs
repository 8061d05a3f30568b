//! The session that has an id by which its client comes back.

use domain::{id::ConversationId, time::Timestamp};
use socketio::Socket;

use super::super::hub::{Hub, SessionKey};

/// How long a session cannot be taken over, in milliseconds. Two pages that say they are the same
/// would otherwise drive each other out for ever; so the one that comes back begins anew.
const PEACE_MS: i64 = 2_000;

/// A session of this node.
#[derive(Clone)]
pub(super) struct ActiveSession {
    pub(super) key: SessionKey,
    pub(super) socket: Socket,
    pub(super) since: Timestamp,
}

impl ActiveSession {
    /// Whether its client, which came back at `now`, may go on in its place.
    pub(super) fn may_be_replaced(&self, now: Timestamp) -> bool {
        now.as_millis().saturating_sub(self.since.as_millis()) >= PEACE_MS
    }

    /// The session will end when what this returns is dropped.
    pub(super) fn leaving(self, hub: &Hub) -> PendingTakeover {
        PendingTakeover { tenant: self, hub: hub.clone() }
    }
}

/// A session whose client is on another connection. Dropping it ends the session: whoever still
/// listens there is told, and does not come back by itself.
pub(super) struct PendingTakeover {
    tenant: ActiveSession,
    hub: Hub,
}

impl PendingTakeover {
    /// Which conversations it has joined; `None` when it has ended by itself.
    pub(super) fn rooms(&self) -> Option<Vec<ConversationId>> {
        self.hub.rooms_of(self.tenant.key)
    }
}

impl Drop for PendingTakeover {
    fn drop(&mut self) {
        self.hub.exit(self.tenant.key);
        self.tenant.socket.close_session();
        tracing::debug!("a session was taken over by its client");
    }
}
