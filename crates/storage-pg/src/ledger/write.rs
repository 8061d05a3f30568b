//! Writes what was decided: one statement for each table, however many commands.

use std::collections::BTreeMap;

use domain::{
    appointments::notice::Notice,
    conversation::{
        attachment::{Attachment, StorageLocation},
        event::{Event, EventKind},
        ledger::{Changes, Command, Deleted, Head, NewMessage},
        store::Committed,
    },
    ids::{AppointmentId, AttachmentId, ClientMessageId, ConversationId, MessageId, UserId},
    participant::Language,
    text::Subject,
    time::Timestamp,
};
use tokio_postgres::{Row, Statement};

use super::{
    item::Item,
    session::{Hot, Session, Value},
};
use crate::{
    error::Failure,
    lock::decoded,
    row::{self, PgTimestamp, message_id, side_word, word},
};

/// The rows of a batch, by column.
pub(super) struct Columns<'c> {
    messages: Messages<'c>,
    attachments: Attachments<'c>,
    read: Read<'c>,
    events: Events<'c>,
    heads: Heads<'c>,
    mail: Mail<'c>,
}

impl<'c> Columns<'c> {
    /// The rows of `committed`, each with its time, and of the conversations that they changed.
    pub(super) fn new(
        heads: impl Iterator<Item = &'c Head>,
        committed: impl Iterator<Item = (&'c Committed, Timestamp)>,
    ) -> Self {
        let mut columns = Self {
            messages: Messages::default(),
            attachments: Attachments::default(),
            read: Read::default(),
            events: Events::default(),
            heads: Heads::default(),
            mail: Mail::default(),
        };
        let (mut pending, mut deleted) = (BTreeMap::new(), BTreeMap::new());
        for (Committed { changes, .. }, at) in committed {
            let Some(first) = changes.events.first() else { continue };
            let conversation = &first.conversation;
            columns.add(conversation, changes);
            if let Some(recipient) = &changes.mail_to {
                let key = (conversation.as_str(), recipient.as_str());
                let (messages, _) = pending.entry(key).or_insert((0, PgTimestamp(at)));
                *messages += 1;
            }
            if changes.deleted == Deleted::Everything {
                deleted.insert(conversation.as_str(), PgTimestamp(at));
            }
        }
        for ((conversation, recipient), (messages, since)) in pending {
            columns.mail.add(recipient, conversation, messages, since);
        }
        for head in heads {
            columns.heads.add(head, deleted.get(head.conversation.id.as_str()).copied());
        }
        columns
    }

    fn add(&mut self, conversation: &'c ConversationId, changes: &'c Changes) {
        for event in &changes.events {
            self.events.add(event);
        }
        if let Some(new) = &changes.message {
            self.messages.add(new);
            for (position, file) in (1..).zip(&new.message.attachments) {
                self.attachments.add(&new.message.id, position, file);
            }
        }
        if let Some(read) = &changes.read
            && !is_only_of_arrival(changes)
        {
            self.read.conversations.push(conversation.as_str());
            self.read.sides.push(side_word(read.author));
            self.read.after.push(read.after.get());
            self.read.up_to.push(read.up_to.get());
            self.read.at.push(PgTimestamp(read.at));
        }
    }

    /// The values of the statements that have any rows, in the order of [`steps`].
    pub(super) fn values(&self) -> [Vec<Value<'_>>; 6] {
        [
            self.messages.values(),
            self.attachments.values(),
            self.read.values(),
            self.events.values(),
            self.heads.values(),
            self.mail.values(),
        ]
    }
}

/// The statements with their values, in the order in which they have to be run.
pub(super) fn steps<'s>(
    hot: &'s Hot,
    columns: &Columns<'_>,
    values: &'s [Vec<Value<'s>>; 6],
) -> Vec<(&'s Statement, &'s [Value<'s>])> {
    let [messages, attachments, read, events, heads, mail] = values;
    let steps = [
        (&hot.messages, messages, columns.messages.ids.is_empty()),
        (&hot.attachments, attachments, columns.attachments.ids.is_empty()),
        (&hot.read, read, columns.read.conversations.is_empty()),
        (&hot.events, events, columns.events.conversations.is_empty()),
        (&hot.update, heads, columns.heads.ids.is_empty()),
        (&hot.mail, mail, columns.mail.recipients.is_empty()),
    ];
    let needed = steps.into_iter().filter(|(_, _, is_empty)| !is_empty);
    needed.map(|(statement, values, _)| (statement, values.as_slice())).collect()
}

/// Whether nothing became read but the message that was posted.
fn is_only_of_arrival(changes: &Changes) -> bool {
    let is_alone = |event: &Event| match &event.kind {
        EventKind::MessagesRead(receipt) => !receipt.several,
        _ => false,
    };
    changes.message.is_some() && changes.events.iter().any(is_alone)
}

#[derive(Default)]
struct Messages<'c> {
    ids: Vec<&'c str>,
    conversations: Vec<&'c str>,
    seqs: Vec<i64>,
    sides: Vec<&'static str>,
    kinds: Vec<&'static str>,
    contents: Vec<&'c str>,
    notices: Vec<Option<String>>,
    attachments: Vec<i16>,
    keys: Vec<Option<&'c str>>,
    created_at: Vec<PgTimestamp>,
    read_at: Vec<Option<PgTimestamp>>,
}

