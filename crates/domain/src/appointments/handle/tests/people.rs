//! The participants of an event, and their names.

use super::*;
use crate::participant::{Language, Participant, Role};

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
