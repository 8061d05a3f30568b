//! Converts rows to domain values.

use bytes::BytesMut;
use diesel::{
    Queryable, QueryableByName, Selectable,
    deserialize::{FromSql, Result as Read},
    pg::{Pg, PgValue, data_types},
    result::{UnexpectedEndOfRow, UnexpectedNullError},
    row::{Field as _, NamedRow},
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use domain::{
    appointments::notice::Notice,
    conversation::{
        Conversation, ConversationView, Horizons, LastMessage, Parties, Side, Status,
        UnreadConversation,
        attachment::{
            Attachment, File, FileUrl, MediaType, ObjectKey, Picture, PictureKeys, StoredPicture,
        },
        event::EventKind,
        message::{Message, MessageKind},
    },
    ids::{AppointmentId, AttachmentId, ConversationId, MessageId, Seq, UserId},
    participant::{Language, Participant, Profile, Role},
    text::{Content, Subject},
    time::{Timestamp, Zone},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio_postgres::types::{IsNull, Type};

use crate::{error::Corrupt, schema::event};

/// An error of a value that is sent or read.
type Fault = Box<dyn std::error::Error + Sync + Send>;

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

/// Reads the columns of a row one after another, in the order of the statement. For rows that are read by
/// the dozen: there a search for each name costs more than the rest. Debug builds check the names.
pub(crate) struct Cells<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, 'a, R: NamedRow<'a, Pg>> Cells<'r, R> {
    pub(crate) fn of(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    /// Reads the next column, whose name is `column`, or ends with it.
    fn read<T>(
        &mut self,
        column: &str,
        read: impl FnOnce(Option<PgValue<'_>>) -> Read<T>,
    ) -> Read<T> {
        let field = diesel::row::Row::get(self.row, self.next).ok_or(UnexpectedEndOfRow)?;
        debug_assert!(
            field.field_name().is_some_and(|name| name.ends_with(column)),
            "column {} is {:?}, not {column}",
            self.next,
            field.field_name(),
        );
        self.next += 1;
        read(field.value())
    }

    fn get<ST, T: FromSql<ST, Pg>>(&mut self, column: &str) -> Read<T> {
        self.read(column, T::from_nullable_sql)
    }

    fn text(&mut self, column: &str) -> Read<String> {
        self.get::<Text, _>(column)
    }

    fn maybe_text(&mut self, column: &str) -> Read<Option<String>> {
        self.get::<Nullable<Text>, _>(column)
    }

    fn at(&mut self, column: &str) -> Read<Timestamp> {
        Ok(self.get::<Timestamptz, PgTimestamp>(column)?.0)
    }

    fn maybe_at(&mut self, column: &str) -> Read<Option<Timestamp>> {
        let at = self.get::<Nullable<Timestamptz>, Option<PgTimestamp>>(column)?;
        Ok(at.map(|at| at.0))
    }

    fn bool(&mut self, column: &str) -> Read<bool> {
        self.get::<Bool, _>(column)
    }

    fn seq(&mut self, column: &str) -> Read<Seq> {
        let seq = self.get::<BigInt, i64>(column)?;
        decode(column, Seq::new(seq))
    }

    pub(crate) fn count(&mut self, column: &str) -> Read<u64> {
        let count = self.get::<BigInt, i64>(column)?;
        decode(column, u64::try_from(count))
    }

    fn parsed<T, G: IntoValue<T>>(&mut self, column: &str, parse: fn(&str) -> G) -> Read<T> {
        self.maybe_parsed(column, parse)?.ok_or_else(|| UnexpectedNullError.into())
    }

    fn maybe_parsed<T, G: IntoValue<T>>(
        &mut self,
        column: &str,
        parse: fn(&str) -> G,
    ) -> Read<Option<T>> {
        self.read(column, |value| {
            let Some(value) = value else { return Ok(None) };
            decode(column, parse(std::str::from_utf8(value.as_bytes())?)).map(Some)
        })
    }

    /// A `jsonb` value, read without a tree of values in between.
    fn maybe_json<T: DeserializeOwned>(&mut self, column: &str) -> Read<Option<T>> {
        self.read(column, |value| {
            let Some(value) = value else { return Ok(None) };
            // PostgreSQL sends the version of the format, 1, and then the text.
            let text = value.as_bytes().strip_prefix(&[1]);
            decode(column, text.and_then(|text| serde_json::from_slice(text).ok())).map(Some)
        })
    }
}

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

impl tokio_postgres::types::ToSql for PgTimestamp {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let micros = (self.0.as_millis() - EPOCH_MILLIS) * 1_000;
        tokio_postgres::types::ToSql::to_sql(&micros, kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> tokio_postgres::types::FromSql<'a> for PgTimestamp {
    fn from_sql(kind: &Type, bytes: &'a [u8]) -> Result<Self, Fault> {
        let micros: i64 = tokio_postgres::types::FromSql::from_sql(kind, bytes)?;
        decode("time", Timestamp::from_millis(micros.div_euclid(1_000) + EPOCH_MILLIS)).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

/// The word of a side in the tables.
pub(crate) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Salon => "salon",
        Side::Client => "client",
    }
}

// Conversations, in the columns of `conversation/columns.sql` and `conversation/unread.sql`.

/// A conversation as one of its participants, whose profile is elsewhere, sees it.
pub(crate) struct ConversationRow {
    id: ConversationId,
    appointment: Option<AppointmentId>,
    subject: Option<Subject>,
    status: Status,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_message_at: Timestamp,
    last_seq: Seq,
    horizons: Horizons,
    viewer: Side,
    unread: u64,
    other: Participant,
    last_message: Option<NewestMessage>,
}

struct NewestMessage {
    id: MessageId,
    content: Content,
    kind: MessageKind,
    created_at: Timestamp,
    side: Side,
}

impl ConversationRow {
    /// The number of its columns.
    const COLUMNS: usize = 27;

    fn read<'a, R: NamedRow<'a, Pg>>(cells: &mut Cells<'_, R>) -> Read<Self> {
        Ok(Self {
            id: cells.parsed("id", ConversationId::parse)?,
            appointment: cells.maybe_parsed("appointment_id", AppointmentId::parse)?,
            subject: cells.maybe_parsed("subject", Subject::stored)?.flatten(),
            status: cells.parsed("status", Status::parse)?,
            created_at: cells.at("created_at")?,
            updated_at: cells.at("updated_at")?,
            last_message_at: cells.at("last_message_at")?,
            last_seq: cells.seq("last_seq")?,
            horizons: Horizons {
                salon: cells.seq("salon_read_seq")?,
                client: cells.seq("client_read_seq")?,
            },
            viewer: if cells.bool("is_salon")? { Side::Salon } else { Side::Client },
            unread: cells.count("unread")?,
            other: person(cells)?,
            last_message: newest_message(cells)?,
        })
    }

    /// As `own`, the viewer, sees it.
    pub(crate) fn seen_by(self, own: Participant) -> ConversationView {
        let Self { viewer, other, last_message, .. } = self;
        let (salon, client) = match viewer {
            Side::Salon => (own, other),
            Side::Client => (other, own),
        };
        let last_message = last_message.map(|message| message.between(&salon.id, &client.id));
        ConversationView {
            conversation: Conversation {
                id: self.id,
                parties: Parties { salon: salon.id.clone(), client: client.id.clone() },
                appointment: self.appointment,
                subject: self.subject,
                status: self.status,
                created_at: self.created_at,
                updated_at: self.updated_at,
                last_message_at: self.last_message_at,
                last_seq: self.last_seq,
                horizons: self.horizons,
            },
            salon,
            client,
            last_message,
            unread: self.unread,
        }
    }
}

impl NewestMessage {
    fn between(self, salon: &UserId, client: &UserId) -> LastMessage {
        let Self { id, content, kind, created_at, side } = self;
        let author = match side {
            Side::Salon => salon.clone(),
            Side::Client => client.clone(),
        };
        LastMessage { id, content, author, kind, created_at }
    }
}

/// The newest message of a conversation, all NULL when there is none.
fn newest_message<'a, R: NamedRow<'a, Pg>>(
    cells: &mut Cells<'_, R>,
) -> Read<Option<NewestMessage>> {
    let Some(id) = cells.maybe_parsed("message_id", MessageId::parse)? else {
        return Ok(None);
    };
    Ok(Some(NewestMessage {
        id,
        content: decode("message_content", Content::stored(cells.text("message_content")?))?,
        kind: cells.parsed("message_kind", MessageKind::parse)?,
        created_at: cells.at("message_created_at")?,
        // The newest message of a side is never one of the platform.
        side: cells.parsed("message_author_side", |word| Author::parse(word)?.side())?,
    }))
}

/// Who wrote a message, as the tables have it.
pub(crate) enum Author {
    Of(Side),
    Platform,
}

impl Author {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "salon" => Some(Self::Of(Side::Salon)),
            "client" => Some(Self::Of(Side::Client)),
            "platform" => Some(Self::Platform),
            _ => None,
        }
    }

    /// The side; `None` for the platform.
    pub(crate) fn side(self) -> Option<Side> {
        match self {
            Self::Of(side) => Some(side),
            Self::Platform => None,
        }
    }
}

impl FromColumns for ConversationRow {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Self::read(&mut Cells::of(row))
    }
}

/// With the viewer after the other columns, as in `conversation/own.sql`.
impl FromColumns for ConversationView {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let mut cells = Cells::of(row);
        let here = ConversationRow::read(&mut cells)?;
        // A conversation without a message leaves the columns of its newest one unread.
        cells.next = ConversationRow::COLUMNS;
        Ok(here.seen_by(person(&mut cells)?))
    }
}

