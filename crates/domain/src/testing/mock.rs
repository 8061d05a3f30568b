//! [`Messaging`] over mocks of its ports: for what must fail and what must not happen.

use std::sync::Arc;

use super::{
    MockConversationLog, MockConversationStore, MockLogStore, MockMessageStore, MockPeople,
    MockReadingStore,
    fixture::{CountingIds, FixedClock, RecordingFanout},
};
use crate::messaging::Messaging;

/// The ports of [`Messaging`], each of which panics at a call that was not expected.
#[derive(Debug, Default)]
pub struct MessagingMocks {
    /// Changes.
    pub commits: MockConversationLog,
    /// Conversations.
    pub conversations: MockConversationStore,
    /// Messages.
    pub messages: MockMessageStore,
    /// Read horizons.
    pub reading: MockReadingStore,
    /// Logs.
    pub log: MockLogStore,
    /// Who takes part.
    pub people: MockPeople,
}

impl MessagingMocks {
    /// Mocks that expect nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The service over these mocks, and the fan-out that records what it publishes.
    pub fn service(self) -> (Messaging, Arc<RecordingFanout>) {
        let fanout = Arc::new(RecordingFanout::new());
        let messaging = Messaging {
            commits: Arc::new(self.commits),
            conversations: Arc::new(self.conversations),
            messages: Arc::new(self.messages),
            reading: Arc::new(self.reading),
            log: Arc::new(self.log),
            people: Arc::new(self.people),
            fanout: fanout.clone(),
            clock: Arc::new(FixedClock::ticking()),
            ids: Arc::new(CountingIds::new()),
        };
        (messaging, fanout)
    }
}
