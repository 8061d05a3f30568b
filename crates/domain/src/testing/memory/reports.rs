use super::state::State;
use crate::{
    appointment::{AppointmentEvent, AppointmentEventKind},
    id::AppointmentEventId,
    ports::{BookingConversation, NewestHandled, PendingAppointmentEvent},
};

/// A report, and what became of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) event: AppointmentEvent,
    pub(super) state: Handling,
}

#[derive(Debug, PartialEq)]
pub(super) enum Handling {
    Pending,
    Rejected,
    Handled,
}

impl Report {
    pub(super) fn is_about_the_booking_of(&self, event: &AppointmentEvent) -> bool {
        self.event.salon == event.salon && self.event.appointment == event.appointment
    }

    /// See [`PendingAppointmentEvent::newest_handled`].
    fn says_whether_it_stands(&self) -> bool {
        self.state == Handling::Handled && self.event.kind.says_whether_it_stands()
    }
}

impl State {
    pub(super) fn report(&mut self, id: &AppointmentEventId) -> Option<&mut Report> {
        self.reports.iter_mut().find(|report| report.event.id == *id)
    }

    pub(super) fn newest_handled(&self, event: &AppointmentEvent) -> Option<NewestHandled> {
        let booking = self.reports.iter().filter(|report| report.is_about_the_booking_of(event));
        let handled = booking.filter(|report| report.says_whether_it_stands());
        handled.max_by_key(|report| report.event.place()).map(|report| NewestHandled {
            event: report.event.id.clone(),
            occurred_at: report.event.occurred_at,
            cancelled: report.event.kind == AppointmentEventKind::Cancelled,
        })
    }

    pub(super) fn pending(&self, event: &AppointmentEvent) -> PendingAppointmentEvent {
        let about = self.about(&event.salon, &event.appointment).map(|record| &record.head);
        PendingAppointmentEvent {
            event: event.clone(),
            conversation: about.map(|head| BookingConversation {
                id: head.id.clone(),
                parties: head.parties.clone(),
                subject: head.subject.clone(),
            }),
            free_id: event.conversation.clone().filter(|id| !self.has_conversation(id)),
            newest_handled: self.newest_handled(event),
        }
    }
}
