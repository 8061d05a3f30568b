//! Applies the platform's booking events to conversations.

#[cfg(test)]
mod order;
#[cfg(test)]
mod race;

use std::sync::Arc;

use super::{
    AppointmentEvent, AppointmentEventError, AppointmentEventKind, generated_subject, is_generated,
    notice::{FirstName, Notice},
    store::{
        AppointmentStore, BOOKINGS_ASKED_MAX, BookingConversation, ConversationOfBooking,
        NewestHandled, PendingAppointmentEvent, ReceiveOutcome,
    },
};
use crate::{
    conversation::{
        Parties, Status,
        ledger::{Command, HandledEvent, Open, PostNotice, Refusal, SystemMessage},
        store::{ConversationLog, People, impossible},
    },
    ids::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    jobs::JobFailure,
    participant::Participant,
    ports::{Clock, Fanout, Ids, StoreError},
    text::Subject,
    time::Zone,
};

/// A stored report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whether it was stored before: this was a retry.
    pub known: bool,
}

/// Why a report was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveAppointmentEventError {
    /// The event is invalid.
    #[error("this is no event")]
    Invalid(#[from] AppointmentEventError),
    /// Another event was reported with this id before.
    #[error("this id names another event")]
    Contradicted,
    /// See [`ReceiveOutcome::ConversationIdTaken`].
    #[error("this id cannot be that of the booking's conversation")]
    ConversationIdTaken,
    /// The store failed. After [`StoreError::Unavailable`] the report may have been stored or not:
    /// report it again.
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
}

/// Applies booking events to conversations. Cheap to clone.
#[derive(Clone)]
pub struct Appointments {
    store: Arc<dyn AppointmentStore>,
    commits: Arc<dyn ConversationLog>,
    people: Arc<dyn People>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    zone: Zone,
}

crate::opaque_debug!(Appointments);

impl Appointments {
    /// Creates the service with the default time zone.
    pub fn new(
        store: Arc<dyn AppointmentStore>,
        commits: Arc<dyn ConversationLog>,
        people: Arc<dyn People>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, commits, people, fanout, clock, ids, zone: Zone::default() }
    }

    /// Sets the time zone of bookings for which the platform names none.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// The salon's conversations about these bookings; bookings without one are left out. Only the
    /// first [`BOOKINGS_ASKED_MAX`] bookings are looked up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError> {
        let requested = &bookings[..bookings.len().min(BOOKINGS_ASKED_MAX)];
        self.store.conversations_of_bookings(salon, requested).await
    }

    /// Stores a report durably, once, with the job that handles it (D17). Its people need not be in
    /// the directory yet.
    ///
    /// # Errors
    /// See [`ReceiveAppointmentEventError`].
    pub async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
    ) -> Result<Received, ReceiveAppointmentEventError> {
        let now = self.clock.now();
        event.check(now)?;
        match self.store.receive_appointment_event(event, now).await? {
            ReceiveOutcome::Stored => Ok(Received { known: false }),
            ReceiveOutcome::Known => Ok(Received { known: true }),
            ReceiveOutcome::Contradicted => Err(ReceiveAppointmentEventError::Contradicted),
            ReceiveOutcome::ConversationIdTaken => {
                Err(ReceiveAppointmentEventError::ConversationIdTaken)
            }
        }
    }
}

/// Bound of one handling loop. Each iteration follows an event that was handled, here or elsewhere.
const ATTEMPTS_MAX: u32 = 1_000;

impl Appointments {
    /// Announces a booking event in its conversation, once: first the pending older events of the
    /// same booking, then this one, then the newer ones that waited for it. Does nothing if the
    /// event was handled before.
    ///
    /// # Errors
    /// [`JobFailure`]: the event is still pending, or it cannot be handled and was rejected; an
    /// operator may retry it.
    pub async fn handle_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<(), JobFailure> {
        let Some(own) = self.store.pending_appointment_event(id).await? else {
            return Ok(());
        };
        self.handle_older(&own.event).await?;
        self.handle_own(id).await?;
        self.handle_rest(&own.event).await
    }

