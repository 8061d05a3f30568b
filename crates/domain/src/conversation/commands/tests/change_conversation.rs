use std::sync::Arc;

use crate::{
    conversation::commands::*,
    testing::{
        MemoryStore, MessagingMocks,
        fixture::{RecordingFanout, Service, conversation_parties, user},
    },
};

fn archive() -> ConversationChange {
    ConversationChange { status: Some(Status::Archived), ..ConversationChange::default() }
}

fn with_subject(subject: &str) -> ConversationChange {
    let subject = Subject::edit(subject).expect("it fits");
    ConversationChange { subject: Some(subject), ..ConversationChange::default() }
}

/// The service over a store that knows the participants and panics on any change.
fn read_only() -> (ConversationId, Messaging, Arc<RecordingFanout>) {
    let (id, parties) = conversation_parties("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().returning(move |_, _| Ok(Some(parties.clone())));
    mocks.commits.expect_commit().never();
    let (messaging, fanout) = mocks.service();
    (id, messaging, fanout)
}

#[tokio::test]
async fn a_client_neither_archives_nor_deletes_and_the_store_is_not_asked_to() {
    use ChangeConversationError::NotForThisSide;
    let (id, messaging, fanout) = read_only();
    let client = user("c1");

    let changed = messaging.change_conversation(&id, &client, archive()).await;
    assert!(matches!(changed, Err(NotForThisSide(Action::ChangeStatus))));
    let toggled = messaging.toggle_archived(&id, &client).await;
    assert!(matches!(toggled, Err(NotForThisSide(Action::Archive))));
    let deleted = messaging.delete_conversation(&id, &client).await;
    assert!(matches!(deleted, Err(NotForThisSide(Action::Delete))));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_stranger_learns_nothing_and_the_store_is_not_asked_to_change() {
    use ChangeConversationError::Unknown;
    let (id, messaging, fanout) = read_only();
    let stranger = user("x");

    let changed = messaging.change_conversation(&id, &stranger, archive()).await;
    assert!(matches!(changed, Err(Unknown)));
    let named = messaging.change_conversation(&id, &stranger, with_subject("Bras")).await;
    assert!(matches!(named, Err(Unknown)));
    let toggled = messaging.toggle_archived(&id, &stranger).await;
    assert!(matches!(toggled, Err(Unknown)));
    let deleted = messaging.delete_conversation(&id, &stranger).await;
    assert!(matches!(deleted, Err(Unknown)));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_client_who_sets_subject_and_status_at_once_changes_neither() {
    let (id, messaging, _) = read_only();
    let both = ConversationChange { status: Some(Status::Archived), ..with_subject("Bras") };
    let changed = messaging.change_conversation(&id, &user("c1"), both).await;
    assert!(matches!(changed, Err(ChangeConversationError::NotForThisSide(_))));
}

#[tokio::test]
async fn a_change_that_failed_is_not_published() {
    let (id, parties) = conversation_parties("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().returning(move |_, _| Ok(Some(parties.clone())));
    let failure = || StoreError::Unavailable("a test".into());
    mocks.commits.expect_commit().times(3).returning(move |_, _, _, _| Err(failure()));
    let (messaging, fanout) = mocks.service();

    let salon = user("s1");
    let changed = messaging.change_conversation(&id, &salon, archive()).await;
    assert!(matches!(changed, Err(ChangeConversationError::Store(_))));
    let toggled = messaging.toggle_archived(&id, &salon).await;
    assert!(matches!(toggled, Err(ChangeConversationError::Store(_))));
    let deleted = messaging.delete_conversation(&id, &salon).await;
    assert!(matches!(deleted, Err(ChangeConversationError::Store(_))));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_change_is_published_and_a_no_op_is_not() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    let salon = user("s1");
    service.fanout.take();

    for events in [1, 0] {
        let changed = service.messaging.change_conversation(&id, &salon, archive()).await;
        let now = changed.expect("the salon may").conversation;
        assert_eq!(now.status, Status::Archived);
        assert_eq!(service.fanout.take().len(), events);
    }
    let named = service.messaging.change_conversation(&id, &user("c1"), with_subject("Bras")).await;
    assert!(named.expect("either side may").conversation.subject.is_some());
    service.messaging.toggle_archived(&id, &salon).await.expect("the salon may");
    service.messaging.delete_conversation(&id, &salon).await.expect("the salon may");
    assert_eq!(service.fanout.take().len(), 3);
    let view = service.messaging.conversation(&id, &salon).await;
    assert!(matches!(view, Err(FindError::Unknown)));
}
