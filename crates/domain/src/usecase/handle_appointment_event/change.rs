//! What an event changes, decided from where its booking stands.

use super::Messaging;
use crate::{
    appointment::{AppointmentEvent, AppointmentEventKind, generated_subject, is_generated},
    conversation::{Parties, Status},
    id::UserId,
    job::JobFailure,
    notice::{FirstName, Notice},
    participant::Participant,
    ports::{
        AppointmentChange, BookingConversation, NewNotice, NewestHandled, NoticePlace,
        OpenConversation, PendingAppointmentEvent, StoreError,
    },
    text::Subject,
    zone::Zone,
};

/// What an event changes, and whose eyes may be on it.
pub(super) struct Decision {
    pub(super) change: AppointmentChange,
    pub(super) client: UserId,
}

/// The two whom an event is about.
struct People {
    salon: Participant,
    client: Participant,
}

impl Messaging {
    /// `None`: the event changes nothing.
    pub(super) async fn decide(
        &self,
        pending: &PendingAppointmentEvent,
    ) -> Result<Option<Decision>, JobFailure> {
        let event = &pending.event;
        if !event.kind.says_whether_it_stands() || self.is_forgotten(event).await? {
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
        let change = AppointmentChange {
            subject: following(pending, &subject),
            place: self.place(pending, subject),
            newest_handled: pending.newest_handled.clone(),
            notice: NewNotice { id: self.ids.next().into(), notice, content },
            read_on_arrival: false,
            status: status_after(pending),
        };
        Ok(Some(Decision { change, client: event.client.clone() }))
    }

    async fn people(&self, event: &AppointmentEvent) -> Result<People, JobFailure> {
        let salon = self.store.participant(&event.salon).await?;
        let client = self.store.participant(&event.client).await?;
        let (Some(salon), Some(client)) = (salon, client) else {
            return Err(JobFailure::retry("unknown_person"));
        };
        if !salon.role.takes_salon_side() {
            return Err(JobFailure::dead("not_a_salon"));
        }
        if !client.role.takes_client_side() {
            return Err(JobFailure::dead("not_a_client"));
        }
        Ok(People { salon, client })
    }

    /// Whether there is nobody left to speak to, or in whose name.
    async fn is_forgotten(&self, event: &AppointmentEvent) -> Result<bool, StoreError> {
        Ok(self.store.erasure(&event.salon).await?.is_some()
            || self.store.erasure(&event.client).await?.is_some())
    }

    fn place(&self, pending: &PendingAppointmentEvent, subject: Subject) -> NoticePlace {
        if let Some(known) = &pending.conversation {
            return NoticePlace::In(known.id.clone());
        }
        NoticePlace::New(OpenConversation {
            id: pending.free_id.clone().unwrap_or_else(|| self.ids.next().into()),
            parties: parties(&pending.event),
            appointment: Some(pending.event.appointment.clone()),
            subject: Some(subject),
            opening: None,
            at: self.clock.now(),
        })
    }
}

fn parties(event: &AppointmentEvent) -> Parties {
    Parties { salon: event.salon.clone(), client: event.client.clone() }
}

/// What is said of an event; `None` when nothing is.
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

/// Something newer that was handled already; what came late undoes nothing of it.
fn newer(pending: &PendingAppointmentEvent) -> Option<&NewestHandled> {
    let own = pending.event.place();
    pending.newest_handled.as_ref().filter(|newest| (newest.occurred_at, &newest.event) > own)
}

fn status_after(pending: &PendingAppointmentEvent) -> Status {
    let own = pending.event.kind == AppointmentEventKind::Cancelled;
    if newer(pending).map_or(own, |newest| newest.cancelled) {
        Status::Archived
    } else {
        Status::Active
    }
}

/// A generated subject follows its booking. One that somebody wrote stays, and so does none at all.
fn following(pending: &PendingAppointmentEvent, subject: &Subject) -> Option<(Subject, Subject)> {
    let BookingConversation { subject: old, .. } = pending.conversation.as_ref()?;
    let old = old.as_ref().filter(|old| is_generated(old) && *old != subject)?;
    newer(pending).is_none().then(|| (old.clone(), subject.clone()))
}
