//! What a log is told with. It holds ids alone; the rest is as it is now.

use std::{collections::HashMap, sync::Arc};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Side, Status,
        event::{Event, EventKind, ReadReceipt},
        message::Message,
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    text::Subject,
};

use crate::{
    conversation::lock::{parties_from, stored},
    failure::Failure,
    message::by_ids,
    prepared::prepared,
    record::EventRow,
    schema::conversation,
};

const UNREAD: &str = include_str!("unread.sql");

/// A conversation, deleted ones included, and what its entries speak of.
pub(super) struct LogHydrator {
    id: ConversationId,
    parties: Parties,
    subject: Option<Subject>,
    status: Status,
    last_seq: Seq,
    messages: HashMap<String, Arc<Message>>,
    unread: Unread,
}

/// What waits for each side.
#[derive(Default, QueryableByName)]
struct Unread {
    #[diesel(sql_type = BigInt)]
    salon: i64,
    #[diesel(sql_type = BigInt)]
    client: i64,
}

impl LogHydrator {
    /// The conversation `id`, if there ever was one and `viewer` takes part.
    pub(super) async fn find(
        connection: &mut AsyncPgConnection,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Self>, Failure> {
        use conversation::{client_id, last_seq, salon_id, status, subject};
        let is_party = salon_id.eq(viewer.as_str()).or(client_id.eq(viewer.as_str()));
        let found: Option<(String, String, Option<String>, String, i64)> = conversation::table
            .find(id.as_str())
            .filter(is_party)
            .select((salon_id, client_id, subject, status, last_seq))
            .first(connection)
            .await
            .optional()?;
        let Some((salon, client, words, word, newest)) = found else {
            return Ok(None);
        };
        let words = words.as_deref().map(Subject::stored).transpose();
        Ok(Some(Self {
            id: id.clone(),
            parties: parties_from(&salon, &client)?,
            subject: stored("subject", words)?.flatten(),
            status: stored("status", Status::parse(&word))?,
            last_seq: stored("last_seq", Seq::new(newest))?,
            messages: HashMap::new(),
            unread: Unread::default(),
        }))
    }

    /// The newest position.
    pub(super) fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// Looks up what `rows` speak of, as far as it is still there.
    pub(super) async fn look_up(
        &mut self,
        connection: &mut AsyncPgConnection,
        rows: &[EventRow],
    ) -> Result<(), Failure> {
        let posted = rows.iter().filter(|row| row.kind == "message_posted");
        let ids: Vec<_> = posted.filter_map(|row| row.message_id.as_deref()).collect();
        let messages = by_ids(connection, &ids).await?.into_iter();
        self.messages =
            messages.map(|message| (message.id.to_string(), Arc::new(message))).collect();
        if rows.iter().any(|row| row.kind == "messages_read") {
            let unread = prepared(UNREAD).bind::<Text, _>(self.id.as_str());
            self.unread = unread.get_result(connection).await?;
        }
        Ok(())
    }

    /// What `row` says.
    pub(super) fn tell(&self, row: &EventRow) -> Result<Event, Failure> {
        let actor = stored("actor_id", UserId::parse(&row.actor_id))?;
        Ok(Event {
            conversation: self.id.clone(),
            parties: self.parties.clone(),
            seq: stored("seq", Seq::new(row.seq))?,
            at: row.at.0,
            kind: self.kind(row, &actor)?,
            actor,
        })
    }

    fn kind(&self, row: &EventRow, actor: &UserId) -> Result<EventKind, Failure> {
        Ok(match row.kind.as_str() {
            "conversation_opened" => {
                let (subject, status) = (self.subject.clone(), self.status);
                EventKind::ConversationOpened { subject, status }
            }
            "conversation_updated" => {
                let (subject, status) = (self.subject.clone(), self.status);
                EventKind::ConversationUpdated { subject, status }
            }
            "conversation_deleted" => EventKind::ConversationDeleted,
            "message_posted" => self.posted(message_id(row)?),
            "message_deleted" => EventKind::MessageDeleted(message_id(row)?),
            "messages_read" => EventKind::MessagesRead(self.receipt(row, actor)?),
            _ => stored("kind", None)?,
        })
    }

    fn posted(&self, id: MessageId) -> EventKind {
        match self.messages.get(id.as_str()) {
            Some(message) => EventKind::MessagePosted(Arc::clone(message)),
            None => EventKind::MessageWithdrawn(id),
        }
    }

    fn receipt(&self, row: &EventRow, reader: &UserId) -> Result<ReadReceipt, Failure> {
        let side = stored("actor_id", self.parties.side_of(reader))?;
        let unread = match side {
            Side::Salon => self.unread.salon,
            Side::Client => self.unread.client,
        };
        Ok(ReadReceipt {
            reader: reader.clone(),
            up_to: stored("read_up_to", row.read_up_to.and_then(Seq::new))?,
            several: row.read_message_ids.as_ref().is_some_and(|ids| ids.len() > 1),
            unread: unread.unsigned_abs(),
        })
    }
}

fn message_id(row: &EventRow) -> Result<MessageId, Failure> {
    stored("message_id", row.message_id.as_deref().and_then(|id| MessageId::parse(id).ok()))
}
