use domain::{
    appointments::notice,
    conversation::{
        attachment::{self, PictureForm, StorageLocation},
        message,
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Participant;
use crate::links::Links;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Message id.
    pub id: String,
    /// Id of its conversation.
    pub conversation_id: String,
    /// Position in the conversation's event log, by which messages are ordered. Other events take
    /// positions too, so the positions of messages have gaps.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Text, at most 10,000 characters; may be empty if there are attachments.
    #[schema(max_length = 10000)]
    pub content: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    #[schema(example = "TEXT")]
    pub kind: String,
    /// Machine-readable meaning of a `SYSTEM` message, so that front ends can render it themselves;
    /// absent in other messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub system: Option<Notice>,
    /// Whether the recipient has read it.
    pub is_read: bool,
    /// When the recipient read it; absent while unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub read_at: Option<String>,
    /// Creation time.
    #[schema(format = DateTime, example = "2026-01-05T09:30:00.000Z")]
    pub created_at: String,
    /// Author.
    pub sender: Participant,
    /// Attached files in the sender's order, at most 5.
    #[schema(max_items = 5)]
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// Converts `message`; `links` makes the URLs of its files.
    pub(crate) fn new(message: &message::Message, links: &Links) -> Self {
        let attachments = &message.attachments;
        Self {
            id: message.id.to_string(),
            conversation_id: message.conversation.to_string(),
            seq: message.seq.get(),
            content: message.content.as_str().to_owned(),
            kind: message.kind.as_str().to_owned(),
            system: message.notice.as_ref().map(Notice::from),
            is_read: message.is_read,
            read_at: message.read_at.map(|at| at.to_string()),
            created_at: message.created_at.to_string(),
            sender: Participant::from(&message.author),
            attachments: attachments.iter().map(|one| Attachment::new(one, links)).collect(),
        }
    }
}

/// A file attached to a message, or uploaded and not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Message id.
    pub id: String,
    /// File name.
    pub file_name: String,
    /// URL of the file. For files stored by this service it is a signed link that expires after some
    /// hours: fetch the attachment again for a new one.
    pub file_url: String,
    /// Media type.
    #[schema(example = "image/webp")]
    pub file_type: String,
    /// Size in bytes.
    #[schema(minimum = 1, maximum = 10_485_760)]
    pub file_size: u32,
    /// URL of the thumbnail; only for pictures stored by this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub thumbnail_url: Option<String>,
    /// Width in pixels; only for pictures stored by this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, nullable = false)]
    pub width: Option<u32>,
    /// Height in pixels; only for pictures stored by this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, nullable = false)]
    pub height: Option<u32>,
}

impl Attachment {
    /// Converts `attachment`; `links` makes the URLs of files stored by this service.
    pub(crate) fn new(attachment: &attachment::Attachment, links: &Links) -> Self {
        let attachment::Attachment { id, file } = attachment;
        let (file_url, picture) = match file.location() {
            StorageLocation::Hosted(hosted) => (hosted.url().as_str().to_owned(), None),
            StorageLocation::Stored(stored) => {
                (links.to(id, PictureForm::Full), Some(&stored.picture))
            }
        };
        Self {
            id: id.to_string(),
            file_name: file.name().to_owned(),
            file_url,
            file_type: file.media_type().as_str().to_owned(),
            file_size: file.size_bytes(),
            thumbnail_url: picture.map(|_| links.to(id, PictureForm::Thumbnail)),
            width: picture.map(|picture| picture.width_px),
            height: picture.map(|picture| picture.height_px),
        }
    }
}

/// Machine-readable meaning of a `SYSTEM` message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened: to the booking `booked`, `requested`, `auto-confirmed`, `confirmed`,
    /// `rescheduled` or `cancelled`; to the conversation `archived-for-age`.
    #[schema(example = "rescheduled")]
    pub kind: &'static str,
    /// Given name of the client it addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_name: Option<String>,
    /// Previous start of a rescheduled booking, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub from: Option<String>,
    /// New start of a rescheduled booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub to: Option<String>,
    /// IANA time zone of a rescheduled booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Paris", nullable = false)]
    pub time_zone: Option<String>,
    /// Days without a message after which the conversation was archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 90, nullable = false)]
    pub days: Option<u32>,
}

impl From<&notice::Notice> for Notice {
    fn from(notice: &notice::Notice) -> Self {
        let common = Self {
            kind: notice.kind(),
            first_name: notice.first_name().map(|name| name.as_str().to_owned()),
            from: None,
            to: None,
            time_zone: None,
            days: None,
        };
        match notice {
            notice::Notice::Rescheduled { from, to, zone } => Self {
                from: from.map(|from| from.to_string()),
                to: Some(to.to_string()),
                time_zone: Some(zone.as_str().to_owned()),
                ..common
            },
            notice::Notice::ArchivedForAge { days } => Self { days: Some(*days), ..common },
            _ => common,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        appointments::notice::FirstName,
        time::{Timestamp, Zone},
    };
    use serde_json::json;

    use super::*;

    fn shown(notice: &notice::Notice) -> serde_json::Value {
        serde_json::to_value(Notice::from(notice)).expect("serialises")
    }

    #[test]
    fn a_notice_has_its_kind_and_details_and_unknown_ones_are_absent() {
        let first_name = FirstName::parse("Camille");
        let booked = notice::Notice::Booked { first_name };
        assert_eq!(shown(&booked), json!({"kind": "booked", "firstName": "Camille"}));
        let moved = notice::Notice::Rescheduled {
            from: None,
            to: Timestamp::UNIX_EPOCH,
            zone: Zone::parse("Europe/Paris").expect("a zone"),
        };
        assert_eq!(
            shown(&moved),
            json!({"kind": "rescheduled", "to": "1970-01-01T00:00:00.000Z", "timeZone": "Europe/Paris"})
        );
        assert_eq!(shown(&notice::Notice::Cancelled), json!({"kind": "cancelled"}));
        let aged = notice::Notice::ArchivedForAge { days: 90 };
        assert_eq!(shown(&aged), json!({"kind": "archived-for-age", "days": 90}));
    }
}
