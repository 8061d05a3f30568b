//! The store port of appointments.

use async_trait::async_trait;

use super::{AppointmentEvent, notice::Notice};
use crate::{
    conversation::{Parties, Status, event::Event, store::OpenConversation},
    ids::{AppointmentEventId, AppointmentId, ConversationId, MessageId, UserId},
    ports::StoreError,
    text::{Content, Subject},
    time::Timestamp,
};

/// The outcome of receiving a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveOutcome {
    /// It is stored, and so is the job that handles it.
    Stored,
    /// It was stored before with the same content. Nothing was changed.
    Known,
    /// Another event was reported with this id before. Nothing was changed.
    Contradicted,
    /// Its conversation id cannot be used: another conversation has it, or a deleted one had it; it
    /// is reserved for another booking; or the booking has a conversation or a reservation with
    /// another id. Nothing was changed.
    ConversationIdTaken,
}

/// The most bookings per lookup.
pub const BOOKINGS_ASKED_MAX: usize = 100;

/// The conversation of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationOfBooking {
    /// The booking.
    pub appointment: AppointmentId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// How it stands.
    pub status: Status,
    /// When its newest message was posted.
    pub last_message_at: Timestamp,
}

/// A pending event, and the state of its booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAppointmentEvent {
    /// The event.
    pub event: AppointmentEvent,
    /// The salon's conversation about the booking, if there is one.
    pub conversation: Option<BookingConversation>,
    /// The requested conversation id, if it is still free; `None` when none was requested, or when
    /// a conversation has or had it.
    pub free_id: Option<ConversationId>,
    /// The newest handled event of this booking that [affects
    /// it](super::AppointmentEventKind::affects_booking).
    pub newest_handled: Option<NewestHandled>,
}

/// See [`PendingAppointmentEvent::conversation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingConversation {
    /// Its id.
    pub id: ConversationId,
    /// Its participants.
    pub parties: Parties,
    /// Its subject.
    pub subject: Option<Subject>,
}

/// See [`PendingAppointmentEvent::newest_handled`]. Events are ordered by `occurred_at`, then by
/// id, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestHandled {
    /// Its id.
    pub event: AppointmentEventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether it cancelled the booking.
    pub cancelled: bool,
}

/// What an event changes, atomically.
#[derive(Clone, Debug)]
pub struct ApplyAppointmentEvent {
    /// The event.
    pub event: AppointmentEventId,
    /// The change of its conversation; `None`: no change.
    pub change: Option<AppointmentChange>,
    /// The time of the change.
    pub at: Timestamp,
}

/// What an event changes in its conversation.
#[derive(Clone, Debug)]
pub struct AppointmentChange {
    /// The conversation.
    pub target: NoticeTarget,
    /// The [`newest_handled`](PendingAppointmentEvent::newest_handled) on which this decision is
    /// based.
    pub newest_handled: Option<NewestHandled>,
    /// The notice, in the salon's name.
    pub notice: NewNotice,
    /// Whether the client is watching, so that the notice is read at once.
    pub read_on_arrival: bool,
    /// The old and the new generated subject; set only if the old one is still there.
    pub subject: Option<(Subject, Subject)>,
    /// The new status. The notice itself does not unarchive the conversation.
    pub status: Status,
}

/// The conversation that a notice is posted to.
#[derive(Clone, Debug)]
pub enum NoticeTarget {
    /// The existing conversation about the booking.
    In(ConversationId),
    /// A new one, without an opening message.
    New(OpenConversation),
}

/// A notice to be posted.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Its id.
    pub id: MessageId,
    /// Its data.
    pub notice: Notice,
    /// Its text.
    pub content: Content,
}

/// The outcome of applying an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppliedAppointmentEvent {
    /// It is handled.
    Applied(Vec<Event>),
    /// It was handled before, or does not exist. Nothing was changed.
    AlreadyHandled,
    /// The state of the booking has changed since the decision: its conversation was opened or
    /// deleted, or another event was handled. Nothing was changed; decide again.
    LeaseLost,
}

/// Reported booking events (D17).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AppointmentStore: Send + Sync {
    /// Stores a report, once per id, together with the job
    /// [`HandleAppointmentEvent`](crate::jobs::Task::HandleAppointmentEvent), which may run at
    /// once. A conversation id in the report is reserved for its booking, permanently; of
    /// concurrent reports for different bookings one gets it. A booking has one id at a time: that
    /// of its conversation, else the reserved one, unless a deleted conversation had it. The first
    /// name of a forgotten client is neither stored nor compared.
    async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
        at: Timestamp,
    ) -> Result<ReceiveOutcome, StoreError>;

    /// The salon's conversations about at most [`BOOKINGS_ASKED_MAX`] bookings, ordered by booking
    /// id; bookings without one are left out.
    async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError>;

    /// The event `id` unless it was handled, rejected or not; `None` when it was handled or does
    /// not exist.
    async fn pending_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError>;

    /// The oldest event, by (`occurred_at`, id), of the booking of `like` (same salon, same
    /// appointment) that was neither handled nor rejected.
    async fn first_pending_appointment_event(
        &self,
        like: &AppointmentEvent,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError>;

    /// Applies an event, once, and only if the booking is still in the state the decision was based
    /// on. Changes of one booking are serialised, also those that open its conversation. A rejected
    /// event may be applied too. Its people are in the directory.
    ///
    /// Log: `ConversationOpened` if it was opened, already with the new status, else
    /// `ConversationUpdated` if subject or status changed; `MessagePosted`; `MessagesRead` if read
    /// on arrival.
    async fn apply_appointment_event(
        &self,
        apply: &ApplyAppointmentEvent,
    ) -> Result<AppliedAppointmentEvent, StoreError>;

    /// Rejects an event that cannot be handled, so that it does not block newer ones. Does nothing
    /// when it was handled or does not exist.
    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
