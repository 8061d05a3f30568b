use std::sync::Arc;

use super::{
    record::{Change, Entry, Post, Record},
    state::People,
};
use crate::{
    conversation::{ConversationView, LastMessage, Side, UnreadConversation},
    event::{Event, EventKind, ReadReceipt},
    id::UserId,
    message::Message,
    participant::Participant,
    seq::Seq,
};

/// A person who takes part. Nobody does who is not in the directory.
fn person(people: &People, id: &UserId) -> Participant {
    people[id].clone()
}

impl Record {
    pub(super) fn view(&self, side: Side, people: &People) -> ConversationView {
        ConversationView {
            conversation: self.head.clone(),
            salon: person(people, &self.head.parties.salon),
            client: person(people, &self.head.parties.client),
            last_message: self.newest_of_a_side().map(Post::as_last),
            unread: self.unread(side),
        }
    }

    /// `None` when the other side said nothing.
    pub(super) fn unread_view(&self, side: Side, people: &People) -> Option<UnreadConversation> {
        let writer = self.head.parties.on(side.other());
        Some(UnreadConversation {
            id: self.head.id.clone(),
            subject: self.head.subject.clone(),
            salon: person(people, &self.head.parties.salon),
            client: person(people, &self.head.parties.client),
            last_message: self.newest(|post| post.is_by(writer))?.as_last(),
            unread: self.unread(side),
            last_message_at: self.head.last_message_at,
        })
    }

    pub(super) fn message(&self, post: &Post, people: &People) -> Message {
        let author = self.side_of(&post.author);
        Message {
            id: post.id.clone(),
            conversation: self.head.id.clone(),
            seq: post.seq,
            author: person(people, &post.author),
            kind: post.kind,
            content: post.content.clone(),
            notice: post.notice.clone(),
            attachments: post.attachments.clone(),
            created_at: post.created_at,
            is_read: post.is_platform_message()
                || author.is_some_and(|side| self.head.horizons.has_read(side, post.seq)),
            read_at: post.read_at,
        }
    }

    pub(super) fn events_after(&self, after: Seq, people: &People) -> Vec<Event> {
        self.log_after(after).map(|(seq, entry)| self.event(seq, entry, people)).collect()
    }

    fn event(&self, seq: Seq, entry: &Entry, people: &People) -> Event {
        Event {
            conversation: self.head.id.clone(),
            parties: self.head.parties.clone(),
            seq,
            at: entry.at,
            actor: entry.actor.clone(),
            kind: self.kind(&entry.change, people),
        }
    }

    fn kind(&self, change: &Change, people: &People) -> EventKind {
        match change {
            Change::Opened => EventKind::ConversationOpened {
                subject: self.head.subject.clone(),
                status: self.head.status,
            },
            Change::Updated => EventKind::ConversationUpdated {
                subject: self.head.subject.clone(),
                status: self.head.status,
            },
            Change::TakenAway => EventKind::ConversationDeleted,
            Change::Posted(id) => match self.post(id) {
                Some(post) => EventKind::MessagePosted(Arc::new(self.message(post, people))),
                None => EventKind::MessageWithdrawn(id.clone()),
            },
            Change::Deleted(id) => EventKind::MessageDeleted(id.clone()),
            Change::Read { side, up_to, several } => EventKind::MessagesRead(ReadReceipt {
                reader: self.head.parties.on(*side).clone(),
                up_to: *up_to,
                several: *several,
                unread: self.unread(*side),
            }),
        }
    }
}

impl Post {
    fn as_last(&self) -> LastMessage {
        LastMessage {
            id: self.id.clone(),
            content: self.content.clone(),
            author: self.author.clone(),
            kind: self.kind,
            created_at: self.created_at,
        }
    }
}
