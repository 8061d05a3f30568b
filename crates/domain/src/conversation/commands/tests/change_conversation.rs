use std::sync::Arc;

use crate::{
    conversation::commands::*,
    testing::{
        MemoryStore, MessagingMocks,
        fixture::{Service, SilentFanout, talk, user},
    },
};

fn archive() -> ConversationChange {
    ConversationChange { status: Some(Status::Archived), ..ConversationChange::default() }
}

fn naming(subject: &str) -> ConversationChange {
    let subject = Subject::edit(subject).expect("it fits");
    ConversationChange { subject: Some(subject), ..ConversationChange::default() }
}

/// The service over a store that knows who takes part, and panics when it is asked to change
/// anything.
fn untouchable() -> (ConversationId, Messaging, Arc<SilentFanout>) {
    let (id, parties) = talk("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    mocks.conversations.expect_parties().returning(move |_| Ok(Some(parties.clone())));
    mocks.conversations.expect_edit_conversation().never();
    mocks.conversations.expect_delete_conversation().never();
    let (messaging, fanout) = mocks.service();
    (id, messaging, fanout)
}

#[tokio::test]
async fn a_client_neither_archives_nor_deletes_and_the_store_is_not_asked_to() {
    use ChangeConversationError::NotForThisSide;
    let (id, messaging, fanout) = untouchable();
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
    let (id, messaging, fanout) = untouchable();
    let stranger = user("x");

    let changed = messaging.change_conversation(&id, &stranger, archive()).await;
    assert!(matches!(changed, Err(Unknown)));
    let named = messaging.change_conversation(&id, &stranger, naming("Bras")).await;
    assert!(matches!(named, Err(Unknown)));
    let toggled = messaging.toggle_archived(&id, &stranger).await;
    assert!(matches!(toggled, Err(Unknown)));
    let deleted = messaging.delete_conversation(&id, &stranger).await;
    assert!(matches!(deleted, Err(Unknown)));
    assert_eq!(fanout.published(), []);
}

#[tokio::test]
async fn a_client_who_names_and_archives_in_one_go_does_neither() {
    let (id, messaging, _) = untouchable();
    let both = ConversationChange { status: Some(Status::Archived), ..naming("Bras") };
    let changed = messaging.change_conversation(&id, &user("c1"), both).await;
    assert!(matches!(changed, Err(ChangeConversationError::NotForThisSide(_))));
}

#[tokio::test]
async fn a_change_that_failed_is_told_to_nobody() {
    let (id, parties) = talk("conversation", "s1", "c1");
    let mut mocks = MessagingMocks::new();
    let store = &mut mocks.conversations;
    store.expect_parties().returning(move |_| Ok(Some(parties.clone())));
    let failure = || StoreError::Unavailable("a test".into());
    store.expect_edit_conversation().times(2).returning(move |_| Err(failure()));
    store.expect_delete_conversation().times(1).returning(move |_, _, _| Err(failure()));
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
async fn what_changed_is_told_and_what_did_not_is_not() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    let salon = user("s1");
    service.fanout.take();

    for told in [1, 0] {
        let changed = service.messaging.change_conversation(&id, &salon, archive()).await;
        let now = changed.expect("the salon may").conversation;
        assert_eq!(now.status, Status::Archived);
        assert_eq!(service.fanout.take().len(), told);
    }
    let named = service.messaging.change_conversation(&id, &user("c1"), naming("Bras")).await;
    assert!(named.expect("either side may").conversation.subject.is_some());
    service.messaging.toggle_archived(&id, &salon).await.expect("the salon may");
    service.messaging.delete_conversation(&id, &salon).await.expect("the salon may");
    assert_eq!(service.fanout.take().len(), 3);
    let view = service.messaging.conversation(&id, &salon).await;
    assert!(matches!(view, Err(FindError::Unknown)));
}
