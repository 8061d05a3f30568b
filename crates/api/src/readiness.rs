//! Readiness of this node.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::store::Store;
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};

/// How long the answer of the store counts, from when it was asked: it is asked at most once in that time, however many
/// ask us.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the readiness of this node. Cheap to clone; clones share the last check.
#[derive(Clone)]
pub struct Readiness {
    store: Arc<dyn Store>,
    deadline: Duration,
    last_check: Arc<LastCheck>,
    draining: Arc<AtomicBool>,
}

/// The last time the store was asked.
#[derive(Default)]
struct LastCheck(Mutex<Option<Check>>);

struct Check {
    begun: Instant,
    is_up: Shared<BoxFuture<'static, bool>>,
}

impl LastCheck {
    /// The answer of the last check, complete or not; calls `ask` when that is too old.
    fn or_else<F>(&self, ask: impl FnOnce() -> F) -> Shared<BoxFuture<'static, bool>>
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_new = |check: &&Check| now.duration_since(check.begun) < CHECK_INTERVAL;
        if let Some(check) = last.as_ref().filter(is_new) {
            return check.is_up.clone();
        }
        // In a task of its own: it goes on when whoever asked first is gone.
        let asked = tokio::spawn(ask());
        let is_up = asked.map(|answer| answer.unwrap_or(false)).boxed().shared();
        *last = Some(Check { begun: now, is_up: is_up.clone() });
        is_up
    }
}

/// Result of a readiness check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The store answered in time.
    pub store: bool,
    /// The node accepts traffic: it is not shutting down.
    pub serving: bool,
}

impl Report {
    /// Whether the node should receive traffic.
    pub fn is_ready(self) -> bool {
        self.store && self.serving
    }
}

impl Readiness {
    /// `store` must answer within `deadline_ms` milliseconds.
    pub(crate) fn new(store: Arc<dyn Store>, deadline_ms: u64) -> Self {
        let deadline = Duration::from_millis(deadline_ms);
        Self { store, deadline, last_check: Arc::default(), draining: Arc::default() }
    }

    /// The report, of which the store's part may be a second old.
    pub async fn report(&self) -> Report {
        let ask = || {
            let (store, deadline) = (Arc::clone(&self.store), self.deadline);
            async move { matches!(timeout(deadline, store.ping()).await, Ok(Ok(()))) }
        };
        let store = self.last_check.or_else(ask).await;
        Report { store, serving: !self.draining.load(Ordering::Relaxed) }
    }

    /// Marks this node as shutting down.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("draining", &self.draining).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::{
        sync::{oneshot, oneshot::Sender},
        time::advance,
    };

    use super::*;

    /// Counts how often it is asked.
    #[derive(Default)]
    struct Store {
        asked: AtomicUsize,
        is_down: AtomicBool,
    }

    impl Store {
        fn ask(&self) -> impl Future<Output = bool> + Send + 'static {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let is_up = !self.is_down.load(Ordering::Relaxed);
            async move { is_up }
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_cost_one_question_a_second() {
        let (store, check) = (Store::default(), LastCheck::default());
        for second in 1..=3 {
            for _ in 0..4 {
                let answers = join_all((0..100).map(|_| check.or_else(|| store.ask()))).await;
                assert!(answers.into_iter().all(|is_up| is_up));
                advance(CHECK_INTERVAL / 4).await;
            }
            assert_eq!(store.asked(), second);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_goes_down_is_seen_after_a_second_and_so_is_one_that_comes_back() {
        let (store, check) = (Store::default(), LastCheck::default());
        assert!(check.or_else(|| store.ask()).await);
        for is_down in [true, false] {
            store.is_down.store(is_down, Ordering::Relaxed);
            advance(CHECK_INTERVAL).await;
            assert_eq!(check.or_else(|| store.ask()).await, !is_down);
        }
    }

    #[tokio::test]
    async fn a_question_goes_on_when_whoever_asked_it_is_gone() {
        let check = LastCheck::default();
        let (answer, asked): (Sender<bool>, _) = oneshot::channel();
        drop(check.or_else(|| async move { asked.await.unwrap_or(false) }));
        answer.send(true).expect("it is waited for");
        let not_asked_again = || async { false };
        assert!(check.or_else(not_asked_again).await);
    }
}
