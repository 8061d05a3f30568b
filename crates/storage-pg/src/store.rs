//! The store.

use std::{sync::Arc, time::Duration};

use domain::{conversation::Parties, ids::ConversationId, ports::StoreError};
use quick_cache::sync::Cache;
use tracing::Instrument;

use crate::{
    connect::{Connector, InvalidSettings, Settings},
    error::{Class, Failure},
    ledger::Lanes,
    pool::{ConnectionRuntime, Pool, Pooled},
    query::Statements,
};

/// The store on PostgreSQL. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool,
    /// The participants of conversations. They never change, and every statement checks that the
    /// conversation exists, so a stale entry does no harm.
    parties: Arc<Cache<ConversationId, Parties>>,
    statements: Statements,
    lanes: Arc<Lanes>,
    transaction_time_max: Duration,
}

impl PgStore {
    /// Creates a store with `settings`. Connects on first use.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it could never connect.
    pub fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        settings.check()?;
        let statements = Statements::default();
        let connector = Connector::for_requests(settings, statements.clone())?;
        let runtime = ConnectionRuntime::new().map_err(|_| InvalidSettings::NoThread)?;
        let lanes = Arc::new(Lanes::start(settings, &statements)?);
        Ok(Self {
            lanes,
            pool: Pool::new(connector, statements.clone(), runtime, settings),
            parties: Arc::new(Cache::new(settings.parties_cache_entries_max)),
            statements,
            transaction_time_max: settings.transaction_time_max(),
        })
    }

    /// The number of round trips so far: statements, and what lanes send together.
    pub fn round_trips(&self) -> u64 {
        self.statements.count()
    }

    pub(crate) async fn connection(&self) -> Result<Pooled, Failure> {
        self.pool.get().await
    }

    /// How long a transaction of ours may take.
    pub(crate) fn transaction_time_max(&self) -> Duration {
        self.transaction_time_max
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) fn remember_parties(&self, id: &ConversationId, parties: &Parties) {
        self.parties.insert(id.clone(), parties.clone());
    }

    pub(crate) fn remembered_parties(&self, id: &ConversationId) -> Option<Parties> {
        self.parties.get(id)
    }

    pub(crate) fn forget_parties(&self, id: &ConversationId) {
        self.parties.remove(id);
    }
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").finish_non_exhaustive()
    }
}

/// Runs `attempt`, and once more after a failure of [`Class::Again`].
pub(crate) async fn with_retry<T, F>(attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Failure>>,
{
    match attempt().await {
        Err(failure) if failure.is_worth_another_try() => Ok(attempt().await?),
        other => Ok(other?),
    }
}

/// Runs a transaction to completion even when the caller is cancelled: dropped half-way, it would
/// keep its locks until the pool next uses its connection.
pub(crate) async fn run_to_completion<T, F>(
    attempt: impl Fn() -> F + Send + Sync + 'static,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send,
{
    let task = tokio::spawn(async move { with_retry(attempt).await }.in_current_span());
    let ended = task.await;
    ended.unwrap_or_else(|_| Err(Failure::new(Class::Internal, "a transaction panicked").into()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn attempts(class: Class) -> (u32, StoreError) {
        let attempts = AtomicU32::new(0);
        let outcome: Result<(), _> = with_retry(|| async {
            attempts.fetch_add(1, Ordering::Relaxed);
            Err(Failure::new(class, "no"))
        })
        .await;
        (attempts.into_inner(), outcome.expect_err("it always fails"))
    }

    #[tokio::test]
    async fn what_another_transaction_stood_in_the_way_of_is_tried_twice() {
        assert!(matches!(attempts(Class::Again).await, (2, StoreError::Busy(_))));
    }

    #[tokio::test]
    async fn what_may_have_happened_is_not_tried_again() {
        assert!(matches!(attempts(Class::Unavailable).await, (1, StoreError::Unavailable(_))));
        assert!(matches!(attempts(Class::Busy).await, (1, StoreError::Busy(_))));
        assert!(matches!(attempts(Class::Internal).await, (1, StoreError::Internal(_))));
    }

    #[tokio::test]
    async fn a_transaction_that_panics_is_a_failure_and_no_more() {
        let outcome: Result<(), _> = run_to_completion(|| async { panic!("on purpose") }).await;
        assert!(matches!(outcome, Err(StoreError::Internal(_))));
    }
}
