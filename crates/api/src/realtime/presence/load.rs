//! Reading circles from the store.

use domain::{id::UserId, ports::ParticipantWithPartners};

use super::{
    super::{hub::Hub, retry::Retry},
    PresenceTracker,
};

impl PresenceTracker {
    /// Reads the circle of `user` and tells what follows from it, soon. Asked by whoever started
    /// the reading.
    pub(super) fn read(hub: &Hub, user: &UserId) {
        let (hub, user) = (hub.clone(), user.clone());
        tokio::spawn(async move { hub.presence_tracker().read_until_settled(&hub, &user).await });
    }

    async fn read_until_settled(&self, hub: &Hub, user: &UserId) {
        let mut retry = Retry::new();
        while self.state().circles.contains_key(user) {
            let Some(read) = self.ask(user).await else {
                retry.wait().await;
                continue;
            };
            if self.settle(hub, user, read) {
                return;
            }
            retry.succeeded();
        }
    }

    /// Asks the store; `None` when it fails.
    async fn ask(&self, user: &UserId) -> Option<Option<ParticipantWithPartners>> {
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
    fn settle(&self, hub: &Hub, user: &UserId, read: Option<ParticipantWithPartners>) -> bool {
        let mut state = self.state();
        let Some(partner_set) = state.circles.get_mut(user) else { return true };
        if !partner_set.take(read) {
            return false;
        }
        if let Some(newcomers) = partner_set.reveal() {
            state.tell_online(hub, user);
            for session in newcomers {
                state.tell_snapshot(hub, user, session);
            }
        }
        true
    }
}
