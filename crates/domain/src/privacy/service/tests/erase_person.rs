use std::sync::Arc;

use crate::{
    conversation::event::EventKind,
    privacy::service::*,
    testing::{
        MemoryStore, MockErasureStore, MockExportStore,
        fixture::{CountingIds, FixedClock, Service, SilentFanout, text, user},
    },
};

#[tokio::test]
async fn those_they_talked_with_are_told_what_is_gone() {
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

    let told = service.fanout.take();
    let gone = told.iter().filter_map(|event| match &event.kind {
        EventKind::MessageDeleted(id) => Some(id.clone()),
        _ => None,
    });
    let mut gone: Vec<_> = gone.collect();
    gone.sort();
    assert_eq!(gone, expected);
    let put_away = |event: &&crate::conversation::event::Event| {
        matches!(event.kind, EventKind::ConversationUpdated { .. })
    };
    assert_eq!(told.iter().filter(put_away).count(), 2);
    let receipt = service.privacy.erasure(&person).await.expect("it works");
    assert!(receipt.is_some_and(|receipt| receipt.finished_at.is_some()));
    service.privacy.erase_person(&person).await.expect("there is nothing left to do");
    assert_eq!(service.fanout.take(), []);
}

#[tokio::test]
async fn nothing_is_done_to_who_did_not_ask_for_it() {
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
async fn what_failed_is_told_to_nobody_and_tried_again() {
    let mut store = MockErasureStore::new();
    let (id, _) = crate::testing::fixture::talk("conversation", "s1", "c1");
    store.expect_next_to_erase().return_once(move |_| Ok(Some(id)));
    store.expect_erase_in().return_once(|_| Err(StoreError::Busy("a test".into())));
    store.expect_finish_erasure().never();
    let fanout = Arc::new(SilentFanout::new());
    let privacy = Privacy::new(
        Arc::new(store),
        Arc::new(MockExportStore::new()),
        fanout.clone(),
        Arc::new(FixedClock::ticking()),
        Arc::new(CountingIds::new()),
    );
    let erased = privacy.erase_person(&user("c1")).await;
    assert!(matches!(erased, Err(JobFailure::Retry { .. })));
    assert_eq!(fanout.published(), []);
}
