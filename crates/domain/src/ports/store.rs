use super::{
    AppointmentStore, AuditStore, ConversationStore, ErasureStore, ExportStore, JobStore, LogStore,
    MailStore, MessageStore, ParticipantStore, PreferenceStore, ReadingStore, RetentionStore,
    UploadStore,
};

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
