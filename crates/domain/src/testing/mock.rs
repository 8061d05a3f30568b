//! A store that does as the test says, call by call: for what must fail and what must not happen.

use async_trait::async_trait;

use crate::{
    appointments::{
        AppointmentEvent,
        store::{
            AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentStore,
            ConversationOfBooking, PendingAppointmentEvent, ReceiveOutcome,
        },
    },
    conversation::{
        ConversationView, Parties, Status, UnreadConversation,
        attachment::{Attachment, ObjectKey, Picture},
        event::Event,
        message::Message,
        store::{
            BeginUpload, ConversationStore, Downloadable, EditConversation, History, LogPiece,
            LogStore, MarkRead, MarkedRead, MessageStore, OpenConversation, OpenOutcome,
            PostMessage, PostOutcome, ReadingStore, UploadStore,
        },
    },
    ids::{
        AppointmentEventId, AppointmentId, AttachmentId, ConversationId, JobId, MailId, MessageId,
        Seq, UserId,
    },
    jobs::{
        Job, JobView, Reason, Task,
        store::{ClaimJobs, JobCounts, JobFilter, JobStore, RetryOrDead},
    },
    mail::{
        MailDecision, NewMail, PendingNotifications, QueuedMail, ReplyToken,
        preferences::{PreferenceChange, Preferences},
        store::{DueMail, MailStore, Muting, PreferenceStore, ReplyTarget},
    },
    page::{ConversationCursor, MessageCursor, Page, Window},
    participant::{
        Participant,
        store::{ParticipantStore, ParticipantWithPartners},
    },
    ports::StoreError,
    privacy::{
        audit::AuditEntry,
        erasure::Erasure,
        export::{Export, ReadyExport},
        store::{AuditStore, EraseIn, ErasureStore, ExportStore},
    },
    retention::{
        RetentionPolicy, SalonRetention,
        store::{
            AgePage, ArchiveForAge, PurgeExpired, Purged, RetentionStore, TrimBatch, TrimProgress,
            Usage,
        },
    },
    time::Timestamp,
};

