use super::Messaging;
use crate::{
    conversation::{Action, ConversationView, Status},
    id::{ConversationId, UserId},
    ports::{EditConversation, PublishGuard, StatusEdit, StoreError},
    text::Subject,
};

/// What a participant wants to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// `Some` sets the subject, `Some(None)` takes it away. Either side may.
    pub subject: Option<Option<Subject>>,
    /// `Some` sets the status. Only the salon may.
    pub status: Option<Status>,
}

/// Why a conversation stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    /// It is not there, or the caller may not know that it is.
    #[error("no such conversation")]
    Unknown,
    /// The caller takes part, but this is for the other side to do.
    #[error("only the salon may do this")]
    NotForThisSide(Action),
    /// The store failed.
    #[error("the conversation could not be changed")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Changes subject and status, both or neither.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is changed then.
    pub async fn change_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        change: ConversationChange,
    ) -> Result<ConversationView, ChangeConversationError> {
        let action = change.status.map(|_| Action::ChangeStatus);
        self.authorise(id, by, action).await?;
        let turn = self.fanout.turn(id).await;
        let edit = EditConversation {
            conversation: id.clone(),
            by: by.clone(),
            subject: change.subject,
            status: change.status.map(StatusEdit::Set),
            at: self.clock.now(),
        };
        self.edit(turn, &edit).await?;
        let view = self.store.conversation(id, by).await?;
        view.ok_or(ChangeConversationError::Unknown)
    }

    /// Puts an active conversation away, and takes an archived one out again.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is changed then.
    pub async fn toggle_archived(
        &self,
        id: &ConversationId,
        by: &UserId,
    ) -> Result<(), ChangeConversationError> {
        self.authorise(id, by, Some(Action::Archive)).await?;
        let turn = self.fanout.turn(id).await;
        let edit = EditConversation {
            conversation: id.clone(),
            by: by.clone(),
            subject: None,
            status: Some(StatusEdit::Toggle),
            at: self.clock.now(),
        };
        self.edit(turn, &edit).await
    }

    /// Takes a conversation away, for both, with everything in it.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is deleted then.
    pub async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
    ) -> Result<(), ChangeConversationError> {
        self.authorise(id, by, Some(Action::Delete)).await?;
        let turn = self.fanout.turn(id).await;
        let deleted = self.store.delete_conversation(id, by, self.clock.now()).await?;
        turn.publish(vec![deleted.ok_or(ChangeConversationError::Unknown)?]);
        Ok(())
    }

    async fn edit(
        &self,
        turn: Box<dyn PublishGuard>,
        edit: &EditConversation,
    ) -> Result<(), ChangeConversationError> {
        let events = self.store.edit_conversation(edit).await?;
        turn.publish(events.ok_or(ChangeConversationError::Unknown)?);
        Ok(())
    }

    /// Participants never change, so asking before the change is safe; the change itself asks for
    /// membership again.
    async fn authorise(
        &self,
        id: &ConversationId,
        by: &UserId,
        action: Option<Action>,
    ) -> Result<(), ChangeConversationError> {
        let parties = self.store.parties(id).await?;
        let side = parties.and_then(|parties| parties.side_of(by));
        let side = side.ok_or(ChangeConversationError::Unknown)?;
        match action.filter(|action| !side.may(*action)) {
            Some(action) => Err(ChangeConversationError::NotForThisSide(action)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
