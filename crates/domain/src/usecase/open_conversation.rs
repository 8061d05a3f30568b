use super::Messaging;
use crate::{
    caller::Caller,
    conversation::{ConversationView, Parties},
    id::{AppointmentId, UserId},
    ports::{OpenConversation, OpenOutcome, Opening, StoreError},
    text::{Content, Subject},
};

/// What a salon wants to open.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// With whom.
    pub client: UserId,
    /// About which booking.
    pub appointment: Option<AppointmentId>,
    /// About what.
    pub subject: Option<Subject>,
    /// What the platform says first, in the salon's name.
    pub first_message: Option<Content>,
}

/// Why a conversation was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenConversationError {
    /// The caller is on no salon's side (D4).
    #[error("only the salon side opens conversations")]
    NotASalon,
    /// The directory does not know the client, or has forgotten them.
    #[error("no such client")]
    UnknownClient,
    /// The person named as the client is something else.
    #[error("this person is not a client")]
    NotAClient,
    /// The directory does not know the caller.
    #[error("no such salon")]
    UnknownSalon,
    /// The store failed.
    #[error("the conversation could not be opened")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Opens a conversation with a client; or, when the caller's salon already has one for that
    /// booking, finds it as it is.
    ///
    /// # Errors
    /// See [`OpenConversationError`]; nothing is opened then.
    pub async fn open_conversation(
        &self,
        caller: &Caller,
        new: NewConversation,
    ) -> Result<ConversationView, OpenConversationError> {
        let parties = self.parties_of_new(caller, new.client).await?;
        let salon = parties.salon.clone();
        let open = OpenConversation {
            id: self.ids.next().into(),
            parties,
            appointment: new.appointment,
            subject: new.subject,
            opening: new
                .first_message
                .map(|content| Opening { id: self.ids.next().into(), content }),
            at: self.clock.now(),
        };

        let turn = self.fanout.turn(&open.id).await;
        let id = match self.store.open_conversation(&open).await? {
            OpenOutcome::Opened(events) => {
                turn.publish(events);
                open.id
            }
            OpenOutcome::AlreadyOpen(id) => id,
        };
        let view = self.store.conversation(&id, &salon).await?;
        view.ok_or_else(|| OpenConversationError::Store(vanished()))
    }

    async fn parties_of_new(
        &self,
        caller: &Caller,
        client: UserId,
    ) -> Result<Parties, OpenConversationError> {
        if !caller.role.takes_salon_side() {
            return Err(OpenConversationError::NotASalon);
        }
        let person = self.store.participant(&client).await?;
        if !person.ok_or(OpenConversationError::UnknownClient)?.role.takes_client_side() {
            return Err(OpenConversationError::NotAClient);
        }
        // Nothing new is to be written about who was forgotten.
        if self.store.erasure(&client).await?.is_some() {
            return Err(OpenConversationError::UnknownClient);
        }
        let salon = self.store.participant(&caller.user).await?;
        let salon = salon.ok_or(OpenConversationError::UnknownSalon)?.id;
        Ok(Parties { salon, client })
    }
}

/// The conversation was deleted between its opening and the answer: as if the store had been busy,
/// so that the caller asks again.
fn vanished() -> StoreError {
    StoreError::Busy("the conversation was deleted at the same moment".into())
}

#[cfg(test)]
mod tests;
