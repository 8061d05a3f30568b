use std::sync::Arc;

use super::*;
use crate::{
    appointments::AppointmentEvent,
    conversation::{
        Conversation, Status,
        message::{Message, MessageKind},
    },
    ids::ConversationId,
    page::Window,
    participant::{Language, Participant, Role},
    testing::{
        MemoryStore, MockAppointmentStore, MockConversationLog, MockPeople,
        fixture::{
            CountingIds, FixedClock, RecordingFanout, Service, booking_event, client, salon, user,
        },
    },
    text::Subject,
    time::{Timestamp, Zone},
};

/// A service that knows the fixture's salon and client.
async fn service() -> Service {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.add_participant(&salon("s1")).await;
    service.add_participant(&client("c1")).await;
    // So that the events of the tests lie in the past.
    service.clock.advance_millis(86_400_000);
    service
}

/// The service over these mocks alone.
pub(super) fn over(
    store: MockAppointmentStore,
    commits: MockConversationLog,
    people: MockPeople,
) -> Appointments {
    let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
    let fanout = Arc::new(RecordingFanout::new());
    Appointments::new(Arc::new(store), Arc::new(commits), Arc::new(people), fanout, clock, ids)
}

async fn receive(service: &Service, event: &AppointmentEvent) {
    let received = service.appointments.receive_appointment_event(event).await;
    received.expect("the store works");
}

async fn handle(service: &Service, event: &AppointmentEvent) -> Result<(), JobFailure> {
    service.appointments.handle_appointment_event(&event.id).await
}

/// Reports an event whose conversation id cannot be used, then reports and handles it without one.
async fn report_without_id(service: &Service, event: &AppointmentEvent) {
    let refused = service.appointments.receive_appointment_event(event).await;
    let is_taken = matches!(refused, Err(ReceiveAppointmentEventError::ConversationIdTaken));
    assert!(is_taken, "{refused:?}");
    report(service, &AppointmentEvent { conversation: None, ..event.clone() }).await;
}

/// Reports an event and handles it.
async fn report(service: &Service, event: &AppointmentEvent) {
    receive(service, event).await;
    handle(service, event).await.expect("it can be handled");
}

fn at_hour(hour: u8, id: &str, kind: &str) -> AppointmentEvent {
    let occurred_at = Timestamp::parse(&format!("2026-01-05T{hour:02}:00:00.000Z"));
    AppointmentEvent { occurred_at: occurred_at.expect("a time"), ..booking_event(id, kind) }
}

/// The conversations of the client, newest first.
async fn conversations(service: &Service) -> Vec<Conversation> {
    let page = service.store.conversations(&user("c1"), None, &Window::first(50)).await;
    page.expect("the store works").items.into_iter().map(|view| view.conversation).collect()
}