impl<'c> Messages<'c> {
    fn add(&mut self, new: &'c NewMessage) {
        let message = &new.message;
        self.ids.push(message.id.as_str());
        self.conversations.push(message.conversation.as_str());
        self.seqs.push(message.seq.get());
        self.sides.push(new.author.map_or("platform", side_word));
        self.kinds.push(message.kind.as_str());
        self.contents.push(message.content.as_str());
        self.notices.push(message.notice.as_ref().map(notice_text));
        self.attachments.push(message.attachments.len().try_into().unwrap_or(i16::MAX));
        self.keys.push(new.key.as_ref().map(ClientMessageId::as_str));
        self.created_at.push(PgTimestamp(message.created_at));
        self.read_at.push(message.read_at.map(PgTimestamp));
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            &self.ids,
            &self.conversations,
            &self.seqs,
            &self.sides,
            &self.kinds,
            &self.contents,
            &self.notices,
            &self.attachments,
            &self.keys,
            &self.created_at,
            &self.read_at,
        ]
    }
}

fn notice_text(notice: &Notice) -> String {
    row::notice_as_json(notice).to_string()
}

#[derive(Default)]
struct Attachments<'c> {
    ids: Vec<&'c str>,
    messages: Vec<&'c str>,
    positions: Vec<i16>,
    names: Vec<&'c str>,
    types: Vec<&'static str>,
    sizes: Vec<i32>,
    urls: Vec<Option<&'c str>>,
    upload_keys: Vec<Option<&'c str>>,
    object_keys: Vec<Option<&'c str>>,
    thumbnail_keys: Vec<Option<&'c str>>,
    widths: Vec<Option<i32>>,
    heights: Vec<Option<i32>>,
    thumbnail_types: Vec<Option<&'static str>>,
}

impl<'c> Attachments<'c> {
    fn add(&mut self, message: &'c MessageId, position: i16, attachment: &'c Attachment) {
        let file = &attachment.file;
        self.ids.push(attachment.id.as_str());
        self.messages.push(message.as_str());
        self.positions.push(position);
        self.names.push(file.name());
        self.types.push(file.media_type().as_str());
        self.sizes.push(integer(file.size_bytes()));
        let (hosted, stored) = match file.location() {
            StorageLocation::Hosted(hosted) => (Some(hosted), None),
            StorageLocation::Stored(stored) => (None, Some(stored)),
        };
        self.urls.push(hosted.map(|hosted| hosted.url().as_str()));
        self.upload_keys.push(hosted.and_then(|hosted| hosted.upload_key()));
        self.object_keys.push(stored.map(|stored| stored.keys.full.as_str()));
        self.thumbnail_keys.push(stored.map(|stored| stored.keys.thumbnail.as_str()));
        let picture = stored.map(|stored| &stored.picture);
        self.widths.push(picture.map(|picture| integer(picture.width_px)));
        self.heights.push(picture.map(|picture| integer(picture.height_px)));
        self.thumbnail_types.push(picture.map(|picture| picture.thumbnail_type.as_str()));
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            &self.ids,
            &self.messages,
            &self.positions,
            &self.names,
            &self.types,
            &self.sizes,
            &self.urls,
            &self.upload_keys,
            &self.object_keys,
            &self.thumbnail_keys,
            &self.widths,
            &self.heights,
            &self.thumbnail_types,
        ]
    }
}

