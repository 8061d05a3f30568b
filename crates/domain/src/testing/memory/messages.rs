use std::sync::Arc;

use async_trait::async_trait;

use super::{MemoryStore, People, conversation};
use crate::{
    appointments::notice::Notice,
    conversation::{
        Conversation, Horizons, Side, Status,
        attachment::Attachment,
        event::Event,
        message::{Message, MessageKind},
        store::{
            History, MarkRead, MarkedRead, MessageStore, OpenConversation, PostMessage,
            PostOutcome, Posted, ReadTarget, ReadingStore,
        },
    },
    ids::{ClientMessageId, ConversationId, MessageId, Seq, UserId},
    page::{MessageCursor, Window},
    participant::Language,
    ports::StoreError,
    text::Content,
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
        if let Some(outcome) = replay_outcome(record, post, people) {
            return Ok(outcome);
        }
        let Some(files) = state.uploads.send(post) else {
            return Ok(PostOutcome::UnknownUpload);
        };
        let Some((record, people)) = state.change(&post.conversation, &post.author) else {
            return Ok(PostOutcome::UnknownConversation);
        };
        let before = record.head.last_seq;
        append_message(record, post, files);
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
        let is_behind = |post: &&StoredMessage, cursor: &MessageCursor| post.seq < cursor.0;
        let page = conversation::paginate(list, window, is_behind, |post| MessageCursor(post.seq));
        Ok(Some(History {
            parties: record.head.parties.clone(),
            last_seq: record.head.last_seq,
            page: conversation::map(page, |post| record.message(post, people)),
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
        let conversation = state.message(id, author).map(|(record, _)| record.head.id.clone());
        let Some((record, people)) =
            conversation.and_then(|conversation| state.change(&conversation, author))
        else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        let Some(files) = record.erase(id, author, at) else {
            return Ok(None);
        };
        let event = record.events_after(before, people).pop();
        state.jobs.delete_files(&files, at);
        Ok(event)
    }
}

/// The outcome for a key that its author has used before.
fn replay_outcome(
    record: &StoredConversation,
    post: &PostMessage,
    people: &People,
) -> Option<PostOutcome> {
    let known = record.with_key(post.draft.key()?, &post.author)?;
    if known.deleted {
        return Some(PostOutcome::Withdrawn);
    }
    let message = record.message(known, people);
    if !post.draft.has_same_content_as(&message) {
        return Some(PostOutcome::KeyReused);
    }
    let parties = record.head.parties.clone();
    Some(PostOutcome::Replayed { message: Arc::new(message), parties })
}

fn append_message(record: &mut StoredConversation, post: &PostMessage, files: Vec<Attachment>) {
    if record.head.status == Status::Archived {
        record.head.status = Status::Active;
        record.append(post.at, &post.author, Change::Updated);
    }
    record.append_message(StoredMessage {
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

/// A conversation with its messages and its log.
#[derive(Debug)]
pub(super) struct StoredConversation {
    pub(super) head: Conversation,
    posts: Vec<StoredMessage>,
    log: Vec<LogEntry>,
    /// Entries up to here are trimmed.
    pub(super) trimmed_to: Seq,
    is_deleted: bool,
}

/// A message, deleted or not.
#[derive(Debug)]
pub(super) struct StoredMessage {
    pub(super) id: MessageId,
    pub(super) seq: Seq,
    pub(super) author: UserId,
    pub(super) kind: MessageKind,
    pub(super) content: Content,
    pub(super) notice: Option<Notice>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) key: Option<ClientMessageId>,
    pub(super) created_at: Timestamp,
    pub(super) read_at: Option<Timestamp>,
    pub(super) deleted: bool,
}

/// A log entry: ids, never text. Its position is its index plus 1.
#[derive(Debug)]
pub(super) struct LogEntry {
    pub(super) at: Timestamp,
    pub(super) actor: UserId,
    pub(super) change: Change,
}

#[derive(Debug)]
pub(super) enum Change {
    Opened,
    Updated,
    ConversationDeleted,
    Posted(MessageId),
    Deleted(MessageId),
    Read { side: Side, up_to: Seq, several: bool },
}

impl StoredConversation {
    pub(super) fn open(open: &OpenConversation) -> Self {
        let head = Conversation {
            id: open.id.clone(),
            parties: open.parties.clone(),
            appointment: open.appointment.clone(),
            subject: open.subject.clone(),
            status: Status::Active,
            created_at: open.at,
            updated_at: open.at,
            last_message_at: open.at,
            last_seq: Seq::ZERO,
            horizons: Horizons::default(),
        };
        let (posts, log, trimmed_to) = (vec![], vec![], Seq::ZERO);
        let mut record = Self { head, posts, log, trimmed_to, is_deleted: false };
        record.append(open.at, &open.parties.salon, Change::Opened);
        record
    }

    pub(super) fn append(&mut self, at: Timestamp, actor: &UserId, change: Change) {
        self.head.last_seq = self.head.last_seq.next();
        self.log.push(LogEntry { at, actor: actor.clone(), change });
    }

    /// Appends a message at the next position.
    pub(super) fn append_message(&mut self, post: StoredMessage) {
        self.head.last_message_at = post.created_at;
        self.head.updated_at = post.created_at;
        self.append(post.created_at, &post.author, Change::Posted(post.id.clone()));
        self.posts.push(StoredMessage { seq: self.head.last_seq, ..post });
    }

    /// Marks as read up to `target`, unless nothing becomes read for `side`.
    pub(super) fn read(&mut self, side: Side, target: Seq, at: Timestamp) {
        let (up_to, horizon) = (target.min(self.head.last_seq), self.head.horizons.of(side));
        let author = self.head.parties.on(side.other()).clone();
        let newly_read = |post: &&mut StoredMessage| {
            post.is_by(&author) && post.seq > horizon && post.seq <= up_to
        };
        let mut read = 0;
        for post in self.posts.iter_mut().filter(newly_read) {
            post.read_at = Some(at);
            read += 1;
        }
        if read == 0 {
            return;
        }
        self.head.horizons.advance(side, up_to);
        let reader = self.head.parties.on(side).clone();
        let change = Change::Read { side, up_to, several: read > 1 };
        self.append(at, &reader, change);
    }

    /// Deletes a message of `author`. Returns its files; `None` when there is no such message.
    pub(super) fn erase(
        &mut self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Option<Vec<Attachment>> {
        self.erase_as(author, id, author, at)
    }

    /// The same with another actor.
    pub(super) fn erase_as(
        &mut self,
        actor: &UserId,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Option<Vec<Attachment>> {
        let is_own = |post: &&mut StoredMessage| post.id == *id && post.is_by(author);
        let files = self.posts.iter_mut().find(is_own)?.erase();
        self.head.last_message_at =
            self.newest_of_a_side().map_or(self.head.created_at, |post| post.created_at);
        self.append(at, actor, Change::Deleted(id.clone()));
        Some(files)
    }

    /// Archives the conversation with a platform notice.
    pub(super) fn archive(&mut self, post: StoredMessage) {
        self.head.status = Status::Archived;
        self.head.updated_at = post.created_at;
        self.append(post.created_at, &post.author, Change::Updated);
        self.append(post.created_at, &post.author, Change::Posted(post.id.clone()));
        self.posts.push(StoredMessage { seq: self.head.last_seq, ..post });
    }

    /// Deletes the conversation with all texts. Returns its files.
    pub(super) fn delete(&mut self, by: &UserId, at: Timestamp) -> Vec<Attachment> {
        let files = self.posts.iter_mut().flat_map(StoredMessage::erase).collect();
        self.head.subject = None;
        self.is_deleted = true;
        self.append(at, by, Change::ConversationDeleted);
        files
    }

    /// Rewrites notices with a name without it.
    pub(super) fn remove_names(&mut self) {
        for post in self.posts.iter_mut().filter(|post| post.names_somebody()) {
            post.notice = post.notice.as_ref().map(Notice::without_name);
            if let Some(notice) = &post.notice {
                post.content = notice.text(Language::default());
            }
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !self.is_deleted
    }

    pub(super) fn side_of(&self, user: &UserId) -> Option<Side> {
        self.head.parties.side_of(user)
    }

    /// Messages that were not deleted, oldest first.
    pub(super) fn posts(&self) -> impl DoubleEndedIterator<Item = &StoredMessage> {
        self.posts.iter().filter(|post| !post.deleted)
    }

    pub(super) fn post(&self, id: &MessageId) -> Option<&StoredMessage> {
        self.posts().find(|post| post.id == *id)
    }

    /// The message of `author` with `key`, deleted or not.
    pub(super) fn with_key(
        &self,
        key: &ClientMessageId,
        author: &UserId,
    ) -> Option<&StoredMessage> {
        self.posts.iter().find(|post| post.author == *author && post.key.as_ref() == Some(key))
    }

    /// The newest message that is no platform notice.
    pub(super) fn newest_of_a_side(&self) -> Option<&StoredMessage> {
        self.newest(|post| !post.is_platform_message())
    }

    pub(super) fn newest(
        &self,
        matches: impl Fn(&StoredMessage) -> bool,
    ) -> Option<&StoredMessage> {
        self.posts().rev().find(|post| matches(post))
    }

    /// The number of unread messages of `side`.
    pub(super) fn unread(&self, side: Side) -> u64 {
        let (author, horizon) = (self.head.parties.on(side.other()), self.head.horizons.of(side));
        self.posts().filter(|post| post.is_by(author) && post.seq > horizon).count() as u64
    }

    /// The log after position `after`, with positions.
    pub(super) fn log_after(&self, after: Seq) -> impl Iterator<Item = (Seq, &LogEntry)> {
        let seqs = std::iter::successors(Some(Seq::ZERO.next()), |seq| Some(seq.next()));
        seqs.zip(&self.log).filter(move |(seq, _)| *seq > after)
    }
}

impl StoredMessage {
    /// Whether it is not deleted and `author` wrote it.
    pub(super) fn is_by(&self, author: &UserId) -> bool {
        !self.deleted && !self.is_platform_message() && self.author == *author
    }

    /// Whether it is of neither side.
    pub(super) fn is_platform_message(&self) -> bool {
        self.notice.as_ref().is_some_and(Notice::is_platform_message)
    }

    /// Whether it is a notice with a name.
    pub(super) fn names_somebody(&self) -> bool {
        self.notice.as_ref().is_some_and(|notice| notice.first_name().is_some())
    }

    /// Returns its files.
    fn erase(&mut self) -> Vec<Attachment> {
        self.deleted = true;
        self.content = Content::default();
        self.notice = None;
        std::mem::take(&mut self.attachments)
    }
}

#[async_trait]
impl ReadingStore for MemoryStore {
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError> {
        let mut state = self.state()?;
        let Some((record, people)) = state.change(&mark.conversation, &mark.reader) else {
            return Ok(None);
        };
        let Some(side) = record.side_of(&mark.reader) else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        let target = match mark.target {
            ReadTarget::Everything => before,
            ReadTarget::UpTo(seq) => seq,
        };
        record.read(side, target, mark.at);
        Ok(Some(MarkedRead {
            parties: record.head.parties.clone(),
            unread: record.unread(side),
            event: record.events_after(before, people).pop(),
        }))
    }

    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        let state = self.state()?;
        let unread =
            |record: &StoredConversation| record.side_of(reader).map(|side| record.unread(side));
        Ok(state.live_of(reader).filter_map(unread).sum())
    }
}
