//! Conversations, as `sql/view.sql` and `conversation/unread.sql` spell them.

use diesel::{deserialize::Result, pg::Pg, row::NamedRow};
use domain::{
    conversation::{
        Conversation, ConversationView, Horizons, LastMessage, Parties, Status, UnreadConversation,
        message::MessageKind,
    },
    ids::{AppointmentId, ConversationId, MessageId, UserId},
    text::{Content, Subject},
};

use super::{Columns, FromColumns, good, participant};

impl FromColumns for ConversationView {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
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
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
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
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        let appointment = row.maybe_text("appointment_id")?;
        let appointment = appointment.map(|id| good("appointment_id", AppointmentId::parse(&id)));
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
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            id: row.parsed("message_id", MessageId::parse)?,
            content: good("message_content", Content::stored(row.text("message_content")?))?,
            author: row.parsed("message_author_id", UserId::parse)?,
            kind: row.parsed("message_kind", MessageKind::parse)?,
            created_at: row.at("message_created_at")?,
        })
    }
}

/// The subject of the row's conversation.
fn subject<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Option<Subject>> {
    match row.maybe_text("subject")? {
        Some(words) => good("subject", Subject::stored(&words)),
        None => Ok(None),
    }
}