/// A size as the tables store it; theirs are bounded far below.
fn integer(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

#[derive(Default)]
struct Read<'c> {
    conversations: Vec<&'c str>,
    sides: Vec<&'static str>,
    after: Vec<i64>,
    up_to: Vec<i64>,
    at: Vec<PgTimestamp>,
}

impl Read<'_> {
    fn values(&self) -> Vec<Value<'_>> {
        vec![&self.conversations, &self.sides, &self.after, &self.up_to, &self.at]
    }
}

#[derive(Default)]
struct Events<'c> {
    conversations: Vec<&'c str>,
    seqs: Vec<i64>,
    kinds: Vec<&'static str>,
    actors: Vec<&'c str>,
    at: Vec<PgTimestamp>,
    messages: Vec<Option<&'c str>>,
    read_up_to: Vec<Option<i64>>,
    read_several: Vec<Option<bool>>,
    /// The participants, of entries about the conversation itself.
    salons: Vec<Option<&'c str>>,
    clients: Vec<Option<&'c str>>,
}

impl<'c> Events<'c> {
    fn add(&mut self, event: &'c Event) {
        let receipt = match &event.kind {
            EventKind::MessagesRead(receipt) => Some(receipt),
            _ => None,
        };
        self.conversations.push(event.conversation.as_str());
        self.seqs.push(event.seq.get());
        self.kinds.push(word(&event.kind));
        self.actors.push(event.actor.as_str());
        self.at.push(PgTimestamp(event.at));
        self.messages.push(message_id(&event.kind).map(MessageId::as_str));
        self.read_up_to.push(receipt.map(|receipt| receipt.up_to.get()));
        self.read_several.push(receipt.map(|receipt| receipt.several));
        let parties = is_of_conversation(&event.kind).then_some(&event.parties);
        self.salons.push(parties.map(|parties| parties.salon.as_str()));
        self.clients.push(parties.map(|parties| parties.client.as_str()));
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            &self.conversations,
            &self.seqs,
            &self.kinds,
            &self.actors,
            &self.at,
            &self.messages,
            &self.read_up_to,
            &self.read_several,
            &self.salons,
            &self.clients,
        ]
    }
}

/// Whether the event is about the conversation itself, and not about its messages.
fn is_of_conversation(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ConversationOpened { .. }
            | EventKind::ConversationUpdated { .. }
            | EventKind::ConversationDeleted
    )
}

#[derive(Default)]
struct Heads<'c> {
    ids: Vec<&'c str>,
    subjects: Vec<Option<&'c str>>,
    statuses: Vec<&'static str>,
    updated_at: Vec<PgTimestamp>,
    last_message_at: Vec<PgTimestamp>,
    /// The columns that count: the order of [`counts`].
    counts: [Vec<i64>; 8],
    deleted_at: Vec<Option<PgTimestamp>>,
}

/// The last position, how far each side has read, the newest message of each, the messages, and how
/// many each has not read.
fn counts(head: &Head) -> [i64; 8] {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let conversation = &head.conversation;
    [
        conversation.last_seq.get(),
        conversation.horizons.salon.get(),
        conversation.horizons.client.get(),
        head.newest.salon.get(),
        head.newest.client.get(),
        count(head.message_count),
        count(head.unread.salon),
        count(head.unread.client),
    ]
}

