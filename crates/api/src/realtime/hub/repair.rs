//! Catching up from the log when something was committed and never told: its teller died between
//! the two.

use domain::{
    event::Event,
    id::{ConversationId, UserId},
    ports::LogPiece,
    seq::Seq,
};

use super::{
    super::{delivery, outbound, retry::Retry},
    Hub,
    room::{Progress, Room},
};

/// How many events are read at a time.
const REPAIR_EVENTS_MAX: u32 = 200;

impl Hub {
    /// Reads what the room has missed from the log, in the eyes of `viewer`, and tells it. One at a
    /// time for each room; ends when the room has caught up, or nobody is left in it.
    pub(super) fn repair(&self, conversation: &ConversationId, viewer: &UserId) {
        let ours = self.registry().room(conversation).is_some_and(Room::start_repair);
        if !ours {
            return;
        }
        let (hub, conversation, viewer) = (self.clone(), conversation.clone(), viewer.clone());
        tokio::spawn(async move {
            let mut retry = Retry::new();
            while let Some(progress) = hub.progress(&conversation) {
                match hub.read_log(&conversation, &viewer, progress.told).await {
                    Some(LogPiece::Events(events)) => {
                        if hub.caught_up(&conversation, progress, &events) {
                            return;
                        }
                        retry.succeeded();
                    }
                    Some(LogPiece::Trimmed) => hub.give_up(&conversation, progress),
                    None => {
                        retry.wait().await;
                    }
                }
            }
        });
    }

    fn progress(&self, conversation: &ConversationId) -> Option<Progress> {
        self.registry().room(conversation).map(|room| room.progress())
    }

    async fn read_log(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
    ) -> Option<LogPiece> {
        let store = &self.inner.store;
        match store.events_after(conversation, viewer, after, REPAIR_EVENTS_MAX).await {
            Ok(piece) => Some(piece.unwrap_or(LogPiece::Events(Vec::new()))),
            Err(error) => {
                tracing::warn!(%error, conversation.id = %conversation, "a room waits for its log");
                None
            }
        }
    }

    /// What was missed is forgotten: those in the room have to load the conversation anew.
    fn give_up(&self, conversation: &ConversationId, before: Progress) {
        let mut registry = self.registry();
        if let Some(told) = outbound::resync(Some(conversation)) {
            registry.tell_room(conversation, None, &told);
        }
        if let Some(room) = registry.room(conversation) {
            room.repaired_to(before.heard);
        }
    }

    /// Tells `events`, which follow `before`. Without any the repair may be over.
    fn caught_up(&self, conversation: &ConversationId, before: Progress, events: &[Event]) -> bool {
        let Some(last) = events.last() else {
            return self.registry().room(conversation).is_none_or(|room| room.end_repair(before));
        };
        let steps: Vec<_> = events
            .iter()
            .map(|event| (event, delivery::steps(std::slice::from_ref(event), self.links())))
            .collect();
        let mut registry = self.registry();
        for (event, steps) in &steps {
            Self::say(&mut registry, event, steps);
        }
        if let Some(room) = registry.room(conversation) {
            room.repaired_to(last.seq);
        }
        drop(registry);
        for (_, steps) in &steps {
            self.count(steps);
        }
        false
    }
}
