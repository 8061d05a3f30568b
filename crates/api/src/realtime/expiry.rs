//! A session ends when its token does.

use std::{sync::Arc, time::Duration};

use domain::ports::Clock;

use super::hub::Hub;

/// How often the sessions are looked through, in milliseconds: the longest a session outlives its
/// token.
const LOOK_EVERY_MS: u64 = 1_000;

/// Disconnects sessions whose tokens have ended, for as long as the runtime lives.
pub(super) fn watch(hub: &Hub, clock: Arc<dyn Clock>) {
    let hub = hub.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_EVERY_MS));
        loop {
            ticks.tick().await;
            for outlet in hub.expired(clock.now()) {
                // Told as a disconnect, so that the client does not come back with the same token.
                outlet.dismiss();
            }
        }
    });
}
