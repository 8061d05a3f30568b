//! Posting a message, in one round trip. The work is done by `messaging.post_message_2`.

use std::sync::Arc;

use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Status,
        attachment::Attachment,
        event::{Event, EventKind, ReadReceipt},
        message::{DraftFile, Message},
        store::{PostMessage, PostOutcome, Posted},
    },
    ids::{ClientMessageId, Seq, UserId},
    participant::Participant,
    text::Subject,
};

use super::read::find_on;
use crate::{
    conversation::lock::stored,
    failure::{Class, Failure},
    prepared::prepared,
    reading::READ_IDS_MAX,
    record::{Columns, PgTimestamp, attachments, author_of_new, files_as_json, good},
    store::PgStore,
};

const POST: &str =
    "SELECT * FROM messaging.post_message_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// What the function returns when there is such a conversation.
enum Answer {
    /// The key names this message already.
    Known { message_id: String, parties: Parties },
    /// A file is named that the author may not send.
    UnknownUpload,
    /// It is posted.
    New(Box<New>),
}

struct New {
    parties: Parties,
    seq: Seq,
    author: Participant,
    /// Whether the conversation was archived, and comes back with its subject.
    reopened: bool,
    subject: Option<Subject>,
    /// Whether the other side, which looks on, read more by it than this message.
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
        let read =
            NamedRow::get::<Nullable<Array<Text>>, Option<Vec<String>>>(row, "read_message_ids")?;
        Ok(Self::New(Box::new(New {
            parties,
            seq: row.seq("seq")?,
            author: author_of_new(row, "author_")?,
            reopened: NamedRow::get::<Bool, bool>(row, "was_archived")?,
            subject: row.maybe_parsed("subject", Subject::stored)?.flatten(),
            read_several: read.is_some_and(|ids| ids.len() > 1),
            kept: match row.maybe_json("kept")? {
                Some(files) => good("kept", attachments(files))?,
                None => Vec::new(),
            },
        })))
    }
}

pub(super) async fn post(store: &PgStore, post: &PostMessage) -> Result<PostOutcome, Failure> {
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
        .bind::<Integer, _>(READ_IDS_MAX)
        .get_result(connection)
        .await;
    Ok(answer.optional()?)
}

/// The key was used before. A message that is not found any more was deleted.
fn known(post: &PostMessage, message: Option<Message>, parties: Parties) -> PostOutcome {
    match message {
        None => PostOutcome::Withdrawn,
        Some(message) if post.draft.says_the_same_as(&message) => {
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
        // It was the newest, so nothing waits any more.
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
            stored("kept", place.map(|place| kept.swap_remove(place)))
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
