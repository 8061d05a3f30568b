//! What the rules need of the world. Adapters implement these; `testing` holds fakes and the
//! contract that every store must keep.

mod appointments;
mod audit;
mod clock;
mod conversations;
mod erasures;
mod exports;
mod fanout;
mod files;
mod ids;
mod import;
mod jobs;
mod log;
mod mails;
mod messages;
mod participants;
mod post_office;
mod preferences;
mod reading;
mod retention;
mod store;
mod store_error;
mod tokens;
mod uploads;

pub use appointments::{
    AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentChange, AppointmentStore,
    BOOKINGS_ASKED_MAX, BookingConversation, ConversationOfBooking, NewNotice, NewestHandled,
    NoticePlace, PendingAppointmentEvent, ReceiveOutcome,
};
pub use audit::AuditStore;
pub use clock::Clock;
pub use conversations::{
    ConversationStore, EditConversation, OpenConversation, OpenOutcome, Opening, StatusEdit,
};
pub use erasures::{EraseIn, ErasureStore};
pub use exports::{ExportStore, Exporter};
pub use fanout::{Fanout, MarkedMessage, PublishGuard};
pub use files::{Chunks, Files, FilesError, Interrupted, KeepError, ObjectBytes};
pub use ids::Ids;
pub use import::{Fingerprint, ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore};
pub use jobs::{ClaimJobs, JobCounts, JobFilter, JobStore, RetryOrDead};
pub use log::{LogPiece, LogStore};
pub use mails::{DueMail, MailStore, ReplyTarget};
pub use messages::{History, MessageStore, PostMessage, PostOutcome, Posted};
pub use participants::{ParticipantStore, ParticipantWithPartners};
pub use post_office::{MailSender, PostError};
pub use preferences::{Muting, PreferenceStore};
pub use reading::{MarkRead, MarkedRead, ReadTarget, ReadingStore};
pub use retention::{
    AgePage, ArchiveForAge, PurgeExpired, Purged, RetentionStore, TrimBatch, TrimProgress, Usage,
};
pub use store::Store;
pub use store_error::StoreError;
pub use tokens::{TokenError, TokenVerifier};
pub use uploads::{BeginUpload, Downloadable, UploadStore};
