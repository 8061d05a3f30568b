use crate::time::Timestamp;

/// How long to wait after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first attempt, in milliseconds; each further wait is twice as long.
    pub first_ms: u64,
    /// The longest wait, in milliseconds.
    pub longest_ms: u64,
    /// How many attempts there are before the job is given up: 1 to [`ATTEMPTS_MAX`](super::ATTEMPTS_MAX).
    pub attempts_max: u32,
}

impl Default for Backoff {
    /// Fifteen attempts in about three hours.
    fn default() -> Self {
        Self { first_ms: 1_000, longest_ms: 1_800_000, attempts_max: 15 }
    }
}

impl Backoff {
    /// When to try again after `attempt` failed at `now`; `None` when that was the last attempt.
    /// `luck`, any number, spreads the waits over the upper half of their length, so that jobs that
    /// failed together do not come back together.
    pub fn next_attempt_at(&self, attempt: u32, now: Timestamp, luck: u64) -> Option<Timestamp> {
        if attempt >= self.attempts_max {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(32);
        let full_ms = self.first_ms.saturating_mul(1 << doublings).min(self.longest_ms).max(2);
        let wait_ms = full_ms / 2 + luck % (full_ms / 2 + 1);
        Timestamp::from_millis(now.as_millis().saturating_add_unsigned(wait_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ATTEMPTS_MAX;

    #[test]
    fn each_wait_is_longer_until_the_last_attempt() {
        let backoff = Backoff { first_ms: 1_000, longest_ms: 3_000, attempts_max: 4 };
        let wait = |attempt, luck| {
            let at = backoff.next_attempt_at(attempt, Timestamp::UNIX_EPOCH, luck);
            at.map(Timestamp::as_millis)
        };
        assert_eq!((wait(1, 0), wait(1, 500), wait(1, 501)), (Some(500), Some(1_000), Some(500)));
        assert_eq!((wait(2, 0), wait(3, 1_500)), (Some(1_000), Some(3_000)));
        assert_eq!((wait(4, 0), wait(5, 0)), (None, None));
        let patient = Backoff { attempts_max: ATTEMPTS_MAX, longest_ms: u64::MAX, ..backoff };
        assert!(patient.next_attempt_at(99, Timestamp::UNIX_EPOCH, 7).is_some());
    }
}
