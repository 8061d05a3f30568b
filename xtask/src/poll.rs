//! Polls for something that another process does, with a deadline.

use std::time::{Duration, Instant};

/// Calls `question` every `pause` until it has an answer, for at most `timeout`.
/// It is called at least once, and once more when the time is up.
///
/// # Errors
/// Whatever `question` fails with, at once.
pub fn until<T, E>(
    timeout: Duration,
    pause: Duration,
    mut question: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let deadline = Instant::now() + timeout;
    loop {
        let late = Instant::now() >= deadline;
        let answer = question()?;
        if answer.is_some() || late {
            return Ok(answer);
        }
        rest(pause);
    }
}

/// Does nothing for `pause`.
#[expect(
    clippy::disallowed_methods,
    reason = "no runtime here, and other processes cannot be awaited"
)]
pub fn rest(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn an_answer_ends_the_wait() {
        let mut asked = 0;
        let answer = until(LONG, NOW, || {
            asked += 1;
            Ok::<_, ()>((asked == 3).then_some(asked))
        });
        assert_eq!(answer, Ok(Some(3)));
    }

    #[test]
    fn without_an_answer_the_deadline_ends_the_wait() {
        assert_eq!(until(NOW, NOW, || Ok::<Option<()>, ()>(None)), Ok(None));
    }

    #[test]
    fn a_failure_ends_the_wait_at_once() {
        assert_eq!(until(LONG, LONG, || Err::<Option<()>, _>("no")), Err("no"));
    }
}
