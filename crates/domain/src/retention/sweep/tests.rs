use std::sync::Arc;

use super::*;
use crate::{
    conversation::{Status, event::EventKind},
    page::Window,
    retention::{RetentionPolicy, RetentionSettings, SalonRetention, store::AgePage},
    testing::{
        MemoryStore, MockConversationLog, MockRetentionStore,
        fixture::{CountingIds, FixedClock, RecordingFanout, Service, text, user},
    },
};

const DAY_MS: i64 = 86_400_000;

/// A service that deletes messages 30 days after archiving.
fn service() -> Service {
    let mut service = Service::over(Arc::new(MemoryStore::new()));
    let policy = RetentionPolicy::new(90, Some(30)).expect("good");
    let settings = RetentionSettings { policy, log_days: 90 };
    service.services = service.services.with_retention(settings);
    service
}

/// The service over `store` alone.
fn over(store: MockRetentionStore) -> Retention {
    let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
    let commits = Arc::new(MockConversationLog::new());
    Retention::new(Arc::new(store), commits, Arc::new(RecordingFanout::new()), clock, ids)
}

/// A conversation with a message of the client.
async fn conversation(service: &Service, salon: &str) -> ConversationId {
    let id = service.open(salon, "c1").await;
    send(service, &id).await;
    id
}

async fn send(service: &Service, id: &ConversationId) {
    let sent = service.messaging.send_message(id, &user("c1"), text("Bonjour")).await;
    sent.expect("the client takes part");
}

async fn run(service: &Service) -> RetentionReport {
    service.retention.run_retention(false).await.expect("the store works")
}

async fn status(service: &Service, id: &ConversationId) -> Status {
    let view = service.store.conversation(id, &user("c1")).await.expect("the store works");
    view.expect("the client takes part").conversation.status
}

#[tokio::test]
async fn a_conversation_is_archived_and_then_purged() {
    let service = service();
    let id = conversation(&service, "s1").await;
    service.fanout.take();
    service.clock.advance_millis(89 * DAY_MS);
    assert_eq!((run(&service).await.archived, status(&service, &id).await), (0, Status::Active));

    service.clock.advance_millis(DAY_MS);
    let report = run(&service).await;
    assert_eq!((report.archived, report.emptied, report.log_entries), (1, 0, 2));
    let events = service.fanout.take();
    assert!(matches!(
        events[0].kind,
        EventKind::ConversationUpdated { status: Status::Archived, .. }
    ));
    let EventKind::MessagePosted(notice) = &events[1].kind else { panic!("{events:?}") };
    assert!(notice.content.as_str().contains("90 jours"));
    assert_eq!(run(&service).await.archived, 0, "once is enough");

    service.clock.advance_millis(29 * DAY_MS);
    assert_eq!(run(&service).await.messages, 0);
    service.clock.advance_millis(DAY_MS);
    let report = run(&service).await;
    assert_eq!((report.emptied, report.messages), (1, 1));
    assert!(matches!(service.fanout.take()[0].kind, EventKind::MessageDeleted(_)));
    let unread = service.store.unread_total(&user("s1")).await.expect("the store works");
    assert_eq!(unread, 0, "what is gone waits for nobody");
}

#[tokio::test]
async fn a_message_in_time_keeps_a_conversation() {
    let service = service();
    let id = conversation(&service, "s1").await;
    service.clock.advance_millis(100 * DAY_MS);
    run(&service).await;
    service.clock.advance_millis(29 * DAY_MS);
    send(&service, &id).await;
    service.clock.advance_millis(DAY_MS);
    let report = run(&service).await;
    assert_eq!((report.archived, report.messages), (0, 0));
    assert_eq!(status(&service, &id).await, Status::Active);
}

