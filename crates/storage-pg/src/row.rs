//! Converts rows to domain values.

use diesel::{
    Insertable, Queryable, QueryableByName, Selectable,
    deserialize::{FromSql, Result as Read},
    pg::{Pg, PgValue, data_types},
    row::NamedRow,
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use domain::{
    appointments::notice::Notice,
    conversation::{
        Conversation, ConversationView, Horizons, LastMessage, Parties, Side, Status,
        UnreadConversation,
        attachment::{
            Attachment, File, FileUrl, MediaType, ObjectKey, Picture, PictureKeys, StorageLocation,
            StoredPicture,
        },
        event::{Event, EventKind},
        message::{DraftFile, Message, MessageKind},
    },
    ids::{AppointmentId, AttachmentId, ConversationId, MessageId, Seq, UserId},
    participant::{Language, Participant, Profile, Role},
    text::{Content, Subject},
    time::{Timestamp, Zone},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{error::Corrupt, schema::event};

/// A domain value read from named columns.
pub(crate) trait FromColumns: Sized {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self>;
}

/// Makes any [`FromColumns`] a query result.
pub(crate) struct Row<T>(pub(crate) T);

impl<T: FromColumns> QueryableByName<Pg> for Row<T> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        T::from_columns(row).map(Self)
    }
}

/// Reads a row by column.
pub(crate) trait Columns<'a>: NamedRow<'a, Pg> {
    fn text(&self, column: &str) -> Read<String> {
        NamedRow::get::<Text, String>(self, column)
    }

    fn maybe_text(&self, column: &str) -> Read<Option<String>> {
        NamedRow::get::<Nullable<Text>, Option<String>>(self, column)
    }

    fn maybe_json(&self, column: &str) -> Read<Option<Value>> {
        NamedRow::get::<Nullable<Jsonb>, Option<Value>>(self, column)
    }

    fn at(&self, column: &str) -> Read<Timestamp> {
        Ok(NamedRow::get::<Timestamptz, PgTimestamp>(self, column)?.0)
    }

    fn maybe_at(&self, column: &str) -> Read<Option<Timestamp>> {
        let at = NamedRow::get::<Nullable<Timestamptz>, Option<PgTimestamp>>(self, column)?;
        Ok(at.map(|at| at.0))
    }

    fn seq(&self, column: &str) -> Read<Seq> {
        let seq = NamedRow::get::<BigInt, i64>(self, column)?;
        decode(column, Seq::new(seq))
    }

    fn count(&self, column: &str) -> Read<u64> {
        let count = NamedRow::get::<BigInt, i64>(self, column)?;
        decode(column, u64::try_from(count))
    }

    fn small_count(&self, column: &str) -> Read<u32> {
        let count = NamedRow::get::<Integer, i32>(self, column)?;
        decode(column, u32::try_from(count))
    }

    fn parsed<T, G: IntoValue<T>>(&self, column: &str, parse: impl FnOnce(&str) -> G) -> Read<T> {
        decode(column, parse(&self.text(column)?))
    }

    fn maybe_parsed<T, G: IntoValue<T>>(
        &self,
        column: &str,
        parse: impl FnOnce(&str) -> G,
    ) -> Read<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| decode(column, parse(&text))).transpose()
    }
}

impl<'a, R: NamedRow<'a, Pg>> Columns<'a> for R {}

/// The result of decoding a stored value.
pub(crate) trait IntoValue<T> {
    fn into_option(self) -> Option<T>;
}

impl<T> IntoValue<T> for Option<T> {
    fn into_option(self) -> Self {
        self
    }
}

impl<T, E> IntoValue<T> for Result<T, E> {
    fn into_option(self) -> Option<T> {
        self.ok()
    }
}

/// Decodes the value of `column`, or fails with [`Corrupt`].
pub(crate) fn decode<T>(column: &str, value: impl IntoValue<T>) -> Read<T> {
    value.into_option().ok_or_else(|| Corrupt(column.to_owned()).into())
}

/// A time as PostgreSQL stores it: microseconds since 2000.
#[derive(Clone, Copy, Debug, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub(crate) struct PgTimestamp(pub(crate) Timestamp);

/// 2000-01-01T00:00:00Z, in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 946_684_800_000;

impl FromSql<Timestamptz, Pg> for PgTimestamp {
    fn from_sql(bytes: PgValue<'_>) -> Read<Self> {
        let data_types::PgTimestamp(micros) = FromSql::<Timestamptz, Pg>::from_sql(bytes)?;
        decode("time", Timestamp::from_millis(micros.div_euclid(1_000) + EPOCH_MILLIS)).map(Self)
    }
}

impl ToSql<Timestamptz, Pg> for PgTimestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = (self.0.as_millis() - EPOCH_MILLIS) * 1_000;
        ToSql::<Timestamptz, Pg>::to_sql(&data_types::PgTimestamp(micros), &mut out.reborrow())
    }
}

/// The word of a side in the tables.
pub(crate) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Salon => "salon",
        Side::Client => "client",
    }
}

