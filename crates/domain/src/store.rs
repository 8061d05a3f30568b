//! Everything durable, as one port.

use crate::{
    appointments::store::AppointmentStore,
    conversation::store::{ConversationStore, LogStore, MessageStore, ReadingStore, UploadStore},
    jobs::store::JobStore,
    mail::store::{MailStore, PreferenceStore},
    participant::store::ParticipantStore,
    privacy::store::{AuditStore, ErasureStore, ExportStore},
    retention::store::RetentionStore,
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