    /// Rejects an event whose job is dead, so that it does not block newer events of its booking.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<(), StoreError> {
        self.store.reject_appointment_event(id, self.clock.now()).await
    }

    /// Skips events that cannot be handled; fails on one that may be handled later, which blocks
    /// newer events.
    async fn handle_older(&self, own: &AppointmentEvent) -> Result<(), JobFailure> {
        for _ in 0..ATTEMPTS_MAX {
            let next = self.store.first_pending_appointment_event(own).await?;
            let Some(older) = next.filter(|next| next.event.order_key() < own.order_key()) else {
                return Ok(());
            };
            match self.try_event(&older).await {
                Ok(_) | Err(JobFailure::Dead { .. }) => {}
                Err(JobFailure::Retry { cause, .. }) => {
                    return Err(JobFailure::Retry { reason: "waits_for_an_older_event", cause });
                }
                Err(postponed @ JobFailure::Postponed { .. }) => return Err(postponed),
            }
        }
        Err(JobFailure::retry("many_events"))
    }

    /// Also handles an event that was rejected before: then an operator retries it.
    async fn handle_own(&self, id: &AppointmentEventId) -> Result<(), JobFailure> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(own) = self.store.pending_appointment_event(id).await? else {
                return Ok(());
            };
            if self.try_event(&own).await? {
                return Ok(());
            }
        }
        Err(JobFailure::retry("many_events"))
    }

    /// Handles waiting newer events now instead of waiting for their own jobs. Their failures are
    /// reported by those jobs.
    async fn handle_rest(&self, own: &AppointmentEvent) -> Result<(), JobFailure> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(next) = self.store.first_pending_appointment_event(own).await? else { break };
            if let Err(JobFailure::Retry { .. }) = self.try_event(&next).await {
                break;
            }
        }
        Ok(())
    }

    /// Handles one event. Returns `false` when its booking changed at the same time.
    async fn try_event(&self, pending: &PendingAppointmentEvent) -> Result<bool, JobFailure> {
        let decided = self.decide(pending).await;
        if let Err(JobFailure::Dead { .. }) = &decided {
            self.store.reject_appointment_event(&pending.event.id, self.clock.now()).await?;
        }
        if let Some(decision) = decided? {
            return self.commit(decision).await;
        }
        self.store.settle_appointment_event(&pending.event.id, self.clock.now()).await?;
        Ok(true)
    }

    async fn commit(&self, decision: Decision) -> Result<bool, JobFailure> {
        let Decision { conversation, command } = decision;
        let (at, fanout) = (self.clock.now(), self.fanout.clone());
        match self.commits.commit(&conversation, command, at, fanout).await? {
            Ok(_) | Err(Refusal::AlreadyHandled) => Ok(true),
            // The conversation was opened or deleted, another event was handled, or somebody asked to be
            // forgotten.
            Err(
                Refusal::BookingChanged
                | Refusal::AlreadyOpen(_)
                | Refusal::UnknownConversation
                | Refusal::UnknownPerson,
            ) => Ok(false),
            Err(
                refusal @ (Refusal::KeyKnown(_)
                | Refusal::UnknownUpload
                | Refusal::UnknownMessage
                | Refusal::NotDue),
            ) => Err(impossible(refusal).into()),
        }
    }
}

// Deciding what an event changes.

/// What an event changes.
struct Decision {
    conversation: ConversationId,
    command: Command,
}

/// The participants of an event.
struct Participants {
    salon: Participant,
    client: Participant,
}

impl Appointments {
    /// `None`: the event changes nothing.
    async fn decide(
        &self,
        pending: &PendingAppointmentEvent,
    ) -> Result<Option<Decision>, JobFailure> {
        let event = &pending.event;
        if !event.kind.affects_booking() || self.is_forgotten(event).await? {
            return Ok(None);
        }
        let people = self.people(event).await?;
        if let Some(known) = &pending.conversation
            && known.parties != parties(event)
        {
            return Err(JobFailure::dead("other_people"));
        }
        let zone = event.zone.clone().or_else(|| people.salon.profile.zone.clone());
        let zone = zone.unwrap_or_else(|| self.zone.clone());
        let Some(notice) = notice(event, &people.client, &zone) else { return Ok(None) };
        let subject = generated_subject(event.service, event.starts_at, &zone);
        let content = notice.text(people.client.profile.language.unwrap_or_default());
        let message = SystemMessage { id: self.ids.next().into(), content, notice: Some(notice) };
        Ok(Some(self.command(pending, message, subject)))
    }

    /// The command that announces an event.
    fn command(
        &self,
        pending: &PendingAppointmentEvent,
        message: SystemMessage,
        subject: Subject,
    ) -> Decision {
        let PendingAppointmentEvent { event, newest_handled, .. } = pending;
        let handles =
            Some(HandledEvent { event: event.id.clone(), newest_handled: newest_handled.clone() });
        let status = status_after(pending);
        if let Some(known) = &pending.conversation {
            let notice = PostNotice {
                message,
                status,
                subject: updated_subject(pending, &subject),
                handles,
            };
            let command = Command::PostNotice(notice);
            return Decision { conversation: known.id.clone(), command };
        }
        let conversation = pending.free_id.clone().unwrap_or_else(|| self.ids.next().into());
        let open = Open {
            parties: parties(event),
            appointment: Some(event.appointment.clone()),
            subject: Some(subject),
            status,
            message: Some(message),
            handles,
        };
        Decision { conversation, command: Command::Open(open) }
    }