/// The ids in an array column.
pub(crate) fn message_ids(ids: &[String]) -> Read<Vec<MessageId>> {
    ids.iter().map(|id| decode("message_ids", MessageId::parse(id))).collect()
}

// Conversations, in the columns of `sql/view.sql` and `conversation/unread.sql`.

impl FromColumns for ConversationView {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            conversation: Conversation::from_columns(row)?,
            salon: participant(row, "salon_")?,
            client: participant(row, "client_")?,
            last_message: match row.maybe_text("message_id")? {
                Some(_) => Some(LastMessage::from_columns(row)?),
                None => None,
            },
            unread: row.count("unread")?,
        })
    }
}

impl FromColumns for UnreadConversation {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            id: row.parsed("id", ConversationId::parse)?,
            subject: subject(row)?,
            salon: participant(row, "salon_")?,
            client: participant(row, "client_")?,
            last_message: LastMessage::from_columns(row)?,
            unread: row.count("unread")?,
            last_message_at: row.at("last_message_at")?,
        })
    }
}

impl FromColumns for Conversation {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let appointment = row.maybe_text("appointment_id")?;
        let appointment = appointment.map(|id| decode("appointment_id", AppointmentId::parse(&id)));
        Ok(Self {
            id: row.parsed("id", ConversationId::parse)?,
            parties: Parties {
                salon: row.parsed("salon_id", UserId::parse)?,
                client: row.parsed("client_id", UserId::parse)?,
            },
            appointment: appointment.transpose()?,
            subject: subject(row)?,
            status: row.parsed("status", Status::parse)?,
            created_at: row.at("created_at")?,
            updated_at: row.at("updated_at")?,
            last_message_at: row.at("last_message_at")?,
            last_seq: row.seq("last_seq")?,
            horizons: Horizons {
                salon: row.seq("salon_read_seq")?,
                client: row.seq("client_read_seq")?,
            },
        })
    }
}

impl FromColumns for LastMessage {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            id: row.parsed("message_id", MessageId::parse)?,
            content: decode("message_content", Content::stored(row.text("message_content")?))?,
            author: row.parsed("message_author_id", UserId::parse)?,
            kind: row.parsed("message_kind", MessageKind::parse)?,
            created_at: row.at("message_created_at")?,
        })
    }
}

/// The subject of the row's conversation.
fn subject<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Option<Subject>> {
    match row.maybe_text("subject")? {
        Some(words) => decode("subject", Subject::stored(&words)),
        None => Ok(None),
    }
}

// Messages, in the columns of `message/messages.sql`.

impl FromColumns for Message {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let (files, data) = (row.maybe_json("attachments")?, row.maybe_json("notice")?);
        Ok(Self {
            id: row.parsed("id", MessageId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            seq: row.seq("seq")?,
            author: participant(row, "author_")?,
            kind: row.parsed("kind", MessageKind::parse)?,
            content: decode("content", Content::stored(row.text("content")?))?,
            notice: data.map(|data| decode("notice", notice(&data))).transpose()?,
            attachments: match files {
                Some(files) => decode("attachments", attachments(files))?,
                None => Vec::new(),
            },
            created_at: row.at("created_at")?,
            is_read: NamedRow::get::<Bool, bool>(row, "is_read")?,
            read_at: row.maybe_at("read_at")?,
        })
    }
}

// Files as JSON.

/// A file to be stored. An upload is stored already and needs only its id.
#[derive(Serialize)]
struct NewFile<'f> {
    id: &'f str,
    #[serde(flatten)]
    hosted: Option<NewHosted<'f>>,
}

#[derive(Serialize)]
struct NewHosted<'f> {
    name: &'f str,
    url: &'f str,
    media_type: &'f str,
    size_bytes: u32,
    upload_key: Option<&'f str>,
}

/// A stored file; its fields are the columns.
#[derive(Deserialize)]
struct StoredFile {
    id: String,
    name: String,
    url: Option<String>,
    media_type: String,
    size_bytes: u32,
    upload_key: Option<String>,
    object_key: Option<String>,
    thumbnail_key: Option<String>,
    width_px: Option<u32>,
    height_px: Option<u32>,
    thumbnail_type: Option<String>,
}

/// `files` with their `ids`, in order.
pub(crate) fn files_as_json(
    ids: &[AttachmentId],
    files: &[DraftFile],
) -> serde_json::Result<Value> {
    let records = ids.iter().zip(files).map(|(id, file)| match file {
        DraftFile::Hosted(file) => NewFile { id: id.as_str(), hosted: hosted(file) },
        DraftFile::Uploaded(id) => NewFile { id: id.as_str(), hosted: None },
    });
    serde_json::to_value(records.collect::<Vec<_>>())
}

fn hosted(file: &File) -> Option<NewHosted<'_>> {
    match file.location() {
        StorageLocation::Stored(_) => None,
        StorageLocation::Hosted(hosted) => Some(NewHosted {
            name: file.name(),
            url: hosted.url().as_str(),
            media_type: file.media_type().as_str(),
            size_bytes: file.size_bytes(),
            upload_key: hosted.upload_key(),
        }),
    }
}

