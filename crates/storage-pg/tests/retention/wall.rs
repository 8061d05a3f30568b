//! A running clock and a fan-out without sessions.

use std::time::Instant;

use async_trait::async_trait;
use domain::{
    conversation::event::Event,
    ids::{ConversationId, UserId},
    ports::{Clock, Fanout, MarkedMessage, PersonChange, PublishGuard},
    time::Timestamp,
};

/// A clock that starts at 2026-01-05T09:30:00Z.
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let gone_ms = i64::try_from(self.0.elapsed().as_millis()).expect("a test is short");
        Timestamp::from_millis(1_767_605_400_000 + gone_ms).expect("within the calendar")
    }
}

/// A fan-out without sessions.
pub(crate) struct NoFanout;

#[async_trait]
impl Fanout for NoFanout {
    async fn publish_guard(&self, _: &ConversationId) -> Box<dyn PublishGuard> {
        Box::new(Self)
    }

    fn publish(&self, _: &[Event]) {}

    fn message_read(&self, _: &MarkedMessage) {}

    fn person_changed(&self, _: &UserId, _: PersonChange) {}

    fn is_watching(&self, _: &ConversationId, _: &UserId) -> bool {
        false
    }
}

impl PublishGuard for NoFanout {
    fn publish(self: Box<Self>, _: Vec<Event>) {}
}