async fn conversation(service: &Service) -> Conversation {
    let mut all = conversations(service).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The messages of the only conversation, oldest first.
async fn messages(service: &Service) -> Vec<Message> {
    let id = conversation(service).await.id;
    let history = service.messaging.history(&id, &user("c1"), &Window::first(50)).await;
    let mut messages = history.expect("the client takes part").page.items;
    messages.reverse();
    messages
}

async fn texts(service: &Service) -> Vec<String> {
    let messages = messages(service).await;
    messages.iter().map(|message| message.content.as_str().to_owned()).collect()
}

fn subject(conversation: &Conversation) -> &str {
    conversation.subject.as_ref().map_or("", Subject::as_str)
}

fn reason(handled: Result<(), JobFailure>) -> (bool, &'static str) {
    let failure = handled.expect_err("it cannot be handled");
    (matches!(failure, JobFailure::Dead { .. }), failure.reason())
}

#[tokio::test]
async fn each_kind_of_event_has_its_subject_its_text_and_its_status() {
    const BOOKED: &str = "Bonjour Camille, votre rendez-vous a été confirmé ! N'hésitez pas à nous contacter pour toute question.";
    let table = [
        ("booked", BOOKED, Status::Active),
        (
            "requested",
            "Bonjour Camille, Votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question.",
            Status::Active,
        ),
        (
            "auto-confirmed",
            "Bonjour Camille, Votre rendez-vous a été confirmé automatiquement ! N'hésitez pas à nous contacter pour toute question.",
            Status::Active,
        ),
        ("confirmed", BOOKED, Status::Active),
        (
            "rescheduled",
            "Votre rendez-vous du 13/02/2026 à 14:30 a été déplacé au 14/02/2026 à 14:30.",
            Status::Active,
        ),
        ("cancelled", "Ce rendez-vous a été annulé.", Status::Archived),
    ];
    for (kind, text, status) in table {
        let service = service().await;
        let event = booking_event("e1", kind);
        report(&service, &event).await;

        let opened = conversation(&service).await;
        assert_eq!(subject(&opened), "RDV Tatouage - 14/02/2026", "{kind}");
        assert_eq!(
            (opened.status, opened.appointment.as_ref()),
            (status, Some(&event.appointment))
        );
        assert_eq!((&opened.parties.salon, &opened.parties.client), (&user("s1"), &user("c1")));
        let messages = messages(&service).await;
        let [message] = &messages[..] else { panic!("one text: {messages:?}") };
        assert_eq!((message.content.as_str(), message.kind), (text, MessageKind::System), "{kind}");
        assert_eq!(message.notice.as_ref().map(Notice::kind), Some(kind));
        assert_eq!(message.author.id, user("s1"));
        assert_eq!(service.messaging.unread_total(&user("c1")).await.expect("it works"), 1);
    }
}

#[tokio::test]
async fn what_took_place_or_did_not_is_noted_and_changes_nothing() {
    for kind in ["completed", "no-show"] {
        let service = service().await;
        report(&service, &booking_event("e1", "cancelled")).await;
        let before = conversation(&service).await;
        let event = at_hour(10, "e2", kind);
        report(&service, &event).await;
        assert_eq!(conversation(&service).await, before);
        // Nobody has to be known for it either.
        let strangers = Service::over(Arc::new(MemoryStore::new()));
        strangers.clock.advance_millis(86_400_000);
        report(&strangers, &event).await;
        assert_eq!(conversations(&strangers).await, []);
    }
}

#[tokio::test]
async fn all_events_of_a_booking_are_announced_in_one_conversation() {
    let service = service().await;
    let mut moved = at_hour(11, "e3", "rescheduled");
    moved.previous_starts_at = Some(moved.starts_at);
    moved.starts_at = Timestamp::parse("2026-07-01T22:30:00.000Z").expect("a time");
    report(&service, &at_hour(9, "e1", "requested")).await;
    report(&service, &at_hour(10, "e2", "confirmed")).await;
    assert_eq!(texts(&service).await.len(), 2, "a confirmation is announced");
    report(&service, &moved).await;
    assert_eq!(subject(&conversation(&service).await), "RDV Tatouage - 02/07/2026");
    report(&service, &at_hour(12, "e4", "cancelled")).await;
    let texts = texts(&service).await;
    assert_eq!(
        texts[2..],
        [
            "Votre rendez-vous du 14/02/2026 à 14:30 a été déplacé au 02/07/2026 à 00:30.",
            "Ce rendez-vous a été annulé.",
        ]
    );
    assert_eq!(conversation(&service).await.status, Status::Archived);
}

#[tokio::test]
async fn a_subject_that_somebody_wrote_does_not_follow_its_booking() {
    let service = service().await;
    report(&service, &at_hour(9, "e1", "booked")).await;
    let change = crate::conversation::commands::ConversationChange {
        subject: Subject::edit("Le dragon").ok(),
        status: None,
    };
    let id = conversation(&service).await.id;
    let changed = service.messaging.change_conversation(&id, &user("s1"), change).await;
    changed.expect("the salon may");
    let mut moved = at_hour(10, "e2", "rescheduled");
    moved.starts_at = Timestamp::parse("2026-03-01T09:00:00.000Z").expect("a time");
    report(&service, &moved).await;
    assert_eq!(subject(&conversation(&service).await), "Le dragon");
}

#[tokio::test]
async fn a_time_is_the_one_of_the_salon_s_clock() {
    let day = async |service: Service, zone: Option<&str>| {
        let mut event = booking_event("e1", "booked");
        event.starts_at = Timestamp::parse("2026-02-14T23:30:00.000Z").expect("a time");
        event.zone = zone.map(|zone| Zone::parse(zone).expect("a zone"));
        report(&service, &event).await;
        subject(&conversation(&service).await).to_owned()
    };
    assert_eq!(day(service().await, None).await, "RDV Tatouage - 15/02/2026");
    let mut utc_service = service().await;
    utc_service.services = utc_service.services.with_zone(Zone::parse("UTC").expect("a zone"));
    assert_eq!(day(utc_service.clone(), None).await, "RDV Tatouage - 14/02/2026");
    let mut far = salon("s1");
    far.profile.zone = Zone::parse("Asia/Tokyo").ok();
    let elsewhere = service().await;
    elsewhere.add_participant(&far).await;
    assert_eq!(day(elsewhere, None).await, "RDV Tatouage - 15/02/2026");
    let reported = service().await;
    reported.add_participant(&far).await;
    assert_eq!(day(reported, Some("America/Cayenne")).await, "RDV Tatouage - 14/02/2026");
}

#[tokio::test]
async fn a_notice_is_published_and_read_at_once_by_a_watching_client() {
    let service = service().await;
    report(&service, &at_hour(9, "e1", "booked")).await;
    assert_eq!(service.fanout.take().len(), 2);
    let id = conversation(&service).await.id;
    service.fanout.set_watching(&id, &user("c1"), true);
    report(&service, &at_hour(10, "e2", "confirmed")).await;
    assert_eq!(service.fanout.take().len(), 2, "posted and read");
    handle(&service, &at_hour(10, "e2", "confirmed")).await.expect("it is handled already");
    assert_eq!(service.fanout.take(), []);
    assert_eq!(service.messaging.unread_total(&user("c1")).await.expect("it works"), 0);
}

#[tokio::test]
async fn a_store_failure_is_retried_and_its_cause_is_logged() {
    let mut store = MockAppointmentStore::new();
    let failure = StoreError::Busy("a test".into());
    store.expect_pending_appointment_event().return_once(|_| Err(failure));
    let appointments = over(store, MockConversationLog::new(), MockPeople::new());
    let event = booking_event("e1", "booked");
    let handled = appointments.handle_appointment_event(&event.id).await;
    let Err(JobFailure::Retry { reason, cause }) = handled else { panic!("{handled:?}") };
    assert_eq!(reason, "store_failed");
    assert!(cause.expect("there is a cause").to_string().contains("busy"));
}

#[tokio::test]
async fn a_change_that_lost_its_race_is_decided_again() {
    let mut store = MockAppointmentStore::new();
    let pending = |cancelled: bool| {
        let newest_handled = cancelled.then(|| NewestHandled {
            event: at_hour(12, "e2", "cancelled").id,
            occurred_at: at_hour(12, "e2", "cancelled").occurred_at,
            cancelled,
        });
        let event = booking_event("e1", "booked");
        Ok(Some(PendingAppointmentEvent {
            event,
            conversation: None,
            free_id: None,
            newest_handled,
        }))
    };
    let mut pending_results = vec![pending(true), pending(false), pending(false)];
    store
        .expect_pending_appointment_event()
        .returning(move |_| pending_results.pop().expect("no more"));
    store.expect_first_pending_appointment_event().returning(|_| Ok(None));
    let mut people = MockPeople::new();
    people.expect_is_forgotten().returning(|_| Ok(false));
    people.expect_person().returning(|id| {
        Ok([salon("s1"), client("c1")].into_iter().find(|person| person.id == *id))
    });
    let mut commits = MockConversationLog::new();
    let (sender, committed) = std::sync::mpsc::channel();
    commits.expect_commit().times(2).returning(move |_, command, _, _| {
        let Command::Open(open) = command else { panic!("it has no conversation yet") };
        let is_first = open.handles.is_some_and(|handled| handled.newest_handled.is_none());
        sender.send(open.status).expect("the test listens");
        Ok(Err(if is_first { Refusal::BookingChanged } else { Refusal::AlreadyHandled }))
    });
    let event = booking_event("e1", "booked");
    let handled = over(store, commits, people).handle_appointment_event(&event.id).await;
    handled.expect("the second time it can");
    assert!(committed.try_iter().eq([Status::Active, Status::Archived]));
}

fn requesting(id: &str, event: AppointmentEvent) -> AppointmentEvent {
    AppointmentEvent { conversation: ConversationId::parse(id).ok(), ..event }
}

#[tokio::test]
async fn a_conversation_is_opened_under_the_id_that_the_platform_wants() {
    let service = service().await;
    report(&service, &requesting("platform-1", at_hour(9, "e1", "requested"))).await;
    let opened = conversation(&service).await;
    assert_eq!(opened.id.as_str(), "platform-1");
    // It stays the conversation's id, and no other id is reserved.
    report(&service, &requesting("platform-1", at_hour(10, "e2", "confirmed"))).await;
    report_without_id(&service, &requesting("platform-2", at_hour(11, "e3", "rescheduled"))).await;
    report(&service, &at_hour(12, "e4", "cancelled")).await;
    assert_eq!(conversation(&service).await.id, opened.id);
    assert_eq!(texts(&service).await.len(), 4);
}

#[tokio::test]
async fn an_id_that_its_booking_had_already_is_not_used_again() {
    let service = service().await;
    report(&service, &requesting("platform-1", at_hour(9, "e1", "requested"))).await;
    let id = conversation(&service).await.id;
    service.messaging.delete_conversation(&id, &user("s1")).await.expect("the salon may");
    report_without_id(&service, &requesting("platform-1", at_hour(10, "e2", "confirmed"))).await;
    assert_ne!(conversation(&service).await.id, id);
}

// The participants of an event, and their names.

#[tokio::test]
async fn a_client_is_greeted_by_the_best_name_there_is_and_in_their_language() {
    let greeting = async |reported: Option<&str>, directory_name: Option<&str>, language| {
        let service = service().await;
        let mut person = client("c1");
        person.profile.first_name = directory_name.map(str::to_owned);
        person.profile.language = language;
        service.directory.put_participants(&[person]).await.expect("it works");
        let mut event = booking_event("e1", "booked");
        event.client_first_name = reported.map(str::to_owned);
        report(&service, &event).await;
        texts(&service).await.remove(0)
    };
    assert!(greeting(Some("Cam"), Some("Camille"), None).await.starts_with("Bonjour Cam, votre "));
    assert!(greeting(None, Some("Camille"), None).await.starts_with("Bonjour Camille, votre "));
    assert!(greeting(Some(" "), Some("Camille"), None).await.starts_with("Bonjour Camille, "));
    assert!(greeting(None, None, None).await.starts_with("Bonjour, votre rendez-vous "));
    let english = greeting(Some("Cam"), None, Some(Language::English)).await;
    assert!(english.starts_with("Hello Cam, your appointment "), "{english}");
}

#[tokio::test]
async fn people_who_are_not_known_yet_are_waited_for() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let event = booking_event("e1", "booked");
    receive(&service, &event).await;
    for person in [salon("s1"), client("c1")] {
        assert_eq!(reason(handle(&service, &event).await), (false, "unknown_person"));
        service.add_participant(&person).await;
    }
    handle(&service, &event).await.expect("both are known");
    assert_eq!(texts(&service).await.len(), 1);
}

