//! A session ends when its token does, and is told so before.

use std::{sync::Arc, time::Duration};

use domain::ports::Clock;

use super::hub::Hub;

/// How often the sessions are looked through, in milliseconds: the longest a session outlives its
/// token.
const LOOK_EVERY_MS: u64 = 1_000;

/// Warns sessions whose tokens end within `notice_ms`, and disconnects those whose tokens have
/// ended, for as long as the runtime lives.
pub(super) fn watch(hub: &Hub, clock: Arc<dyn Clock>, notice_ms: u64) {
    let hub = hub.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_EVERY_MS));
        loop {
            ticks.tick().await;
            let now = clock.now();
            hub.warn_of_expiry(now, notice_ms);
            for outlet in hub.expired(now) {
                // Told as a disconnect, so that the client does not come back with the same token.
                outlet.dismiss();
            }
        }
    });
}