    async fn people(&self, event: &AppointmentEvent) -> Result<Participants, JobFailure> {
        let salon = self.people.person(&event.salon).await?;
        let client = self.people.person(&event.client).await?;
        let (Some(salon), Some(client)) = (salon, client) else {
            return Err(JobFailure::retry("unknown_person"));
        };
        if !salon.role.takes_salon_side() {
            return Err(JobFailure::dead("not_a_salon"));
        }
        if !client.role.takes_client_side() {
            return Err(JobFailure::dead("not_a_client"));
        }
        Ok(Participants { salon, client })
    }

    /// Whether either participant asked to be forgotten.
    async fn is_forgotten(&self, event: &AppointmentEvent) -> Result<bool, StoreError> {
        Ok(self.people.is_forgotten(&event.salon).await?
            || self.people.is_forgotten(&event.client).await?)
    }
}

fn parties(event: &AppointmentEvent) -> Parties {
    Parties { salon: event.salon.clone(), client: event.client.clone() }
}

/// The notice for an event, if its kind has one.
fn notice(event: &AppointmentEvent, client: &Participant, zone: &Zone) -> Option<Notice> {
    let reported = event.client_first_name.as_deref().and_then(FirstName::parse);
    let known = client.profile.first_name.as_deref();
    let first_name = reported.or_else(|| known.and_then(FirstName::parse));
    match event.kind {
        AppointmentEventKind::Booked => Some(Notice::Booked { first_name }),
        AppointmentEventKind::Requested => Some(Notice::Requested { first_name }),
        AppointmentEventKind::AutoConfirmed => Some(Notice::AutoConfirmed { first_name }),
        AppointmentEventKind::Confirmed => Some(Notice::Confirmed { first_name }),
        AppointmentEventKind::Rescheduled => Some(Notice::Rescheduled {
            from: event.previous_starts_at,
            to: event.starts_at,
            zone: zone.clone(),
        }),
        AppointmentEventKind::Cancelled => Some(Notice::Cancelled),
        AppointmentEventKind::Completed | AppointmentEventKind::NoShow => None,
    }
}

/// The newer event of the booking that was handled already, if any; a late event does not undo it.
fn newer_handled(pending: &PendingAppointmentEvent) -> Option<&NewestHandled> {
    let own = pending.event.order_key();
    pending.newest_handled.as_ref().filter(|newest| (newest.occurred_at, &newest.event) > own)
}

fn status_after(pending: &PendingAppointmentEvent) -> Status {
    let own = pending.event.kind == AppointmentEventKind::Cancelled;
    if newer_handled(pending).map_or(own, |newest| newest.cancelled) {
        Status::Archived
    } else {
        Status::Active
    }
}

/// A generated subject follows its booking. A subject chosen by hand stays, and so does a missing
/// one.
fn updated_subject(
    pending: &PendingAppointmentEvent,
    subject: &Subject,
) -> Option<(Subject, Subject)> {
    let BookingConversation { subject: old, .. } = pending.conversation.as_ref()?;
    let old = old.as_ref().filter(|old| is_generated(old) && *old != subject)?;
    newer_handled(pending).is_none().then(|| (old.clone(), subject.clone()))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod receive_appointment_event_tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{
        MemoryStore, MockAppointmentStore, MockConversationLog, MockPeople,
        fixture::{Service, booking_event},
    };

    #[tokio::test]
    async fn an_invalid_event_never_reaches_the_store() {
        let mut store = MockAppointmentStore::new();
        store.expect_receive_appointment_event().never();
        let appointments = tests::over(store, MockConversationLog::new(), MockPeople::new());
        let mut event = booking_event("e1", "booked");
        event.client_first_name = Some("a\nb".to_owned());
        let received = appointments.receive_appointment_event(&event).await;
        assert!(matches!(received, Err(ReceiveAppointmentEventError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_repeated_report_is_known_and_another_under_its_id_is_refused() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let event = booking_event("e1", "booked");
        let report = async |event| service.appointments.receive_appointment_event(event).await;
        assert!(matches!(report(&event).await, Ok(Received { known: false })));
        assert!(matches!(report(&event).await, Ok(Received { known: true })));
        let other = booking_event("e1", "cancelled");
        let contradicted = report(&other).await;
        assert!(matches!(contradicted, Err(ReceiveAppointmentEventError::Contradicted)));
    }
}
