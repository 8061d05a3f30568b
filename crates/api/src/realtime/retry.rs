//! Waiting between attempts while the store fails, longer each time. A file of its own because all
//! parts of the hub use it and it uses none of them.

use std::time::Duration;

/// The first wait after a failure, in milliseconds; it doubles.
const WAIT_MS_MIN: u64 = 200;
/// The longest wait between two attempts, in milliseconds.
const WAIT_MS_MAX: u64 = 10_000;

/// How long to wait after the next failure.
pub(super) struct Retry {
    wait_ms: u64,
}

impl Retry {
    /// Nothing has failed yet.
    pub(super) fn new() -> Self {
        Self { wait_ms: WAIT_MS_MIN }
    }

    /// Waits after a failure; after the next one in a row, twice as long.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.wait_ms)).await;
        self.wait_ms = (self.wait_ms * 2).min(WAIT_MS_MAX);
    }

    /// An attempt succeeded: the next failure is a first one.
    pub(super) fn succeeded(&mut self) {
        *self = Self::new();
    }
}
