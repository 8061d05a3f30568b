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
    registry::{Registrations, SessionRegistry},
    retry::until_done,
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
    /// The counts under way, each held by a [`Count`]. The registry may be locked inside of this lock.
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
            let count = Count { counter: self.clone(), user: user.clone(), settled: false };
            self.runtime.spawn(count.run());
        }
    }

    /// Sends `user` their total again, which has not changed; counts if it is not known. Looked up and sent
    /// under one lock: no total is sent behind a newer one.
    pub(crate) fn repeat(self: &Arc<Self>, user: &UserId) {
        let mut sessions = self.sessions.lock();
        let known = sessions.unread_total(user);
        if let Some(total) = known {
            send(&mut sessions, user, total);
        }
        drop(sessions);
        if known.is_none() {
            self.count(user);
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
            let mut later =
                RepeatLater { counter: self.clone(), user: user.clone(), is_due: false };
            self.runtime.spawn(async move {
                while let Some(due) = later.due() {
                    sleep_until(due).await;
                }
                later.counter.repeat(&later.user);
            });
        }
    }

    /// Whether no total is to be repeated.
    #[cfg(test)]
    pub(crate) fn nobody_waits(&self) -> bool {
        self.to_repeat().is_empty()
    }

    /// Whether a count for `user` is under way.
    #[cfg(test)]
    pub(crate) fn is_counting(&self, user: &UserId) -> bool {
        self.under_way().contains_key(user)
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

    /// Counts once and sends the total. Returns whether that settles it; `None` when the store fails.
    async fn count_once(&self, user: &UserId) -> Option<bool> {
        self.under_way().insert(user.clone(), Progress::Counting);
        if !self.sessions.lock().is_here(user) {
            return Some(self.settled(user, None));
        }
        let total = self.fetch(user).await?;
        send(&mut self.sessions.lock(), user, total);
        Some(self.settled(user, Some(total)))
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
}

/// Sends `user` their total.
pub(super) fn send(sessions: &mut Registrations, user: &UserId, total_unread: u64) {
    if let Some(event) = (UnreadCountUpdated { total_unread }).encode() {
        sessions.send_to_user(user, &event);
    }
}

/// A person's count that is under way. Dropping it, also by a task that is cancelled, lets the next one begin.
struct Count {
    counter: Arc<UnreadCounter>,
    user: UserId,
    /// Whether no further count was requested since the last one began.
    settled: bool,
}

impl Count {
    async fn run(mut self) {
        until_done("counting what is unread", || self.counter.count_once(&self.user)).await;
        self.settled = true;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if !self.settled {
            self.counter.under_way().remove(&self.user);
        }
    }
}

/// A person who is sent their total once more. Dropping it, also by a task that is cancelled, lets the next
/// one begin.
struct RepeatLater {
    counter: Arc<UnreadCounter>,
    user: UserId,
    is_due: bool,
}

impl RepeatLater {
    /// When it is due; `None` when that is now.
    fn due(&mut self) -> Option<Instant> {
        let due = self.counter.repeat_at(&self.user);
        self.is_due = due.is_none();
        due
    }
}

impl Drop for RepeatLater {
    fn drop(&mut self) {
        if !self.is_due {
            self.counter.to_repeat().remove(&self.user);
        }
    }
}
