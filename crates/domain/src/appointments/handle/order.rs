//! Events of one booking, reported and handled in any order.

use std::sync::Arc;

use futures_util::FutureExt;
use proptest::{prelude::*, test_runner::TestCaseResult};

use super::*;
use crate::{
    appointments::AppointmentEvent,
    conversation::{ConversationView, Status},
    page::Window,
    participant::{Participant, Role},
    testing::{
        MemoryStore,
        fixture::{Service, booking_event, client, salon, user},
    },
    time::Timestamp,
};

const KINDS: [&str; 8] = [
    "requested",
    "confirmed",
    "rescheduled",
    "cancelled",
    "booked",
    "auto-confirmed",
    "completed",
    "no-show",
];

/// Polls a future that is ready at once, as with an in-memory store.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a store in memory never waits")
}

pub(super) fn service() -> Service {
    let service = Service::over(Arc::new(MemoryStore::new()));
    now(service.add_participant(&salon("s1")));
    now(service.add_participant(&client("c1")));
    // So that the events of the tests lie in the past.
    service.clock.advance_millis(86_400_000);
    service
}

/// Event `number` of the booking, at `hour` of the day, moving the appointment to `number` days
/// into March. Several may share an hour.
pub(super) fn event(number: usize, kind: usize, hour: i64) -> AppointmentEvent {
    let morning = Timestamp::parse("2026-01-05T00:00:00.000Z").expect("a time").as_millis();
    let march = Timestamp::parse("2026-03-01T12:00:00.000Z").expect("a time").as_millis();
    let at = |millis| Timestamp::from_millis(millis).expect("a time");
    let days = i64::try_from(number).expect("there are few");
    AppointmentEvent {
        occurred_at: at(morning + hour * 3_600_000),
        starts_at: at(march + days * 86_400_000),
        ..booking_event(&format!("e{number:02}"), KINDS[kind])
    }
}

pub(super) fn receive(service: &Service, event: &AppointmentEvent) {
    now(service.appointments.receive_appointment_event(event)).expect("it is the same event");
}

fn handle(service: &Service, event: &AppointmentEvent) {
    now(service.appointments.handle_appointment_event(&event.id)).expect("it can be handled");
}

fn conversations(service: &Service) -> Vec<ConversationView> {
    let page = now(service.store.conversations(&user("c1"), None, &Window::first(50)));
    page.expect("the store works").items
}

fn texts(service: &Service, view: &ConversationView) -> usize {
    let id = &view.conversation.id;
    let history = now(service.messaging.history(id, &user("c1"), &Window::first(100)));
    history.expect("the client takes part").page.items.len()
}

/// One conversation, one notice per event, and the state set by the newest event.
pub(super) fn assert_announced(service: &Service, events: &[AppointmentEvent]) -> TestCaseResult {
    let announced: Vec<_> = events.iter().filter(|event| event.kind.affects_booking()).collect();
    let Some(newest) = announced.iter().max_by_key(|event| (event.occurred_at, &event.id)) else {
        prop_assert_eq!(conversations(service), []);
        return Ok(());
    };
    let views = conversations(service);
    prop_assert_eq!(views.len(), 1);
    prop_assert_eq!(texts(service, &views[0]), announced.len());
    let cancelled = newest.kind.as_str() == "cancelled";
    let status = if cancelled { Status::Archived } else { Status::Active };
    prop_assert_eq!(views[0].conversation.status, status);
    let zone = Zone::default();
    let expected = generated_subject(newest.service, newest.starts_at, &zone);
    prop_assert_eq!(views[0].conversation.subject.as_ref(), Some(&expected));
    Ok(())
}

/// Some events, and an order in which they are reported and handled, with repetitions.
fn scenarios() -> impl Strategy<Value = (Vec<AppointmentEvent>, Vec<(bool, usize)>)> {
    let kinds = prop::collection::vec((0..KINDS.len(), 8_i64..12), 1..8);
    kinds.prop_flat_map(|kinds| {
        let events = kinds.iter().enumerate();
        let events: Vec<_> =
            events.map(|(number, (kind, hour))| event(number, *kind, *hour)).collect();
        let steps = prop::collection::vec((any::<bool>(), 0..events.len()), 0..30);
        (Just(events), steps)
    })
}

