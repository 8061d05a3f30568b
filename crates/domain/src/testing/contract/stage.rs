use uuid::Uuid;

use super::talk::Talk;
use crate::{
    conversation::{ConversationView, Parties, Status, UnreadConversation},
    event::Event,
    id::UserId,
    page::{ConversationCursor, Page, PageNumber, PageSize, Start, Window},
    participant::Participant,
    ports::{Clock, Ids, JobFilter, OpenConversation, OpenOutcome, Opening, Store},
    seq::Seq,
    testing::fixture::{CountingIds, FixedClock, client, content, salon, user},
    time::Timestamp,
};

/// How a clause calls an answer of the store that is no error.
pub(super) const ANSWERS: &str = "the store answers";

/// A store on which a clause is played, with a clock and ids of its own.
pub(super) struct Stage<'a> {
    pub(super) store: &'a dyn Store,
    clock: FixedClock,
    ids: CountingIds,
}

impl<'a> Stage<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, clock: FixedClock::ticking(), ids: CountingIds::new() }
    }

    /// A moment later than all before.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An id greater than all before.
    pub(super) fn mint<T: From<Uuid>>(&self) -> T {
        self.ids.next().into()
    }

    /// What mints them.
    pub(super) fn ids(&self) -> &CountingIds {
        &self.ids
    }

    pub(super) async fn note(&self, person: &Participant) {
        self.store.note_participant(person, self.now()).await.expect(ANSWERS);
    }

    /// What it takes to open a conversation without booking, subject and opening. Both people are
    /// in the directory then.
    pub(super) async fn plan(&self, salon_id: &str, client_id: &str) -> OpenConversation {
        self.note(&salon(salon_id)).await;
        self.note(&client(client_id)).await;
        OpenConversation {
            id: self.mint(),
            parties: Parties { salon: user(salon_id), client: user(client_id) },
            appointment: None,
            subject: None,
            opening: None,
            at: self.now(),
        }
    }

    pub(super) fn opening(&self, words: &str) -> Opening {
        Opening { id: self.mint(), content: content(words) }
    }

    pub(super) async fn try_open(&self, plan: &OpenConversation) -> OpenOutcome {
        self.store.open_conversation(plan).await.expect(ANSWERS)
    }

    pub(super) async fn open(&self, plan: &OpenConversation) -> (Talk<'_>, Vec<Event>) {
        match self.try_open(plan).await {
            OpenOutcome::Opened(events) => (Talk::at(self, plan), events),
            outcome @ OpenOutcome::AlreadyOpen(_) => panic!("should have opened: {outcome:?}"),
        }
    }

    /// A conversation that was just opened and is empty.
    pub(super) async fn talk(&self, salon_id: &str, client_id: &str) -> Talk<'_> {
        let plan = self.plan(salon_id, client_id).await;
        self.open(&plan).await.0
    }

    pub(super) async fn list(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Page<ConversationView, ConversationCursor> {
        self.store.conversations(viewer, status, window).await.expect(ANSWERS)
    }

    /// What is to be done, as (kind, subject), sorted.
    pub(super) async fn tasks(&self) -> Vec<(String, String)> {
        let jobs = self.store.jobs(JobFilter::All, 1_000).await.expect(ANSWERS);
        let tasks = jobs.iter().map(|job| &job.task);
        let mut tasks: Vec<_> =
            tasks.map(|task| (task.kind().to_owned(), task.subject().to_owned())).collect();
        tasks.sort();
        tasks
    }

    pub(super) async fn unread_total(&self, reader: &UserId) -> u64 {
        self.store.unread_total(reader).await.expect(ANSWERS)
    }

    pub(super) async fn unread_conversations(
        &self,
        reader: &UserId,
        limit: u32,
    ) -> Vec<UnreadConversation> {
        self.store.unread_conversations(reader, limit).await.expect(ANSWERS)
    }
}

/// The page `number` of pages of `items`.
pub(super) fn page<C>(number: i64, items: i64) -> Window<C> {
    Window { start: Start::Number(PageNumber::clamped(number)), size: PageSize::clamped(items) }
}

/// The page of `items` right behind `cursor`.
pub(super) fn after<C>(cursor: C, items: i64) -> Window<C> {
    Window { start: Start::After(cursor), size: PageSize::clamped(items) }
}

/// The position `number`.
pub(super) fn at(number: i64) -> Seq {
    Seq::new(number).expect("positions are not negative")
}
