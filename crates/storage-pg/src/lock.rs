//! The row lock of a conversation, and the next position under it (D5).

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, pg::Pg,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Status,
        event::{Event, EventKind},
    },
    ids::{ConversationId, Seq, UserId},
    text::Subject,
    time::Timestamp,
};

use crate::{
    error::{Class, Corrupt, Failure},
    row::{IntoValue, NewEvent, PgTimestamp},
    schema::{conversation, event},
};

/// The columns of a conversation that locked changes need.
#[derive(Queryable, Selectable)]
#[diesel(table_name = conversation, check_for_backend(Pg))]
pub(crate) struct LockedRow {
    salon_id: String,
    client_id: String,
    subject: Option<String>,
    status: String,
    last_seq: i64,
    client_read_seq: i64,
    salon_message_seq: i64,
    created_at: PgTimestamp,
}

/// A conversation locked until the transaction ends.
pub(crate) struct Locked {
    pub(crate) id: ConversationId,
    pub(crate) parties: Parties,
    pub(crate) subject: Option<Subject>,
    pub(crate) status: Status,
    pub(crate) last_seq: Seq,
    /// How far the client has read.
    pub(crate) client_read_seq: Seq,
    /// The position of the newest message of the salon side.
    pub(crate) salon_message_seq: Seq,
    pub(crate) created_at: Timestamp,
}

impl Locked {
    /// Waits for the lock. `None` when the conversation does not exist or `by` is no participant.
    pub(crate) async fn take(
        connection: &mut AsyncPgConnection,
        id: &ConversationId,
        by: &UserId,
    ) -> Result<Option<Self>, Failure> {
        let is_party =
            conversation::salon_id.eq(by.as_str()).or(conversation::client_id.eq(by.as_str()));
        let row = conversation::table
            .find(id.as_str())
            .filter(conversation::deleted_at.is_null().and(is_party))
            .select(LockedRow::as_select())
            .for_no_key_update()
            .first(connection)
            .await
            .optional()?;
        row.map(|row| Self::from_row(id.clone(), &row)).transpose()
    }

    fn from_row(id: ConversationId, row: &LockedRow) -> Result<Self, Failure> {
        let subject = row.subject.as_deref().map(Subject::stored).transpose();
        Ok(Self {
            id,
            parties: parties_from(&row.salon_id, &row.client_id)?,
            subject: decoded("subject", subject)?.flatten(),
            status: decoded("status", Status::parse(&row.status))?,
            last_seq: decoded("last_seq", Seq::new(row.last_seq))?,
            client_read_seq: decoded("client_read_seq", Seq::new(row.client_read_seq))?,
            salon_message_seq: decoded("salon_message_seq", Seq::new(row.salon_message_seq))?,
            created_at: row.created_at.0,
        })
    }

    /// Creates the next event.
    pub(crate) fn next_event(&self, actor: &UserId, at: Timestamp, kind: EventKind) -> Event {
        Event {
            conversation: self.id.clone(),
            parties: self.parties.clone(),
            seq: self.last_seq.next(),
            at,
            actor: actor.clone(),
            kind,
        }
    }
}

/// Waits for the lock of a conversation, regardless of its participants. `false` when it does not
/// exist.
pub(crate) async fn lock_any(
    connection: &mut AsyncPgConnection,
    id: &ConversationId,
) -> Result<bool, Failure> {
    let found: Option<String> = conversation::table
        .find(id.as_str())
        .filter(conversation::deleted_at.is_null())
        .select(conversation::id)
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// Appends `event` to the log.
pub(crate) async fn log(connection: &mut AsyncPgConnection, event: &Event) -> Result<(), Failure> {
    diesel::insert_into(event::table).values(NewEvent::from(event)).execute(connection).await?;
    Ok(())
}

/// The two sides, from their columns.
pub(crate) fn parties_from(salon: &str, client: &str) -> Result<Parties, Failure> {
    Ok(Parties {
        salon: decoded("salon_id", UserId::parse(salon))?,
        client: decoded("client_id", UserId::parse(client))?,
    })
}

/// Decodes the value of `column`.
pub(crate) fn decoded<T>(column: &str, value: impl IntoValue<T>) -> Result<T, Failure> {
    let value = value.into_option();
    value.ok_or_else(|| Failure::new(Class::Internal, Corrupt(column.to_owned()).to_string()))
}
