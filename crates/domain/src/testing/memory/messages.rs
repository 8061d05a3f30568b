use async_trait::async_trait;

use super::{MemoryStore, conversation};
use crate::{
    appointments::notice::Notice,
    conversation::{
        Conversation, Side,
        attachment::Attachment,
        event::{Event, EventKind, ReadReceipt},
        ledger::{Changes, Deleted, Head, NewMessage, NewlyRead},
        message::{Message, MessageKind},
        store::{History, MessageStore, ReadingStore},
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
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        self.until_reads_go_on().await;
        let state = self.state()?;
        let Some((record, people)) = state.find(conversation, viewer) else {
            return Ok(None);
        };
        let list = record.posts().rev().collect();
        let is_behind = |post: &&StoredMessage, cursor: &MessageCursor| post.seq < cursor.0;
        let page = conversation::paginate(list, window, is_behind, |post| MessageCursor(post.seq));
        Ok(Some(History {
            parties: record.conversation().parties.clone(),
            last_seq: record.conversation().last_seq,
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
}

/// A conversation with its messages and its log.
#[derive(Debug)]
pub(super) struct StoredConversation {
    pub(super) head: Head,
    posts: Vec<StoredMessage>,
    log: Vec<LogEntry>,
    /// Entries up to here are trimmed.
    pub(super) trimmed_to: Seq,
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
    Read { reader: UserId, up_to: Seq, several: bool },
}

impl LogEntry {
    fn of(event: &Event) -> Self {
        Self { at: event.at, actor: event.actor.clone(), change: Change::of(&event.kind) }
    }
}

impl Change {
    fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::ConversationOpened { .. } => Self::Opened,
            EventKind::ConversationUpdated { .. } => Self::Updated,
            EventKind::ConversationDeleted => Self::ConversationDeleted,
            EventKind::MessagePosted(message) => Self::Posted(message.id.clone()),
            EventKind::MessageWithdrawn(id) => Self::Posted(id.clone()),
            EventKind::MessageDeleted(id) => Self::Deleted(id.clone()),
            EventKind::MessagesRead(ReadReceipt { reader, up_to, several, .. }) => {
                Self::Read { reader: reader.clone(), up_to: *up_to, several: *several }
            }
        }
    }
}

impl StoredConversation {
    /// A conversation without an entry.
    pub(super) fn new(head: Head) -> Self {
        Self { head, posts: vec![], log: vec![], trimmed_to: Seq::ZERO }
    }

    pub(super) fn conversation(&self) -> &Conversation {
        &self.head.conversation
    }

    /// Writes what was decided. Returns the files of deleted messages.
    pub(super) fn apply(&mut self, changes: &Changes) -> Vec<Attachment> {
        self.log.extend(changes.events.iter().map(LogEntry::of));
        self.posts.extend(changes.message.as_ref().map(StoredMessage::new));
        if let Some(read) = &changes.read {
            self.mark_read(read);
        }
        if changes.removes_names {
            self.remove_names();
        }
        let posts = self.posts.iter_mut();
        match &changes.deleted {
            Deleted::Nothing => vec![],
            Deleted::Messages(ids) => {
                posts.filter(|post| ids.contains(&post.id)).flat_map(StoredMessage::erase).collect()
            }
            Deleted::Everything => posts.flat_map(StoredMessage::erase).collect(),
        }
    }

    fn mark_read(&mut self, read: &NewlyRead) {
        let author = self.head.conversation.parties.on(read.author);
        let newly_read = |post: &&mut StoredMessage| {
            post.is_by(author) && post.seq > read.after && post.seq <= read.up_to
        };
        for post in self.posts.iter_mut().filter(newly_read) {
            post.read_at = Some(read.at);
        }
    }

    /// Rewrites notices with a name without it.
    fn remove_names(&mut self) {
        for post in self.posts.iter_mut().filter(|post| post.names_somebody()) {
            post.notice = post.notice.as_ref().map(Notice::without_name);
            if let Some(notice) = &post.notice {
                post.content = notice.text(Language::default());
            }
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !self.head.is_deleted
    }

    pub(super) fn side_of(&self, user: &UserId) -> Option<Side> {
        self.head.conversation.parties.side_of(user)
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
        self.head.unread.of(side)
    }

    /// The log after position `after`, with positions.
    pub(super) fn log_after(&self, after: Seq) -> impl Iterator<Item = (Seq, &LogEntry)> {
        let seqs = std::iter::successors(Some(Seq::ZERO.next()), |seq| Some(seq.next()));
        seqs.zip(&self.log).filter(move |(seq, _)| *seq > after)
    }
}

impl StoredMessage {
    fn new(new: &NewMessage) -> Self {
        let message = Message::clone(&new.message);
        Self {
            id: message.id,
            seq: message.seq,
            author: message.author.id,
            kind: message.kind,
            content: message.content,
            notice: message.notice,
            attachments: message.attachments,
            key: new.key.clone(),
            created_at: message.created_at,
            read_at: message.read_at,
            deleted: false,
        }
    }

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
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        let state = self.state()?;
        let unread =
            |record: &StoredConversation| record.side_of(reader).map(|side| record.unread(side));
        Ok(state.live_of(reader).filter_map(unread).sum())
    }
}
