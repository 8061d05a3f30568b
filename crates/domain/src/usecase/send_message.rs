use std::sync::Arc;

use super::Messaging;
use crate::{
    conversation::Parties,
    event::{Event, EventKind},
    id::{ConversationId, UserId},
    message::{Draft, Message},
    ports::{PostMessage, PostOutcome, StoreError},
};

/// A message that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub message: Arc<Message>,
    /// Whether it was there already: this was a retry.
    pub replayed: bool,
}

/// Why a message was not posted.
#[derive(Debug, thiserror::Error)]
pub enum SendMessageError {
    /// There is no such conversation, or the author may not know that there is.
    #[error("no such conversation")]
    UnknownConversation,
    /// The author's key already names another message.
    #[error("this key names another message")]
    KeyReused,
    /// The author's key names a message that was deleted since.
    #[error("the message was deleted")]
    Withdrawn,
    /// One of the uploads is not there, is somebody else's, is not finished or was sent before: which
    /// of it is nobody's business.
    #[error("no such upload")]
    UnknownUpload,
    /// The store failed. The message may be there or not when it was [`StoreError::Unavailable`]:
    /// send it again under the same key.
    #[error("the message could not be stored")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Posts a message: when this returns, it is on disk, once. An archived conversation comes back
    /// with it. When the other side is watching, it is read as it arrives (D8).
    ///
    /// # Errors
    /// See [`SendMessageError`]; nothing is posted then, but for what is said there.
    pub async fn send_message(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        draft: Draft,
    ) -> Result<Sent, SendMessageError> {
        // A first look spares strangers the wait, and tells us whose eyes to look for.
        let parties = self.store.parties(conversation).await?;
        let reader = parties.as_ref().and_then(|parties| parties.counterpart_of(author));
        let reader = reader.ok_or(SendMessageError::UnknownConversation)?;

        let turn = self.fanout.turn(conversation).await;
        let post = PostMessage {
            id: self.ids.next().into(),
            conversation: conversation.clone(),
            author: author.clone(),
            attachments: draft.attachment_ids(|| self.ids.next().into()),
            draft,
            read_on_arrival: self.fanout.is_watching(conversation, reader),
            at: self.clock.now(),
        };
        match self.store.post_message(&post).await? {
            PostOutcome::Posted(posted) => {
                turn.publish(posted.events);
                Ok(Sent { message: posted.message, replayed: false })
            }
            PostOutcome::Replayed { message, parties } => {
                // The first attempt may have been committed and then died before it told anyone.
                turn.publish(vec![posted_event(&message, parties)]);
                Ok(Sent { message, replayed: true })
            }
            PostOutcome::KeyReused => Err(SendMessageError::KeyReused),
            PostOutcome::Withdrawn => Err(SendMessageError::Withdrawn),
            PostOutcome::UnknownConversation => Err(SendMessageError::UnknownConversation),
            PostOutcome::UnknownUpload => Err(SendMessageError::UnknownUpload),
        }
    }
}

fn posted_event(message: &Arc<Message>, parties: Parties) -> Event {
    Event {
        conversation: message.conversation.clone(),
        parties,
        seq: message.seq,
        at: message.created_at,
        actor: message.author.id.clone(),
        kind: EventKind::MessagePosted(message.clone()),
    }
}

#[cfg(test)]
mod tests;
