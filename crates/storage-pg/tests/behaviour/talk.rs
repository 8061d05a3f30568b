//! The conversation of a test.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::{
    conversation::{ledger::ReadTarget, message::Draft},
    ids::{ConversationId, MessageId, UserId},
    participant::store::ParticipantStore,
    ports::StoreError,
    testing::{
        commands::{
            Commands, MarkRead, MarkedRead, OpenConversation, OpenOutcome, PostMessage,
            PostOutcome, Posted,
        },
        fixture::{client, salon, text},
    },
    time::Timestamp,
};
use storage_pg::PgStore;

/// The message of an unexpected store error.
pub(crate) const ANSWERS: &str = "the store answers";

static COUNT: AtomicI64 = AtomicI64::new(1);

/// An increasing number.
fn next() -> i64 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A moment later than all before.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_767_605_400_000 + next()).expect("within the calendar")
}

/// A new id.
pub(crate) fn fresh_id() -> String {
    format!("id-{}", next())
}

/// A conversation between `s1` and `c1`. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TestConversation {
    pub(crate) store: PgStore,
    pub(crate) id: ConversationId,
    pub(crate) salon: UserId,
    pub(crate) client: UserId,
}

impl TestConversation {
    /// Opens one.
    pub(crate) async fn open(store: &PgStore) -> Self {
        let plan = plan(store).await;
        let outcome = store.open_conversation(&plan).await.expect(ANSWERS);
        assert!(matches!(outcome, OpenOutcome::Opened(_)), "{outcome:?}");
        let (salon, client) = (plan.parties.salon, plan.parties.client);
        Self { store: store.clone(), id: plan.id, salon, client }
    }

    /// The same conversation, on another store.
    pub(crate) fn on(&self, store: PgStore) -> Self {
        Self { store, ..self.clone() }
    }

    pub(crate) fn post(&self, author: &UserId, draft: Draft) -> PostMessage {
        PostMessage {
            id: MessageId::parse(&fresh_id()).expect("a good id"),
            conversation: self.id.clone(),
            author: author.clone(),
            attachments: Vec::new(),
            draft,
            read_on_arrival: false,
            at: now(),
        }
    }

    pub(crate) async fn try_send_text(
        &self,
        author: &UserId,
        words: &str,
    ) -> Result<PostOutcome, StoreError> {
        self.store.post_message(&self.post(author, text(words))).await
    }

    pub(crate) async fn send_text(&self, author: &UserId, words: &str) -> Posted {
        match self.try_send_text(author, words).await.expect(ANSWERS) {
            PostOutcome::Posted(posted) => posted,
            other => panic!("should have been posted: {other:?}"),
        }
    }

    pub(crate) async fn read(&self, reader: &UserId) -> MarkedRead {
        let mark = MarkRead {
            conversation: self.id.clone(),
            reader: reader.clone(),
            target: ReadTarget::Everything,
            at: now(),
        };
        let marked = self.store.mark_read(&mark).await.expect(ANSWERS);
        marked.expect("the reader takes part")
    }
}

/// A conversation between `s1` and `c1` that is not open yet.
pub(crate) async fn plan(store: &PgStore) -> OpenConversation {
    let (salon, client) = (salon("s1"), client("c1"));
    for person in [&salon, &client] {
        store.upsert_participant(person, now()).await.expect(ANSWERS);
    }
    OpenConversation {
        id: ConversationId::parse(&fresh_id()).expect("a good id"),
        parties: domain::conversation::Parties { salon: salon.id, client: client.id },
        appointment: None,
        subject: None,
        opening: None,
        at: now(),
    }
}
