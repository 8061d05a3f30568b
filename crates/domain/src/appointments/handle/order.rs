//! Events of one booking in whatever order they are reported and handled.

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

/// The answer of what never waits, over a store in memory.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a store in memory never waits")
}

pub(super) fn service() -> Service {
    let service = Service::over(Arc::new(MemoryStore::new()));
    now(service.note(&salon("s1")));
    now(service.note(&client("c1")));
    // What tests report has happened by now.
    service.clock.advance_millis(86_400_000);
    service
}

/// The event `number` of the booking, which happened so many hours into the day and moved the booking
/// to so many days into March. Several may happen at the same hour.
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

/// One conversation, one text for each event, and the booking stands as the newest of them says.
pub(super) fn told(service: &Service, events: &[AppointmentEvent]) -> TestCaseResult {
    let telling: Vec<_> =
        events.iter().filter(|event| event.kind.says_whether_it_stands()).collect();
    let Some(newest) = telling.iter().max_by_key(|event| (event.occurred_at, &event.id)) else {
        prop_assert_eq!(conversations(service), []);
        return Ok(());
    };
    let views = conversations(service);
    prop_assert_eq!(views.len(), 1);
    prop_assert_eq!(texts(service, &views[0]), telling.len());
    let cancelled = newest.kind.as_str() == "cancelled";
    let status = if cancelled { Status::Archived } else { Status::Active };
    prop_assert_eq!(views[0].conversation.status, status);
    let zone = Zone::default();
    let expected = generated_subject(newest.service, newest.starts_at, &zone);
    prop_assert_eq!(views[0].conversation.subject.as_ref(), Some(&expected));
    Ok(())
}

/// Some events, and an order in which they are reported and handled, with repetitions.
fn days() -> impl Strategy<Value = (Vec<AppointmentEvent>, Vec<(bool, usize)>)> {
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
    fn whatever_the_order_each_event_is_told_once_and_the_newest_decides((events, steps) in days()) {
        let service = service();
        for (report, which) in steps {
            // Handling what was not reported yet is what a job of another node may look like.
            if report { receive(&service, &events[which]) } else { handle(&service, &events[which]) }
        }
        for event in &events {
            receive(&service, event);
        }
        for event in &events {
            handle(&service, event);
        }
        told(&service, &events)?;
    }
}

#[test]
fn those_that_wait_are_told_in_their_order_whoever_s_job_comes_first() {
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
fn what_comes_late_is_told_and_undoes_nothing() {
    let service = service();
    let (late, newest) = (event(0, 2, 9), event(1, 3, 10));
    for event in [&newest, &late] {
        receive(&service, event);
        handle(&service, event);
    }
    told(&service, &[late, newest]).expect("it holds");
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
    told(&service, &[newer]).expect("it holds");
}

#[test]
fn an_event_that_cannot_be_handled_is_passed_over_until_an_operator_has_it_tried_again() {
    let service = service();
    now(service.note(&Participant { role: Role::Artist, ..client("c2") }));
    let older = AppointmentEvent { client: user("c2"), ..event(0, 3, 9) };
    let newer = event(1, 1, 10);
    receive(&service, &older);
    receive(&service, &newer);
    handle(&service, &newer);
    told(&service, std::slice::from_ref(&newer)).expect("it holds");
    let again = now(service.appointments.handle_appointment_event(&older.id));
    assert_eq!(again.expect_err("nothing has changed").reason(), "not_a_client");

    // Once the person is one, it is the booking that is another's.
    now(service.note(&client("c2")));
    let again = now(service.appointments.handle_appointment_event(&older.id));
    assert_eq!(again.expect_err("the booking is known").reason(), "other_people");
    let view = conversations(&service).remove(0);
    let (id, salon) = (&view.conversation.id, user("s1"));
    now(service.messaging.delete_conversation(id, &salon)).expect("the salon may");
    handle(&service, &older);
    let theirs = now(service.store.unread_total(&user("c2"))).expect("the store works");
    assert_eq!(theirs, 1);
}
