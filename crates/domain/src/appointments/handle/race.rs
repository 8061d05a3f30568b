//! Several handlers of the events of one booking at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Appointments,
    order::{assert_announced, event, receive, service},
};
use crate::{
    conversation::{
        ledger::{Command, Refusal},
        store::{Committed, ConversationLog},
    },
    ids::ConversationId,
    page::Window,
    ports::{Fanout, StoreError},
    store::Store,
    testing::fixture::{CountingIds, Service, user},
    time::Timestamp,
};

/// Commits after a varying time, so that others decide between a decision and its change.
struct SlowLog {
    store: Arc<dyn Store>,
    commits: AtomicUsize,
    delay_factor: usize,
}

#[async_trait]
impl ConversationLog for SlowLog {
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        let commit = self.commits.fetch_add(1, Relaxed);
        for _ in 0..=commit * self.delay_factor % 5 {
            tokio::task::yield_now().await;
        }
        self.store.commit(conversation, command, at, fanout).await
    }
}

fn with_log(
    Service { store, fanout, clock, .. }: &Service,
    log: impl ConversationLog + 'static,
) -> Appointments {
    let ids = Arc::new(CountingIds::new());
    let (store, people) = (store.clone(), store.clone());
    Appointments::new(store, Arc::new(log), people, fanout.clone(), clock.clone(), ids)
}

/// Runs three handlers for each of five events; event `late` is reported after `steps` yields.
async fn run(late: usize, steps: usize, delay_factor: usize) {
    let service = service();
    let (store, commits) = (service.store.clone(), AtomicUsize::new(0));
    let appointments = with_log(&service, SlowLog { store, commits, delay_factor });
    let kinds = [0, 1, 2, 4, 3].into_iter().zip(9..).enumerate();
    let events: Vec<_> = kinds.map(|(number, (kind, hour))| event(number, kind, hour)).collect();
    for event in events.iter().filter(|event| **event != events[late]) {
        receive(&service, event);
    }
    let handlers = (0..3).flat_map(|_| events.iter().rev());
    let handlers = handlers.map(|event| appointments.handle_appointment_event(&event.id));
    let report = async {
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        receive(&service, &events[late]);
        appointments.handle_appointment_event(&events[late].id).await
    };
    let (handled, reported) = tokio::join!(join_all(handlers), report);
    assert!(handled.iter().all(Result::is_ok), "{handled:?}");
    reported.expect("it can be handled");
    assert_announced(&service, &events).expect("it holds");
}

#[tokio::test]
async fn concurrent_handlers_announce_each_event_once_and_the_newest_decides() {
    for late in 0..5 {
        for steps in 0..16 {
            for delay_factor in [3, 7, 11] {
                run(late, steps, delay_factor).await;
            }
        }
    }
}

/// Commits when the client has asked to be forgotten, after everything was decided.
struct LateLog(Arc<dyn Store>);

#[async_trait]
impl ConversationLog for LateLog {
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        self.0.request_erasure(&user("c1"), at).await?;
        self.0.commit(conversation, command, at, fanout).await
    }
}

#[tokio::test]
async fn an_event_about_somebody_who_is_forgotten_meanwhile_says_nothing() {
    let service = service();
    let booked = event(0, 4, 9);
    receive(&service, &booked);
    let store = &service.store;
    let appointments = with_log(&service, LateLog(store.clone()));
    appointments.handle_appointment_event(&booked.id).await.expect("it can be handled");
    let pending = store.pending_appointment_event(&booked.id).await.expect("the store works");
    assert_eq!(pending, None, "it is settled");
    let window = Window::first(1);
    let opened = store.conversations(&user("s1"), None, &window).await.expect("the store works");
    assert_eq!(opened.items, []);
}
