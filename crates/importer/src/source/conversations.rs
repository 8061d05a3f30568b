//! Conversations, with all that was said in them.

use std::collections::HashMap;

use domain::import::former::{FormerConversation, FormerCounter, FormerFile, FormerMessage, Raw};
use tokio_postgres::{Row, Transaction};

use super::{Source, maybe_time, time};
use crate::SourceError;

/// Conversations behind an id, until one more would have too many messages.
const PAGE: &str = include_str!("conversations.sql");
const MESSAGES: &str = include_str!("messages.sql");
const FILES: &str = include_str!("files.sql");
const COUNTERS: &str = r#"
SELECT "conversationId", "userId", "unreadCount"::bigint AS unread
FROM "MessageNotification" WHERE "conversationId" = ANY($1)"#;

/// How much is read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rows_max: u32,
    pub(crate) messages_max: u32,
}

/// Somebody on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) has_account: bool,
}

/// A conversation, and whether its people have accounts.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) conversation: FormerConversation,
    pub(crate) salon: Person,
    pub(crate) client: Person,
}

type ByConversation<T> = HashMap<String, Vec<T>>;

impl Source {
    /// The conversations behind the id `after`, in the order of the source.
    pub(crate) async fn conversations(
        &mut self,
        after: &str,
        bounds: Bounds,
    ) -> Result<Vec<Talk>, SourceError> {
        let page = self.page().await?;
        let (rows_max, messages_max) = (i64::from(bounds.rows_max), i64::from(bounds.messages_max));
        let rows = page.query(PAGE, &[&after, &rows_max, &messages_max]).await?;
        let ids: Vec<String> =
            rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let mut messages = messages(&page, &ids).await?;
        let mut counters = counters(&page, &ids).await?;
        page.commit().await?;
        let talks = rows.iter().zip(ids).map(|(row, id)| {
            let messages = messages.remove(&id).unwrap_or_default();
            let counters = counters.remove(&id).unwrap_or_default();
            talk(row, id, messages, counters)
        });
        talks.collect()
    }
}

fn talk(
    row: &Row,
    id: String,
    messages: Vec<FormerMessage>,
    counters: Vec<FormerCounter>,
) -> Result<Talk, SourceError> {
    let person = |column: &str| -> Result<Person, SourceError> {
        Ok(Person { has_account: row.try_get(column)? })
    };
    let conversation = FormerConversation {
        id: Raw(id),
        salon: Raw(row.try_get("salonId")?),
        client: Raw(row.try_get("clientUserId")?),
        appointment: row.try_get::<_, Option<String>>("appointmentId")?.map(Raw),
        subject: row.try_get::<_, Option<String>>("subject")?.map(Raw),
        status: row.try_get("status")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        last_message_at: time(row, "last_message_at")?,
        messages,
        counters,
    };
    Ok(Talk { conversation, salon: person("salon_known")?, client: person("client_known")? })
}

async fn messages(
    page: &Transaction<'_>,
    ids: &[String],
) -> Result<ByConversation<FormerMessage>, SourceError> {
    let mut files: HashMap<String, Vec<FormerFile>> = HashMap::new();
    for row in page.query(FILES, &[&ids]).await? {
        files.entry(row.try_get("messageId")?).or_default().push(file(&row)?);
    }
    let mut messages = ByConversation::new();
    for row in page.query(MESSAGES, &[&ids]).await? {
        let id: String = row.try_get("id")?;
        let files = files.remove(&id).unwrap_or_default();
        let message = message(&row, id, files)?;
        messages.entry(row.try_get("conversationId")?).or_default().push(message);
    }
    Ok(messages)
}

fn message(row: &Row, id: String, files: Vec<FormerFile>) -> Result<FormerMessage, SourceError> {
    Ok(FormerMessage {
        id: Raw(id),
        sender: Raw(row.try_get("senderId")?),
        content: Raw(row.try_get("content")?),
        kind: row.try_get("type")?,
        is_read: row.try_get("isRead")?,
        read_at: maybe_time(row, "read_at")?,
        is_archived: row.try_get("is_archived")?,
        created_at: time(row, "created_at")?,
        files,
    })
}

fn file(row: &Row) -> Result<FormerFile, SourceError> {
    Ok(FormerFile {
        id: Raw(row.try_get("id")?),
        name: Raw(row.try_get("fileName")?),
        url: Raw(row.try_get("fileUrl")?),
        media_type: row.try_get("fileType")?,
        size_bytes: row.try_get("size_bytes")?,
        upload_key: row.try_get::<_, Option<String>>("uploadThingKey")?.map(Raw),
    })
}

async fn counters(
    page: &Transaction<'_>,
    ids: &[String],
) -> Result<ByConversation<FormerCounter>, SourceError> {
    let mut counters = ByConversation::new();
    for row in page.query(COUNTERS, &[&ids]).await? {
        let counter =
            FormerCounter { reader: Raw(row.try_get("userId")?), unread: row.try_get("unread")? };
        counters.entry(row.try_get("conversationId")?).or_default().push(counter);
    }
    Ok(counters)
}
