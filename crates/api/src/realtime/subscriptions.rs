//! Which conversations a session has joined, and up to which position it was sent each. Depends on no other
//! module of `realtime` but the events.

use domain::{
    ids::{ConversationId, Seq},
    time::Timestamp,
};

use super::events::OutgoingEvent;

/// A conversation that a session has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) conversation: ConversationId,
    /// Whether what arrives there is seen.
    pub(crate) visible: bool,
    /// The session was sent everything up to here.
    pub(crate) delivered_seq: Seq,
}

/// The conversations a session has joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    pub(crate) fn new(rooms: Vec<Subscription>) -> Self {
        Self(rooms)
    }

    pub(crate) fn rooms(&self) -> &[Subscription] {
        &self.0
    }

    /// Whether `conversation` is one of them.
    pub(crate) fn has(&self, conversation: &ConversationId) -> bool {
        self.0.iter().any(|room| room.conversation == *conversation)
    }

    /// Adds a conversation, or replaces it.
    pub(crate) fn enter(&mut self, room: Subscription) {
        self.leave(&room.conversation);
        self.0.push(room);
    }

    /// Removes what is not among `rooms`.
    pub(crate) fn keep(&mut self, rooms: &[ConversationId]) {
        self.0.retain(|room| rooms.contains(&room.conversation));
    }

    pub(crate) fn leave(&mut self, conversation: &ConversationId) {
        self.0.retain(|room| room.conversation != *conversation);
    }

    /// Notes that the session was sent everything in `conversation` up to `seq`.
    pub(crate) fn delivered(&mut self, conversation: &ConversationId, seq: Seq) {
        if let Some(room) = self.0.iter_mut().find(|room| room.conversation == *conversation) {
            room.delivered_seq = room.delivered_seq.max(seq);
        }
    }

    /// Up to where the session was sent everything in `conversation`; `None` when it has not joined.
    pub(crate) fn delivered_seq(&self, conversation: &ConversationId) -> Option<Seq> {
        let room = self.0.iter().find(|room| room.conversation == *conversation)?;
        Some(room.delivered_seq)
    }

    /// Notes that the session is sent `event`. Returns what is sent: an event of a conversation that the session
    /// has not joined goes without its position.
    pub(crate) fn advance<'e>(&mut self, event: &'e OutgoingEvent) -> &'e OutgoingEvent {
        let Some(position) = event.position() else { return event };
        let room = self.0.iter_mut().find(|room| room.conversation == position.conversation);
        match room {
            Some(room) => {
                room.delivered_seq = room.delivered_seq.max(position.seq);
                event
            }
            None => event.elsewhere(),
        }
    }
}

/// Where a session was when it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LastState {
    pub(super) rooms: Vec<ConversationId>,
    pub(super) at: Timestamp,
}
