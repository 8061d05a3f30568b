//! Messages.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    dsl::max,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Side, Status,
        attachment::Attachment,
        event::{Event, EventKind, ReadReceipt},
        message::{DraftFile, Message},
        store::{History, MessageStore, PostMessage, PostOutcome, Posted},
    },
    ids::{ClientMessageId, ConversationId, MessageId, Seq, UserId},
    page::{MessageCursor, Window},
    participant::Participant,
    ports::StoreError,
    text::Subject,
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    error::{Class, Failure},
    lists::{self, find_on},
    lock::{self, Locked, decoded},
    query::prepared,
    row::{Columns, PgTimestamp, attachments, author_of_new, decode, files_as_json, side_word},
    schema::{conversation, message},
    store::{PgStore, run_to_completion, with_retry},
    uploads,
};

pub(crate) use lists::by_ids;

#[async_trait]
impl MessageStore for PgStore {
    #[tracing::instrument(
        name = "db.message.post", skip_all,
        fields(conversation.id = %post.conversation, message.id = %post.id)
    )]
    async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError> {
        with_retry(|| self::post(self, post)).await
    }

    #[tracing::instrument(name = "db.message.history", skip_all, fields(conversation.id = %conversation))]
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        with_retry(|| lists::history_page(self, conversation, viewer, window)).await
    }

    #[tracing::instrument(name = "db.message.find", skip_all, fields(message.id = %id))]
    async fn message(
        &self,
        id: &MessageId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        with_retry(|| lists::find(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.message.delete", skip_all, fields(message.id = %id))]
    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let (store, id, author) = (self.clone(), id.clone(), author.clone());
        run_to_completion(move || delete(store.clone(), id.clone(), author.clone(), at)).await
    }
}

// Posting a message, in one round trip. The work is done by `messaging.post_message`.

const POST: &str = "SELECT * FROM messaging.post_message($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// The result of the function for an existing conversation.
enum Answer {
    /// The key belongs to this message.
    Known { message_id: String, parties: Parties },
    /// A file is not the author's to send.
    UnknownUpload,
    /// It was posted.
    New(Box<New>),
}

struct New {
    parties: Parties,
    seq: Seq,
    author: Participant,
    /// Whether the conversation was unarchived; carries its subject.
    reopened: bool,
    subject: Option<Subject>,
    /// Whether the watching reader read more than this message.
    read_several: bool,
    /// The uploads among its files.
    kept: Vec<Attachment>,
}

impl QueryableByName<Pg> for Answer {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let parties = Parties {
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("client_id", UserId::parse)?,
        };
        if let Some(message_id) = row.maybe_text("known_message_id")? {
            return Ok(Self::Known { message_id, parties });
        }
        if NamedRow::get::<Nullable<Bool>, Option<bool>>(row, "unknown_upload")? == Some(true) {
            return Ok(Self::UnknownUpload);
        }
        let several = NamedRow::get::<Nullable<Bool>, Option<bool>>(row, "read_several")?;
        Ok(Self::New(Box::new(New {
            parties,
            seq: row.seq("seq")?,
            author: author_of_new(row, "author_")?,
            reopened: NamedRow::get::<Bool, bool>(row, "was_archived")?,
            subject: row.maybe_parsed("subject", Subject::stored)?.flatten(),
            read_several: several == Some(true),
            kept: match row.maybe_json("kept")? {
                Some(files) => decode("kept", attachments(files))?,
                None => Vec::new(),
            },
        })))
    }
}

async fn post(store: &PgStore, post: &PostMessage) -> Result<PostOutcome, Failure> {
    let mut connection = store.connection().await?;
    match ask(&mut connection, post).await? {
        None => Ok(PostOutcome::UnknownConversation),
        Some(Answer::UnknownUpload) => Ok(PostOutcome::UnknownUpload),
        Some(Answer::New(new)) => Ok(PostOutcome::Posted(posted(post, *new)?)),
        Some(Answer::Known { message_id, parties }) => {
            let message = find_on(&mut connection, &message_id, &post.author).await?;
            Ok(known(post, message, parties))
        }
    }
}