/// The number of a person's conversations, and the person.
pub(crate) struct Owner {
    pub(crate) total: u64,
    pub(crate) own: Participant,
}

impl FromColumns for Owner {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let mut cells = Cells::of(row);
        Ok(Self { total: cells.count("total")?, own: person(&mut cells)? })
    }
}

impl FromColumns for UnreadConversation {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let cells = &mut Cells::of(row);
        let id = cells.parsed("id", ConversationId::parse)?;
        let subject = cells.maybe_parsed("subject", Subject::stored)?.flatten();
        let (last_message_at, unread) = (cells.at("last_message_at")?, cells.count("unread")?);
        let (salon, client) = (person(cells)?, person(cells)?);
        let newest = decode("message_id", newest_message(cells)?)?;
        let last_message = newest.between(&salon.id, &client.id);
        Ok(Self { id, subject, salon, client, last_message, unread, last_message_at })
    }
}

// Messages.

/// What a message itself says, in the columns of `message/columns.sql`.
struct MessageCells {
    id: MessageId,
    seq: Seq,
    kind: MessageKind,
    content: Content,
    notice: Option<Notice>,
    created_at: Timestamp,
    read_at: Option<Timestamp>,
    attachments: Vec<Attachment>,
}

impl MessageCells {
    fn read<'a, R: NamedRow<'a, Pg>>(cells: &mut Cells<'_, R>) -> Read<Self> {
        Ok(Self {
            id: cells.parsed("id", MessageId::parse)?,
            seq: cells.seq("seq")?,
            kind: cells.parsed("kind", MessageKind::parse)?,
            content: decode("content", Content::stored(cells.text("content")?))?,
            notice: match cells.maybe_json::<Value>("notice")? {
                Some(stored) => Some(decode("notice", notice(&stored))?),
                None => None,
            },
            created_at: cells.at("created_at")?,
            read_at: cells.maybe_at("read_at")?,
            attachments: match cells.maybe_json::<Vec<StoredFile>>("attachments")? {
                Some(files) => decode("attachments", attachments_from(files))?,
                None => Vec::new(),
            },
        })
    }

