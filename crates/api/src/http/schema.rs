//! Request bodies as the specification shows them. They are read by [`input`](crate::input), which
//! gives every reason why one is not acceptable; these are only descriptions.

#![expect(dead_code, reason = "only the schemas of these types are used")]

use serde::Serialize;
use utoipa::ToSchema;

/// The conversation that a salon wants to open.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct NewConversation {
    /// With whom.
    #[schema(min_length = 1, max_length = 64, example = "clx1client")]
    client_user_id: String,
    /// About which booking. A salon has one conversation for each: when there is one already, it
    /// is the answer.
    #[schema(max_length = 64)]
    appointment_id: Option<String>,
    /// About what.
    #[schema(min_length = 3, max_length = 200)]
    subject: Option<String>,
    /// What the platform says first, in the salon's name.
    #[schema(min_length = 1, max_length = 10000)]
    first_message: Option<String>,
}

/// What a participant wants to change. What is left out stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct ConversationChange {
    /// The new subject; `null` or the empty text takes it away.
    #[schema(max_length = 200)]
    subject: Option<String>,
    /// The new status; only the salon may set it.
    status: Option<Status>,
}

/// Whether a conversation is in use or put away.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Active,
    Archived,
}

/// A message to send: words, files, or both.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct NewMessage {
    /// Its words. May be empty or left out when there is an attachment.
    #[schema(max_length = 10000, example = "Samedi à 14 h ?")]
    content: Option<String>,
    /// What kind it is, `TEXT` unless said otherwise. `SYSTEM` becomes `TEXT`.
    #[schema(rename = "type")]
    kind: Option<MessageType>,
    /// Its files.
    #[schema(max_items = 5)]
    attachments: Option<Vec<MessageFile>>,
    /// The sender's own key for the message. Sent again with the same key, the message is not
    /// posted again: the answer is the first one. Unique per conversation and sender.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    client_message_id: Option<String>,
    /// Not needed: the path says which conversation.
    #[schema(min_length = 1, deprecated)]
    conversation_id: Option<String>,
}

/// What kind of message it is.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(super) enum MessageType {
    Text,
    System,
    Image,
    File,
}

/// A form with one file.
#[derive(ToSchema)]
pub(super) struct Upload {
    /// The picture, with its name: JPEG, PNG, GIF or WebP, at most 10,485,760 bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file to send.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum MessageFile {
    /// Uploaded here before.
    Uploaded(UploadedAttachment),
    /// Uploaded elsewhere before.
    Hosted(NewAttachment),
}

/// A file to send: uploaded here before, by the same person, and not sent yet.
#[derive(Serialize, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct UploadedAttachment {
    /// The `id` that the upload was answered with.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    attachment_id: String,
}

/// A file to send: uploaded elsewhere before, described here.
#[derive(Serialize, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewAttachment {
    /// What it is called.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^/\\]+$")]
    file_name: String,
    /// Where it is: `https`, on `utfs.io` or `*.ufs.sh`.
    #[schema(max_length = 2048, pattern = r"^https://(utfs\.io|[A-Za-z0-9.-]+\.ufs\.sh)/.+$")]
    file_url: String,
    /// What it is.
    file_type: ImageType,
    /// How large it is, in bytes.
    #[schema(minimum = 1, maximum = 10_485_760)]
    file_size: u32,
    /// What the upload service calls it. Never shown to anybody.
    #[schema(min_length = 1, max_length = 255)]
    upload_thing_key: Option<String>,
}

/// The images taken.
#[derive(Serialize, ToSchema)]
pub(crate) enum ImageType {
    #[schema(rename = "image/jpeg")]
    Jpeg,
    #[schema(rename = "image/jpg")]
    Jpg,
    #[schema(rename = "image/png")]
    Png,
    #[schema(rename = "image/gif")]
    Gif,
    #[schema(rename = "image/webp")]
    Webp,
}

/// What a person wants to change of their mail. What is left out stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct PreferenceChange {
    /// Whether there is any mail at all.
    email_notifications_enabled: Option<bool>,
    /// How often mail may come.
    email_frequency: Option<Frequency>,
    /// The part of each day in which no mail comes; `null` takes it away.
    quiet_hours: Option<QuietHours>,
    /// IANA time zone used for quiet hours and daily mail; `null` = platform default.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
}

/// How often mail may come.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(super) enum Frequency {
    Immediate,
    Hourly,
    Daily,
    Never,
}

/// A part of each day; it may reach over midnight.
#[derive(ToSchema)]
#[schema(as = QuietHoursChange)]
pub(super) struct QuietHours {
    /// The first quiet minute.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    from: String,
    /// The first minute that is not quiet any more; another one than the first.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "07:00")]
    to: String,
}

/// A conversation to mute.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Mute {
    /// Which.
    #[schema(min_length = 1, max_length = 64)]
    conversation_id: String,
}
