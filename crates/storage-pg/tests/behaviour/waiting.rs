//! Blocking sessions, and waiting for blocked ones.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet};
use tokio_postgres::Client;

use crate::{support::Scratch, talk::TestConversation};

/// Holds the row lock of a conversation until the session is dropped.
pub(crate) async fn hold(scratch: &Scratch, conversation: &TestConversation) -> Client {
    let session = scratch.session().await;
    let lock =
        format!("SELECT FROM messaging.conversation WHERE id = '{}' FOR UPDATE", conversation.id);
    session.batch_execute(&format!("BEGIN; {lock}")).await.expect("nobody else holds it");
    session
}

/// Waits until `sessions` sessions of the store wait for a lock.
pub(crate) async fn until_waiting(scratch: &Scratch, sessions: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'messaging' AND wait_event_type = 'Lock'";
    until(async || scratch.number(waiting).await == sessions).await;
}

/// Polls a condition, and fails after a while.
pub(crate) async fn until(is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to that");
    }
}

/// Runs `count` of `work` concurrently.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (start, work) = (Arc::clone(&start), work(number));
        tasks.spawn(async move {
            start.wait().await;
            work.await
        });
    }
    tasks.join_all().await
}
