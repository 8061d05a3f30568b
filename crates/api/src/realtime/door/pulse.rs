//! Whether a client is alive.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The last sign of life of a client. Read from any thread.
pub(super) struct Liveness {
    born: Instant,
    /// In milliseconds since `born`.
    heard_after_ms: AtomicU64,
    /// While its command is carried out a client is not read, so its silence says nothing.
    is_unread: AtomicBool,
}

impl Liveness {
    pub(super) fn new() -> Self {
        let (heard_after_ms, is_unread) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { born: Instant::now(), heard_after_ms, is_unread }
    }

    /// The client said something, or is not read from now on.
    pub(super) fn beat(&self, is_unread: bool) {
        let after_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_after_ms.store(after_ms, Relaxed);
        self.is_unread.store(is_unread, Relaxed);
    }

    /// How long nothing was heard of the client, though it was read.
    pub(super) fn silent_for(&self) -> Duration {
        if self.is_unread.load(Relaxed) { Duration::ZERO } else { self.heard_at().elapsed() }
    }

    /// Waits until the client should have been heard within `patience`, and was not.
    pub(super) async fn lost(&self, patience: Duration) {
        loop {
            let due = self.heard_at() + patience;
            let now = Instant::now();
            if due > now {
                sleep_until(due).await;
            } else if self.is_unread.load(Relaxed) {
                sleep_until(now + patience).await;
            } else {
                return;
            }
        }
    }

    fn heard_at(&self) -> Instant {
        self.born + Duration::from_millis(self.heard_after_ms.load(Relaxed))
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
        let (pulse, began) = (Liveness::new(), Instant::now());
        sleep(PATIENCE / 2).await;
        pulse.beat(false);
        pulse.lost(PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_cannot_be_lost() {
        let pulse = Liveness::new();
        pulse.beat(true);
        sleep(PATIENCE * 10).await;
        assert!(pulse.lost(PATIENCE).now_or_never().is_none());
        pulse.beat(false);
        pulse.lost(PATIENCE).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign_of_life_and_not_while_nobody_reads() {
        let pulse = Liveness::new();
        sleep(PATIENCE).await;
        assert_eq!(pulse.silent_for(), PATIENCE);
        pulse.beat(true);
        sleep(PATIENCE).await;
        assert_eq!(pulse.silent_for(), Duration::ZERO);
        pulse.beat(false);
        sleep(PATIENCE).await;
        assert_eq!(pulse.silent_for(), PATIENCE);
    }
}
