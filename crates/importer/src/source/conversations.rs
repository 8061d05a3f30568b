//! Reads conversations with their messages, files and counters.

use std::collections::HashMap;

use crate::legacy::rows::{LegacyConversation, LegacyCounter, LegacyFile, LegacyMessage, Raw};
use tokio_postgres::{Row, Transaction};

use super::{Source, flag, number, optional_text, optional_time, text, time};
use crate::SourceError;

/// Conversations behind an id, until the number of messages is reached.
const PAGE: &str = include_str!("conversations.sql");
const MESSAGES: &str = include_str!("messages.sql");
const FILES: &str = include_str!("files.sql");
const COUNTERS: &str = r#"
SELECT counter."conversationId", counter."userId", counter."unreadCount"::bigint AS unread
FROM "MessageNotification" AS counter WHERE counter."conversationId" = ANY($1)"#;

/// The size of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rows_max: u32,
    pub(crate) messages_max: u32,
}

/// A conversation, and whether its participants have accounts.
#[derive(Debug)]
pub(crate) struct ConversationRow {
    pub(crate) conversation: LegacyConversation,
    pub(crate) salon_has_account: bool,
    pub(crate) client_has_account: bool,
}

type ByConversation<T> = HashMap<String, Vec<T>>;

impl Source {
    /// The conversations behind the id `after`, in key order.
    pub(crate) async fn conversations(
        &mut self,
        after: &str,
        bounds: Bounds,
    ) -> Result<Vec<ConversationRow>, SourceError> {
        let page = self.page().await?;
        let (rows_max, messages_max) = (i64::from(bounds.rows_max), i64::from(bounds.messages_max));
        let rows = page.query(PAGE, &[&after, &rows_max, &messages_max]).await?;
        let ids: Vec<String> = rows.iter().map(|row| text(row, "id")).collect::<Result<_, _>>()?;
        let mut messages = messages(&page, &ids).await?;
        let mut counters = counters(&page, &ids).await?;
        page.commit().await?;
        let rows = rows.iter().zip(ids).map(|(row, id)| {
            let messages = messages.remove(&id).unwrap_or_default();
            let counters = counters.remove(&id).unwrap_or_default();
            conversation_row(row, id, messages, counters)
        });
        rows.collect()
    }
}

fn conversation_row(
    row: &Row,
    id: String,
    messages: Vec<LegacyMessage>,
    counters: Vec<LegacyCounter>,
) -> Result<ConversationRow, SourceError> {
    let conversation = LegacyConversation {
        id: Raw(id),
        salon: Raw(text(row, "salonId")?),
        client: Raw(text(row, "clientUserId")?),
        appointment: optional_text(row, "appointmentId")?.map(Raw),
        subject: optional_text(row, "subject")?.map(Raw),
        status: text(row, "status")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        last_message_at: time(row, "last_message_at")?,
        messages,
        counters,
    };
    Ok(ConversationRow {
        conversation,
        salon_has_account: row.try_get("salon_known")?,
        client_has_account: row.try_get("client_known")?,
    })
}

async fn messages(
    page: &Transaction<'_>,
    ids: &[String],
) -> Result<ByConversation<LegacyMessage>, SourceError> {
    let mut files: HashMap<String, Vec<LegacyFile>> = HashMap::new();
    for row in page.query(FILES, &[&ids]).await? {
        files.entry(text(&row, "messageId")?).or_default().push(file(&row)?);
    }
    let mut messages = ByConversation::new();
    for row in page.query(MESSAGES, &[&ids]).await? {
        let id = text(&row, "id")?;
        let files = files.remove(&id).unwrap_or_default();
        let message = message(&row, id, files)?;
        messages.entry(text(&row, "conversationId")?).or_default().push(message);
    }
    Ok(messages)
}

fn message(row: &Row, id: String, files: Vec<LegacyFile>) -> Result<LegacyMessage, SourceError> {
    Ok(LegacyMessage {
        id: Raw(id),
        sender: Raw(text(row, "senderId")?),
        content: Raw(text(row, "content")?),
        kind: text(row, "type")?,
        is_read: flag(row, "isRead")?,
        read_at: optional_time(row, "read_at")?,
        is_archived: row.try_get("is_archived")?,
        created_at: time(row, "created_at")?,
        files,
    })
}

fn file(row: &Row) -> Result<LegacyFile, SourceError> {
    Ok(LegacyFile {
        id: Raw(text(row, "id")?),
        name: Raw(text(row, "fileName")?),
        url: Raw(text(row, "fileUrl")?),
        media_type: text(row, "fileType")?,
        size_bytes: number(row, "size_bytes")?,
        upload_key: optional_text(row, "uploadThingKey")?.map(Raw),
    })
}

async fn counters(
    page: &Transaction<'_>,
    ids: &[String],
) -> Result<ByConversation<LegacyCounter>, SourceError> {
    let mut counters = ByConversation::new();
    for row in page.query(COUNTERS, &[&ids]).await? {
        let counter =
            LegacyCounter { reader: Raw(text(&row, "userId")?), unread: number(&row, "unread")? };
        counters.entry(text(&row, "conversationId")?).or_default().push(counter);
    }
    Ok(counters)
}
