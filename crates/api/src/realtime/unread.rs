//! Unread totals: counted after a change and sent to every session of the person, once for however
//! many changes came in between.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{conversation::store::ReadingStore, ids::UserId};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use super::{
    events::{ServerEvent as _, UnreadCountUpdated},
    registry::SessionRegistry,
    retry::Retry,
};

/// How many totals are counted at the same time.
const COUNTS_AT_ONCE_MAX: usize = 4;

/// How long after the last change of a person's horizon their total is sent once more, in
/// milliseconds. A page that opens a conversation fetches the total while it marks, and shows
/// whichever arrives last.
const REPEAT_AFTER_MS: u64 = 1_000;

/// How far a count has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Requested since the last count began.
    Requested,
    /// Begun, and not requested since.
    Counting,
}

/// Counts unread totals for those who have a session on this node.
pub(crate) struct UnreadCounter {
    sessions: Arc<SessionRegistry>,
    store: Arc<dyn ReadingStore>,
    /// Where counts run: whoever publishes a change may have a runtime that ends with it.
    runtime: Handle,
    /// The counts under way. The registry may be locked inside of this lock.
    under_way: Mutex<HashMap<UserId, Progress>>,
    /// Who is sent their total once more, and when. One task for each of them; only people who have
    /// a session here.
    to_repeat: Mutex<HashMap<UserId, Instant>>,
    /// Bounds the counts under way.
    counts: Semaphore,
}

impl UnreadCounter {
    pub(crate) fn new(
        sessions: Arc<SessionRegistry>,
        store: Arc<dyn ReadingStore>,
        runtime: Handle,
    ) -> Self {
        Self {
            sessions,
            store,
            runtime,
            under_way: Mutex::default(),
            to_repeat: Mutex::default(),
            counts: Semaphore::new(COUNTS_AT_ONCE_MAX),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<UserId, Progress>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn to_repeat(&self) -> MutexGuard<'_, HashMap<UserId, Instant>> {
        self.to_repeat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts for `user` and sends the total, soon; not for a person without a session here.
    pub(crate) fn count(self: &Arc<Self>, user: &UserId) {
        if !self.sessions.lock().is_here(user) {
            return;
        }
        let mut under_way = self.under_way();
        self.sessions.lock().set_unread_total(user, None);
        let is_under_way = under_way.insert(user.clone(), Progress::Requested).is_some();
        drop(under_way);
        if !is_under_way {
            let (counter, user) = (self.clone(), user.clone());
            self.runtime.spawn(async move { counter.count_until_settled(&user).await });
        }
    }

    /// Sends `user` their total again, which has not changed; counts if it is not known.
    pub(crate) fn repeat(self: &Arc<Self>, user: &UserId) {
        let known = self.sessions.lock().unread_total(user);
        match known {
            Some(total_unread) => self.send(user, total_unread),
            None => self.count(user),
        }
    }

    /// Sends `user` their total once more, when a second has passed since the last call.
    pub(crate) fn repeat_later(self: &Arc<Self>, user: &UserId) {
        if !self.sessions.lock().is_here(user) {
            return;
        }
        let due = Instant::now() + Duration::from_millis(REPEAT_AFTER_MS);
        let is_waiting = self.to_repeat().insert(user.clone(), due).is_some();
        if !is_waiting {
            let (counter, user) = (self.clone(), user.clone());
            self.runtime.spawn(async move {
                while let Some(due) = counter.repeat_at(&user) {
                    sleep_until(due).await;
                }
                counter.repeat(&user);
            });
        }
    }

    /// Whether no total is to be repeated.
    #[cfg(test)]
    pub(crate) fn nobody_waits(&self) -> bool {
        self.to_repeat().is_empty()
    }

    /// When `user` is sent their total once more; `None`, and it is forgotten, when that is now.
    fn repeat_at(&self, user: &UserId) -> Option<Instant> {
        let mut to_repeat = self.to_repeat();
        let due = to_repeat.get(user).copied().filter(|due| *due > Instant::now());
        if due.is_none() {
            to_repeat.remove(user);
        }
        due
    }

    async fn count_until_settled(&self, user: &UserId) {
        let mut retry = Retry::new();
        loop {
            self.under_way().insert(user.clone(), Progress::Counting);
            if !self.sessions.lock().is_here(user) {
                if self.settled(user, None) {
                    return;
                }
            } else if let Some(total) = self.fetch(user).await {
                self.send(user, total);
                if self.settled(user, Some(total)) {
                    return;
                }
                retry.succeeded();
            } else {
                retry.wait().await;
            }
        }
    }

    /// Asks the store; `None` when it fails.
    async fn fetch(&self, user: &UserId) -> Option<u64> {
        // The semaphore is never closed; if it were, counting without it is still right.
        let _permit = self.counts.acquire().await.ok();
        let counted = self.store.unread_total(user).await;
        let failed = |error: &_| {
            tracing::warn!(%error, user.id = %user, "an unread total could not be counted; retrying");
        };
        counted.inspect_err(failed).ok()
    }

    /// Whether no further count was requested since this one began: then `total` stands.
    fn settled(&self, user: &UserId, total: Option<u64>) -> bool {
        let mut under_way = self.under_way();
        let settled = under_way.get(user) != Some(&Progress::Requested);
        if settled {
            under_way.remove(user);
            self.sessions.lock().set_unread_total(user, total);
        }
        settled
    }

    fn send(&self, user: &UserId, total_unread: u64) {
        if let Some(event) = (UnreadCountUpdated { total_unread }).encode() {
            self.sessions.lock().send_to_user(user, &event);
        }
    }
}
