//! Changes of conversations, as tests write them: one method for each command, with an input and an
//! outcome of its own, over [`ConversationLog::commit`] and a fan-out that publishes nothing.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    appointments::{
        notice::Notice,
        store::{AppointmentStore, NewestHandled},
    },
    conversation::{
        Parties, Status,
        event::Event,
        ledger::{
            Command, HandledEvent, KnownKey, Open, Post, PostNotice, ReadTarget, Refusal,
            StatusEdit, SystemMessage, answer_to_known_key,
        },
        message::{Draft, Message},
        store::{Committed, ConversationLog, ConversationStore, MessageStore, impossible},
    },
    ids::{AppointmentEventId, AppointmentId, AttachmentId, ConversationId, MessageId, UserId},
    ports::{Fanout, MarkedMessage, PersonChange, StoreError},
    retention::PurgeBounds,
    text::{Content, Subject},
    time::Timestamp,
};

/// A conversation to be opened.
#[derive(Clone, Debug)]
pub struct OpenConversation {
    /// The id of the new conversation; not used if one exists already.
    pub id: ConversationId,
    /// The participants. Both are in the directory.
    pub parties: Parties,
    /// The booking it is about.
    pub appointment: Option<AppointmentId>,
    /// Its subject.
    pub subject: Option<Subject>,
    /// The platform's first message, in the salon's name.
    pub opening: Option<Opening>,
    /// The time of the change.
    pub at: Timestamp,
}

/// The first message of a conversation.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: MessageId,
    /// The text.
    pub content: Content,
}

/// The outcome of opening a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// It was opened.
    Opened(Vec<Event>),
    /// The salon already has one for that booking.
    AlreadyOpen(ConversationId),
}

/// A change of subject, status, or both.
#[derive(Clone, Debug)]
pub struct EditConversation {
    /// The conversation.
    pub conversation: ConversationId,
    /// Who makes the change; a participant.
    pub by: UserId,
    /// `Some` sets the subject, `Some(None)` removes it.
    pub subject: Option<Option<Subject>>,
    /// `Some` changes the status.
    pub status: Option<StatusEdit>,
    /// The time of the change.
    pub at: Timestamp,
}

/// A message to be posted.
#[derive(Clone, Debug)]
pub struct PostMessage {
    /// The id of the new message; not used if the author's key belongs to one already.
    pub id: MessageId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The author.
    pub author: UserId,
    /// The content.
    pub draft: Draft,
    /// The ids of the draft's files, one per file; an upload keeps its id.
    pub attachments: Vec<AttachmentId>,
    /// Whether the other side is watching the conversation, so that the message is read at once.
    pub read_on_arrival: bool,
    /// The time of the change.
    pub at: Timestamp,
}

/// The outcome of posting a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    /// It was posted.
    Posted(Posted),
    /// The author posted the same content with the same key before: this is that message.
    Replayed {
        /// The message in its current state.
        message: Arc<Message>,
        /// The participants.
        parties: Parties,
    },
    /// The author posted other content with the same key.
    KeyReused,
    /// The author posted with the same key before and the message was deleted since.
    Withdrawn,
    /// See [`Refusal::UnknownConversation`].
    UnknownConversation,
    /// See [`Refusal::UnknownUpload`].
    UnknownUpload,
}

/// A posted message, and the events of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The message.
    pub message: Arc<Message>,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// A read horizon to be moved.
#[derive(Clone, Debug)]
pub struct MarkRead {
    /// The conversation.
    pub conversation: ConversationId,
    /// The reader.
    pub reader: UserId,
    /// How far.
    pub target: ReadTarget,
    /// The time of the change.
    pub at: Timestamp,
}

/// The result of marking as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedRead {
    /// The participants.
    pub parties: Parties,
    /// The reader's unread messages in the conversation.
    pub unread: u64,
    /// `MessagesRead`, if any message became read.
    pub event: Option<Event>,
}

