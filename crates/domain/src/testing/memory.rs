//! A store in memory that satisfies the [`contract`](super::contract).

mod appointments;
mod commit;
mod conversation;
mod jobs;
mod mail;
mod messages;
mod participants;
mod privacy;
#[cfg(test)]
mod properties;
mod retention;
mod uploads;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use jobs::Jobs;
use mail::{Mails, Report, StoredPreferences};
use messages::{StoredConversation, StoredMessage};
use retention::Retention;
use uploads::Uploads;

use crate::{
    ids::{AppointmentId, ConversationId, MessageId, Seq, UserId},
    participant::Participant,
    ports::StoreError,
    privacy::{audit::AuditEntry, erasure::Erasure, export::Export, session_end::SessionEnd},
};

/// A store in memory. Calls are serialised by a lock.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    reads: Arc<Mutex<Reads>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next call fail with `error` without a change. Called several times, several calls
    /// fail, in that order.
    pub fn fail_next(&self, error: StoreError) {
        locked(&self.faults).fail_next(error);
    }

    /// Makes every call fail with [`StoreError::Unavailable`] without a change, or work again.
    pub fn set_unavailable(&self, unavailable: bool) {
        locked(&self.faults).set_unavailable(unavailable);
    }

    /// Makes reads of the log and the history of conversations, and the check of their participants, wait
    /// until what this returns is dropped.
    #[must_use]
    pub fn hold_reads(&self) -> HeldReads {
        locked(&self.reads).holds += 1;
        HeldReads(self.reads.clone())
    }

    /// Waits as long as reads are held.
    async fn until_reads_go_on(&self) {
        poll_fn(|context| {
            let mut reads = locked(&self.reads);
            if reads.holds == 0 {
                return Poll::Ready(());
            }
            reads.waiting.push(context.waker().clone());
            reads.observers.drain(..).for_each(Waker::wake);
            Poll::Pending
        })
        .await;
    }

    /// For what a node asks for by itself, and no test may have to count: it fails only while
    /// everything does.
    fn state_in_background(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        if locked(&self.faults).unavailable {
            return Err(StoreError::Unavailable("the test made it so".into()));
        }
        Ok(locked(&self.state))
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        locked(&self.faults).check()?;
        Ok(locked(&self.state))
    }
}

/// Reads that a test holds back.
#[derive(Debug, Default)]
struct Reads {
    holds: usize,
    waiting: Vec<Waker>,
    /// Who wants to know of one that waits.
    observers: Vec<Waker>,
}

/// Reads of a [`MemoryStore`] wait until this is dropped.
#[derive(Debug)]
pub struct HeldReads(Arc<Mutex<Reads>>);

