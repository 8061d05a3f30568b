//! Unread totals: counted after the change, told to every session of the person, and counted once
//! however many changes asked for it meanwhile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{conversation::store::ReadingStore, ids::UserId};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use super::{
    Retry,
    events::{ServerEvent as _, UnreadCountUpdated},
    hub::Hub,
};

/// How many totals are counted at the same time.
const COUNTS_AT_ONCE_MAX: usize = 4;

/// How long after the last change of somebody's horizon their total is told once more, in
/// milliseconds. A page that opens a conversation asks for the total while it marks, and shows
/// whichever comes last.
const REPEAT_AFTER_MS: u64 = 1_000;

/// How far a count has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Somebody asked for it since the last count began.
    Asked,
    /// It was begun, and nobody asked since.
    Counting,
}

pub(crate) struct UnreadCounter {
    store: Arc<dyn ReadingStore>,
    /// Whose total is being counted. Locked before the roster, where both are.
    under_way: Mutex<HashMap<UserId, Progress>>,
    /// Who is told their total once more, and when. One task for each of them; only people who have
    /// a session here get in.
    to_repeat: Mutex<HashMap<UserId, Instant>>,
    gate: Arc<Semaphore>,
}

impl UnreadCounter {
    pub(crate) fn new(store: Arc<dyn ReadingStore>) -> Self {
        let gate = Arc::new(Semaphore::new(COUNTS_AT_ONCE_MAX));
        Self { store, under_way: Mutex::default(), to_repeat: Mutex::default(), gate }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<UserId, Progress>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn to_repeat(&self) -> MutexGuard<'_, HashMap<UserId, Instant>> {
        self.to_repeat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts for `user`, unless they have no session here.
    pub(crate) fn count(&self, hub: &Hub, user: &UserId) {
        if !hub.registry().is_here(user) {
            return;
        }
        let mut under_way = self.under_way();
        hub.registry().note_unread_total(user, None);
        let begun = under_way.insert(user.clone(), Progress::Asked).is_some();
        drop(under_way);
        if !begun {
            let (hub, user) = (hub.clone(), user.clone());
            tokio::spawn(async move { hub.inner.totals.count_until_settled(&hub, &user).await });
        }
    }

    /// Tells `user` the total again, which has not changed; counts if it is not known.
    pub(crate) fn repeat(&self, hub: &Hub, user: &UserId) {
        let known = hub.registry().unread_total(user);
        match known {
            Some(total_unread) => tell(hub, user, total_unread),
            None => self.count(hub, user),
        }
    }

    /// Tells `user` their total once more, when a second has passed in which this was not asked for.
    pub(crate) fn repeat_later(&self, hub: &Hub, user: &UserId) {
        if !hub.registry().is_here(user) {
            return;
        }
        let due = Instant::now() + Duration::from_millis(REPEAT_AFTER_MS);
        let waits = self.to_repeat().insert(user.clone(), due).is_some();
        if !waits {
            let (hub, user) = (hub.clone(), user.clone());
            tokio::spawn(async move {
                while let Some(due) = hub.inner.totals.repeat_at(&user) {
                    sleep_until(due).await;
                }
                hub.inner.totals.repeat(&hub, &user);
            });
        }
    }

    /// Whether everyone's total has come to rest.
    #[cfg(test)]
    pub(crate) fn nobody_waits(&self) -> bool {
        self.to_repeat().is_empty()
    }

    /// When `user` is told their total once more; `None` when it is time, and nobody waits for it any
    /// more.
    fn repeat_at(&self, user: &UserId) -> Option<Instant> {
        let mut to_repeat = self.to_repeat();
        let due = to_repeat.get(user).copied().filter(|due| *due > Instant::now());
        if due.is_none() {
            to_repeat.remove(user);
        }
        due
    }

    async fn count_until_settled(&self, hub: &Hub, user: &UserId) {
        let mut retry = Retry::new();
        loop {
            self.under_way().insert(user.clone(), Progress::Counting);
            if !hub.registry().is_here(user) {
                if self.settled(hub, user, None) {
                    return;
                }
            } else if let Some(total) = self.total(user).await {
                tell(hub, user, total);
                if self.settled(hub, user, Some(total)) {
                    return;
                }
                retry.succeeded();
            } else {
                retry.wait().await;
            }
        }
    }

    async fn total(&self, user: &UserId) -> Option<u64> {
        // The gate is never closed; if it were, counting without it is still right.
        let _permit = self.gate.acquire().await.ok();
        let counted = self.store.unread_total(user).await;
        let waits =
            |error: &_| tracing::warn!(%error, user.id = %user, "an unread total has to wait");
        counted.inspect_err(waits).ok()
    }

    /// Whether nobody asked again since the count began: then `total` stands.
    fn settled(&self, hub: &Hub, user: &UserId, total: Option<u64>) -> bool {
        let mut under_way = self.under_way();
        let settled = under_way.get(user) != Some(&Progress::Asked);
        if settled {
            under_way.remove(user);
            hub.registry().note_unread_total(user, total);
        }
        settled
    }
}

fn tell(hub: &Hub, user: &UserId, total_unread: u64) {
    if let Some(told) = (UnreadCountUpdated { total_unread }).told() {
        hub.registry().tell_user(user, &told);
    }
}
