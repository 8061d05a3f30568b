//! What the rules of appointments ask of a store.

use async_trait::async_trait;

use super::{AppointmentEvent, notice::Notice};
use crate::{
    conversation::{Parties, Status, event::Event, store::OpenConversation},
    ids::{AppointmentEventId, AppointmentId, ConversationId, MessageId, UserId},
    ports::StoreError,
    text::{Content, Subject},
    time::Timestamp,
};

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveOutcome {
    /// It is on disk, and so is the job that handles it.
    Stored,
    /// It was reported before, in the same words. Nothing was changed.
    Known,
    /// Another event was reported under this id before. Nothing was changed.
    Contradicted,
    /// The id that it brings cannot be that of the booking's conversation: another conversation has it, or a
    /// deleted one had it; it was reserved for another booking; or the booking has a conversation of another
    /// id, or another id reserved. Nothing was changed.
    ConversationIdTaken,
}

/// The most bookings whose conversations are asked for at once.
pub const BOOKINGS_ASKED_MAX: usize = 100;

/// The conversation of a booking, for whoever shows the booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationOfBooking {
    /// Which booking.
    pub appointment: AppointmentId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// How it stands.
    pub status: Status,
    /// When something was last said there.
    pub last_message_at: Timestamp,
}

/// An event that waits to be handled, and where its booking stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAppointmentEvent {
    /// The event.
    pub event: AppointmentEvent,
    /// The salon's conversation about the booking, if there is one.
    pub conversation: Option<BookingConversation>,
    /// The id that the event brings for a new conversation; `None` when it brings none, and when a
    /// conversation has it by now, taken away or not.
    pub free_id: Option<ConversationId>,
    /// The newest event of this booking that was handled and that says whether the booking stands:
    /// everything but `Completed` and `NoShow`.
    pub newest_handled: Option<NewestHandled>,
}

/// See [`PendingAppointmentEvent::conversation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingConversation {
    /// Which.
    pub id: ConversationId,
    /// Who takes part.
    pub parties: Parties,
    /// What it is about.
    pub subject: Option<Subject>,
}

/// See [`PendingAppointmentEvent::newest_handled`]. Of two events the newer one is the one with the
/// later `occurred_at`, or at the same time the one with the greater id, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestHandled {
    /// Which.
    pub event: AppointmentEventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether it called the booking off.
    pub cancelled: bool,
}

/// What an event changes, all of it or nothing.
#[derive(Clone, Debug)]
pub struct ApplyAppointmentEvent {
    /// Which event.
    pub event: AppointmentEventId,
    /// What it does to its conversation; `None`: nothing.
    pub change: Option<AppointmentChange>,
    /// When.
    pub at: Timestamp,
}

/// What an event does to its conversation.
#[derive(Clone, Debug)]
pub struct AppointmentChange {
    /// Where.
    pub place: NoticePlace,
    /// What stood as [`newest_handled`](PendingAppointmentEvent::newest_handled) when this was
    /// decided.
    pub newest_handled: Option<NewestHandled>,
    /// What the platform says, in the salon's name.
    pub notice: NewNotice,
    /// Whether the other side is looking, so that it is read as it arrives.
    pub read_on_arrival: bool,
    /// A subject that follows the booking: the second, where the first one is still written.
    pub subject: Option<(Subject, Subject)>,
    /// The status afterwards. A notice does not bring a conversation back by itself.
    pub status: Status,
}

/// The conversation that an event speaks in.
#[derive(Clone, Debug)]
pub enum NoticePlace {
    /// The one about the booking.
    In(ConversationId),
    /// A new one, without an opening: there is none about the booking.
    New(OpenConversation),
}

/// A system message to be posted.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Its id.
    pub id: MessageId,
    /// What it means.
    pub notice: Notice,
    /// What it says.
    pub content: Content,
}

/// What came of applying an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppliedAppointmentEvent {
    /// It is handled.
    Applied(Vec<Event>),
    /// It was handled before, or there is none. Nothing was changed.
    AlreadyHandled,
    /// The booking stands elsewhere by now: its conversation was opened or deleted, or another event
    /// was handled. Nothing was changed: look again and decide anew.
    LeaseLost,
}

/// Reports about bookings (D17).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AppointmentStore: Send + Sync {
    /// Keeps a report, once for each id, together with the job
    /// [`HandleAppointmentEvent`](crate::jobs::Task::HandleAppointmentEvent), which may be done at
    /// once. An id for the conversation that it brings is reserved for its booking by that, for good: of
    /// two reports for different bookings, at the same moment too, one gets it. A booking has one id at a
    /// time: that of its conversation, else the one that was reserved, unless a deleted conversation had
    /// it. The first name of a client who was asked to be forgotten is neither stored nor compared.
    async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
        at: Timestamp,
    ) -> Result<ReceiveOutcome, StoreError>;

    /// The conversations of a salon about bookings, of those among at most [`BOOKINGS_ASKED_MAX`] that have
    /// one, in the order of the bookings' ids.
    async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError>;

    /// The event `id` if it was not handled yet, rejected or not; `None` when it was, or when there
    /// is none.
    async fn pending_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError>;

    /// The oldest event, by (`occurred_at`, then id), of the booking that `like` is about (same salon,
    /// same appointment) that was neither handled nor rejected.
    async fn first_pending_appointment_event(
        &self,
        like: &AppointmentEvent,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError>;

    /// Applies an event, once, and only while the booking stands where the change takes it to stand:
    /// changes of one booking follow one another, even those that open its conversation. A rejected
    /// event may be applied as well. The people are in the directory.
    ///
    /// Log: `ConversationOpened` when it was opened, with the status of the change at once, else
    /// `ConversationUpdated` when subject or status changed; `MessagePosted`; `MessagesRead` when it
    /// is read on arrival.
    async fn apply_appointment_event(
        &self,
        apply: &ApplyAppointmentEvent,
    ) -> Result<AppliedAppointmentEvent, StoreError>;

    /// Sets an event aside that cannot be handled, so that it holds up none behind it. Nothing happens
    /// when it was handled, or when there is none.
    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