/// What an event of a booking changes.
#[derive(Clone, Debug)]
pub struct ApplyAppointmentEvent {
    /// The event.
    pub event: AppointmentEventId,
    /// The change of its conversation; `None`: no change.
    pub change: Option<AppointmentChange>,
    /// The time of the change.
    pub at: Timestamp,
}

/// What an event of a booking changes in its conversation.
#[derive(Clone, Debug)]
pub struct AppointmentChange {
    /// The conversation.
    pub target: NoticeTarget,
    /// The newest handled event of the booking on which this decision is based.
    pub newest_handled: Option<NewestHandled>,
    /// The notice, in the salon's name.
    pub notice: NewNotice,
    /// Whether the client is watching, so that the notice is read at once.
    pub read_on_arrival: bool,
    /// The old and the new generated subject; set only if the old one is still there.
    pub subject: Option<(Subject, Subject)>,
    /// The new status.
    pub status: Status,
}

/// The conversation that a notice is posted to.
#[derive(Clone, Debug)]
pub enum NoticeTarget {
    /// The existing conversation about the booking.
    In(ConversationId),
    /// A new one, without an opening message.
    New(OpenConversation),
}

/// A notice to be posted.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Its id.
    pub id: MessageId,
    /// Its data.
    pub notice: Notice,
    /// Its text.
    pub content: Content,
}

impl From<NewNotice> for SystemMessage {
    fn from(NewNotice { id, notice, content }: NewNotice) -> Self {
        Self { id, content, notice: Some(notice) }
    }
}

/// The outcome of applying an event of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppliedAppointmentEvent {
    /// It is handled.
    Applied(Vec<Event>),
    /// It was handled before, or does not exist.
    AlreadyHandled,
    /// The state of the booking has changed since the decision: its conversation was opened or
    /// deleted, or another event was handled.
    LeaseLost,
}

/// Archives a conversation.
#[derive(Clone, Debug)]
pub struct ArchiveForAge {
    /// Its id.
    pub conversation: ConversationId,
    /// It is not archived if it has a message after this.
    pub quiet_since: Timestamp,
    /// The platform notice.
    pub notice: NewNotice,
    /// The time of the change.
    pub at: Timestamp,
}

/// Deletes the messages of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeExpired {
    /// Its id.
    pub conversation: ConversationId,
    /// Nothing is deleted unless these are met.
    pub bounds: PurgeBounds,
    /// The most messages deleted (1 to 1,000).
    pub messages_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// The result of deleting messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// The events, in order; empty when nothing was due any more.
    pub events: Vec<Event>,
    /// The number of files for which deletion jobs were enqueued.
    pub files: u64,
}

/// A step of erasing a person: one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseIn {
    /// The person.
    pub person: UserId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The most messages deleted in this step (1 to 1,000).
    pub messages_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// A fan-out to nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFanout {
    /// Whether everybody is watching every conversation.
    pub is_watched: bool,
}

impl Fanout for NoFanout {
    fn publish(&self, _: &[Event]) {}

    fn message_read(&self, _: &MarkedMessage) {}

    fn person_changed(&self, _: &UserId, _: PersonChange) {}

    fn is_watching(&self, _: &ConversationId, _: &UserId) -> bool {
        self.is_watched
    }
}

/// Changes of conversations. A refusal for which the outcome has no value is
/// [`StoreError::Internal`].
#[async_trait]
pub trait Commands: ConversationLog + ConversationStore + MessageStore {
    /// Commits a command without publishing anything.
    async fn run(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        self.commit(conversation, command, at, Arc::new(NoFanout::default())).await
    }