mockall::mock! {
    /// A [`Store`](crate::store::Store) that panics at each call that was not expected.
    #[derive(Debug)]
    pub Store {}

    #[async_trait]
    impl ParticipantStore for Store {
        async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;
        async fn note_participant(&self, person: &Participant, at: Timestamp) -> Result<(), StoreError>;
        async fn put_participants(
            &self,
            people: &[Participant],
            at: Timestamp,
        ) -> Result<Vec<UserId>, StoreError>;
        async fn acquaintances(
            &self,
            id: &UserId,
            partners_max: u32,
        ) -> Result<Option<ParticipantWithPartners>, StoreError>;
    }

    #[async_trait]
    impl ConversationStore for Store {
        async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError>;
        async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError>;
        async fn conversation(
            &self,
            id: &ConversationId,
            viewer: &UserId,
        ) -> Result<Option<ConversationView>, StoreError>;
        async fn conversations(
            &self,
            viewer: &UserId,
            status: Option<Status>,
            window: &Window<ConversationCursor>,
        ) -> Result<Page<ConversationView, ConversationCursor>, StoreError>;
        async fn unread_conversations(
            &self,
            viewer: &UserId,
            limit: u32,
        ) -> Result<Vec<UnreadConversation>, StoreError>;
        async fn edit_conversation(
            &self,
            edit: &EditConversation,
        ) -> Result<Option<Vec<Event>>, StoreError>;
        async fn delete_conversation(
            &self,
            id: &ConversationId,
            by: &UserId,
            at: Timestamp,
        ) -> Result<Option<Event>, StoreError>;
    }

    #[async_trait]
    impl MessageStore for Store {
        async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError>;
        async fn history(
            &self,
            conversation: &ConversationId,
            viewer: &UserId,
            window: &Window<MessageCursor>,
        ) -> Result<Option<History>, StoreError>;
        async fn message(&self, id: &MessageId, viewer: &UserId) -> Result<Option<Message>, StoreError>;
        async fn delete_message(
            &self,
            id: &MessageId,
            author: &UserId,
            at: Timestamp,
        ) -> Result<Option<Event>, StoreError>;
    }

    #[async_trait]
    impl ReadingStore for Store {
        async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError>;
        async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError>;
    }

    #[async_trait]
    impl LogStore for Store {
        async fn events_after(
            &self,
            conversation: &ConversationId,
            viewer: &UserId,
            after: Seq,
            limit: u32,
        ) -> Result<Option<LogPiece>, StoreError>;
        async fn changes_since(
            &self,
            viewer: &UserId,
            since: Timestamp,
            limit: u32,
        ) -> Result<Vec<Event>, StoreError>;
        async fn ping(&self) -> Result<(), StoreError>;
    }
    #[async_trait]
    impl AppointmentStore for Store {
        async fn receive_appointment_event(
            &self,
            event: &AppointmentEvent,
            at: Timestamp,
        ) -> Result<ReceiveOutcome, StoreError>;
        async fn conversations_of_bookings(
            &self,
            salon: &UserId,
            bookings: &[AppointmentId],
        ) -> Result<Vec<ConversationOfBooking>, StoreError>;
        async fn pending_appointment_event(
            &self,
            id: &AppointmentEventId,
        ) -> Result<Option<PendingAppointmentEvent>, StoreError>;
        async fn first_pending_appointment_event(
            &self,
            like: &AppointmentEvent,
        ) -> Result<Option<PendingAppointmentEvent>, StoreError>;
        async fn apply_appointment_event(
            &self,
            apply: &ApplyAppointmentEvent,
        ) -> Result<AppliedAppointmentEvent, StoreError>;
        async fn reject_appointment_event(
            &self,
            id: &AppointmentEventId,
            at: Timestamp,
        ) -> Result<(), StoreError>;
    }

    #[async_trait]
    impl UploadStore for Store {
        async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError>;
        async fn finish_upload(&self, id: &AttachmentId, picture: &Picture) -> Result<bool, StoreError>;
        async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError>;
        async fn purge_uploads(&self, before: Timestamp, limit: u32, at: Timestamp) -> Result<u64, StoreError>;
        async fn attachment(
            &self,
            id: &AttachmentId,
            viewer: &UserId,
        ) -> Result<Option<Attachment>, StoreError>;
        async fn fetchable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError>;
        async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError>;
    }

    #[async_trait]
    impl ErasureStore for Store {
        async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;
        async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;
        async fn erased_people(
            &self,
            after: Option<UserId>,
            limit: u32,
        ) -> Result<Vec<UserId>, StoreError>;
        async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError>;
        async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError>;
        async fn erase_in(&self, erase: &EraseIn) -> Result<Vec<Event>, StoreError>;
        async fn finish_erasure(&self, person: &UserId, at: Timestamp) -> Result<Option<Erasure>, StoreError>;
    }

    #[async_trait]
    impl RetentionStore for Store {
        async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError>;
        async fn put_retention_policy(&self, policy: RetentionPolicy, at: Timestamp) -> Result<(), StoreError>;
        async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError>;
        async fn put_salon_retention(
            &self,
            salon: &UserId,
            retention: SalonRetention,
            at: Timestamp,
        ) -> Result<(), StoreError>;
        async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError>;
        async fn hold_conversation(
            &self,
            conversation: &ConversationId,
            at: Timestamp,
        ) -> Result<bool, StoreError>;
        async fn release_conversation(&self, conversation: &ConversationId) -> Result<bool, StoreError>;
        async fn ages(
            &self,
            status: Status,
            after: Option<ConversationId>,
            quiet_since: Timestamp,
            limit: u32,
        ) -> Result<AgePage, StoreError>;
        async fn archive_for_age(&self, archive: &ArchiveForAge) -> Result<Vec<Event>, StoreError>;
        async fn empty_aged(&self, empty: &PurgeExpired) -> Result<Purged, StoreError>;
        async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError>;
        async fn trim_logs(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError>;
        async fn count_old_entries(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError>;
        async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError>;
    }

    #[async_trait]
    impl PreferenceStore for Store {
        async fn preferences(&self, user: &UserId, at: Timestamp) -> Result<Option<Preferences>, StoreError>;
        async fn change_preferences(
            &self,
            user: &UserId,
            change: &PreferenceChange,
            at: Timestamp,
        ) -> Result<Option<Preferences>, StoreError>;
        async fn mute(
            &self,
            user: &UserId,
            conversation: &ConversationId,
            at: Timestamp,
        ) -> Result<Muting, StoreError>;
        async fn unmute(
            &self,
            user: &UserId,
            conversation: &ConversationId,
            at: Timestamp,
        ) -> Result<(), StoreError>;
    }

    #[async_trait]
    impl MailStore for Store {
        async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError>;
        async fn mail_case(
            &self,
            recipient: &UserId,
            now: Timestamp,
        ) -> Result<Option<PendingNotifications>, StoreError>;
        async fn settle_mail(
            &self,
            case: &PendingNotifications,
            verdict: &MailDecision,
            mail: &NewMail,
        ) -> Result<bool, StoreError>;
        async fn open_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError>;
        async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError>;
        async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError>;
        async fn suppress_address(&self, address: &str, at: Timestamp) -> Result<u64, StoreError>;
        async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError>;
    }

    #[async_trait]
    impl ExportStore for Store {
        async fn request_export(
            &self,
            person: &UserId,
            key: &ObjectKey,
            at: Timestamp,
        ) -> Result<Option<Export>, StoreError>;
        async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError>;
        async fn finish_export(
            &self,
            person: &UserId,
            key: &ObjectKey,
            ready: &ReadyExport,
        ) -> Result<bool, StoreError>;
    }

    #[async_trait]
    impl AuditStore for Store {
        async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
    }

    #[async_trait]
    impl JobStore for Store {
        async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError>;
        async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError>;
        async fn set_back_job(
            &self,
            job: &JobId,
            attempt: u32,
            setback: RetryOrDead,
            reason: Reason,
        ) -> Result<bool, StoreError>;
        async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError>;
        async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError>;
        async fn job_counts(&self) -> Result<JobCounts, StoreError>;
        async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError>;
    }
}
