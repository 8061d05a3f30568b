//! Messages, as `message/messages.sql` spells them.

use diesel::{deserialize::Result, pg::Pg, row::NamedRow, sql_types::Bool};
use domain::{
    conversation::message::{Message, MessageKind},
    ids::{ConversationId, MessageId},
    text::Content,
};

use super::{Columns, FromColumns, attachments, good, notice, participant};

impl FromColumns for Message {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        let (files, data) = (row.maybe_json("attachments")?, row.maybe_json("notice")?);
        Ok(Self {
            id: row.parsed("id", MessageId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            seq: row.seq("seq")?,
            author: participant(row, "author_")?,
            kind: row.parsed("kind", MessageKind::parse)?,
            content: good("content", Content::stored(row.text("content")?))?,
            notice: data.map(|data| good("notice", notice(&data))).transpose()?,
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
