//! The store port of appointments.

use async_trait::async_trait;

use super::AppointmentEvent;
use crate::{
    conversation::{Parties, Status},
    ids::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    ports::StoreError,
    text::Subject,
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

    /// Marks an event as handled that changes no conversation, rejected or not. Does nothing when it
    /// was handled before or does not exist. An event that changes a conversation is handled by the
    /// [command](crate::conversation::ledger::HandledEvent), once, and only if the booking is still
    /// in the state the decision was based on: commands of one booking are decided one after another,
    /// also those that open its conversation.
    async fn settle_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Rejects an event that cannot be handled, so that it does not block newer ones. Does nothing
    /// when it was handled or does not exist.
    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
