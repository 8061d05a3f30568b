use std::sync::Arc;

use mockall::Sequence;

use crate::{
    conversation::{
        event::EventKind,
        ledger::{Changes, PerSide},
        store::Committed,
    },
    privacy::service::*,
    testing::{
        MemoryStore, MockConversationLog, MockErasureStore, MockExportStore, MockSessionEndStore,
        fixture::{CountingIds, FixedClock, RecordingFanout, Service, text, user},
    },
    time::Timestamp,
};

#[tokio::test]
async fn the_deletions_are_published_to_the_other_participants() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let mut expected = vec![];
    for salon in ["s1", "s2"] {
        let id = service.open(salon, "c1").await;
        let sent = service.messaging.send_message(&id, &user("c1"), text("Bonjour")).await;
        expected.push(sent.expect("the client takes part").message.id.clone());
    }
    service.fanout.take();
    let person = user("c1");
    service.privacy.request_erasure(&person).await.expect("the store works");
    service.privacy.erase_person(&person).await.expect("the store works");

    let events = service.fanout.take();
    let deleted = events.iter().filter_map(|event| match &event.kind {
        EventKind::MessageDeleted(id) => Some(id.clone()),
        _ => None,
    });
    let mut deleted: Vec<_> = deleted.collect();
    deleted.sort();
    assert_eq!(deleted, expected);
    let archived = |event: &&crate::conversation::event::Event| {
        matches!(event.kind, EventKind::ConversationUpdated { .. })
    };
    assert_eq!(events.iter().filter(archived).count(), 2);
    let receipt = service.privacy.erasure(&person).await.expect("it works");
    assert!(receipt.is_some_and(|receipt| receipt.finished_at.is_some()));
    service.privacy.erase_person(&person).await.expect("there is nothing left to do");
    assert_eq!(service.fanout.take(), []);
}

#[tokio::test]
async fn nobody_is_erased_without_a_request() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    let sent = service.messaging.send_message(&id, &user("c1"), text("Bonjour")).await;
    sent.expect("the client takes part");
    service.fanout.take();
    service.privacy.erase_person(&user("c1")).await.expect("the store works");
    assert_eq!(service.fanout.take(), []);
    assert_eq!(service.privacy.erasure(&user("c1")).await.expect("it works"), None);
}

#[tokio::test]
async fn a_failed_deletion_is_not_published_and_retried() {
    let mut store = MockErasureStore::new();
    let (id, _) = crate::testing::fixture::conversation_parties("conversation", "s1", "c1");
    store.expect_next_to_erase().return_once(move |_| Ok(Some(id)));
    store.expect_finish_erasure().never();
    let mut commits = MockConversationLog::new();
    commits.expect_commit().return_once(|_, _, _, _| Err(StoreError::Busy("a test".into())));
    let fanout = Arc::new(RecordingFanout::new());
    let privacy = Privacy::new(
        Arc::new(store),
        Arc::new(commits),
        Arc::new(MockExportStore::new()),
        Arc::new(MockSessionEndStore::new()),
        fanout.clone(),
        Arc::new(FixedClock::ticking()),
        Arc::new(CountingIds::new()),
    );
    let erased = privacy.erase_person(&user("c1")).await;
    assert!(matches!(erased, Err(JobFailure::Retry { .. })));
    assert_eq!(fanout.published(), []);
}

/// A change that was decided before the request may be committed after its erasure found nothing more.
#[tokio::test]
async fn an_erasure_goes_on_until_its_receipt_is_complete() {
    let receipt = |finished_at| Erasure {
        person: user("c1"),
        requested_at: Timestamp::UNIX_EPOCH,
        finished_at,
        conversations: 0,
        messages: 0,
        files: 0,
    };
    let mut store = MockErasureStore::new();
    let mut turns = Sequence::new();
    let (id, parties) = crate::testing::fixture::conversation_parties("conversation", "s1", "c1");
    let (unfinished, finished) = (receipt(None), receipt(Some(Timestamp::UNIX_EPOCH)));
    store.expect_next_to_erase().once().in_sequence(&mut turns).return_once(|_| Ok(None));
    let finish = store.expect_finish_erasure().once().in_sequence(&mut turns);
    finish.return_once(|_, _| Ok(Some(unfinished)));
    store.expect_next_to_erase().once().in_sequence(&mut turns).return_once(|_| Ok(Some(id)));
    store.expect_next_to_erase().once().in_sequence(&mut turns).return_once(|_| Ok(None));
    let finish = store.expect_finish_erasure().once().in_sequence(&mut turns);
    finish.return_once(|_, _| Ok(Some(finished)));
    let mut commits = MockConversationLog::new();
    let (unread, changes) = (PerSide::default(), Changes::default());
    let committed = Committed { parties, unread, changes, files: 0 };
    commits.expect_commit().once().return_once(|_, _, _, _| Ok(Ok(committed)));
    let privacy = Privacy::new(
        Arc::new(store),
        Arc::new(commits),
        Arc::new(MockExportStore::new()),
        Arc::new(MockSessionEndStore::new()),
        Arc::new(RecordingFanout::new()),
        Arc::new(FixedClock::ticking()),
        Arc::new(CountingIds::new()),
    );
    privacy.erase_person(&user("c1")).await.expect("it ends");
}
