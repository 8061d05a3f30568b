//! The booking of a test.

use domain::{
    appointments::{
        AppointmentEvent,
        notice::{FirstName, Notice},
        store::{AppointmentStore, ReceiveOutcome},
    },
    conversation::Status,
    ids::{AppointmentId, ConversationId, MessageId},
    participant::Language,
    testing::{
        commands::{
            AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentChange, Commands, NewNotice,
            NoticeTarget,
        },
        fixture::booking_event,
    },
};
use storage_pg::PgStore;

use crate::talk::{ANSWERS, fresh_id, now, plan};

/// Reports an event of the fixture's booking.
pub(crate) async fn report(store: &PgStore, id: &str, kind: &str) -> AppointmentEvent {
    let event = booking_event(id, kind);
    let received = store.receive_appointment_event(&event, now()).await.expect(ANSWERS);
    assert_eq!(received, ReceiveOutcome::Stored);
    event
}

/// The application of an event whose notice opens a new conversation.
pub(crate) async fn opening(store: &PgStore, event: &AppointmentEvent) -> ApplyAppointmentEvent {
    let mut open = plan(store).await;
    open.appointment = AppointmentId::parse("rdv-1").ok();
    greeting(event, NoticeTarget::New(open))
}

/// The application of an event whose notice goes to the existing conversation.
pub(crate) fn greeting_in(event: &AppointmentEvent, id: &ConversationId) -> ApplyAppointmentEvent {
    greeting(event, NoticeTarget::In(id.clone()))
}

fn greeting(event: &AppointmentEvent, target: NoticeTarget) -> ApplyAppointmentEvent {
    let notice = Notice::Booked { first_name: FirstName::parse("Camille") };
    let change = AppointmentChange {
        target,
        newest_handled: None,
        notice: NewNotice {
            id: MessageId::parse(&fresh_id()).expect("a good id"),
            content: notice.text(Language::French),
            notice,
        },
        read_on_arrival: false,
        subject: None,
        status: Status::Active,
    };
    ApplyAppointmentEvent { event: event.id.clone(), change: Some(change), at: now() }
}

/// Applies an event and returns the number of events.
pub(crate) async fn apply(store: &PgStore, apply: &ApplyAppointmentEvent) -> usize {
    match store.apply_appointment_event(apply).await.expect(ANSWERS) {
        AppliedAppointmentEvent::Applied(events) => events.len(),
        other => panic!("should have been applied: {other:?}"),
    }
}