    fn into_message(
        self,
        conversation: ConversationId,
        author: Participant,
        is_read: bool,
    ) -> Message {
        let Self { id, seq, kind, content, notice, created_at, read_at, attachments } = self;
        Message {
            id,
            conversation,
            seq,
            author,
            kind,
            content,
            notice,
            attachments,
            created_at,
            is_read,
            read_at,
        }
    }
}

/// In the columns of `message/columns.sql` and `message/messages.sql`.
impl FromColumns for Message {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let cells = &mut Cells::of(row);
        let said = MessageCells::read(cells)?;
        let conversation = cells.parsed("conversation_id", ConversationId::parse)?;
        let is_read = cells.bool("is_read")?;
        Ok(said.into_message(conversation, person(cells)?, is_read))
    }
}

/// A message of a page, without what all of them share.
pub(crate) struct MessageRow {
    said: MessageCells,
    author: Author,
}

impl FromColumns for MessageRow {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let cells = &mut Cells::of(row);
        let said = MessageCells::read(cells)?;
        Ok(Self { said, author: cells.parsed("author_side", Author::parse)? })
    }
}

impl MessageRow {
    /// The message in its conversation, as `standing` says.
    pub(crate) fn within(self, id: &ConversationId, standing: &Standing) -> Message {
        let (author, read_up_to) = match self.author {
            Author::Of(Side::Salon) => (&standing.salon, Some(standing.horizons.client)),
            Author::Of(Side::Client) => (&standing.client, Some(standing.horizons.salon)),
            // The salon's for those who look at it, and unread by nobody.
            Author::Platform => (&standing.salon, None),
        };
        let is_read = read_up_to.is_none_or(|read_up_to| self.said.seq <= read_up_to);
        let mut message = self.said.into_message(id.clone(), author.clone(), is_read);
        // It may have been read since the standing was.
        message.read_at = message.read_at.filter(|_| is_read);
        message
    }
}

