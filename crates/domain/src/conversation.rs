//! One salon and one client: who takes part, and who may do what.

use crate::{
    id::{AppointmentId, ConversationId, MessageId, UserId},
    message::MessageKind,
    participant::Participant,
    reading::Horizons,
    seq::Seq,
    text::{Content, Subject},
    time::Timestamp,
};

/// A side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that offers its work.
    Salon,
    /// The one that books it.
    Client,
}

impl Side {
    /// The side opposite.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Salon => Self::Client,
            Self::Client => Self::Salon,
        }
    }

    /// Whether this side may do `action`. Whoever takes part may do all that is not named here:
    /// read, write, mark as read, edit the subject.
    pub fn may(self, action: Action) -> bool {
        match action {
            Action::ChangeStatus | Action::Archive | Action::Delete => self == Self::Salon,
        }
    }
}

/// What only one side may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set the status.
    ChangeStatus,
    /// Switch between active and archived.
    Archive,
    /// Take the conversation away, for both.
    Delete,
}

/// The two who take part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parties {
    /// On the salon side.
    pub salon: UserId,
    /// On the client side.
    pub client: UserId,
}

impl Parties {
    /// The side `user` takes; `None` for anybody else.
    pub fn side_of(&self, user: &UserId) -> Option<Side> {
        if *user == self.salon {
            Some(Side::Salon)
        } else if *user == self.client {
            Some(Side::Client)
        } else {
            None
        }
    }

    /// Who takes `side`.
    pub fn on(&self, side: Side) -> &UserId {
        match side {
            Side::Salon => &self.salon,
            Side::Client => &self.client,
        }
    }

    /// Whom `user` talks with; `None` when `user` takes no part.
    pub fn counterpart_of(&self, user: &UserId) -> Option<&UserId> {
        self.side_of(user).map(|side| self.on(side.other()))
    }
}

/// Whether a conversation is in use or put away. An archived one comes back with the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// In use.
    Active,
    /// Put away by the salon.
    Archived,
}

impl Status {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Archived].into_iter().find(|status| status.as_str() == word)
    }

    /// The other status.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Active => Self::Archived,
            Self::Archived => Self::Active,
        }
    }
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// Who takes part; never changes.
    pub parties: Parties,
    /// The booking it is about.
    pub appointment: Option<AppointmentId>,
    /// What it is about, in words.
    pub subject: Option<Subject>,
    /// In use or put away.
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When subject or status last changed, or a message was last posted.
    pub updated_at: Timestamp,
    /// When the newest message was posted; without any, when the conversation was opened. Lists are
    /// in this order.
    pub last_message_at: Timestamp,
    /// The position of the newest entry of its log.
    pub last_seq: Seq,
    /// How far each side has read.
    pub horizons: Horizons,
}

/// A conversation as one of its participants sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationView {
    /// The conversation.
    pub conversation: Conversation,
    /// The salon side.
    pub salon: Participant,
    /// The client side.
    pub client: Participant,
    /// The newest message.
    pub last_message: Option<LastMessage>,
    /// Messages of the other side above the viewer's horizon.
    pub unread: u64,
}

/// The newest message, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastMessage {
    /// Which.
    pub id: MessageId,
    /// What it says.
    pub content: Content,
    /// Who said it.
    pub author: UserId,
    /// What kind it is.
    pub kind: MessageKind,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// A conversation in which something waits to be read, as its reader's start page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadConversation {
    /// Which.
    pub id: ConversationId,
    /// What it is about.
    pub subject: Option<Subject>,
    /// The salon side.
    pub salon: Participant,
    /// The client side.
    pub client: Participant,
    /// The newest message that the reader did not write.
    pub last_message: LastMessage,
    /// How many wait; at least 1.
    pub unread: u64,
    /// When the newest message was posted.
    pub last_message_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::parse(id).expect("a good id")
    }

    #[test]
    fn a_stranger_has_no_side() {
        let parties = Parties { salon: user("s"), client: user("c") };
        assert_eq!(parties.side_of(&user("s")), Some(Side::Salon));
        assert_eq!(parties.side_of(&user("c")), Some(Side::Client));
        assert_eq!(parties.side_of(&user("x")), None);
        assert_eq!(parties.counterpart_of(&user("s")), Some(&user("c")));
        assert_eq!(parties.counterpart_of(&user("x")), None);
    }

    #[test]
    fn putting_away_and_taking_away_are_the_salon_s() {
        for action in [Action::ChangeStatus, Action::Archive, Action::Delete] {
            assert!(Side::Salon.may(action));
            assert!(!Side::Client.may(action));
        }
    }

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in [Status::Active, Status::Archived] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(status.toggled().toggled(), status);
        }
        assert_eq!(Status::parse("CLOSED"), None);
    }
}
