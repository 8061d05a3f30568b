//! A store that does as the test says, call by call: for what must fail and what must not happen.

use async_trait::async_trait;

use crate::{
    conversation::{ConversationView, Parties, Status, UnreadConversation},
    event::Event,
    id::{ConversationId, MessageId, UserId},
    message::Message,
    page::{ConversationCursor, MessageCursor, Page, Window},
    participant::Participant,
    ports::{
        Acquaintances, ConversationStore, EditConversation, History, LogPiece, LogStore, MarkRead,
        MarkedRead, MessageStore, OpenConversation, OpenOutcome, ParticipantStore, PostMessage,
        PostOutcome, ReadingStore, StoreError,
    },
    seq::Seq,
    time::Timestamp,
};

mockall::mock! {
    /// A [`Store`](crate::ports::Store) that panics at each call that was not expected.
    #[derive(Debug)]
    pub Store {}

    #[async_trait]
    impl ParticipantStore for Store {
        async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;
        async fn note_participant(&self, person: &Participant, at: Timestamp) -> Result<(), StoreError>;
        async fn acquaintances(
            &self,
            id: &UserId,
            partners_max: u32,
        ) -> Result<Option<Acquaintances>, StoreError>;
    }

    #[async_trait]
    impl ConversationStore for Store {
        async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError>;
        async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError>;
        async fn conversation(
            &self,
            id: &ConversationId,
            viewer: &UserId,
        ) -> Result<Option<ConversationView>, StoreError>;
        async fn conversations(
            &self,
            viewer: &UserId,
            status: Option<Status>,
            window: &Window<ConversationCursor>,
        ) -> Result<Page<ConversationView, ConversationCursor>, StoreError>;
        async fn unread_conversations(
            &self,
            viewer: &UserId,
            limit: u32,
        ) -> Result<Vec<UnreadConversation>, StoreError>;
        async fn edit_conversation(
            &self,
            edit: &EditConversation,
        ) -> Result<Option<Vec<Event>>, StoreError>;
        async fn delete_conversation(
            &self,
            id: &ConversationId,
            by: &UserId,
            at: Timestamp,
        ) -> Result<Option<Event>, StoreError>;
    }

    #[async_trait]
    impl MessageStore for Store {
        async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError>;
        async fn history(
            &self,
            conversation: &ConversationId,
            viewer: &UserId,
            window: &Window<MessageCursor>,
        ) -> Result<Option<History>, StoreError>;
        async fn message(&self, id: &MessageId, viewer: &UserId) -> Result<Option<Message>, StoreError>;
        async fn delete_message(
            &self,
            id: &MessageId,
            author: &UserId,
            at: Timestamp,
        ) -> Result<Option<Event>, StoreError>;
    }

    #[async_trait]
    impl ReadingStore for Store {
        async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError>;
        async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError>;
    }

    #[async_trait]
    impl LogStore for Store {
        async fn events_after(
            &self,
            conversation: &ConversationId,
            viewer: &UserId,
            after: Seq,
            limit: u32,
        ) -> Result<Option<LogPiece>, StoreError>;
        async fn changes_since(
            &self,
            viewer: &UserId,
            since: Timestamp,
            limit: u32,
        ) -> Result<Vec<Event>, StoreError>;
        async fn ping(&self) -> Result<(), StoreError>;
    }
}
