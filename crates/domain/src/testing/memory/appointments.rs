use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{
    MemoryStore, State,
    mail::{Handling, Report},
};
use crate::{
    appointments::{
        AppointmentEvent,
        store::{AppointmentStore, ConversationOfBooking, PendingAppointmentEvent, ReceiveOutcome},
    },
    ids::{AppointmentEventId, AppointmentId, UserId},
    jobs::Task,
    ports::StoreError,
    time::Timestamp,
};

impl State {
    /// Whether the requested conversation id of `event` is not available.
    fn is_id_taken(&self, event: &AppointmentEvent) -> bool {
        let Some(requested) = &event.conversation else { return false };
        let own = (&event.salon, Some(&event.appointment));
        let about = self.about(&event.salon, &event.appointment);
        let is_elsewhere = self.by_id().into_iter().any(|record| {
            let head = record.conversation();
            let is_own = (&head.parties.salon, head.appointment.as_ref()) == own;
            head.id == *requested && !(is_own && record.is_live())
        });
        let is_reserved = self.reports.iter().any(|report| {
            let Some(reserved) = &report.event.conversation else { return false };
            if report.is_about_the_booking_of(event) {
                reserved != requested && !self.has_conversation(reserved)
            } else {
                reserved == requested
            }
        });
        is_elsewhere
            || is_reserved
            || about.is_some_and(|record| record.conversation().id != *requested)
    }
}

#[async_trait]
impl AppointmentStore for MemoryStore {
    async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
        at: Timestamp,
    ) -> Result<ReceiveOutcome, StoreError> {
        let mut state = self.state()?;
        let mut event = event.clone();
        if state.erasures.contains_key(&event.client) {
            event.client_first_name = None;
        }
        if let Some(known) = state.report(&event.id) {
            let same = known.event == event;
            return Ok(if same { ReceiveOutcome::Known } else { ReceiveOutcome::Contradicted });
        }
        if state.is_id_taken(&event) {
            return Ok(ReceiveOutcome::ConversationIdTaken);
        }
        state.jobs.enqueue(Task::HandleAppointmentEvent(event.id.clone()), at);
        state.reports.push(Report { event, state: Handling::Pending });
        Ok(ReceiveOutcome::Stored)
    }

    async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError> {
        let state = self.state()?;
        let requested: BTreeSet<_> = bookings.iter().collect();
        let found = requested.into_iter().filter_map(|booking| {
            let head = state.about(salon, booking)?.conversation();
            Some(ConversationOfBooking {
                appointment: booking.clone(),
                conversation: head.id.clone(),
                status: head.status,
                last_message_at: head.last_message_at,
            })
        });
        Ok(found.collect())
    }

    async fn pending_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        let state = self.state()?;
        let mut reports = state.reports.iter();
        let open =
            reports.find(|report| report.event.id == *id && report.state != Handling::Handled);
        Ok(open.map(|report| state.pending(&report.event)))
    }

    async fn first_pending_appointment_event(
        &self,
        like: &AppointmentEvent,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        let state = self.state()?;
        let booking = state.reports.iter().filter(|report| report.is_about_the_booking_of(like));
        let pending = booking.filter(|report| report.state == Handling::Pending);
        let first = pending.min_by_key(|report| report.event.order_key());
        Ok(first.map(|report| state.pending(&report.event)))
    }

    async fn settle_appointment_event(
        &self,
        id: &AppointmentEventId,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if let Some(report) = state.report(id) {
            report.state = Handling::Handled;
        }
        Ok(())
    }

    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let report = state.report(id).filter(|report| report.state == Handling::Pending);
        if let Some(report) = report {
            report.state = Handling::Rejected;
        }
        Ok(())
    }
}
