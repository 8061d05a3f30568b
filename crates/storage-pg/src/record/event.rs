//! Entries of the log.

use diesel::{Insertable, Queryable, Selectable, pg::Pg};
use domain::event::{Event, EventKind};

use super::At;
use crate::schema::event;

/// An entry as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = event, check_for_backend(Pg))]
pub(crate) struct EventRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) actor_id: String,
    pub(crate) at: At,
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
    at: At,
    message_id: Option<&'e str>,
}

impl<'e> NewEvent<'e> {
    pub(crate) fn of(event: &'e Event, kind: &'static str) -> Self {
        let message_id = match &event.kind {
            EventKind::MessageDeleted(id) => Some(id.as_str()),
            _ => None,
        };
        Self {
            conversation_id: event.conversation.as_str(),
            seq: event.seq.get(),
            kind,
            actor_id: event.actor.as_str(),
            at: At(event.at),
            message_id,
        }
    }
}
