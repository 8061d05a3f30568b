//! Unread totals: counted after the change, told to every session of the person, and counted once
//! however many changes asked for it meanwhile.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{id::UserId, ports::Store};
use tokio::sync::Semaphore;

use super::{
    super::outbound::{ServerEvent as _, UnreadCountUpdated},
    Hub,
};

/// How many totals are counted at the same time.
const COUNTS_AT_ONCE_MAX: usize = 4;
/// The first wait after a failure, in milliseconds; it doubles.
const RETRY_MS_MIN: u64 = 200;
/// The longest wait between two attempts, in milliseconds.
const RETRY_MS_MAX: u64 = 10_000;

pub(super) struct Totals {
    store: Arc<dyn Store>,
    /// Whose total is being counted, and whether it has to be counted again.
    under_way: Mutex<HashMap<UserId, bool>>,
    gate: Arc<Semaphore>,
}

impl Totals {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let gate = Arc::new(Semaphore::new(COUNTS_AT_ONCE_MAX));
        Self { store, under_way: Mutex::default(), gate }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<UserId, bool>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts for `user`, unless they have no session here.
    pub(super) fn count(&self, hub: &Hub, user: &UserId) {
        if !hub.roster().is_here(user) {
            return;
        }
        match self.under_way().entry(user.clone()) {
            Entry::Occupied(mut counting) => {
                counting.insert(true);
                return;
            }
            Entry::Vacant(idle) => {
                idle.insert(false);
            }
        }
        let (hub, user) = (hub.clone(), user.clone());
        tokio::spawn(async move { hub.inner.totals.count_until_settled(&hub, &user).await });
    }

    async fn count_until_settled(&self, hub: &Hub, user: &UserId) {
        let mut wait_ms = RETRY_MS_MIN;
        loop {
            if self.count_once(hub, user).await {
                wait_ms = RETRY_MS_MIN;
                if self.settled(user) {
                    return;
                }
            } else {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = (wait_ms * 2).min(RETRY_MS_MAX);
            }
        }
    }

    /// Counts and tells. Whether that is done: a person without a session needs no count.
    async fn count_once(&self, hub: &Hub, user: &UserId) -> bool {
        if !hub.roster().is_here(user) {
            return true;
        }
        // The gate is never closed; if it were, counting without it is still right.
        let _permit = self.gate.acquire().await.ok();
        match self.store.unread_total(user).await {
            Ok(total_unread) => {
                if let Some(frame) = (UnreadCountUpdated { total_unread }).frame() {
                    hub.roster().tell_user(user, &frame);
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, user.id = %user, "an unread total has to wait");
                false
            }
        }
    }

    /// Whether nobody asked again while we counted.
    fn settled(&self, user: &UserId) -> bool {
        let mut under_way = self.under_way();
        match under_way.get_mut(user) {
            Some(again) if *again => {
                *again = false;
                false
            }
            _ => {
                under_way.remove(user);
                true
            }
        }
    }
}
