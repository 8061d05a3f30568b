use std::sync::Arc;

use async_trait::async_trait;

use super::{
    MemoryStore, page,
    record::{Change, Post, Record},
    state::People,
};
use crate::{
    attachment::Attachment,
    conversation::Status,
    event::Event,
    id::{ConversationId, MessageId, UserId},
    message::Message,
    page::{MessageCursor, Window},
    ports::{History, MessageStore, PostMessage, PostOutcome, Posted, StoreError},
    seq::Seq,
    time::Timestamp,
};

#[async_trait]
impl MessageStore for MemoryStore {
    async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError> {
        let mut state = self.state()?;
        if state.erasures.contains_key(&post.author) {
            return Ok(PostOutcome::UnknownConversation);
        }
        let Some((record, people)) = state.find(&post.conversation, &post.author) else {
            return Ok(PostOutcome::UnknownConversation);
        };
        if let Some(outcome) = known_key(record, post, people) {
            return Ok(outcome);
        }
        let Some(files) = state.uploads.send(post) else {
            return Ok(PostOutcome::UnknownUpload);
        };
        let Some((record, people)) = state.change(&post.conversation, &post.author) else {
            return Ok(PostOutcome::UnknownConversation);
        };
        let before = record.head.last_seq;
        say(record, post, files);
        let posted = record.newest(|_| true).expect("it was just posted");
        let message = Arc::new(record.message(posted, people));
        let events = record.events_after(before, people);
        let reader = record.head.parties.counterpart_of(&post.author).cloned();
        if let Some(reader) = reader.filter(|_| !post.read_on_arrival) {
            state.mails.note(reader, post.conversation.clone(), post.at);
        }
        Ok(PostOutcome::Posted(Posted { message, events }))
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        let state = self.state()?;
        let Some((record, people)) = state.find(conversation, viewer) else {
            return Ok(None);
        };
        let list = record.posts().rev().collect();
        let is_behind = |post: &&Post, cursor: &MessageCursor| post.seq < cursor.0;
        let page = page::cut(list, window, is_behind, |post| MessageCursor(post.seq));
        Ok(Some(History {
            parties: record.head.parties.clone(),
            last_seq: record.head.last_seq,
            page: page::map(page, |post| record.message(post, people)),
        }))
    }

    async fn message(
        &self,
        id: &MessageId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        let state = self.state()?;
        let found = state.message(id, viewer);
        Ok(found.map(|(record, post)| record.message(post, &state.people)))
    }

    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let mut state = self.state()?;
        let home = state.message(id, author).map(|(record, _)| record.head.id.clone());
        let Some((record, people)) = home.and_then(|home| state.change(&home, author)) else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        let Some(released) = record.erase(id, author, at) else {
            return Ok(None);
        };
        let event = record.events_after(before, people).pop();
        state.jobs.delete_files(&released, at);
        Ok(event)
    }
}

/// What comes of a key that its author has used before.
fn known_key(record: &Record, post: &PostMessage, people: &People) -> Option<PostOutcome> {
    let known = record.posted_under(post.draft.key()?, &post.author)?;
    if known.deleted {
        return Some(PostOutcome::Withdrawn);
    }
    let message = record.message(known, people);
    if !post.draft.says_the_same_as(&message) {
        return Some(PostOutcome::KeyReused);
    }
    let parties = record.head.parties.clone();
    Some(PostOutcome::Replayed { message: Arc::new(message), parties })
}

fn say(record: &mut Record, post: &PostMessage, files: Vec<Attachment>) {
    if record.head.status == Status::Archived {
        record.head.status = Status::Active;
        record.append(post.at, &post.author, Change::Updated);
    }
    record.say(Post {
        id: post.id.clone(),
        seq: Seq::ZERO,
        author: post.author.clone(),
        kind: post.draft.kind(),
        content: post.draft.content().clone(),
        notice: None,
        attachments: files,
        key: post.draft.key().cloned(),
        created_at: post.at,
        read_at: None,
        deleted: false,
    });
    let author = record.side_of(&post.author).filter(|_| post.read_on_arrival);
    if let Some(author) = author {
        record.read(author.other(), record.head.last_seq, post.at);
    }
}