impl<'c> Heads<'c> {
    fn add(&mut self, head: &'c Head, deleted_at: Option<PgTimestamp>) {
        let conversation = &head.conversation;
        self.ids.push(conversation.id.as_str());
        self.subjects.push(conversation.subject.as_ref().map(Subject::as_str));
        self.statuses.push(conversation.status.as_str());
        self.updated_at.push(PgTimestamp(conversation.updated_at));
        self.last_message_at.push(PgTimestamp(conversation.last_message_at));
        for (column, count) in self.counts.iter_mut().zip(counts(head)) {
            column.push(count);
        }
        self.deleted_at.push(deleted_at);
    }

    fn values(&self) -> Vec<Value<'_>> {
        let first: [Value<'_>; 5] =
            [&self.ids, &self.subjects, &self.statuses, &self.updated_at, &self.last_message_at];
        let counts = self.counts.iter().map(|column| column as Value<'_>);
        let last: Value<'_> = &self.deleted_at;
        first.into_iter().chain(counts).chain([last]).collect()
    }
}

#[derive(Default)]
struct Mail<'c> {
    recipients: Vec<&'c str>,
    conversations: Vec<&'c str>,
    messages: Vec<i32>,
    since: Vec<PgTimestamp>,
}

impl<'c> Mail<'c> {
    fn add(
        &mut self,
        recipient: &'c str,
        conversation: &'c str,
        messages: i32,
        since: PgTimestamp,
    ) {
        self.recipients.push(recipient);
        self.conversations.push(conversation);
        self.messages.push(messages);
        self.since.push(since);
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![&self.recipients, &self.conversations, &self.messages, &self.since]
    }
}

// What commands write that run alone.

const INSERT: &str = "
INSERT INTO messaging.conversation (
    id, salon_id, client_id, appointment_id, subject, status, created_at, updated_at, last_message_at,
    last_seq, salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count,
    unread_by_salon, unread_by_client
)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17)";

/// Inserts a conversation that was opened.
///
/// # Errors
/// [`Failure`]; [`Class::Again`](crate::error::Class::Again) when somebody else has opened it, or one
/// for its booking, at the same moment.
pub(super) async fn insert_conversation(session: &Session, head: &Head) -> Result<(), Failure> {
    let conversation = &head.conversation;
    let parties = &conversation.parties;
    let appointment = conversation.appointment.as_ref().map(AppointmentId::as_str);
    let subject = conversation.subject.as_ref().map(Subject::as_str);
    let [created_at, updated_at, last_message_at] =
        [conversation.created_at, conversation.updated_at, conversation.last_message_at]
            .map(PgTimestamp);
    let (id, salon, client) =
        (conversation.id.as_str(), parties.salon.as_str(), parties.client.as_str());
    let (status, counts) = (conversation.status.as_str(), counts(head));
    let texts: [Value<'_>; 9] = [
        &id,
        &salon,
        &client,
        &appointment,
        &subject,
        &status,
        &created_at,
        &updated_at,
        &last_message_at,
    ];
    let values: Vec<_> =
        texts.into_iter().chain(counts.iter().map(|count| count as Value<'_>)).collect();
    let inserted = session.change(INSERT, &values).await;
    inserted.map(drop).map_err(Failure::or_again_if_duplicate)
}

const SENT: &str = "DELETE FROM messaging.upload WHERE id = ANY ($1::text[])";

const DELETE: &str = "
UPDATE messaging.message SET content = '', attachment_count = 0, notice = NULL, deleted_at = $2
WHERE id = ANY ($1::text[])";

const DELETE_ALL: &str = "
UPDATE messaging.message SET content = '', attachment_count = 0, notice = NULL, deleted_at = $2
WHERE conversation_id = $1::text AND deleted_at IS NULL";

/// The files of messages are deleted by jobs, enqueued with the change.
const FILES: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.attachment WHERE message_id = ANY ($2::text[]))",
    include_str!("../attachment/forget.sql"),
);

