use super::{
    AppointmentStore, AuditStore, ConversationStore, ErasureStore, ExportStore, JobStore, LogStore,
    MailStore, MessageStore, ParticipantStore, PreferenceStore, ReadingStore, RetentionStore,
    UploadStore,
};

/// What went wrong with the store. The driver's own error is kept as the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke. A change that was under way may have
    /// happened or not: repeat it under the same key.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is there and has no place for this request now. Nothing was changed.
    #[error("the store is busy")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store answered what cannot be: a fault of ours. Nothing was changed.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Everything durable.
///
/// Each method of the parts is one intent: it happens wholly or not at all, and it is on disk when
/// the method returns (D7). Membership is part of every query: what is not the viewer's is not
/// there.
pub trait Store:
    ParticipantStore
    + ConversationStore
    + MessageStore
    + ReadingStore
    + LogStore
    + AppointmentStore
    + UploadStore
    + ErasureStore
    + RetentionStore
    + JobStore
    + PreferenceStore
    + MailStore
    + ExportStore
    + AuditStore
{
}

impl<T> Store for T where
    T: ParticipantStore
        + ConversationStore
        + MessageStore
        + ReadingStore
        + LogStore
        + AppointmentStore
        + UploadStore
        + ErasureStore
        + RetentionStore
        + JobStore
        + PreferenceStore
        + MailStore
        + ExportStore
        + AuditStore
{
}
