//! What the server says: one type for each event, and its name.

mod company;
mod log;
mod person;
mod room;
mod session;

use serde::Serialize;
use serde_json::value::to_raw_value;

pub(super) use self::{
    company::{
        OnlinePerson, PresenceSnapshot, UserOffline, UserOnline, UserStoppedTyping, UserTyping,
    },
    log::{
        ConversationCreated, ConversationDeleted, ConversationRead, ConversationUpdated,
        MessageDeleted, NewMessage,
    },
    person::{UnreadCountUpdated, conversation_unread, message_read},
    room::{history, user_joined, user_left},
    session::{Failed, auth_expiring, resync, server_draining},
};
use super::{
    asyncapi::Described,
    told::{LogPosition, OutgoingEvent},
};

/// An event with its name on the wire.
pub(super) trait ServerEvent: Serialize {
    /// The name.
    const NAME: &'static str;

    /// The event, encoded once for everyone who gets it.
    fn told(&self) -> Option<OutgoingEvent>
    where
        Self: Sized,
    {
        encode(self, None)
    }

    /// The event as an entry of a log.
    fn told_at(&self, place: LogPosition) -> Option<OutgoingEvent>
    where
        Self: Sized,
    {
        encode(self, Some(place))
    }
}

fn encode<E: ServerEvent>(event: &E, place: Option<LogPosition>) -> Option<OutgoingEvent> {
    to_raw_value(event)
        .inspect_err(|error| tracing::error!(event = E::NAME, %error, "cannot encode an event"))
        .ok()
        .map(|data| OutgoingEvent::new(E::NAME, data, place))
}

macro_rules! named {
    ($($type:ty => $name:literal,)*) => {
        $(impl ServerEvent for $type {
            const NAME: &'static str = $name;
        })*

        /// Every event, for the specification.
        pub(super) fn described() -> Vec<Described> {
            vec![$(Described::event::<$type>($name),)*]
        }
    };
}

named! {
    ConversationCreated<'_> => "conversation-created",
    ConversationUpdated<'_> => "conversation-updated",
    ConversationDeleted<'_> => "conversation-deleted",
    ConversationRead<'_> => "conversation-read",
    MessageDeleted<'_> => "message-deleted",
    NewMessage => "new-message",
    PresenceSnapshot<'_> => "presence-snapshot",
    UnreadCountUpdated => "unread-count-updated",
    UserOffline<'_> => "user-offline",
    UserOnline<'_> => "user-online",
    UserStoppedTyping<'_> => "user-stopped-typing",
    UserTyping<'_> => "user-typing",
    person::ConversationUnreadUpdated<'_> => "conversation-unread-updated",
    person::MessageRead<'_> => "message-read",
    room::ConversationHistory<'_> => "conversation-history",
    room::UserJoined<'_> => "user-joined",
    room::UserLeft<'_> => "user-left",
    Failed<'_> => "error",
    session::Resync<'_> => "resync",
    session::AuthExpiring => "auth-expiring",
    session::ServerDraining => "server-draining",
}
