//! All store ports as one trait.

use async_trait::async_trait;

use crate::{
    appointments::store::AppointmentStore,
    conversation::store::{CounterStore, MessagingStore, People, UploadStore},
    ids::UserId,
    jobs::store::JobStore,
    mail::store::{MailStore, PreferenceStore},
    participant::{Participant, store::ParticipantStore},
    ports::StoreError,
    privacy::store::{AuditStore, ErasureStore, ExportStore, SessionEndStore},
    retention::store::RetentionStore,
};

/// All store ports.
///
/// Each method is one operation: atomic, and durable when the method returns (D7). Membership is
/// part of every query: for a viewer who is no participant nothing is found.
pub trait Store:
    MessagingStore
    + CounterStore
    + ParticipantStore
    + AppointmentStore
    + UploadStore
    + ErasureStore
    + RetentionStore
    + JobStore
    + PreferenceStore
    + MailStore
    + ExportStore
    + AuditStore
    + SessionEndStore
{
}

impl<T> Store for T where
    T: MessagingStore
        + CounterStore
        + ParticipantStore
        + AppointmentStore
        + UploadStore
        + ErasureStore
        + RetentionStore
        + JobStore
        + PreferenceStore
        + MailStore
        + ExportStore
        + AuditStore
        + SessionEndStore
{
}

#[async_trait]
impl<T: ParticipantStore + ErasureStore> People for T {
    async fn person(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        self.participant(id).await
    }

    async fn is_forgotten(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.erasure(id).await?.is_some())
    }
}
