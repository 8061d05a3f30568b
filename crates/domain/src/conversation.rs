//! A conversation between one salon and one client: participants, permissions, state.

pub mod attachment;
pub mod audit;
pub mod commands;
pub mod event;
pub mod ledger;
pub mod live;
pub mod message;
pub mod queries;
pub mod store;
pub mod uploads;

use message::MessageKind;

use crate::{
    ids::{AppointmentId, ConversationId, MessageId, Seq, UserId},
    participant::Participant,
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
    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Salon => Self::Client,
            Self::Client => Self::Salon,
        }
    }

    /// Whether this side may do `action`. Both sides may do everything that is not an [`Action`]:
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
    /// Delete the conversation for both sides.
    Delete,
}

/// The two participants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parties {
    /// The salon side.
    pub salon: UserId,
    /// The client side.
    pub client: UserId,
}

impl Parties {
    /// The side of `user`; `None` for anybody else.
    pub fn side_of(&self, user: &UserId) -> Option<Side> {
        if *user == self.salon {
            Some(Side::Salon)
        } else if *user == self.client {
            Some(Side::Client)
        } else {
            None
        }
    }

    /// The participant on `side`.
    pub fn on(&self, side: Side) -> &UserId {
        match side {
            Side::Salon => &self.salon,
            Side::Client => &self.client,
        }
    }

    /// The other participant; `None` when `user` is no participant.
    pub fn counterpart_of(&self, user: &UserId) -> Option<&UserId> {
        self.side_of(user).map(|side| self.on(side.other()))
    }
}

/// Whether a conversation is active or archived. An archived one becomes active with the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Active.
    Active,
    /// Archived by the salon.
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

    /// Parses the word of [`as_str`](Self::as_str).
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
    /// Its id.
    pub id: ConversationId,
    /// The participants; they never change.
    pub parties: Parties,
    /// The booking it is about.
    pub appointment: Option<AppointmentId>,
    /// Its subject.
    pub subject: Option<Subject>,
    /// Active or archived.
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When subject or status last changed, or a message was last posted.
    pub updated_at: Timestamp,
    /// When the newest message was posted, or, without messages, when the conversation was opened.
    /// Lists are ordered by this.
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
    /// Its id.
    pub id: MessageId,
    /// The text.
    pub content: Content,
    /// The author.
    pub author: UserId,
    /// The kind of message.
    pub kind: MessageKind,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// A conversation with unread messages, as the start page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadConversation {
    /// Its id.
    pub id: ConversationId,
    /// Its subject.
    pub subject: Option<Subject>,
    /// The salon side.
    pub salon: Participant,
    /// The client side.
    pub client: Participant,
    /// The newest message by the other side.
    pub last_message: LastMessage,
    /// The number of unread messages, at least 1.
    pub unread: u64,
    /// When the newest message was posted.
    pub last_message_at: Timestamp,
}

// How far each side has read.

/// The read horizons of a conversation: everything the other side posted up to and including this
/// position is read. A horizon never moves back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizons {
    /// How far the salon has read.
    pub salon: Seq,
    /// How far the client has read.
    pub client: Seq,
}

impl Horizons {
    /// How far `side` has read.
    pub fn of(&self, side: Side) -> Seq {
        match side {
            Side::Salon => self.salon,
            Side::Client => self.client,
        }
    }

    /// Moves the horizon of `side` to `seq` unless it is there or beyond already. Returns whether
    /// it moved.
    pub fn advance(&mut self, side: Side, seq: Seq) -> bool {
        let horizon = match side {
            Side::Salon => &mut self.salon,
            Side::Client => &mut self.client,
        };
        let moves = seq > *horizon;
        if moves {
            *horizon = seq;
        }
        moves
    }

    /// Whether a message posted at `seq` by `author` was read by the other side.
    pub fn has_read(&self, author: Side, seq: Seq) -> bool {
        seq <= self.of(author.other())
    }
}

#[cfg(test)]
mod conversation_tests {
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
    fn only_the_salon_archives_and_deletes() {
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

#[cfg(test)]
mod reading_tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_horizon_never_moves_back(moves in prop::collection::vec((any::<bool>(), 0_i64..50), 0..40)) {
            let mut horizons = Horizons::default();
            for (salon, seq) in moves {
                let side = if salon { Side::Salon } else { Side::Client };
                let (seq, before) = (Seq::new(seq).expect("not negative"), horizons);
                let moved = horizons.advance(side, seq);
                prop_assert_eq!(horizons.of(side), before.of(side).max(seq));
                prop_assert_eq!(horizons.of(side.other()), before.of(side.other()));
                prop_assert_eq!(moved, horizons != before);
            }
        }
    }

    #[test]
    fn a_message_is_read_when_the_other_side_s_horizon_reaches_it() {
        let mut horizons = Horizons::default();
        let two = Seq::ZERO.next().next();
        horizons.advance(Side::Client, two);
        assert!(horizons.has_read(Side::Salon, two));
        assert!(!horizons.has_read(Side::Salon, two.next()));
        assert!(!horizons.has_read(Side::Client, two));
    }
}