/// The files in a list of rows; `None` when one breaks a rule.
pub(crate) fn attachments(rows: Value) -> Option<Vec<Attachment>> {
    let files: Vec<StoredFile> = serde_json::from_value(rows).ok()?;
    files.into_iter().map(attachment_from).collect()
}

/// The file in a row; `None` when it breaks a rule.
pub(crate) fn attachment(row: Value) -> Option<Attachment> {
    attachment_from(serde_json::from_value(row).ok()?)
}

fn attachment_from(row: StoredFile) -> Option<Attachment> {
    let id = AttachmentId::parse(&row.id).ok()?;
    let media_type = MediaType::parse(&row.media_type).ok()?;
    let file = match &row.url {
        Some(url) => {
            let url = FileUrl::parse(url).ok()?;
            File::hosted(&row.name, url, media_type, row.size_bytes.into(), row.upload_key)
        }
        None => File::stored(&row.name, kept(&row, media_type)?),
    };
    Some(Attachment { id, file: file.ok()? })
}

fn kept(row: &StoredFile, media_type: MediaType) -> Option<StoredPicture> {
    let key = |key: &Option<String>| ObjectKey::parse(key.as_deref()?).ok();
    Some(StoredPicture {
        keys: PictureKeys { full: key(&row.object_key)?, thumbnail: key(&row.thumbnail_key)? },
        picture: Picture {
            media_type,
            size_bytes: row.size_bytes,
            width_px: row.width_px?,
            height_px: row.height_px?,
            thumbnail_type: MediaType::parse(row.thumbnail_type.as_deref()?).ok()?,
        },
    })
}

// Entries of the log.

/// A stored entry.
#[derive(Queryable, Selectable)]
#[diesel(table_name = event, check_for_backend(Pg))]
pub(crate) struct EventRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) actor_id: String,
    pub(crate) at: PgTimestamp,
    pub(crate) message_id: Option<String>,
    pub(crate) read_up_to: Option<i64>,
    pub(crate) read_several: Option<bool>,
}

/// An entry to be inserted.
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
    read_several: Option<bool>,
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
            read_several: receipt.map(|receipt| receipt.several),
        }
    }
}

/// The word of the event's kind.
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

// Notices as one JSON object of texts, including their kind.

const KIND: &str = "kind";

/// `notice` as it is stored.
pub(crate) fn notice_as_json(notice: &Notice) -> Value {
    let kind = (KIND.to_owned(), Value::from(notice.kind()));
    let fields = notice.fields().into_iter().map(|(name, text)| (name.to_owned(), text.into()));
    Value::Object(std::iter::once(kind).chain(fields).collect::<Map<_, _>>())
}

/// The notice in `stored`; `None` when it is invalid.
pub(crate) fn notice(stored: &Value) -> Option<Notice> {
    let text = |name: &str| stored.get(name).and_then(Value::as_str);
    Notice::from_fields(text(KIND)?, text)
}

// Rows of people.

/// The person in the columns with this `prefix`: `<prefix>id`, `<prefix>role` …
pub(crate) fn participant<'a>(row: &impl NamedRow<'a, Pg>, prefix: &str) -> Read<Participant> {
    let is_forgotten = NamedRow::get::<Bool, bool>(row, &format!("{prefix}is_forgotten"))?;
    Ok(Participant { is_forgotten, ..author_of_new(row, prefix)? })
}

/// The same for the author of a new message, who cannot be forgotten.
pub(crate) fn author_of_new<'a>(row: &impl NamedRow<'a, Pg>, prefix: &str) -> Read<Participant> {
    let column = |name: &str| format!("{prefix}{name}");
    let detail = |name: &str| row.maybe_text(&column(name));
    let profile = Profile {
        first_name: detail("first_name")?,
        last_name: detail("last_name")?,
        salon_name: detail("salon_name")?,
        image: detail("image")?,
        email: detail("email")?,
        language: row.maybe_parsed(&column("language"), Language::of_locale)?,
        zone: row.maybe_parsed(&column("zone"), Zone::parse)?,
    };
    let id = row.parsed(&column("id"), UserId::parse)?;
    Ok(Participant::new(id, Role::parse(&row.text(&column("role"))?), profile))
}

impl FromColumns for Participant {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        participant(row, "")
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        appointments::notice::FirstName,
        time::{Timestamp, Zone},
    };

    use super::*;

    #[test]
    fn a_notice_is_read_as_it_is_written() {
        let notices = [
            Notice::Booked { first_name: FirstName::parse("Léa") },
            Notice::Confirmed { first_name: None },
            Notice::Rescheduled {
                from: Some(Timestamp::UNIX_EPOCH),
                to: Timestamp::UNIX_EPOCH,
                zone: Zone::parse("Europe/Paris").expect("a zone"),
            },
            Notice::Cancelled,
        ];
        for written in notices {
            assert_eq!(notice(&notice_as_json(&written)), Some(written));
        }
        assert_eq!(notice(&serde_json::json!({ "kind": "dance" })), None);
        assert_eq!(notice(&serde_json::json!([])), None);
    }
}
