//! OpenAPI schemas of the request bodies. [`input`](crate::input) parses the bodies and reports every
//! validation error; these types only describe them.

#![expect(dead_code, reason = "only the schemas of these types are used")]

use serde::Serialize;
use utoipa::ToSchema;

/// A conversation to create.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct NewConversation {
    /// User id of the client.
    #[schema(min_length = 1, max_length = 64, example = "clx1client")]
    client_user_id: String,
    /// Booking id. There is one conversation per salon and booking: an existing one is returned.
    #[schema(max_length = 64)]
    appointment_id: Option<String>,
    /// Subject.
    #[schema(min_length = 3, max_length = 200)]
    subject: Option<String>,
    /// First message, posted in the name of the salon.
    #[schema(min_length = 1, max_length = 10000)]
    first_message: Option<String>,
}

/// Changes to a conversation; absent fields stay unchanged.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct ConversationChange {
    /// New subject; `null` or an empty string removes it.
    #[schema(max_length = 200)]
    subject: Option<String>,
    /// New status; only the salon may set it.
    status: Option<Status>,
}

/// Status of a conversation.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Active,
    Archived,
}

/// A message to send: text, files, or both.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct NewMessage {
    /// Text; may be empty or absent if there is an attachment.
    #[schema(max_length = 10000, example = "Samedi à 14 h ?")]
    content: Option<String>,
    /// Message type, default `TEXT`; `SYSTEM` is stored as `TEXT`.
    #[schema(rename = "type")]
    kind: Option<MessageType>,
    /// Files.
    #[schema(max_items = 5)]
    attachments: Option<Vec<MessageFile>>,
    /// Idempotency key, unique per conversation and sender. A repeated request with the same key posts
    /// nothing and returns the first message.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    client_message_id: Option<String>,
    /// Not needed: the path names the conversation.
    #[schema(min_length = 1, deprecated)]
    conversation_id: Option<String>,
}

/// Type of a message.
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
    /// The picture with its file name: JPEG, PNG, GIF or WebP, at most 10,485,760 bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file to attach.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum MessageFile {
    /// Uploaded to this service.
    Uploaded(UploadedAttachment),
    /// Uploaded to the external upload service.
    Hosted(NewAttachment),
}

/// A file uploaded to this service by the caller and not sent yet.
#[derive(Serialize, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct UploadedAttachment {
    /// The `id` in the response to the upload.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    attachment_id: String,
}

/// A file uploaded to the external upload service.
#[derive(Serialize, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewAttachment {
    /// File name.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^/\\]+$")]
    file_name: String,
    /// URL: `https` on `utfs.io` or `*.ufs.sh`.
    #[schema(max_length = 2048, pattern = r"^https://(utfs\.io|[A-Za-z0-9.-]+\.ufs\.sh)/.+$")]
    file_url: String,
    /// Media type.
    file_type: ImageType,
    /// Size in bytes.
    #[schema(minimum = 1, maximum = 10_485_760)]
    file_size: u32,
    /// Key of the file at the upload service; never returned.
    #[schema(min_length = 1, max_length = 255)]
    upload_thing_key: Option<String>,
}

/// Accepted image types.
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

/// Changes to the notification preferences; absent fields stay unchanged.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct PreferenceChange {
    /// Whether notification mails are sent at all.
    email_notifications_enabled: Option<bool>,
    /// Maximum frequency of mails.
    email_frequency: Option<Frequency>,
    /// Daily period without mails; `null` removes it.
    quiet_hours: Option<QuietHours>,
    /// IANA time zone used for quiet hours and daily mail; `null` = platform default.
    #[schema(example = "Europe/Paris")]
    time_zone: Option<String>,
}

/// Maximum frequency of mails.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(super) enum Frequency {
    Immediate,
    Hourly,
    Daily,
    Never,
}

/// Daily period in local time; may span midnight.
#[derive(ToSchema)]
#[schema(as = QuietHoursChange)]
pub(super) struct QuietHours {
    /// Start, `HH:MM`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    from: String,
    /// End, `HH:MM`, exclusive; must differ from the start.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "07:00")]
    to: String,
}

/// A conversation to mute.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Mute {
    /// Conversation id.
    #[schema(min_length = 1, max_length = 64)]
    conversation_id: String,
}
