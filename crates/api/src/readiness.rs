//! Readiness of this node.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::store::Store;

/// Checks the readiness of this node. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    store: Arc<dyn Store>,
    deadline: Duration,
    draining: Arc<AtomicBool>,
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
        Self { store, deadline, draining: Arc::default() }
    }

    /// Runs the check.
    pub async fn report(&self) -> Report {
        let answer = tokio::time::timeout(self.deadline, self.store.ping()).await;
        Report {
            store: matches!(answer, Ok(Ok(()))),
            serving: !self.draining.load(Ordering::Relaxed),
        }
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
