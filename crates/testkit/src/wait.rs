//! Waiting for what the server will do, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::Fault;

/// How long anything may take before it counts as never.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// From one look to the next.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// What `future` gives, at the latest after [`PATIENCE`].
///
/// # Errors
/// When it gave nothing until then; `what` says what we waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Fault> {
    at_most(PATIENCE, what, future).await
}

/// What `future` gives, at the latest after `patience`.
///
/// # Errors
/// See [`within`].
pub async fn at_most<T>(
    patience: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T, Fault> {
    let answer = timeout(patience, future).await;
    answer.map_err(|_| too_late(what, patience))
}

/// Asks `question` again and again until it has an answer, at the latest after [`PATIENCE`].
///
/// # Errors
/// When there was none until then, or the question itself failed.
pub async fn until<T>(
    what: &str,
    mut question: impl AsyncFnMut() -> Result<Option<T>, Fault>,
) -> Result<T, Fault> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question().await? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return Err(too_late(what, PATIENCE));
        }
        sleep(PAUSE).await;
    }
}

fn too_late(what: &str, patience: Duration) -> Fault {
    Fault::new(format!("{what}: not within {} s", patience.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_ends_the_wait() {
        let mut asked = 0;
        let answer = until("three", async || {
            asked += 1;
            Ok((asked == 3).then_some(asked))
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
