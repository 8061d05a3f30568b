//! Several who handle the events of one booking at the same moment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Appointments,
    order::{event, receive, service, told},
};
use crate::{
    ids::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, PersonChange, PublishGuard},
    testing::fixture::{CountingIds, Service},
};

/// A fan-out whose turns take a while, each another while: between a decision and its change others
/// decide, too.
struct BusyFanout {
    fanout: Arc<dyn Fanout>,
    turns: AtomicUsize,
    rhythm: usize,
}

#[async_trait]
impl Fanout for BusyFanout {
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn PublishGuard> {
        let turn = self.turns.fetch_add(1, Relaxed);
        for _ in 0..=turn * self.rhythm % 5 {
            tokio::task::yield_now().await;
        }
        self.fanout.turn(conversation).await
    }

    fn message_read(&self, marked: &MarkedMessage) {
        self.fanout.message_read(marked);
    }

    fn person_changed(&self, user: &UserId, change: PersonChange) {
        self.fanout.person_changed(user, change);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.fanout.is_watching(conversation, user)
    }
}

fn busy(Service { store, fanout, clock, .. }: &Service, rhythm: usize) -> Appointments {
    let fanout = BusyFanout { fanout: fanout.clone(), turns: AtomicUsize::new(0), rhythm };
    let ids = Arc::new(CountingIds::new());
    Appointments::new(store.clone(), store.clone(), Arc::new(fanout), clock.clone(), ids)
}

/// Three handlers for each of five events, of which `late` is reported only when the others are under
/// way for so many steps.
async fn play(late: usize, steps: usize, rhythm: usize) {
    let service = service();
    let appointments = busy(&service, rhythm);
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
    told(&service, &events).expect("it holds");
}

#[tokio::test]
async fn whoever_handles_them_at_once_each_event_is_told_once_and_the_newest_decides() {
    for late in 0..5 {
        for steps in 0..16 {
            for rhythm in [3, 7, 11] {
                play(late, steps, rhythm).await;
            }
        }
    }
}
