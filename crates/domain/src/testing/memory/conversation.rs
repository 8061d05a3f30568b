use std::{cmp::Reverse, sync::Arc};

use async_trait::async_trait;

use super::{
    MemoryStore, People, State,
    messages::{Change, LogEntry, StoredConversation, StoredMessage},
};
use crate::{
    conversation::{
        ConversationView, LastMessage, Parties, Side, Status, UnreadConversation,
        event::{Event, EventKind, ReadReceipt},
        message::Message,
        store::{AuditedPage, ConversationStore, CounterStore, LogPiece, LogStore},
    },
    ids::{ConversationId, Seq, UserId},
    page::{ConversationCursor, Page, Start, Window},
    participant::Participant,
    ports::StoreError,
    time::Timestamp,
};

#[async_trait]
impl ConversationStore for MemoryStore {
    async fn parties(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Parties>, StoreError> {
        self.until_reads_go_on().await;
        let state = self.state()?;
        let record = state.live().find(|record| record.conversation().id == *id);
        let parties = record.map(|record| record.conversation().parties.clone());
        Ok(parties.filter(|parties| parties.side_of(viewer).is_some()))
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError> {
        let state = self.state()?;
        let view = |(record, people): (&StoredConversation, _)| {
            record.side_of(viewer).map(|side| record.view(side, people))
        };
        Ok(state.find(id, viewer).and_then(view))
    }

    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        let state = self.state()?;
        let mut list = newest_first(&state, viewer);
        list.retain(|record| status.is_none_or(|status| record.conversation().status == status));
        let is_behind = |record: &&StoredConversation, cursor: &ConversationCursor| {
            sort_key(record) < (cursor.last_message_at, &cursor.id)
        };
        let page = paginate(list, window, is_behind, |record| ConversationCursor {
            last_message_at: record.conversation().last_message_at,
            id: record.conversation().id.clone(),
        });
        Ok(map(page, |record| {
            let side = record.side_of(viewer).expect("the list holds the viewer's own");
            record.view(side, &state.people)
        }))
    }

    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        let state = self.state()?;
        let list = newest_first(&state, viewer);
        let active =
            list.into_iter().filter(|record| record.conversation().status == Status::Active);
        let unread = active
            .filter_map(|record| record.unread_view(record.side_of(viewer)?, &state.people))
            .filter(|view| view.unread > 0);
        Ok(unread.take(limit as usize).collect())
    }
}

fn sort_key(record: &StoredConversation) -> (Timestamp, &ConversationId) {
    (record.conversation().last_message_at, &record.conversation().id)
}

fn newest_first<'a>(state: &'a State, viewer: &'a UserId) -> Vec<&'a StoredConversation> {
    let mut list: Vec<_> = state.live_of(viewer).collect();
    list.sort_by_key(|record| Reverse(sort_key(record)));
    list
}

/// A participant; always in the directory.
fn person(people: &People, id: &UserId) -> Participant {
    people[id].clone()
}

impl StoredConversation {
    pub(super) fn view(&self, side: Side, people: &People) -> ConversationView {
        ConversationView {
            conversation: self.conversation().clone(),
            salon: person(people, &self.conversation().parties.salon),
            client: person(people, &self.conversation().parties.client),
            last_message: self.newest_of_a_side().map(StoredMessage::as_last),
            unread: self.unread(side),
        }
    }

    /// `None` when the other side posted nothing.
    pub(super) fn unread_view(&self, side: Side, people: &People) -> Option<UnreadConversation> {
        let writer = self.conversation().parties.on(side.other());
        Some(UnreadConversation {
            id: self.conversation().id.clone(),
            subject: self.conversation().subject.clone(),
            salon: person(people, &self.conversation().parties.salon),
            client: person(people, &self.conversation().parties.client),
            last_message: self.newest(|post| post.is_by(writer))?.as_last(),
            unread: self.unread(side),
            last_message_at: self.conversation().last_message_at,
        })
    }

    pub(super) fn message(&self, post: &StoredMessage, people: &People) -> Message {
        let author = self.side_of(&post.author);
        Message {
            id: post.id.clone(),
            conversation: self.conversation().id.clone(),
            seq: post.seq,
            author: person(people, &post.author),
            kind: post.kind,
            content: post.content.clone(),
            notice: post.notice.clone(),
            attachments: post.attachments.clone(),
            created_at: post.created_at,
            is_read: post.is_platform_message()
                || author.is_some_and(|side| self.conversation().horizons.has_read(side, post.seq)),
            read_at: post.read_at,
        }
    }

