//! Waits end, queues are bounded, and broken connections are replaced.

use domain::{
    conversation::{ledger::StatusEdit, store::LogStore},
    participant::store::ParticipantStore,
    ports::StoreError,
    testing::commands::{Commands, EditConversation},
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, now},
    waiting::{hold, until, until_waiting},
};

fn busy<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Busy(source)) => source.to_string(),
        other => panic!("should be busy: {other:?}"),
    }
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_a_long_wait_in_time() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let small = scratch.another(|settings| {
        settings.pool_connections_max = 1;
        settings.pool_waiters_max = 1;
        settings.pool_wait_ms_max = 200;
    });
    let lock = scratch.session().await;
    let table = "BEGIN; LOCK TABLE messaging.participant";
    lock.batch_execute(table).await.expect("nobody is in the way");
    let works = tokio::spawn({
        let (small, salon) = (small.clone(), conversation.salon.clone());
        async move { small.participant(&salon).await }
    });
    until_waiting(&scratch, 1).await;

    let (waits, refused) = tokio::join!(small.ping(), small.ping());
    assert_eq!(busy(waits), "no connection became free in time");
    assert_eq!(busy(refused), "too many requests wait for a connection");
    drop(lock);
    works.await.expect("no panic").expect("it was only slow");
    small.ping().await.expect("there is room again");
}

#[tokio::test]
async fn a_statement_that_waits_too_long_is_given_up() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let hasty = scratch.another(|settings| settings.statement_timeout_ms = 100);
    let lock = hold(&scratch, &conversation).await;
    let outcome =
        conversation.on(hasty.clone()).try_send_text(&conversation.client, "Bonjour").await;
    assert!(busy(outcome).contains("57014"), "query_canceled");
    drop(lock);
    conversation.on(hasty).send_text(&conversation.client, "Bonjour").await;
}

#[tokio::test]
async fn an_abandoned_change_runs_to_its_end_and_keeps_no_lock() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let lock = hold(&scratch, &conversation).await;
    let edit = EditConversation {
        conversation: conversation.id.clone(),
        by: conversation.salon.clone(),
        subject: None,
        status: Some(StatusEdit::Toggle),
        at: now(),
    };
    let store = (*scratch).clone();
    let abandoned = tokio::spawn(async move { store.edit_conversation(&edit).await });
    until_waiting(&scratch, 1).await;
    abandoned.abort();
    assert!(abandoned.await.expect_err("nobody waits for it").is_cancelled());
    drop(lock);

    let archived = "SELECT count(*) FROM messaging.conversation WHERE status = 'ARCHIVED'";
    until(async || scratch.number(archived).await == 1).await;
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    until(async || scratch.number(open).await == 0).await;
    let hasty = scratch.another(|settings| settings.statement_timeout_ms = 1_000);
    conversation.on(hasty).send_text(&conversation.client, "Bonjour").await;
}

#[tokio::test]
async fn an_abandoned_send_leaves_a_connection_that_works() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let single = scratch.another(|settings| settings.pool_connections_max = 1);
    let lock = hold(&scratch, &conversation).await;
    let abandoned = tokio::spawn({
        let conversation = conversation.on(single.clone());
        async move { conversation.send_text(&conversation.client, "Bonjour").await }
    });
    until_waiting(&scratch, 1).await;
    abandoned.abort();
    assert!(abandoned.await.expect_err("nobody waits for it").is_cancelled());
    drop(lock);
    let posted = conversation.on(single).send_text(&conversation.client, "Encore moi").await;
    assert_eq!(posted.message.seq.get(), 3, "the abandoned one is there, too");
}

#[tokio::test]
async fn connections_that_the_server_ends_are_replaced() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for _ in 0..3 {
        tokio::join!(scratch.ping_well(), scratch.ping_well(), scratch.ping_well());
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'messaging'";
        assert!(scratch.number(ended).await > 0);
        // A concurrent request may fail as retryable; no later one does.
        until(async || match scratch.ping().await {
            Ok(()) => true,
            Err(StoreError::Unavailable(_)) => false,
            Err(other) => panic!("{other:?}"),
        })
        .await;
        conversation.send_text(&conversation.client, "Bonjour").await;
    }
}

#[tokio::test]
async fn a_statement_cut_off_by_the_server_may_be_repeated() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let lock = hold(&scratch, &conversation).await;
    let cut = tokio::spawn({
        let conversation = conversation.clone();
        async move { conversation.try_send_text(&conversation.client, "Bonjour").await }
    });
    until_waiting(&scratch, 1).await;
    scratch
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'messaging'",
        )
        .await;
    let outcome = cut.await.expect("no panic");
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    drop(lock);
    until(async || scratch.ping().await.is_ok()).await;
    assert_eq!(conversation.send_text(&conversation.client, "Bonjour").await.message.seq.get(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let settings = storage_pg::Settings::new(format!("postgres://u:geheim@127.0.0.1:{port}/none"));
    let store = PgStore::new(&settings).expect("good settings");
    let outcome = store.ping().await;
    let Err(StoreError::Unavailable(source)) = outcome else { panic!("{outcome:?}") };
    assert!(!format!("{source:?} {source}").contains("geheim"));
}

impl Scratch {
    async fn ping_well(&self) {
        self.ping().await.expect(ANSWERS);
    }
}
