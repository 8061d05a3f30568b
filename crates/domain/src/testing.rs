//! For tests of any crate: people and drafts to play with, fakes and mocks of the ports, and the
//! [`contract`] that every store must keep.
//!
//! A mock panics at each call that was not expected. There is one for each port, made by
//! `mockall::automock` where the port is declared; but for [`Files`](crate::ports::Files), whose
//! signatures it cannot copy: see [`MemoryFiles`](fixture::MemoryFiles).
#![expect(
    clippy::missing_panics_doc,
    reason = "what is here serves tests, and tells them by a panic that something is wrong"
)]
pub mod contract;
pub mod fixture;
pub mod memory;
mod mock;

pub use memory::MemoryStore;
pub use mock::MessagingMocks;

pub use crate::{
    appointments::store::MockAppointmentStore,
    conversation::store::{
        MockConversationStore, MockLogStore, MockMessageStore, MockPeople, MockReadingStore,
        MockUploadStore,
    },
    jobs::store::MockJobStore,
    mail::store::{MockMailSender, MockMailStore, MockPreferenceStore},
    participant::store::MockParticipantStore,
    ports::{MockClock, MockFanout, MockIds, MockTokenVerifier},
    privacy::store::{MockAuditStore, MockErasureStore, MockExportStore, MockExporter},
    retention::store::MockRetentionStore,
};
