//! When tokens end, and their sessions with them.

use std::sync::Arc;

use domain::time::Timestamp;

use super::{super::super::outlet::EventSink, SessionEntry, SessionKey, SessionRegistry};

impl SessionRegistry {
    /// From now on the session's token ends at `expires_at`.
    pub(in super::super) fn renew(&mut self, key: SessionKey, expires_at: Option<Timestamp>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.expires_at = expires_at;
            entry.warned = false;
        }
    }

    /// The sessions whose tokens end within `notice_ms` of `now`, and when; each only once for
    /// each token.
    pub(in super::super) fn expiring(
        &mut self,
        now: Timestamp,
        notice_ms: u64,
    ) -> Vec<(SessionKey, Timestamp)> {
        let notice = i64::try_from(notice_ms).unwrap_or(i64::MAX);
        let mut expiring = Vec::new();
        for (key, entry) in &mut self.entries {
            let Some(end) = entry.expires_at.filter(|_| !entry.warned) else { continue };
            if end > now && end.as_millis() - now.as_millis() <= notice {
                entry.warned = true;
                expiring.push((*key, end));
            }
        }
        expiring
    }

    /// The sessions whose tokens have ended by `now`.
    pub(in super::super) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        let ended = |entry: &&SessionEntry| entry.expires_at.is_some_and(|end| end <= now);
        self.entries.values().filter(ended).map(|entry| entry.outlet.clone()).collect()
    }
}