proptest! {
    #[test]
    fn whatever_the_order_each_event_is_announced_once_and_the_newest_decides((events, steps) in scenarios()) {
        let service = service();
        for (report, which) in steps {
            // Handling an unreported event is what a job on another node may look like.
            if report { receive(&service, &events[which]) } else { handle(&service, &events[which]) }
        }
        for event in &events {
            receive(&service, event);
        }
        for event in &events {
            handle(&service, event);
        }
        assert_announced(&service, &events)?;
    }
}

#[test]
fn pending_events_are_announced_in_order_whichever_job_runs_first() {
    for first in 0..3 {
        let service = service();
        let events = [event(0, 0, 9), event(1, 1, 10), event(2, 3, 11)];
        for event in events.iter().rev() {
            receive(&service, event);
        }
        handle(&service, &events[first]);
        let view = &conversations(&service)[0];
        let history =
            now(service.messaging.history(&view.conversation.id, &user("c1"), &Window::first(9)));
        let items = history.expect("the client takes part").page.items;
        let notices = items.iter().rev().filter_map(|message| message.notice.as_ref());
        let kinds: Vec<_> = notices.map(Notice::kind).collect();
        assert_eq!(kinds, ["requested", "confirmed", "cancelled"]);
    }
}

#[test]
fn a_late_event_is_announced_and_undoes_nothing() {
    let service = service();
    let (late, newest) = (event(0, 2, 9), event(1, 3, 10));
    for event in [&newest, &late] {
        receive(&service, event);
        handle(&service, event);
    }
    assert_announced(&service, &[late, newest]).expect("it holds");
}

#[test]
fn an_event_waits_for_an_older_one_that_may_still_be_handled() {
    let service = service();
    let (older, newer) = (event(0, 0, 9), event(1, 1, 10));
    let older = AppointmentEvent { client: user("c2"), ..older };
    receive(&service, &older);
    receive(&service, &newer);
    let handled = now(service.appointments.handle_appointment_event(&newer.id));
    let failure = handled.expect_err("the older one's client is not known");
    assert!(matches!(failure, JobFailure::Retry { .. }));
    assert_eq!(failure.reason(), "waits_for_an_older_event");
    assert!(conversations(&service).is_empty());

    now(service.appointments.give_up_appointment_event(&older.id)).expect("it works");
    handle(&service, &newer);
    assert_announced(&service, &[newer]).expect("it holds");
}

#[test]
fn an_event_that_cannot_be_handled_is_passed_over_until_an_operator_has_it_tried_again() {
    let service = service();
    now(service.add_participant(&Participant { role: Role::Artist, ..client("c2") }));
    let older = AppointmentEvent { client: user("c2"), ..event(0, 3, 9) };
    let newer = event(1, 1, 10);
    receive(&service, &older);
    receive(&service, &newer);
    handle(&service, &newer);
    assert_announced(&service, std::slice::from_ref(&newer)).expect("it holds");
    let again = now(service.appointments.handle_appointment_event(&older.id));
    assert_eq!(again.expect_err("nothing has changed").reason(), "not_a_client");

    // Once the person is a client, the booking still belongs to another.
    now(service.add_participant(&client("c2")));
    let again = now(service.appointments.handle_appointment_event(&older.id));
    assert_eq!(again.expect_err("the booking is known").reason(), "other_people");
    let view = conversations(&service).remove(0);
    let (id, salon) = (&view.conversation.id, user("s1"));
    now(service.messaging.delete_conversation(id, &salon)).expect("the salon may");
    handle(&service, &older);
    let theirs = now(service.store.unread_total(&user("c2"))).expect("the store works");
    assert_eq!(theirs, 1);
}
