//! Whether a client is alive.

use std::{cell::Cell, time::Duration};

use tokio::time::{Instant, sleep_until};

/// The last sign of life of a client. Shared by the two tasks of its connection, on one thread.
pub(super) struct Pulse {
    heard_at: Cell<Instant>,
    /// While its command is carried out a client is not read, so its silence says nothing.
    is_unread: Cell<bool>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { heard_at: Cell::new(Instant::now()), is_unread: Cell::new(false) }
    }

    /// The client said something, or is not read from now on.
    pub(super) fn beat(&self, is_unread: bool) {
        self.heard_at.set(Instant::now());
        self.is_unread.set(is_unread);
    }

    /// Waits until the client should have been heard within `patience`, and was not.
    pub(super) async fn lost(&self, patience: Duration) {
        loop {
            let due = self.heard_at.get() + patience;
            let now = Instant::now();
            if due > now {
                sleep_until(due).await;
            } else if self.is_unread.get() {
                sleep_until(now + patience).await;
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_is_lost_when_it_was_silent_for_too_long() {
        let (pulse, began) = (Pulse::new(), Instant::now());
        sleep(PATIENCE / 2).await;
        pulse.beat(false);
        pulse.lost(PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_cannot_be_lost() {
        let pulse = Pulse::new();
        pulse.beat(true);
        sleep(PATIENCE * 10).await;
        assert!(pulse.lost(PATIENCE).now_or_never().is_none());
        pulse.beat(false);
        pulse.lost(PATIENCE).await;
    }
}
