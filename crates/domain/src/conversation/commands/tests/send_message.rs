use std::sync::Arc;

use crate::{
    conversation::commands::*,
    testing::{
        MemoryStore, MessagingMocks,
        fixture::{Service, conversation_parties, keyed, text, unread_message, user},
    },
};

fn busy() -> StoreError {
    StoreError::Busy("a test".into())
}

#[tokio::test]
async fn a_stranger_s_message_never_reaches_the_store() {
    let (id, _) = conversation_parties("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().return_once(|_, _| Ok(None));
    mocks.commits.expect_commit().never();
    let (messaging, fanout) = mocks.service();

    let sent = messaging.send_message(&id, &user("x"), text("hello")).await;
    assert!(matches!(sent, Err(SendMessageError::UnknownConversation)));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_message_that_was_not_stored_is_not_published() {
    let (id, parties) = conversation_parties("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().return_once(|_, _| Ok(Some(parties)));
    mocks.commits.expect_commit().return_once(|_, _, _, _| Err(busy()));
    let (messaging, fanout) = mocks.service();

    let sent = messaging.send_message(&id, &user("c1"), text("hello")).await;
    assert!(matches!(sent, Err(SendMessageError::Store(StoreError::Busy(_)))));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn an_unavailable_store_is_not_reported_as_an_unknown_conversation() {
    let (id, _) = conversation_parties("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().return_once(|_, _| Err(busy()));
    let (messaging, _) = mocks.service();
    let sent = messaging.send_message(&id, &user("c1"), text("hello")).await;
    assert!(matches!(sent, Err(SendMessageError::Store(_))));
}

#[tokio::test]
async fn a_message_that_the_store_refuses_is_not_published() {
    type Expected = fn(&SendMessageError) -> bool;
    let key_known = || Refusal::KeyKnown(unread_message("c1", "hello").id);
    let table: [(Refusal, Option<Message>, Expected); 5] = [
        (key_known(), Some(unread_message("c1", "other words")), |error| {
            matches!(error, SendMessageError::KeyReused)
        }),
        (key_known(), None, |error| matches!(error, SendMessageError::Withdrawn)),
        (Refusal::UnknownConversation, None, |error| {
            matches!(error, SendMessageError::UnknownConversation)
        }),
        (Refusal::UnknownUpload, None, |error| matches!(error, SendMessageError::UnknownUpload)),
        // The rules never refuse a message for this reason.
        (Refusal::NotDue, None, |error| {
            matches!(error, SendMessageError::Store(StoreError::Internal(_)))
        }),
    ];
    for (refusal, known, expected) in table {
        let (id, parties) = conversation_parties("conversation", "s1", "c1");
        let mut mocks = MessagingMocks::new();
        mocks.conversations.expect_parties().return_once(|_, _| Ok(Some(parties)));
        mocks.commits.expect_commit().return_once(|_, _, _, _| Ok(Err(refusal)));
        mocks.messages.expect_message().return_once(|_, _| Ok(known));
        let (messaging, fanout) = mocks.service();
        let sent = messaging.send_message(&id, &user("c1"), keyed("hello", "k1")).await;
        assert!(sent.as_ref().is_err_and(expected), "{sent:?}");
        assert_eq!(fanout.published(), []);
    }
}

#[tokio::test]
async fn a_message_is_published_once_it_is_stored_and_again_with_each_replay() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    service.fanout.take();

    let send = async || {
        service
            .messaging
            .send_message(&id, &user("c1"), keyed("hello", "k1"))
            .await
            .expect("the client takes part")
    };
    let first = send().await;
    let published = service.fanout.take();
    let again = send().await;
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.message, first.message);
    assert_eq!(published.len(), 1);
    assert_eq!(service.fanout.take(), published);
}

#[tokio::test]
async fn a_message_is_read_at_once_only_if_the_other_side_watches() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    let send = async || {
        let text = text("hello");
        let sent = service.messaging.send_message(&id, &user("c1"), text).await;
        sent.expect("the client takes part").message.is_read
    };
    service.fanout.set_watching(&id, &user("c1"), true);
    assert!(!send().await);
    service.fanout.set_watching(&id, &user("s1"), true);
    assert!(send().await);
    service.fanout.set_watching(&id, &user("s1"), false);
    assert!(!send().await);
}