async fn ask(
    connection: &mut AsyncPgConnection,
    post: &PostMessage,
) -> Result<Option<Answer>, Failure> {
    let files = files_as_json(&post.attachments, post.draft.files()).map_err(|_| {
        Failure::new(Class::Internal, "the files of a message could not be written")
    })?;
    let answer = prepared(POST)
        .bind::<Text, _>(post.id.as_str())
        .bind::<Text, _>(post.conversation.as_str())
        .bind::<Text, _>(post.author.as_str())
        .bind::<Text, _>(post.draft.kind().as_str())
        .bind::<Text, _>(post.draft.content().as_str())
        .bind::<Nullable<Text>, _>(post.draft.key().map(ClientMessageId::as_str))
        .bind::<Jsonb, _>(files)
        .bind::<Bool, _>(post.read_on_arrival)
        .bind::<Timestamptz, _>(PgTimestamp(post.at))
        .get_result(connection)
        .await;
    Ok(answer.optional()?)
}

/// The key was used before. A message that is not found was deleted.
fn known(post: &PostMessage, message: Option<Message>, parties: Parties) -> PostOutcome {
    match message {
        None => PostOutcome::Withdrawn,
        Some(message) if post.draft.has_same_content_as(&message) => {
            PostOutcome::Replayed { message: Arc::new(message), parties }
        }
        Some(_) => PostOutcome::KeyReused,
    }
}

fn posted(post: &PostMessage, new: New) -> Result<Posted, Failure> {
    let New { parties, seq, author, reopened, subject, read_several: several, kept } = new;
    let reader = parties.counterpart_of(&post.author).cloned();
    let message = Arc::new(posted_message(post, seq, author, kept)?);
    let event = |seq, actor, kind| Event {
        conversation: post.conversation.clone(),
        parties: parties.clone(),
        seq,
        at: post.at,
        actor,
        kind,
    };
    let mut events = Vec::new();
    if let Some(before) = Seq::new(seq.get() - 1).filter(|_| reopened) {
        let kind = EventKind::ConversationUpdated { subject, status: Status::Active };
        events.push(event(before, post.author.clone(), kind));
    }
    events.push(event(seq, post.author.clone(), EventKind::MessagePosted(message.clone())));
    if let Some(reader) = reader.filter(|_| post.read_on_arrival) {
        // It was the newest message, so nothing is unread.
        let receipt = ReadReceipt { reader: reader.clone(), up_to: seq, several, unread: 0 };
        events.push(event(seq.next(), reader, EventKind::MessagesRead(receipt)));
    }
    Ok(Posted { message, events })
}

fn posted_message(
    post: &PostMessage,
    seq: Seq,
    author: Participant,
    mut kept: Vec<Attachment>,
) -> Result<Message, Failure> {
    let files = post.attachments.iter().zip(post.draft.files());
    let attachments = files.map(|(id, file)| match file {
        DraftFile::Hosted(file) => Ok(Attachment { id: id.clone(), file: file.clone() }),
        DraftFile::Uploaded(id) => {
            let place = kept.iter().position(|attachment| attachment.id == *id);
            decoded("kept", place.map(|place| kept.swap_remove(place)))
        }
    });
    Ok(Message {
        id: post.id.clone(),
        conversation: post.conversation.clone(),
        seq,
        author,
        kind: post.draft.kind(),
        content: post.draft.content().clone(),
        notice: None,
        attachments: attachments.collect::<Result<_, _>>()?,
        created_at: post.at,
        is_read: post.read_on_arrival,
        read_at: post.read_on_arrival.then_some(post.at),
    })
}

// Deleting a message.

