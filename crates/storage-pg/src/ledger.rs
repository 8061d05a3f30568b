//! The one way in which conversations change: [`ConversationLog`] on PostgreSQL.
//!
//! Commands are queued for [lanes](lane), on a thread of their own. A lane takes what waits, locks the
//! rows of the conversations, reads the facts, lets the domain [decide](domain::conversation::ledger),
//! writes all changes in one transaction (group commit), publishes the events and answers. While a
//! commit is under way the next batch gathers; a lone command leaves at once.

mod facts;
mod item;
mod lane;
mod session;
mod statements;
mod transaction;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    conversation::{
        event::Event,
        ledger::{Command, Refusal},
        store::{Committed, ConversationLog},
    },
    ids::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, PersonChange, StoreError},
    time::Timestamp,
};

pub(crate) use lane::Lanes;

use crate::store::PgStore;

#[async_trait]
impl ConversationLog for PgStore {
    #[tracing::instrument(name = "db.conversation.commit", skip_all, fields(conversation.id = %conversation))]
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        let opens = matches!(command, Command::Open(_));
        let deletes = matches!(command, Command::DeleteConversation { .. });
        // A deletion may be settled long after this has failed.
        let fanout: Arc<dyn Fanout> =
            if deletes { Arc::new(Deletion { store: self.clone(), fanout }) } else { fanout };
        let outcome = self.lanes().commit(conversation.clone(), command, at, fanout).await?;
        if let Ok(committed) = &outcome
            && opens
        {
            self.remember_parties(conversation, &committed.parties);
        }
        Ok(outcome)
    }
}

/// Publishes the deletion of a conversation, whose participants are not remembered any more by then.
struct Deletion {
    store: PgStore,
    fanout: Arc<dyn Fanout>,
}

impl Fanout for Deletion {
    fn publish(&self, events: &[Event]) {
        for event in events {
            self.store.forget_parties(&event.conversation);
        }
        self.fanout.publish(events);
    }

    fn message_read(&self, marked: &MarkedMessage) {
        self.fanout.message_read(marked);
    }

    fn person_changed(&self, user: &UserId, change: PersonChange) {
        self.fanout.person_changed(user, change);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.fanout.is_watching(conversation, user)
    }
}