    /// [`Command::Open`].
    async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError> {
        let message = open.opening.clone().map(|Opening { id, content }| SystemMessage {
            id,
            content,
            notice: None,
        });
        let command = Command::Open(Open {
            parties: open.parties.clone(),
            appointment: open.appointment.clone(),
            subject: open.subject.clone(),
            status: Status::Active,
            message,
            handles: None,
        });
        match self.run(&open.id, command, open.at).await? {
            Ok(committed) => Ok(OpenOutcome::Opened(committed.changes.events)),
            Err(Refusal::AlreadyOpen(id)) => Ok(OpenOutcome::AlreadyOpen(id)),
            Err(refusal) => Err(impossible(refusal)),
        }
    }

    /// [`Command::Edit`]; `None` for an unknown conversation.
    async fn edit_conversation(
        &self,
        edit: &EditConversation,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let EditConversation { conversation, by, subject, status, at } = edit.clone();
        let edited = self.run(&conversation, Command::Edit { by, subject, status }, at).await?;
        Ok(known(edited)?.map(|committed| committed.changes.events))
    }

    /// [`Command::DeleteConversation`]; `None` for an unknown conversation.
    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let command = Command::DeleteConversation { by: by.clone() };
        Ok(known(self.run(id, command, at).await?)?.and_then(only_event))
    }

    /// [`Command::Post`].
    async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError> {
        let command = Command::Post(Post {
            id: post.id.clone(),
            author: post.author.clone(),
            draft: post.draft.clone(),
            attachments: post.attachments.clone(),
        });
        let fanout = Arc::new(NoFanout { is_watched: post.read_on_arrival });
        match self.commit(&post.conversation, command, post.at, fanout).await? {
            Ok(Committed { changes, .. }) => {
                let message = changes.message.expect("a post has a message").message;
                Ok(PostOutcome::Posted(Posted { message, events: changes.events }))
            }
            Err(Refusal::KeyKnown(id)) => {
                let message = self.message(&id, &post.author).await?;
                let parties =
                    self.parties(&post.conversation, &post.author).await?.expect("it is open");
                Ok(match answer_to_known_key(&post.draft, parties.clone(), message) {
                    KnownKey::Replayed(message, _) => PostOutcome::Replayed { message, parties },
                    KnownKey::Reused => PostOutcome::KeyReused,
                    KnownKey::Withdrawn => PostOutcome::Withdrawn,
                })
            }
            Err(Refusal::UnknownUpload) => Ok(PostOutcome::UnknownUpload),
            Err(Refusal::UnknownConversation) => Ok(PostOutcome::UnknownConversation),
            Err(refusal) => Err(impossible(refusal)),
        }
    }

    /// [`Command::DeleteMessage`]; `None` for an unknown message.
    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let Some(message) = self.message(id, author).await? else { return Ok(None) };
        let command = Command::DeleteMessage { message: id.clone(), by: author.clone() };
        match self.run(&message.conversation, command, at).await? {
            Err(Refusal::UnknownMessage) => Ok(None),
            other => Ok(known(other)?.and_then(only_event)),
        }
    }

    /// [`Command::MarkRead`]; `None` for an unknown conversation.
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError> {
        let command = Command::MarkRead { reader: mark.reader.clone(), target: mark.target };
        let marked = known(self.run(&mark.conversation, command, mark.at).await?)?;
        Ok(marked.map(|committed| {
            let side = committed.parties.side_of(&mark.reader).expect("they take part");
            MarkedRead {
                unread: committed.unread.of(side),
                parties: committed.parties.clone(),
                event: only_event(committed),
            }
        }))
    }

    /// [`Command::Open`] or [`Command::PostNotice`] with an event of a booking, or
    /// [`settle_appointment_event`](AppointmentStore::settle_appointment_event).
    async fn apply_appointment_event(
        &self,
        apply: &ApplyAppointmentEvent,
    ) -> Result<AppliedAppointmentEvent, StoreError>
    where
        Self: AppointmentStore,
    {
        let Some(change) = apply.change.clone() else {
            if self.pending_appointment_event(&apply.event).await?.is_none() {
                return Ok(AppliedAppointmentEvent::AlreadyHandled);
            }
            self.settle_appointment_event(&apply.event, apply.at).await?;
            return Ok(AppliedAppointmentEvent::Applied(vec![]));
        };
        let fanout = Arc::new(NoFanout { is_watched: change.read_on_arrival });
        let (conversation, command) = change.into_command(apply.event.clone());
        match self.commit(&conversation, command, apply.at, fanout).await? {
            Ok(committed) => Ok(AppliedAppointmentEvent::Applied(committed.changes.events)),
            Err(Refusal::AlreadyHandled) => Ok(AppliedAppointmentEvent::AlreadyHandled),
            Err(
                Refusal::BookingChanged | Refusal::AlreadyOpen(_) | Refusal::UnknownConversation,
            ) => Ok(AppliedAppointmentEvent::LeaseLost),
            Err(refusal) => Err(impossible(refusal)),
        }
    }

    /// [`Command::ArchiveForAge`]; no event when it is not due.
    async fn archive_for_age(&self, archive: &ArchiveForAge) -> Result<Vec<Event>, StoreError> {
        let ArchiveForAge { conversation, quiet_since, notice, at } = archive.clone();
        let command = Command::ArchiveForAge { message: notice.into(), quiet_since };
        let archived = due(self.run(&conversation, command, at).await?)?;
        Ok(archived.map(|committed| committed.changes.events).unwrap_or_default())
    }

    /// [`Command::Purge`]; nothing when it is not due.
    async fn purge_expired(&self, purge: &PurgeExpired) -> Result<Purged, StoreError> {
        let PurgeExpired { conversation, bounds, messages_max, at } = purge.clone();
        let command = Command::Purge { bounds, messages_max };
        let purged = due(self.run(&conversation, command, at).await?)?;
        let purged = purged.map(|it| Purged { events: it.changes.events, files: it.files });
        Ok(purged.unwrap_or_default())
    }

    /// [`Command::Erase`]; no event without a request.
    async fn erase_in(&self, erase: &EraseIn) -> Result<Vec<Event>, StoreError> {
        let EraseIn { person, conversation, messages_max, at } = erase.clone();
        let command = Command::Erase { person, messages_max };
        let erased = due(self.run(&conversation, command, at).await?)?;
        Ok(erased.map(|committed| committed.changes.events).unwrap_or_default())
    }
}