#[tokio::test]
async fn a_dry_run_says_what_a_run_does_and_changes_nothing() {
    let service = service();
    for salon in ["s1", "s2", "s3", "s4"] {
        conversation(&service, salon).await;
    }
    let held = conversation(&service, "s5").await;
    assert!(service.retention.hold_conversation(&held).await.expect("the store works"));
    let own = SalonRetention { policy: RetentionPolicy::new(200, None).ok(), is_held: false };
    let put = service.retention.put_salon_retention(&user("s1"), own).await;
    put.expect("the store works");
    for days in [100, 40, 100] {
        service.clock.advance_millis(days * DAY_MS);
        service.fanout.take();
        let dry = service.retention.run_retention(true).await.expect("the store works");
        assert_eq!((dry.transactions, service.fanout.take()), (0, vec![]));
        let real = run(&service).await;
        let without_timing =
            |report: RetentionReport| RetentionReport { transactions: 0, longest_ms: 0, ..report };
        assert_eq!(without_timing(dry), without_timing(real), "after {days} days more");
        assert!(real.held_back == 1 && real.archived + real.messages > 0, "{real:?}");
    }
}

#[tokio::test]
async fn a_salon_s_own_policy_overrides_the_default() {
    let service = service();
    let (slow, fast) = (conversation(&service, "s1").await, conversation(&service, "s2").await);
    for (salon, days) in [("s1", 400), ("s2", 1)] {
        let own = SalonRetention { policy: RetentionPolicy::new(days, None).ok(), is_held: false };
        let put = service.retention.put_salon_retention(&user(salon), own).await;
        put.expect("the store works");
    }
    service.clock.advance_millis(2 * DAY_MS);
    assert_eq!(run(&service).await.archived, 1);
    service.clock.advance_millis(300 * DAY_MS);
    assert_eq!(run(&service).await.archived, 0);
    let both = (status(&service, &slow).await, status(&service, &fast).await);
    assert_eq!(both, (Status::Active, Status::Archived));
}

#[tokio::test]
async fn a_policy_in_the_store_overrides_the_settings() {
    let service = service();
    conversation(&service, "s1").await;
    let policy = RetentionPolicy::new(1, None).expect("good");
    service.retention.put_retention_policy(policy).await.expect("the store works");
    assert_eq!(service.retention.retention_policy().await.expect("the store works"), policy);
    service.clock.advance_millis(DAY_MS + 1_000);
    assert_eq!(run(&service).await.archived, 1);
}

#[tokio::test]
async fn the_notice_is_in_the_client_s_language() {
    let service = service();
    let id = conversation(&service, "s1").await;
    let mut client = crate::testing::fixture::client("c1");
    client.profile.language = Some(crate::participant::Language::English);
    service.add_participant(&client).await;
    service.clock.advance_millis(91 * DAY_MS);
    run(&service).await;
    let history = service.store.history(&id, &user("c1"), &Window::first(1)).await;
    let history = history.expect("the store works").expect("the client takes part");
    assert!(history.page.items[0].content.as_str().contains("90 days"));
}

#[tokio::test]
async fn a_job_leaves_the_rest_to_the_next() {
    let mut store = MockRetentionStore::new();
    let here = ConversationId::parse("t1").expect("good");
    store.expect_retention_policy().return_once(|| Ok(None));
    let next = Some(here.clone());
    store
        .expect_ages()
        .times(BATCHES_MAX as usize)
        .returning(move |_, _, _, _| Ok(AgePage { conversations: vec![], next: next.clone() }));
    let rest =
        over(store).enforce_retention(RetentionTask::Archive, None).await.expect("the store works");
    assert_eq!(rest, Some(here));
}

#[tokio::test]
async fn a_store_failure_ends_the_run() {
    let mut store = MockRetentionStore::new();
    store.expect_retention_policy().return_once(|| Ok(None));
    store.expect_trim_logs().return_once(|_| Err(StoreError::Busy("a test".into())));
    let outcome = over(store).enforce_retention(RetentionTask::TrimLog, None).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))));
}

#[tokio::test]
async fn the_clock_of_a_report_is_the_service_s() {
    let service = service();
    conversation(&service, "s1").await;
    service.clock.advance_millis(91 * DAY_MS);
    let before = service.clock.now();
    let report = run(&service).await;
    assert!(report.transactions >= 1 && report.longest_ms >= 1, "{report:?} since {before}");
}
