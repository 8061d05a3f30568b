//! Reading circles from the store.

use std::time::Duration;

use domain::{id::UserId, ports::Acquaintances};

use super::{super::hub::Hub, Attendance};

/// The first wait after a failure, in milliseconds; it doubles.
const RETRY_MS_MIN: u64 = 200;
/// The longest wait between two attempts, in milliseconds.
const RETRY_MS_MAX: u64 = 10_000;

impl Attendance {
    /// Reads the circle of `user` and tells what follows from it, soon. Asked by whoever started
    /// the reading.
    pub(super) fn read(hub: &Hub, user: &UserId) {
        let (hub, user) = (hub.clone(), user.clone());
        tokio::spawn(async move { hub.attendance().read_until_settled(&hub, &user).await });
    }

    async fn read_until_settled(&self, hub: &Hub, user: &UserId) {
        let mut wait_ms = RETRY_MS_MIN;
        while self.state().circles.contains_key(user) {
            let Some(read) = self.ask(user).await else {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = (wait_ms * 2).min(RETRY_MS_MAX);
                continue;
            };
            if self.settle(hub, user, read) {
                return;
            }
            wait_ms = RETRY_MS_MIN;
        }
    }

    /// Asks the store; `None` when it fails.
    async fn ask(&self, user: &UserId) -> Option<Option<Acquaintances>> {
        // The gate is never closed; if it were, reading without it is still right.
        let _permit = self.gate.acquire().await.ok();
        let partners_max = self.settings.partners_per_person_max;
        self.store
            .acquaintances(user, partners_max)
            .await
            .inspect_err(|error| tracing::warn!(%error, user.id = %user, "a circle has to wait"))
            .ok()
    }

    /// Whether that is all; else it has to be read again.
    fn settle(&self, hub: &Hub, user: &UserId, read: Option<Acquaintances>) -> bool {
        let mut state = self.state();
        let Some(circle) = state.circles.get_mut(user) else { return true };
        if !circle.take(read) {
            return false;
        }
        if let Some(newcomers) = circle.reveal() {
            state.tell_online(hub, user);
            for session in newcomers {
                state.tell_snapshot(hub, user, session);
            }
        }
        true
    }
}
