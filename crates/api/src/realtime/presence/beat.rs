//! The one task that keeps presence true while time passes: it renews the leases of this node's
//! sessions, whose own heartbeats end those that are dead, and lets people go.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{
    super::hub::{Hub, SessionKey},
    PresenceTracker, State,
};

/// How many beats a lease outlives.
const BEATS_PER_LEASE: u32 = 3;
/// How many leases are renewed under one lock.
const RENEWALS_AT_ONCE_MAX: usize = 512;

/// Keeps the presence of `hub`, for as long as the runtime lives.
pub(in super::super) fn keep(hub: &Hub) {
    let hub = hub.clone();
    tokio::spawn(async move {
        let presence_tracker = hub.presence_tracker();
        let pause =
            Duration::from_millis(presence_tracker.settings.terms.lease_ms) / BEATS_PER_LEASE;
        let mut next_beat = Instant::now() + pause;
        loop {
            let due = presence_tracker.next_departure().map_or(next_beat, |due| due.min(next_beat));
            tokio::select! {
                () = sleep_until(due) => {}
                () = presence_tracker.changed.notified() => {}
            }
            if next_beat <= Instant::now() {
                presence_tracker.renew().await;
                next_beat = Instant::now() + pause;
            }
            presence_tracker.sweep(&hub);
        }
    });
}

impl PresenceTracker {
    fn next_departure(&self) -> Option<Instant> {
        self.state().register.next_departure().map(|after| self.born + after)
    }

    /// Renews the lease of every session of this node, without holding anybody up for long.
    async fn renew(&self) {
        let sessions: Vec<SessionKey> = self.state().sessions.keys().copied().collect();
        for some in sessions.chunks(RENEWALS_AT_ONCE_MAX) {
            self.state().renew(some, self.now());
            tokio::task::yield_now().await;
        }
    }
}

impl State {
    /// Renews the leases of those of `sessions` that have not ended meanwhile.
    fn renew(&mut self, sessions: &[SessionKey], now: Duration) {
        for session in sessions {
            if let Some(user) = self.sessions.get(session) {
                self.register.hold(user, *session, now);
            }
        }
    }
}
