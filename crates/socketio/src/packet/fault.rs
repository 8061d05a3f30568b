//! What can be wrong with a packet.

/// Why something a client sent is no packet. Every one of these ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// An empty Engine.IO packet.
    #[error("empty packet")]
    Empty,
    /// An Engine.IO packet of no known type.
    #[error("unknown engine packet type")]
    UnknownEngineType,
    /// An Engine.IO packet that only the server sends, such as a ping.
    #[error("this engine packet is not for clients to send")]
    ForbiddenEngineType,
    /// A Socket.IO packet of no known type.
    #[error("unknown packet type")]
    UnknownType,
    /// No attachment count where one must be, or zero.
    #[error("missing or bad attachment count")]
    AttachmentCount,
    /// More attachments announced than allowed.
    #[error("too many attachments")]
    TooManyAttachments,
    /// An acknowledgement id out of range, or none where one must be.
    #[error("missing or bad acknowledgement id")]
    AckId,
    /// Text that is not JSON.
    #[error("broken JSON")]
    Json,
    /// JSON nested beyond reason.
    #[error("JSON nested too deep")]
    TooDeep,
    /// An event that is no array with a name in front.
    #[error("bad event payload")]
    EventPayload,
    /// An event under a name the protocol keeps for itself.
    #[error("reserved event name")]
    ReservedEvent,
    /// An acknowledgement that is no array.
    #[error("bad acknowledgement payload")]
    AckPayload,
    /// A connect whose payload is no object.
    #[error("bad connect payload")]
    ConnectPayload,
    /// A disconnect with a payload.
    #[error("bad disconnect payload")]
    DisconnectPayload,
    /// A connect error whose payload is no object.
    #[error("bad connect error payload")]
    ConnectErrorPayload,
    /// A placeholder for an attachment that was not announced.
    #[error("placeholder without attachment")]
    Placeholder,
    /// Bytes without a packet that announced them.
    #[error("unexpected binary packet")]
    UnexpectedBinary,
    /// A text packet while attachments are still owed.
    #[error("attachments outstanding")]
    AttachmentsOutstanding,
    /// A binary packet in text that is not base64.
    #[error("broken base64")]
    Base64,
    /// A packet that is too large, counted with its attachments.
    #[error("packet too large")]
    TooLarge,
}
