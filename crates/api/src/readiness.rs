//! Whether this node should be given work.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::store::Store;

/// Answers for this node. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    store: Arc<dyn Store>,
    deadline: Duration,
    draining: Arc<AtomicBool>,
}

/// What is ready and what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The store answers in time.
    pub store: bool,
    /// The node takes new work: it is not going down.
    pub serving: bool,
}

impl Report {
    /// Whether the node should be given work.
    pub fn is_ready(self) -> bool {
        self.store && self.serving
    }
}

impl Readiness {
    /// Serving, and asking `store`, which has `deadline_ms` milliseconds to answer.
    pub(crate) fn new(store: Arc<dyn Store>, deadline_ms: u64) -> Self {
        let deadline = Duration::from_millis(deadline_ms);
        Self { store, deadline, draining: Arc::default() }
    }

    /// Looks.
    pub async fn report(&self) -> Report {
        let answer = tokio::time::timeout(self.deadline, self.store.ping()).await;
        Report {
            store: matches!(answer, Ok(Ok(()))),
            serving: !self.draining.load(Ordering::Relaxed),
        }
    }

    /// From now on this node is not ready any more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("draining", &self.draining).finish_non_exhaustive()
    }
}
