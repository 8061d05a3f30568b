//! Test support for all crates: people and drafts, fakes and mocks of the ports, and the
//! [`contract`] that every store must satisfy.
//!
//! A mock panics at an unexpected call. There is one per port, made by `mockall::automock` where
//! the port is declared, except for [`Files`](crate::ports::Files), whose signatures it cannot
//! copy: see [`MemoryFiles`](fixture::MemoryFiles).
#![expect(
    clippy::missing_panics_doc,
    reason = "what is here serves tests, and tells them by a panic that something is wrong"
)]
pub mod commands;
pub mod contract;
pub mod fixture;
pub mod memory;
mod mock;

pub use memory::{HeldReads, MemoryStore};
pub use mock::MessagingMocks;

pub use crate::{
    appointments::store::MockAppointmentStore,
    conversation::store::{
        MockConversationLog, MockConversationStore, MockLogStore, MockMessageStore, MockPeople,
        MockReadingStore, MockUploadStore,
    },
    jobs::store::MockJobStore,
    mail::store::{MockMailSender, MockMailStore, MockPreferenceStore},
    participant::store::MockParticipantStore,
    ports::{MockClock, MockFanout, MockIds, MockTokenVerifier},
    privacy::store::{
        MockAuditStore, MockErasureStore, MockExportStore, MockExporter, MockSessionEndStore,
    },
    retention::store::MockRetentionStore,
};
