//! Entries of the log.

use diesel::{Insertable, Queryable, Selectable, pg::Pg};
use domain::{
    conversation::event::{Event, EventKind},
    ids::MessageId,
};

use super::PgTimestamp;
use crate::schema::event;

/// An entry as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = event, check_for_backend(Pg))]
pub(crate) struct EventRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) actor_id: String,
    pub(crate) at: PgTimestamp,
    pub(crate) message_id: Option<String>,
    pub(crate) read_up_to: Option<i64>,
    pub(crate) read_message_ids: Option<Vec<Option<String>>>,
}

/// An entry to be written by one of the rare changes.
#[derive(Insertable)]
#[diesel(table_name = event)]
pub(crate) struct NewEvent<'e> {
    conversation_id: &'e str,
    seq: i64,
    kind: &'static str,
    actor_id: &'e str,
    at: PgTimestamp,
    message_id: Option<&'e str>,
    read_up_to: Option<i64>,
    read_message_ids: Option<Vec<Option<&'e str>>>,
}

impl<'e> From<&'e Event> for NewEvent<'e> {
    fn from(event: &'e Event) -> Self {
        let receipt = match &event.kind {
            EventKind::MessagesRead(receipt) => Some(receipt),
            _ => None,
        };
        Self {
            conversation_id: event.conversation.as_str(),
            seq: event.seq.get(),
            kind: word(&event.kind),
            actor_id: event.actor.as_str(),
            at: PgTimestamp(event.at),
            message_id: message_id(&event.kind).map(MessageId::as_str),
            read_up_to: receipt.map(|receipt| receipt.up_to.get()),
            read_message_ids: None,
        }
    }
}

impl<'e> NewEvent<'e> {
    /// The same with ids of messages that became read.
    pub(crate) fn with_read(self, ids: &'e [String]) -> Self {
        let ids = ids.iter().map(|id| Some(id.as_str())).collect();
        Self { read_message_ids: Some(ids), ..self }
    }
}

/// The word for what happened.
fn word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::ConversationOpened { .. } => "conversation_opened",
        EventKind::ConversationUpdated { .. } => "conversation_updated",
        EventKind::ConversationDeleted => "conversation_deleted",
        EventKind::MessagePosted(_) | EventKind::MessageWithdrawn(_) => "message_posted",
        EventKind::MessageDeleted(_) => "message_deleted",
        EventKind::MessagesRead(_) => "messages_read",
    }
}

/// The message that was posted or deleted.
fn message_id(kind: &EventKind) -> Option<&MessageId> {
    match kind {
        EventKind::MessagePosted(message) => Some(&message.id),
        EventKind::MessageWithdrawn(id) | EventKind::MessageDeleted(id) => Some(id),
        _ => None,
    }
}
