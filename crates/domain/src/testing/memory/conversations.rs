use std::cmp::Reverse;

use async_trait::async_trait;

use super::{
    MemoryStore, page,
    record::{Change, Post, Record},
    state::State,
};
use crate::{
    conversation::{ConversationView, Parties, Status, UnreadConversation},
    event::Event,
    id::{ConversationId, UserId},
    message::MessageKind,
    page::{ConversationCursor, Page, Window},
    ports::{
        ConversationStore, EditConversation, OpenConversation, OpenOutcome, Opening, StatusEdit,
        StoreError,
    },
    seq::Seq,
    time::Timestamp,
};

#[async_trait]
impl ConversationStore for MemoryStore {
    async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError> {
        let mut state = self.state()?;
        let Parties { salon, client } = &open.parties;
        if ![salon, client].into_iter().all(|person| state.people.contains_key(person)) {
            return Err(StoreError::Internal("a participant is not in the directory".into()));
        }
        let booking = open.appointment.as_ref();
        if let Some(record) = booking.and_then(|booking| state.about(salon, booking)) {
            return Ok(OpenOutcome::AlreadyOpen(record.head.id.clone()));
        }
        let mut record = Record::open(open);
        if let Some(opening) = &open.opening {
            record.say(opening_post(opening, open));
        }
        let events = record.events_after(Seq::ZERO, &state.people);
        state.open(record);
        Ok(OpenOutcome::Opened(events))
    }

    async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError> {
        let state = self.state()?;
        let record = state.live().find(|record| record.head.id == *id);
        Ok(record.map(|record| record.head.parties.clone()))
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError> {
        let state = self.state()?;
        let view = |(record, people): (&Record, _)| {
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
        list.retain(|record| status.is_none_or(|status| record.head.status == status));
        let is_behind = |record: &&Record, cursor: &ConversationCursor| {
            place(record) < (cursor.last_message_at, &cursor.id)
        };
        let page = page::cut(list, window, is_behind, |record| ConversationCursor {
            last_message_at: record.head.last_message_at,
            id: record.head.id.clone(),
        });
        Ok(page::map(page, |record| {
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
        let active = list.into_iter().filter(|record| record.head.status == Status::Active);
        let waiting = active
            .filter_map(|record| record.unread_view(record.side_of(viewer)?, &state.people))
            .filter(|view| view.unread > 0);
        Ok(waiting.take(limit as usize).collect())
    }

    async fn edit_conversation(
        &self,
        edit: &EditConversation,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let mut state = self.state()?;
        let Some((record, people)) = state.change(&edit.conversation, &edit.by) else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        change(record, edit);
        Ok(Some(record.events_after(before, people)))
    }

    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let mut state = self.state()?;
        let Some((record, people)) = state.change(id, by) else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        let released = record.take_away(by, at);
        let event = record.events_after(before, people).pop();
        state.jobs.delete_files(&released, at);
        Ok(event)
    }
}

fn opening_post(opening: &Opening, open: &OpenConversation) -> Post {
    Post {
        id: opening.id.clone(),
        seq: Seq::ZERO,
        author: open.parties.salon.clone(),
        kind: MessageKind::System,
        content: opening.content.clone(),
        notice: None,
        attachments: vec![],
        key: None,
        created_at: open.at,
        read_at: None,
        deleted: false,
    }
}

fn place(record: &Record) -> (Timestamp, &ConversationId) {
    (record.head.last_message_at, &record.head.id)
}

fn newest_first<'a>(state: &'a State, viewer: &'a UserId) -> Vec<&'a Record> {
    let mut list: Vec<_> = state.live_of(viewer).collect();
    list.sort_by_key(|record| Reverse(place(record)));
    list
}

fn change(record: &mut Record, edit: &EditConversation) {
    let subject = edit.subject.clone().unwrap_or_else(|| record.head.subject.clone());
    let status = match edit.status {
        None => record.head.status,
        Some(StatusEdit::Set(status)) => status,
        Some(StatusEdit::Toggle) => record.head.status.toggled(),
    };
    if (&subject, status) == (&record.head.subject, record.head.status) {
        return;
    }
    record.head.subject = subject;
    record.head.status = status;
    record.head.updated_at = edit.at;
    record.append(edit.at, &edit.by, Change::Updated);
}
