//! When tokens end, and their sessions with them.

use std::sync::Arc;

use domain::time::Timestamp;

use super::{super::super::outlet::Outlet, Roster, Seat, SessionKey};

impl Roster {
    /// From now on the session's token ends at `expires_at`.
    pub(in super::super) fn renew(&mut self, key: SessionKey, expires_at: Option<Timestamp>) {
        if let Some(seat) = self.seats.get_mut(&key) {
            seat.expires_at = expires_at;
            seat.warned = false;
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
        for (key, seat) in &mut self.seats {
            let Some(end) = seat.expires_at.filter(|_| !seat.warned) else { continue };
            if end > now && end.as_millis() - now.as_millis() <= notice {
                seat.warned = true;
                expiring.push((*key, end));
            }
        }
        expiring
    }

    /// The sessions whose tokens have ended by `now`.
    pub(in super::super) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn Outlet>> {
        let ended = |seat: &&Seat| seat.expires_at.is_some_and(|end| end <= now);
        self.seats.values().filter(ended).map(|seat| seat.outlet.clone()).collect()
    }
}