    pub(super) fn events_after(&self, after: Seq, people: &People) -> Vec<Event> {
        self.log_after(after).map(|(seq, entry)| self.event(seq, entry, people)).collect()
    }

    fn event(&self, seq: Seq, entry: &LogEntry, people: &People) -> Event {
        Event {
            conversation: self.conversation().id.clone(),
            parties: self.conversation().parties.clone(),
            seq,
            at: entry.at,
            actor: entry.actor.clone(),
            kind: self.kind(&entry.change, people),
        }
    }

    fn kind(&self, change: &Change, people: &People) -> EventKind {
        match change {
            Change::Opened => EventKind::ConversationOpened {
                subject: self.conversation().subject.clone(),
                status: self.conversation().status,
            },
            Change::Updated => EventKind::ConversationUpdated {
                subject: self.conversation().subject.clone(),
                status: self.conversation().status,
            },
            Change::ConversationDeleted => EventKind::ConversationDeleted,
            Change::Posted(id) => match self.post(id) {
                Some(post) => EventKind::MessagePosted(Arc::new(self.message(post, people))),
                None => EventKind::MessageWithdrawn(id.clone()),
            },
            Change::Deleted(id) => EventKind::MessageDeleted(id.clone()),
            Change::Read { reader, up_to, several } => EventKind::MessagesRead(ReadReceipt {
                reader: reader.clone(),
                up_to: *up_to,
                several: *several,
                unread: self.side_of(reader).map_or(0, |side| self.unread(side)),
            }),
        }
    }
}

impl StoredMessage {
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

/// The page `window` of `list`, which is ordered. `is_behind`: whether an item comes after a
/// cursor.
pub(super) fn paginate<T, C>(
    list: Vec<T>,
    window: &Window<C>,
    is_behind: impl Fn(&T, &C) -> bool,
    cursor: impl Fn(&T) -> C,
) -> Page<T, C> {
    let total = list.len() as u64;
    let skipped = usize::try_from(window.offset()).unwrap_or(usize::MAX);
    let one_more = window.size.get() as usize + 1;
    let behind = |item: &T| match &window.start {
        Start::Number(_) => true,
        Start::After(cursor) => is_behind(item, cursor),
    };
    let items = list.into_iter().filter(behind).skip(skipped).take(one_more).collect();
    Page::from_lookahead(items, window.size, total, cursor)
}

/// The same page with mapped items.
pub(super) fn map<T, U, C>(page: Page<T, C>, convert: impl FnMut(T) -> U) -> Page<U, C> {
    let Page { items, total, next } = page;
    Page { items: items.into_iter().map(convert).collect(), total, next }
}

impl MemoryStore {
    /// Trims the log of a conversation up to `seq`.
    ///
    /// # Panics
    /// If the store is set to fail.
    pub fn trim_log(&self, conversation: &ConversationId, seq: Seq) {
        self.state().expect("the store works").trim_log(conversation, seq);
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        self.until_reads_go_on().await;
        let state = self.state()?;
        let Some(record) = state.any_of(conversation, viewer) else {
            return Ok(None);
        };
        if after < record.trimmed_to || after > record.conversation().last_seq {
            return Ok(Some(LogPiece::Trimmed));
        }
        let mut events = record.events_after(after, &state.people);
        events.truncate(limit as usize);
        Ok(Some(LogPiece::Events(events)))
    }

    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let state = self.state()?;
        let of_viewer = state.all_of(viewer);
        let logs = of_viewer.map(|record| record.events_after(record.trimmed_to, &state.people));
        let mut changes: Vec<_> = logs.flatten().filter(is_change).collect();
        changes.retain(|event| event.at >= since);
        changes.sort_by(|a, b| (a.at, &a.conversation, a.seq).cmp(&(b.at, &b.conversation, b.seq)));
        changes.truncate(limit as usize);
        Ok(changes)
    }

    /// Counts from the messages whenever it is asked, so that nothing differs.
    async fn ping(&self) -> Result<(), StoreError> {
        self.state().map(drop)
    }
}

/// Whether the event is about the conversation itself.
fn is_change(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::ConversationOpened { .. }
            | EventKind::ConversationUpdated { .. }
            | EventKind::ConversationDeleted
    )
}

#[async_trait]
impl CounterStore for MemoryStore {
    async fn audit_heads(
        &self,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<AuditedPage, StoreError> {
        let state = self.state()?;
        let (_, next) = state.page_after(after.as_ref(), limit);
        Ok(AuditedPage { repaired: Vec::new(), next })
    }
}
