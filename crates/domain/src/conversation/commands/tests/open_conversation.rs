use std::sync::Arc;

use crate::{
    conversation::commands::*,
    participant::{Participant, Role},
    testing::{
        MemoryStore, MessagingMocks,
        fixture::{Service, caller, client, content, salon},
    },
};

fn with(client: &Participant) -> NewConversation {
    NewConversation {
        client: client.id.clone(),
        appointment: Some(AppointmentId::parse("rdv-1").expect("a good id")),
        subject: None,
        first_message: Some(content("hello")),
    }
}

/// The error when `initiator` opens a conversation with `other_salon`, the directory knows only `known`, and
/// the store panics if asked to open one.
async fn refused(
    known: Vec<Participant>,
    initiator: &Participant,
    other: &Participant,
) -> OpenConversationError {
    let mut mocks = MessagingMocks::new();
    mocks
        .people
        .expect_person()
        .returning(move |id| Ok(known.iter().find(|person| person.id == *id).cloned()));
    mocks.people.expect_is_forgotten().returning(|_| Ok(false));
    mocks.commits.expect_commit().never();
    let (messaging, fanout) = mocks.service();
    let opened = messaging.open_conversation(&caller(initiator), with(other)).await;
    assert_eq!(fanout.published(), []);
    opened.expect_err("this may not be opened")
}

#[tokio::test]
async fn only_the_salon_side_opens_conversations() {
    use Role::{Admin, Client, Other, Service, Trainer};
    for role in [Client, Admin, Trainer, Service, Other] {
        let initiator = Participant { role, ..salon("s1") };
        let error = refused(vec![initiator.clone(), client("c1")], &initiator, &client("c1")).await;
        assert!(matches!(error, OpenConversationError::NotASalon), "{role:?}");
    }
}

#[tokio::test]
async fn both_have_to_be_known_and_the_client_has_to_be_one() {
    let (salon, other_salon, client) = (salon("s1"), salon("s2"), client("c1"));
    let error = refused(vec![salon.clone()], &salon, &client).await;
    assert!(matches!(error, OpenConversationError::UnknownClient));
    let error = refused(vec![client.clone()], &salon, &client).await;
    assert!(matches!(error, OpenConversationError::UnknownSalon));
    for other in [&other_salon, &salon] {
        let error = refused(vec![salon.clone(), other_salon.clone()], &salon, other).await;
        assert!(matches!(error, OpenConversationError::NotAClient));
    }
}

#[tokio::test]
async fn an_opening_that_failed_is_not_published() {
    let mut mocks = MessagingMocks::new();
    mocks.people.expect_person().returning(|id| {
        let people = [salon("s1"), client("c1")];
        Ok(people.into_iter().find(|person| person.id == *id))
    });
    mocks.people.expect_is_forgotten().returning(|_| Ok(false));
    let failure = StoreError::Unavailable("a test".into());
    mocks.commits.expect_commit().return_once(|_, _, _, _| Err(failure));
    let (messaging, fanout) = mocks.service();
    let opened = messaging.open_conversation(&caller(&salon("s1")), with(&client("c1"))).await;
    assert!(matches!(opened, Err(OpenConversationError::Store(_))));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_second_opening_for_a_booking_finds_the_first_and_publishes_nothing() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.add_participant(&salon("s1")).await;
    service.add_participant(&client("c1")).await;
    let open = async || {
        let new = with(&client("c1"));
        let opened = service.messaging.open_conversation(&caller(&salon("s1")), new).await;
        opened.expect("the salon may")
    };
    let first = open().await;
    assert_eq!(service.fanout.take().len(), 2);
    assert_eq!(open().await, first);
    assert_eq!(service.fanout.take(), []);
}

#[tokio::test]
async fn nobody_opens_a_conversation_with_a_forgotten_person() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.add_participant(&salon("s1")).await;
    service.add_participant(&client("c1")).await;
    service.privacy.request_erasure(&client("c1").id).await.expect("the store works");
    let new = with(&client("c1"));
    let opened = service.messaging.open_conversation(&caller(&salon("s1")), new).await;
    assert!(matches!(opened, Err(OpenConversationError::UnknownClient)));
    assert_eq!(service.fanout.published(), []);
}