async fn delete(
    store: PgStore,
    id: MessageId,
    author: UserId,
    at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            // The conversation's lock comes first, as in every other change; its id can be read
            // before, as a message never moves.
            let Some(conversation_id) = conversation_of(connection, &id).await? else {
                return Ok(None);
            };
            let Some(mut locked) = Locked::take(connection, &conversation_id, &author).await?
            else {
                return Ok(None);
            };
            let Some(side) = locked.parties.side_of(&author) else {
                return Ok(None);
            };
            if clear_messages(connection, &[id.as_str()], side, at).await? == 0 {
                return Ok(None);
            }
            uploads::delete_files_of_messages(connection, &[id.as_str()], at).await?;
            let event = locked.next_event(&author, at, EventKind::MessageDeleted(id.clone()));
            locked.last_seq = event.seq;
            recompute_head(connection, &locked, 1).await?;
            lock::log(connection, &event).await?;
            Ok(Some(event))
        })
        .await
}

async fn conversation_of(
    connection: &mut AsyncPgConnection,
    id: &MessageId,
) -> Result<Option<ConversationId>, Failure> {
    let found: Option<String> = message::table
        .find(id.as_str())
        .select(message::conversation_id)
        .first(connection)
        .await
        .optional()?;
    found.map(|id| decoded("conversation_id", ConversationId::parse(&id))).transpose()
}

/// Deletes content and notice of the given messages of that side that are not deleted. Returns
/// their number; their files are deleted by [`uploads::delete_files_of_messages`].
pub(crate) async fn clear_messages(
    connection: &mut AsyncPgConnection,
    ids: &[&str],
    author: Side,
    at: Timestamp,
) -> Result<usize, Failure> {
    let theirs = message::table
        .filter(message::id.eq_any(ids))
        .filter(message::author_side.eq(side_word(author)))
        .filter(message::deleted_at.is_null());
    let emptied = diesel::update(theirs)
        .set((
            message::content.eq(""),
            message::attachment_count.eq(0),
            message::notice.eq(None::<Value>),
            message::deleted_at.eq(Some(PgTimestamp(at))),
        ))
        .execute(connection)
        .await?;
    Ok(emptied)
}

/// The positions of the newest undeleted message of each side; 0 when there is none.
pub(crate) struct Newest {
    salon: i64,
    client: i64,
}

impl Newest {
    /// The one of `side`.
    pub(crate) fn on(&self, side: Side) -> i64 {
        match side {
            Side::Salon => self.salon,
            Side::Client => self.client,
        }
    }
}

/// Recomputes the newest messages and the count of a conversation after messages were cleared.
pub(crate) async fn recompute_head(
    connection: &mut AsyncPgConnection,
    locked: &Locked,
    emptied: usize,
) -> Result<Newest, Failure> {
    let left = Newest {
        salon: newest(connection, locked, Side::Salon).await?,
        client: newest(connection, locked, Side::Client).await?,
    };
    let newest_at: Option<PgTimestamp> = message::table
        .filter(message::conversation_id.eq(locked.id.as_str()))
        .filter(message::seq.eq(left.salon.max(left.client)))
        .select(message::created_at)
        .first(connection)
        .await
        .optional()?;
    let emptied = i64::try_from(emptied).unwrap_or(i64::MAX);
    diesel::update(conversation::table.find(locked.id.as_str()))
        .set((
            conversation::last_seq.eq(locked.last_seq.get()),
            conversation::message_count.eq(conversation::message_count - emptied),
            conversation::salon_message_seq.eq(left.salon),
            conversation::client_message_seq.eq(left.client),
            conversation::last_message_at.eq(newest_at.unwrap_or(PgTimestamp(locked.created_at))),
        ))
        .execute(connection)
        .await?;
    Ok(left)
}

/// The position of the newest message of `side`, 0 when there is none.
async fn newest(
    connection: &mut AsyncPgConnection,
    locked: &Locked,
    side: Side,
) -> Result<i64, Failure> {
    let newest: Option<i64> = message::table
        .filter(message::conversation_id.eq(locked.id.as_str()))
        .filter(message::author_side.eq(side_word(side)))
        .filter(message::deleted_at.is_null())
        .select(max(message::seq))
        .first(connection)
        .await?;
    Ok(newest.unwrap_or(0))
}