const ALL_FILES: &str = concat!(
    "WITH picked AS (
        SELECT id FROM messaging.attachment
        WHERE message_id IN (
            SELECT id FROM messaging.message WHERE conversation_id = $2::text AND attachment_count > 0
        )
    )",
    include_str!("../attachment/forget.sql"),
);

const HANDLED: &str = "
UPDATE messaging.appointment_event SET handled_at = $2, rejected_at = NULL WHERE id = $1::text";

const NAMING: &str = "
SELECT id::text, notice::text FROM messaging.message
WHERE conversation_id = $1::text AND author_side = 'salon' AND deleted_at IS NULL
    AND notice ? 'first_name'";

const RENAME: &str = "
UPDATE messaging.message SET notice = $2::text::jsonb, content = $3::text WHERE id = $1::text";

const RECEIPT: &str = "
UPDATE messaging.erasure SET messages = messages + $2::bigint, files = files + $3::bigint
WHERE person_id = $1::text";

/// Writes what only commands that run alone change. Returns for how many files deletions were
/// enqueued.
pub(super) async fn besides_the_log(
    session: &Session,
    item: &Item<'_>,
    committed: &Committed,
) -> Result<u64, Failure> {
    let (changes, at) = (&committed.changes, PgTimestamp(item.at));
    if let Some(new) = &changes.message
        && !new.uploads.is_empty()
    {
        let ids: Vec<_> = new.uploads.iter().map(AttachmentId::as_str).collect();
        session.change(SENT, &[&ids]).await?;
    }
    let (messages, files) = delete(session, item.conversation, &changes.deleted, at).await?;
    if changes.removes_names {
        rewrite_notices(session, item.conversation).await?;
    }
    if let Some(event) = &changes.handled {
        session.change(HANDLED, &[&event.as_str(), &at]).await?;
    }
    if let Command::Erase { person, .. } = item.command {
        add_to_receipt(session, person, messages, files).await?;
    }
    Ok(files)
}

/// Deletes messages with their files. Returns the number of both.
async fn delete(
    session: &Session,
    conversation: &ConversationId,
    deleted: &Deleted,
    at: PgTimestamp,
) -> Result<(u64, u64), Failure> {
    match deleted {
        Deleted::Nothing => Ok((0, 0)),
        Deleted::Messages(ids) => {
            let ids: Vec<_> = ids.iter().map(MessageId::as_str).collect();
            let files = files(&session.rows(FILES, &[&at, &ids]).await?)?;
            Ok((session.change(DELETE, &[&ids, &at]).await?, files))
        }
        Deleted::Everything => {
            let id = conversation.as_str();
            let files = files(&session.rows(ALL_FILES, &[&at, &id]).await?)?;
            Ok((session.change(DELETE_ALL, &[&id, &at]).await?, files))
        }
    }
}

fn files(rows: &[Row]) -> Result<u64, Failure> {
    let files = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
    decoded("files", files.and_then(|files| u64::try_from(files).ok()))
}

/// Rewrites the notices of a conversation without a name, in the platform's default language.
async fn rewrite_notices(session: &Session, conversation: &ConversationId) -> Result<(), Failure> {
    let naming = session.rows(NAMING, &[&conversation.as_str()]).await?;
    for row in &naming {
        let (id, stored): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let stored = serde_json::from_str(stored).ok();
        let notice = decoded("notice", stored.and_then(|stored| row::notice(&stored)))?;
        let nameless = notice.without_name();
        let content = nameless.text(Language::default());
        let notice = notice_text(&nameless);
        session.change(RENAME, &[&id, &notice, &content.as_str()]).await?;
    }
    Ok(())
}

async fn add_to_receipt(
    session: &Session,
    person: &UserId,
    messages: u64,
    files: u64,
) -> Result<(), Failure> {
    let [messages, files] = [messages, files].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let values: [Value<'_>; 3] = [&person.as_str(), &messages, &files];
    session.change(RECEIPT, &values).await?;
    Ok(())
}