#[tokio::test]
async fn people_in_the_wrong_roles_are_refused_at_once() {
    let refused = async |salon_side: Participant, client_side: Participant| {
        let service = Service::over(Arc::new(MemoryStore::new()));
        service.add_participant(&salon_side).await;
        service.add_participant(&client_side).await;
        let event = booking_event("e1", "booked");
        receive(&service, &event).await;
        let refused = reason(handle(&service, &event).await);
        assert_eq!(conversations(&service).await, []);
        refused
    };
    let as_client = Participant { role: Role::Client, ..salon("s1") };
    let as_artist = Participant { role: Role::Artist, ..client("c1") };
    assert_eq!(refused(as_client, client("c1")).await, (true, "not_a_salon"));
    assert_eq!(refused(salon("s1"), as_artist).await, (true, "not_a_client"));
}

#[tokio::test]
async fn a_known_booking_does_not_change_its_people() {
    let service = service().await;
    service.add_participant(&client("c2")).await;
    report(&service, &at_hour(9, "e1", "booked")).await;
    let other = AppointmentEvent { client: user("c2"), ..at_hour(10, "e2", "booked") };
    receive(&service, &other).await;
    assert_eq!(reason(handle(&service, &other).await), (true, "other_people"));
    assert_eq!(texts(&service).await.len(), 1);
}

#[tokio::test]
async fn notices_go_to_the_conversation_that_the_salon_opened_for_the_booking() {
    let service = service().await;
    let event = booking_event("e1", "cancelled");
    let new = crate::conversation::commands::NewConversation {
        client: user("c1"),
        appointment: Some(event.appointment.clone()),
        subject: None,
        first_message: None,
    };
    let caller = crate::testing::fixture::caller(&salon("s1"));
    let opened = service.messaging.open_conversation(&caller, new).await.expect("a salon may");
    report(&service, &event).await;
    let now = conversation(&service).await;
    assert_eq!(
        (&now.id, &now.subject, now.status),
        (&opened.conversation.id, &None, Status::Archived)
    );
}

#[tokio::test]
async fn nothing_is_announced_to_or_for_forgotten_people() {
    for person in ["s1", "c1"] {
        let service = service().await;
        service.privacy.request_erasure(&user(person)).await.expect("it works");
        report(&service, &booking_event("e1", "cancelled")).await;
        assert_eq!(conversations(&service).await, []);
    }
}
