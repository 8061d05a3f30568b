//! Messages, as `message/messages.sql` spells them.

use diesel::{
    deserialize::Result,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Jsonb, Nullable},
};
use domain::{
    attachment::{Attachment, File, FileUrl, MediaType},
    id::{AttachmentId, ConversationId, MessageId},
    message::{Message, MessageKind},
    text::Content,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Columns, FromColumns, good, participant};

impl FromColumns for Message {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        let files = NamedRow::get::<Nullable<Jsonb>, Option<Value>>(row, "attachments")?;
        Ok(Self {
            id: row.parsed("id", MessageId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            seq: row.seq("seq")?,
            author: participant(row, "author_")?,
            kind: row.parsed("kind", MessageKind::parse)?,
            content: good("content", Content::parse(row.text("content")?))?,
            attachments: match files {
                Some(files) => good("attachments", attachments(files))?,
                None => Vec::new(),
            },
            created_at: row.at("created_at")?,
            is_read: NamedRow::get::<Bool, bool>(row, "is_read")?,
            read_at: row.maybe_at("read_at")?,
        })
    }
}

/// A file as it travels to and from the database; its fields are the columns.
#[derive(Deserialize, Serialize)]
pub(crate) struct FileRecord {
    id: String,
    name: String,
    url: String,
    media_type: String,
    size_bytes: u32,
    upload_key: Option<String>,
}

/// `files` under their `ids`, in order.
pub(crate) fn files_as_json(ids: &[AttachmentId], files: &[File]) -> serde_json::Result<Value> {
    let records = ids.iter().zip(files).map(|(id, file)| FileRecord {
        id: id.to_string(),
        name: file.name().to_owned(),
        url: file.url().as_str().to_owned(),
        media_type: file.media_type().as_str().to_owned(),
        size_bytes: file.size_bytes(),
        upload_key: file.upload_key().map(str::to_owned),
    });
    serde_json::to_value(records.collect::<Vec<_>>())
}

fn attachments(files: Value) -> Option<Vec<Attachment>> {
    let records: Vec<FileRecord> = serde_json::from_value(files).ok()?;
    records.into_iter().map(attachment).collect()
}

fn attachment(record: FileRecord) -> Option<Attachment> {
    let url = FileUrl::parse(&record.url).ok()?;
    let media_type = MediaType::parse(&record.media_type).ok()?;
    let size_bytes = i64::from(record.size_bytes);
    let file = File::new(&record.name, url, media_type, size_bytes, record.upload_key).ok()?;
    Some(Attachment { id: AttachmentId::parse(&record.id).ok()?, file })
}
