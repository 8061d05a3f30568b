//! Waiting with a timeout.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::Fault;

/// The default timeout of every wait.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The interval between polls.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Awaits `future` for at most [`TIMEOUT`].
///
/// # Errors
/// When it takes longer; the error names `what`.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Fault> {
    at_most(TIMEOUT, what, future).await
}

/// Awaits `future` for at most `limit`.
///
/// # Errors
/// See [`within`].
pub async fn at_most<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T, Fault> {
    let answer = timeout(limit, future).await;
    answer.map_err(|_| timed_out(what, limit))
}

/// Calls `check` until it returns a value, for at most [`TIMEOUT`].
///
/// # Errors
/// When it returns none in time, or fails.
pub async fn until<T>(
    what: &str,
    mut check: impl AsyncFnMut() -> Result<Option<T>, Fault>,
) -> Result<T, Fault> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(answer) = check().await? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return Err(timed_out(what, TIMEOUT));
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn timed_out(what: &str, limit: Duration) -> Fault {
    Fault::new(format!("{what}: not within {} s", limit.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_ends_the_wait() {
        let mut attempts = 0;
        let answer = until("three", async || {
            attempts += 1;
            Ok((attempts == 3).then_some(attempts))
        });
        assert_eq!(answer.await.expect("an answer"), 3);
    }

    #[tokio::test]
    async fn a_wait_for_nothing_ends_with_its_name() {
        let never = std::future::pending::<()>();
        let nothing = at_most(Duration::ZERO, "the moon", never).await;
        assert_eq!(nothing.expect_err("too late").to_string(), "the moon: not within 0 s");
    }
}
