use std::sync::Arc;

use super::stage::{ANSWERS, Stage};
use crate::{
    conversation::Status,
    event::{Event, EventKind, ReadReceipt},
    id::{ConversationId, UserId},
    message::{Draft, Message},
    ports::{
        EditConversation, MarkRead, MarkedRead, OpenConversation, PostMessage, PostOutcome, Posted,
        ReadTarget, StatusEdit,
    },
    seq::Seq,
    testing::fixture::text,
    text::Subject,
};

/// One conversation on a [`Stage`], and what its people do there.
pub(super) struct Talk<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) id: ConversationId,
    pub(super) salon: UserId,
    pub(super) client: UserId,
}

impl<'a> Talk<'a> {
    pub(super) fn at(stage: &'a Stage<'a>, plan: &OpenConversation) -> Self {
        let parties = plan.parties.clone();
        Self { stage, id: plan.id.clone(), salon: parties.salon, client: parties.client }
    }

    pub(super) fn post(&self, author: &UserId, draft: Draft) -> PostMessage {
        PostMessage {
            id: self.stage.mint(),
            conversation: self.id.clone(),
            author: author.clone(),
            attachments: draft.attachment_ids(|| self.stage.mint()),
            draft,
            read_on_arrival: false,
            at: self.stage.now(),
        }
    }

    pub(super) async fn try_send(&self, author: &UserId, draft: Draft) -> PostOutcome {
        self.try_post(&self.post(author, draft)).await
    }

    pub(super) async fn try_post(&self, post: &PostMessage) -> PostOutcome {
        self.stage.store.post_message(post).await.expect(ANSWERS)
    }

    pub(super) async fn send(&self, author: &UserId, draft: Draft) -> Posted {
        posted(self.try_send(author, draft).await)
    }

    pub(super) async fn say(&self, author: &UserId, words: &str) -> Arc<Message> {
        self.send(author, text(words)).await.message
    }

    pub(super) async fn delete(&self, message: &Message) -> Option<Event> {
        self.delete_as(&message.author.id, message).await
    }

    pub(super) async fn delete_as(&self, by: &UserId, message: &Message) -> Option<Event> {
        self.stage.store.delete_message(&message.id, by, self.stage.now()).await.expect(ANSWERS)
    }

    pub(super) async fn try_read(&self, reader: &UserId, target: ReadTarget) -> Option<MarkedRead> {
        let mark = MarkRead {
            conversation: self.id.clone(),
            reader: reader.clone(),
            target,
            at: self.stage.now(),
        };
        self.stage.store.mark_read(&mark).await.expect(ANSWERS)
    }

    pub(super) async fn read(&self, reader: &UserId) -> MarkedRead {
        self.try_read(reader, ReadTarget::Everything).await.expect("the reader takes part")
    }

    pub(super) async fn read_up_to(&self, reader: &UserId, seq: Seq) -> MarkedRead {
        self.try_read(reader, ReadTarget::UpTo(seq)).await.expect("the reader takes part")
    }

    /// The empty subject takes the subject away.
    pub(super) async fn try_edit(
        &self,
        by: &UserId,
        subject: Option<&str>,
        status: Option<StatusEdit>,
    ) -> Option<Vec<Event>> {
        let subject = subject.map(|words| Subject::edit(words).expect("it fits"));
        let edit = EditConversation {
            conversation: self.id.clone(),
            by: by.clone(),
            subject,
            status,
            at: self.stage.now(),
        };
        self.stage.store.edit_conversation(&edit).await.expect(ANSWERS)
    }

    pub(super) async fn name(&self, subject: &str) -> Vec<Event> {
        self.try_edit(&self.salon, Some(subject), None).await.expect("the salon takes part")
    }

    pub(super) async fn archive(&self) -> Vec<Event> {
        let archived = Some(StatusEdit::Set(Status::Archived));
        self.try_edit(&self.salon, None, archived).await.expect("the salon takes part")
    }

    pub(super) async fn end_as(&self, by: &UserId) -> Option<Event> {
        self.stage.store.delete_conversation(&self.id, by, self.stage.now()).await.expect(ANSWERS)
    }

    pub(super) async fn end(&self) -> Event {
        self.end_as(&self.salon).await.expect("the salon takes part")
    }
}

/// The message of an outcome that has to be a new one.
pub(super) fn posted(outcome: PostOutcome) -> Posted {
    match outcome {
        PostOutcome::Posted(posted) => posted,
        other => panic!("should have been posted: {other:?}"),
    }
}

/// The receipt of a mark that has to have moved a horizon.
pub(super) fn receipt(marked: MarkedRead) -> ReadReceipt {
    match marked.event.map(|event| event.kind) {
        Some(EventKind::MessagesRead(receipt)) => receipt,
        other => panic!("should have read something: {other:?}"),
    }
}
