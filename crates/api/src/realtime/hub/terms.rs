//! When tokens end, and their sessions with them.

use std::sync::Arc;

use domain::time::Timestamp;

use super::{
    super::{outbound, outlet::EventSink},
    Hub, SessionKey,
};

impl Hub {
    /// From now on the session's token ends at `expires_at`.
    pub(crate) fn renew(&self, key: SessionKey, expires_at: Option<Timestamp>) {
        self.registry().renew(key, expires_at);
    }

    /// Tells sessions whose tokens end within `notice_ms` of `now`, each once for each token.
    pub(crate) fn warn_of_expiry(&self, now: Timestamp, notice_ms: u64) {
        let mut registry = self.registry();
        for (key, end) in registry.expiring(now, notice_ms) {
            if let Some(told) = outbound::auth_expiring(end) {
                registry.tell(key, &told);
            }
        }
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        self.registry().expired(now)
    }
}
