//! Waiting between attempts while the store fails, longer each time, and going on after a panic. A file
//! of its own because all parts of the hub use it and it uses none of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures_util::FutureExt as _;

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

/// Repeats `attempt` until it returns `Some(true)`: all is done. `Some(false)` is a step on the way; after
/// `None`, a failure, and after a panic it waits, longer each time.
pub(super) async fn until_done<F>(what: &'static str, mut attempt: impl FnMut() -> F)
where
    F: Future<Output = Option<bool>>,
{
    let mut retry = Retry::new();
    loop {
        match caught_async(what, attempt()).await.flatten() {
            Some(true) => return,
            Some(false) => retry.succeeded(),
            None => retry.wait().await,
        }
    }
}

/// What `attempt` returns; `None` when it panicked, which is logged under the name `what`. The caller makes
/// good what the attempt may have left half done.
pub(super) fn caught<T>(what: &'static str, attempt: impl FnOnce() -> T) -> Option<T> {
    logged(what, catch_unwind(AssertUnwindSafe(attempt)))
}

/// The same for an attempt that waits.
pub(super) async fn caught_async<T>(
    what: &'static str,
    attempt: impl Future<Output = T>,
) -> Option<T> {
    logged(what, AssertUnwindSafe(attempt).catch_unwind().await)
}

fn logged<T>(what: &'static str, outcome: std::thread::Result<T>) -> Option<T> {
    outcome.inspect_err(|_| tracing::error!(what, "a task of the hub panicked; it goes on")).ok()
}