/// The state of a conversation that a page of its messages is read against.
pub(crate) struct Standing {
    pub(crate) last_seq: Seq,
    pub(crate) message_count: u64,
    horizons: Horizons,
    pub(crate) salon: Participant,
    pub(crate) client: Participant,
}

/// The same, with one of the participants.
pub(crate) struct StandingRow {
    last_seq: Seq,
    message_count: u64,
    horizons: Horizons,
    is_salon: bool,
    person: Participant,
}

impl FromColumns for StandingRow {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let cells = &mut Cells::of(row);
        Ok(Self {
            last_seq: cells.seq("last_seq")?,
            message_count: cells.count("message_count")?,
            horizons: Horizons {
                salon: cells.seq("salon_read_seq")?,
                client: cells.seq("client_read_seq")?,
            },
            is_salon: cells.bool("is_salon")?,
            person: person(cells)?,
        })
    }
}

impl Standing {
    /// From the rows of both participants; `None` without them.
    pub(crate) fn of(rows: Vec<Row<StandingRow>>) -> Option<Self> {
        let [Row(one), Row(other)] = <[_; 2]>::try_from(rows).ok()?;
        let (salon, client) = if one.is_salon { (one, other) } else { (other, one) };
        Some(Self {
            last_seq: salon.last_seq,
            message_count: salon.message_count,
            horizons: salon.horizons,
            salon: salon.person,
            client: client.person,
        })
    }
}

// Files as JSON.

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

/// The files in a list of rows; `None` when one breaks a rule.
fn attachments_from(files: Vec<StoredFile>) -> Option<Vec<Attachment>> {
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

/// The word of the event's kind.
pub(crate) fn word(kind: &EventKind) -> &'static str {
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
pub(crate) fn message_id(kind: &EventKind) -> Option<&MessageId> {
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

/// The person in the next ten columns: id, role, names, picture, address, language, zone, and whether they
/// were forgotten.
fn person<'a, R: NamedRow<'a, Pg>>(cells: &mut Cells<'_, R>) -> Read<Participant> {
    let id = cells.parsed("id", UserId::parse)?;
    let role = cells.parsed("role", |word| Some(Role::parse(word)))?;
    let profile = Profile {
        first_name: cells.maybe_text("first_name")?,
        last_name: cells.maybe_text("last_name")?,
        salon_name: cells.maybe_text("salon_name")?,
        image: cells.maybe_text("image")?,
        email: cells.maybe_text("email")?,
        language: cells.maybe_parsed("language", Language::of_locale)?,
        zone: cells.maybe_parsed("zone", Zone::parse)?,
    };
    let is_forgotten = cells.bool("is_forgotten")?;
    Ok(Participant { is_forgotten, ..Participant::new(id, role, profile) })
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
