use std::{
    fmt,
    hash::Hash,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

use super::{Rate, RetryAfter};

/// Takes between two looks at how many keys are remembered.
const TAKES_PER_CLEANING: u32 = 256;

/// One bucket for each key, with a bound on how many there are.
pub(super) struct Keyed<K: Hash + Eq + Clone> {
    limit: Option<Limit<K>>,
}

struct Limit<K: Hash + Eq + Clone> {
    quota: Quota,
    remembered_max: usize,
    takes: AtomicU32,
    buckets: RwLock<DefaultKeyedRateLimiter<K>>,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// Full buckets of `rate`; without one, buckets that never end.
    pub(super) fn new(rate: Option<Rate>, remembered_max: usize) -> Self {
        let limit = rate.map(|rate| {
            let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
            Limit {
                quota,
                remembered_max,
                takes: AtomicU32::new(0),
                buckets: RwLock::new(DefaultKeyedRateLimiter::keyed(quota)),
            }
        });
        Self { limit }
    }

    /// Takes one from the bucket of `key`.
    pub(super) fn take(&self, key: &K) -> Result<(), RetryAfter> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        limit.clean_sometimes();
        let buckets = limit.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            RetryAfter(in_millis(wait))
        })
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// Forgets full buckets. When there still are too many, forgets all: a flood of strangers may
    /// gain a burst by it, and must not gain our memory.
    fn clean_sometimes(&self) {
        if !self.takes.fetch_add(1, Ordering::Relaxed).is_multiple_of(TAKES_PER_CLEANING) {
            return;
        }
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() <= self.remembered_max {
            return;
        }
        buckets.retain_recent();
        buckets.shrink_to_fit();
        let too_many = buckets.len() > self.remembered_max;
        drop(buckets);
        if too_many {
            let fresh = DefaultKeyedRateLimiter::keyed(self.quota);
            *self.buckets.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn in_millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl<K: Hash + Eq + Clone> fmt::Debug for Keyed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quota = self.limit.as_ref().map(|limit| limit.quota);
        f.debug_struct("Keyed").field("quota", &quota).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_does_not_fill_the_memory() {
        let max = 100;
        let keyed: Keyed<u32> = Keyed::new(Some(Rate::new(1, 1)), max);
        for stranger in 0..10_000 {
            assert!(keyed.take(&stranger).is_ok());
        }
        let limit = keyed.limit.as_ref().expect("there is a limit");
        let remembered = limit.buckets.read().expect("nobody panicked").len();
        assert!(remembered <= max + TAKES_PER_CLEANING as usize, "{remembered}");
    }
}