impl<T: ConversationLog + ConversationStore + MessageStore + ?Sized> Commands for T {}

impl AppointmentChange {
    /// The command that makes this change for `event`, and its conversation.
    pub fn into_command(self, event: AppointmentEventId) -> (ConversationId, Command) {
        let handles = Some(HandledEvent { event, newest_handled: self.newest_handled });
        let message = SystemMessage::from(self.notice);
        let Self { status, subject, .. } = self;
        match self.target {
            NoticeTarget::In(id) => {
                let notice = PostNotice { message, status, subject, handles };
                (id, Command::PostNotice(notice))
            }
            NoticeTarget::New(open) => {
                let message = Some(message);
                let OpenConversation { id, parties, appointment, subject, .. } = open;
                let open = Open { parties, appointment, subject, status, message, handles };
                (id, Command::Open(open))
            }
        }
    }
}

/// `None` for an unknown conversation.
fn known(outcome: Result<Committed, Refusal>) -> Result<Option<Committed>, StoreError> {
    match outcome {
        Ok(committed) => Ok(Some(committed)),
        Err(Refusal::UnknownConversation) => Ok(None),
        Err(refusal) => Err(impossible(refusal)),
    }
}

/// The same, and for what is not due.
fn due(outcome: Result<Committed, Refusal>) -> Result<Option<Committed>, StoreError> {
    match outcome {
        Err(Refusal::NotDue) => Ok(None),
        other => known(other),
    }
}

fn only_event(committed: Committed) -> Option<Event> {
    committed.changes.events.into_iter().next()
}