impl HeldReads {
    /// Waits until a read waits.
    pub async fn until_one_waits(&self) {
        poll_fn(|context| {
            let mut reads = locked(&self.0);
            if reads.waiting.is_empty() {
                reads.observers.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for HeldReads {
    fn drop(&mut self) {
        let mut reads = locked(&self.0);
        reads.holds -= 1;
        for waiting in mem::take(&mut reads.waiting) {
            waiting.wake();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The injected failures.
#[derive(Debug, Default)]
struct Faults {
    next: VecDeque<StoreError>,
    unavailable: bool,
}

impl Faults {
    fn fail_next(&mut self, error: StoreError) {
        self.next.push_back(error);
    }

    fn set_unavailable(&mut self, unavailable: bool) {
        self.unavailable = unavailable;
    }

    /// Fails if the current call is to fail.
    fn check(&mut self) -> Result<(), StoreError> {
        if let Some(error) = self.next.pop_front() {
            return Err(error);
        }
        if self.unavailable {
            return Err(StoreError::Unavailable("the test made it so".into()));
        }
        Ok(())
    }
}

/// The directory.
type People = HashMap<UserId, Participant>;

/// The whole state.
#[derive(Debug, Default)]
struct State {
    people: People,
    records: HashMap<ConversationId, StoredConversation>,
    reports: Vec<Report>,
    uploads: Uploads,
    jobs: Jobs,
    mails: Mails,
    preferences: StoredPreferences,
    erasures: HashMap<UserId, Erasure>,
    /// Ends of sessions, each with the number of its last change.
    session_ends: BTreeMap<UserId, (SessionEnd, u64)>,
    session_end_changes: u64,
    /// Erasures requested by an operator.
    replayed: HashSet<UserId>,
    retention: Retention,
    exports: HashMap<UserId, Export>,
    audit: Vec<AuditEntry>,
}

impl State {
    /// Undeleted conversations.
    fn live(&self) -> impl Iterator<Item = &StoredConversation> {
        self.records.values().filter(|record| record.is_live())
    }

    /// Undeleted conversations of `user`.
    fn live_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a StoredConversation> {
        self.live().filter(|record| record.side_of(user).is_some())
    }

    /// All conversations of `user`, also deleted ones.
    fn all_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a StoredConversation> {
        self.records.values().filter(|record| record.side_of(user).is_some())
    }

    /// The salon's conversation about a booking.
    fn about(&self, salon: &UserId, booking: &AppointmentId) -> Option<&StoredConversation> {
        self.live().find(|record| {
            let conversation = record.conversation();
            conversation.parties.salon == *salon
                && conversation.appointment.as_ref() == Some(booking)
        })
    }

    /// See [`MemoryStore::trim_log`].
    fn trim_log(&mut self, id: &ConversationId, seq: Seq) {
        if let Some(record) = self.records.get_mut(id) {
            record.trimmed_to = record.trimmed_to.max(seq).min(record.conversation().last_seq);
        }
    }

    /// All conversations by id, also deleted ones.
    fn by_id(&self) -> Vec<&StoredConversation> {
        let mut all: Vec<_> = self.records.values().collect();
        all.sort_by_key(|record| &record.conversation().id);
        all
    }

    /// Whether a conversation, also a deleted one, has this id.
    fn has_conversation(&self, id: &ConversationId) -> bool {
        self.records.contains_key(id)
    }

    /// A conversation of `user`, also a deleted one.
    fn any_of(&self, id: &ConversationId, user: &UserId) -> Option<&StoredConversation> {
        self.records.get(id).filter(|record| record.side_of(user).is_some())
    }

    /// An undeleted conversation of `user`, with the directory.
    fn find(&self, id: &ConversationId, user: &UserId) -> Option<(&StoredConversation, &People)> {
        let record = self.any_of(id, user).filter(|record| record.is_live())?;
        Some((record, &self.people))
    }

    /// A message in a conversation of `user`, with that conversation.
    fn message(
        &self,
        id: &MessageId,
        user: &UserId,
    ) -> Option<(&StoredConversation, &StoredMessage)> {
        let mut own = self.live().filter(|record| record.side_of(user).is_some());
        own.find_map(|record| Some((record, record.post(id)?)))
    }
}

#[cfg(test)]
mod memory_tests {
    use std::future::{Ready, ready};

    use super::*;

    fn make() -> Ready<Box<MemoryStore>> {
        ready(Box::new(MemoryStore::new()))
    }

    crate::store_contract!(make);
}

#[cfg(test)]
mod fault_tests {
    use crate::{
        conversation::store::LogStore,
        participant::store::ParticipantStore,
        ports::StoreError,
        testing::{MemoryStore, fixture::client},
        time::Timestamp,
    };

    #[tokio::test]
    async fn a_store_fails_as_often_as_configured_and_changes_nothing_then() {
        let store = MemoryStore::new();
        let person = client("c1");
        store.fail_next(StoreError::Busy("a test".into()));
        store.fail_next(StoreError::Internal("a test".into()));
        let noted = store.upsert_participant(&person, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(noted, Err(StoreError::Busy(_))));
        assert!(matches!(store.ping().await, Err(StoreError::Internal(_))));
        assert_eq!(store.participant(&person.id).await.expect("works again"), None);
    }

    #[tokio::test]
    async fn a_store_is_unavailable_until_it_is_available_again() {
        let store = MemoryStore::new();
        store.set_unavailable(true);
        for _ in 0..2 {
            assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        }
        store.set_unavailable(false);
        assert!(store.ping().await.is_ok());
    }
}
