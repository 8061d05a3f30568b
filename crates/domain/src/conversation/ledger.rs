//! The rules of a conversation: what each durable change does to it, decided without I/O and without
//! a clock.
//!
//! A store locks the row of the conversation, reads the [`Head`] and the [`Facts`] of the command,
//! calls [`decide`], and writes the head and the [`Changes`] in the same transaction. Several
//! commands of one conversation may be decided one after another on the same head; each has to see
//! facts that [include](Facts::include) what the commands before it changed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    Conversation, Horizons, Parties, Side, Status,
    attachment::Attachment,
    event::{Event, EventKind, ReadReceipt},
    message::{Draft, DraftFile, Message, MessageKind},
};
use crate::{
    appointments::{notice::Notice, store::NewestHandled},
    ids::{
        AppointmentEventId, AppointmentId, AttachmentId, ClientMessageId, ConversationId,
        MessageId, Seq, UserId,
    },
    participant::Participant,
    retention::PurgeBounds,
    text::{Content, Subject},
    time::Timestamp,
};

// The state.

/// One value for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerSide<T> {
    /// The salon's.
    pub salon: T,
    /// The client's.
    pub client: T,
}

impl<T: Copy> PerSide<T> {
    /// The value of `side`.
    pub fn of(&self, side: Side) -> T {
        match side {
            Side::Salon => self.salon,
            Side::Client => self.client,
        }
    }

    fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Salon => &mut self.salon,
            Side::Client => &mut self.client,
        }
    }
}

/// The row of a conversation: all that most changes need to know of it. Only [`decide`] changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The conversation as lists show it.
    pub conversation: Conversation,
    /// The position of the newest message of each side that was not deleted; [`Seq::ZERO`] when
    /// there is none.
    pub newest: PerSide<Seq>,
    /// The number of messages that were not deleted, messages of the platform included.
    pub message_count: u64,
    /// How many messages each side has not read: those of the other side above its read horizon.
    pub unread: PerSide<u64>,
    /// Whether the conversation was deleted. Its log stays.
    pub is_deleted: bool,
}

impl Head {
    /// A conversation that was not opened yet; its log is empty. [`Command::Open`] sets its times.
    pub fn unopened(
        id: ConversationId,
        parties: Parties,
        appointment: Option<AppointmentId>,
    ) -> Self {
        let conversation = Conversation {
            id,
            parties,
            appointment,
            subject: None,
            status: Status::Active,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            last_message_at: Timestamp::UNIX_EPOCH,
            last_seq: Seq::ZERO,
            horizons: Horizons::default(),
        };
        let (newest, unread) = (PerSide::default(), PerSide::default());
        Self { conversation, newest, message_count: 0, unread, is_deleted: false }
    }

    fn is_open(&self) -> bool {
        self.conversation.last_seq > Seq::ZERO && !self.is_deleted
    }

    /// The salon, which is the author of what the platform does.
    fn salon(&self) -> Result<UserId, Refusal> {
        let salon = self.conversation.parties.salon.clone();
        self.is_open().then_some(salon).ok_or(Refusal::UnknownConversation)
    }

    /// The side of a participant of an open conversation.
    fn side_of(&self, person: &UserId) -> Result<Side, Refusal> {
        let side = self.conversation.parties.side_of(person).filter(|_| self.is_open());
        side.ok_or(Refusal::UnknownConversation)
    }
}

// The input.

/// A durable change of one conversation.
#[derive(Clone, Debug)]
pub enum Command {
    /// Opens a conversation that was [not opened yet](Head::unopened). Needs
    /// [`people`](Facts::people) (both participants),
    /// [`conversation_of_booking`](Facts::conversation_of_booking), [`booking`](Facts::booking) and
    /// [`is_watched`](Facts::is_watched).
    Open(Open),
    /// Posts a message of a participant. An archived conversation becomes active. Needs
    /// [`people`](Facts::people) (the author), [`is_erased`](Facts::is_erased),
    /// [`is_other_erased`](Facts::is_other_erased), [`keyed`](Facts::keyed),
    /// [`uploads`](Facts::uploads) and [`is_watched`](Facts::is_watched).
    Post(Post),
    /// Moves the read horizon of a participant, never back, if a message becomes read by it. Needs
    /// [`is_erased`](Facts::is_erased) and [`unread_beyond`](Facts::unread_beyond).
    MarkRead {
        /// The reader.
        reader: UserId,
        /// How far.
        target: ReadTarget,
    },
    /// Deletes a message of its author. Needs [`is_erased`](Facts::is_erased),
    /// [`messages`](Facts::messages) (that one) and [`remaining`](Facts::remaining).
    DeleteMessage {
        /// The message.
        message: MessageId,
        /// Its author.
        by: UserId,
    },
    /// Changes subject and status. A value that is set already causes no change. Needs
    /// [`is_erased`](Facts::is_erased).
    Edit {
        /// Who makes the change; a participant. Which side may change the status is decided
        /// [before](super::Action).
        by: UserId,
        /// `Some` sets the subject, `Some(None)` removes it.
        subject: Option<Option<Subject>>,
        /// `Some` changes the status.
        status: Option<StatusEdit>,
    },
    /// Deletes the conversation with all its messages. Needs [`is_erased`](Facts::is_erased).
    DeleteConversation {
        /// Who deletes it; a participant.
        by: UserId,
    },
    /// Posts a notice about the booking. It does not make an archived conversation active. Needs
    /// [`people`](Facts::people) (both participants), [`booking`](Facts::booking) and
    /// [`is_watched`](Facts::is_watched).
    PostNotice(PostNotice),
    /// Archives an active conversation without recent messages, and says so. Needs
    /// [`people`](Facts::people) (the salon) and [`is_held`](Facts::is_held).
    ArchiveForAge {
        /// The message that says so.
        message: SystemMessage,
        /// Its newest message must not be newer than this.
        quiet_since: Timestamp,
    },
    /// Deletes the oldest messages of an archived conversation, in the salon's name. Needs
    /// [`is_held`](Facts::is_held), [`messages`](Facts::messages) (the oldest of both sides) and
    /// [`remaining`](Facts::remaining).
    Purge {
        /// Nothing is deleted unless these are met.
        bounds: PurgeBounds,
        /// The most messages deleted, and so the most in [`messages`](Facts::messages) (1 to 1,000).
        messages_max: u32,
    },
    /// Deletes messages of a person who asked to be forgotten, and archives the conversation without
    /// its subject. Needs [`is_erased`](Facts::is_erased), [`messages`](Facts::messages) (the oldest
    /// of that person) and [`remaining`](Facts::remaining).
    Erase {
        /// The person.
        person: UserId,
        /// See [`Purge`](Self::Purge).
        messages_max: u32,
    },
}

impl Command {
    /// The person who reads the new message at once if they are watching the conversation: the other
    /// side of a post, and the client of a notice or of a first message. `None` when no message is
    /// posted that could be read so.
    pub fn reader_on_arrival<'p>(&self, parties: &'p Parties) -> Option<&'p UserId> {
        match self {
            Self::Open(open) => open.message.is_some().then_some(&parties.client),
            Self::Post(post) => parties.counterpart_of(&post.author),
            Self::PostNotice(_) => Some(&parties.client),
            Self::MarkRead { .. }
            | Self::DeleteMessage { .. }
            | Self::Edit { .. }
            | Self::DeleteConversation { .. }
            // Its message is of neither side, and never unread.
            | Self::ArchiveForAge { .. }
            | Self::Purge { .. }
            | Self::Erase { .. } => None,
        }
    }
}

/// How far to mark as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTarget {
    /// Everything.
    Everything,
    /// Up to this position, inclusive; a position beyond the newest means everything.
    UpTo(Seq),
}

/// A change of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEdit {
    /// To this status.
    Set(Status),
    /// To the other status.
    Toggle,
}

/// How a conversation is opened.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its participants.
    pub parties: Parties,
    /// The booking it is about. A salon has at most one conversation per booking.
    pub appointment: Option<AppointmentId>,
    /// Its subject.
    pub subject: Option<Subject>,
    /// Its status.
    pub status: Status,
    /// The first message, if there is one.
    pub message: Option<SystemMessage>,
    /// The event of the booking that is handled by this.
    pub handles: Option<HandledEvent>,
}

/// An event of a booking that is handled together with a change of the conversation, once, and only
/// in the state of the booking that it was decided for.
#[derive(Clone, Debug)]
pub struct HandledEvent {
    /// The event.
    pub event: AppointmentEventId,
    /// The newest handled event of the booking at the time of the decision.
    pub newest_handled: Option<NewestHandled>,
}

/// A notice about the booking.
#[derive(Clone, Debug)]
pub struct PostNotice {
    /// The notice.
    pub message: SystemMessage,
    /// The new status.
    pub status: Status,
    /// The old and the new generated subject; set only if the old one is still there.
    pub subject: Option<(Subject, Subject)>,
    /// The event of the booking that is handled by this.
    pub handles: Option<HandledEvent>,
}

/// A message of a participant.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its id; not used if the author's key belongs to a message already.
    pub id: MessageId,
    /// The author.
    pub author: UserId,
    /// The content.
    pub draft: Draft,
    /// The ids of the draft's files, one per file; an upload keeps its id.
    pub attachments: Vec<AttachmentId>,
}

/// A message of kind [`System`](MessageKind::System), in the salon's name.
#[derive(Clone, Debug)]
pub struct SystemMessage {
    /// Its id.
    pub id: MessageId,
    /// The text.
    pub content: Content,
    /// The structured notice, if it is one.
    pub notice: Option<Notice>,
}

/// What a command needs to know beyond the head. Each command names what it reads of this; the rest
/// may stay at its default.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct Facts {
    /// The people whom the command names, as far as the directory knows them.
    pub people: Vec<Participant>,
    /// The salon's conversation about the booking, if it has one.
    pub conversation_of_booking: Option<ConversationId>,
    /// Whether the person who acts asked to be forgotten: nothing that they do is stored any more.
    pub is_erased: bool,
    /// Whether the other participant asked to be forgotten: they read nothing any more, and are sent no
    /// mail.
    pub is_other_erased: bool,
    /// The author's message with the command's key, deleted or not.
    pub keyed: Option<MessageId>,
    /// The uploads that the command names, belong to the author, are finished and were not sent.
    pub uploads: Vec<Attachment>,
    /// The number of messages of the other side that stay unread: those above both the target and
    /// the reader's horizon. Not needed when everything is read.
    pub unread_beyond: u64,
    /// The messages to be deleted, oldest first. None of them was deleted before.
    pub messages: Vec<MessagePlace>,
    /// What remains without [`messages`](Self::messages).
    pub remaining: Remaining,
    /// Whether the conversation or its salon is under a legal hold.
    pub is_held: bool,
    /// Whether the [reader on arrival](Command::reader_on_arrival) is watching the conversation, so
    /// that the new message is read at once. Asked after the conversation was locked: whoever left
    /// while the command waited does not read it.
    pub is_watched: bool,
    /// The booking of the event that is handled.
    pub booking: Booking,
}

/// The state of a booking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// Whether the event that the command handles was handled before, or does not exist.
    pub is_handled: bool,
    /// The newest handled event that affects the booking.
    pub newest_handled: Option<NewestHandled>,
}

impl Facts {
    fn person(&self, id: &UserId) -> Result<&Participant, Refusal> {
        self.people.iter().find(|person| person.id == *id).ok_or(Refusal::UnknownPerson)
    }

    fn nobody_is_forgotten(&self) -> Result<(), Refusal> {
        let is_forgotten = self.people.iter().any(|person| person.is_forgotten);
        if is_forgotten { Err(Refusal::UnknownPerson) } else { Ok(()) }
    }

    /// Corrects facts of `command` that were read before `earlier` was decided. Both are of one
    /// conversation, between `parties`, and each is a [post](Command::Post) or a
    /// [mark](Command::MarkRead).
    pub fn include(&mut self, command: &Command, earlier: &Changes, parties: &Parties) {
        let Some(new) = &earlier.message else { return };
        match command {
            Command::Post(post) => {
                let is_same_author = new.message.author.id == post.author;
                if is_same_author && new.key.is_some() && new.key.as_ref() == post.draft.key() {
                    self.keyed = Some(new.message.id.clone());
                }
                self.uploads.retain(|upload| !new.uploads.contains(&upload.id));
            }
            Command::MarkRead { reader, target: ReadTarget::UpTo(seq) } => {
                let is_to_reader = new.author.is_some() && new.author != parties.side_of(reader);
                if is_to_reader && new.message.seq > *seq {
                    self.unread_beyond += 1;
                }
            }
            _ => {}
        }
    }

    /// Whether the event that a command handles is still to be handled, in this state.
    fn allows(&self, handles: Option<&HandledEvent>) -> Result<(), Refusal> {
        match handles {
            Some(_) if self.booking.is_handled => Err(Refusal::AlreadyHandled),
            Some(known) if self.booking.newest_handled != known.newest_handled => {
                Err(Refusal::BookingChanged)
            }
            _ => Ok(()),
        }
    }
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// Its id.
    pub id: MessageId,
    /// The side that wrote it; `None` for the platform's own messages.
    pub author: Option<Side>,
    /// Its position.
    pub seq: Seq,
}

/// The newest messages that a deletion leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The position of the newest message of each side; [`Seq::ZERO`] when there is none.
    pub newest: PerSide<Seq>,
    /// When the newer of the two was posted; `None` when there is none.
    pub newest_at: Option<Timestamp>,
}

// The outcome.

/// What a command changes besides the head. Without an event the head is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The new entries of the log, in order and without a gap.
    pub events: Vec<Event>,
    /// The message to be inserted.
    pub message: Option<NewMessage>,
    /// The messages that become read.
    pub read: Option<NewlyRead>,
    /// The messages whose text is deleted. Their files are deleted with them.
    pub deleted: Deleted,
    /// Whether notices that name the client are rewritten without the name.
    pub removes_names: bool,
    /// The person who may have to be mailed about the new message.
    pub mail_to: Option<UserId>,
    /// The event of the booking that is handled now.
    pub handled: Option<AppointmentEventId>,
}

/// A message to be inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The message.
    pub message: Arc<Message>,
    /// The side that wrote it; `None` for the platform's own messages.
    pub author: Option<Side>,
    /// The author's idempotency key.
    pub key: Option<ClientMessageId>,
    /// Uploads that became files of the message and cannot be sent again.
    pub uploads: Vec<AttachmentId>,
}

/// The messages of one side after one position, up to another, become read at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewlyRead {
    /// The side that wrote them.
    pub author: Side,
    /// The position after which they stand.
    pub after: Seq,
    /// The last position.
    pub up_to: Seq,
    /// When they were read.
    pub at: Timestamp,
}

/// The messages that are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// None.
    #[default]
    Nothing,
    /// These.
    Messages(Vec<MessageId>),
    /// All, with the conversation.
    Everything,
}

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The conversation does not exist or was deleted, the person is no participant, or they asked
    /// to be forgotten.
    #[error("no such conversation")]
    UnknownConversation,
    /// The directory does not know somebody whom the command names, or they asked to be forgotten:
    /// nothing new is written about them.
    #[error("a participant is not in the directory")]
    UnknownPerson,
    /// The conversation is open already, or the salon has this one for the booking.
    #[error("the conversation is open already")]
    AlreadyOpen(ConversationId),
    /// The author used the key before, for this message: see [`answer_to_known_key`].
    #[error("the key was used before")]
    KeyKnown(MessageId),
    /// An upload does not exist, is not the author's, is unfinished or was sent before.
    #[error("no such upload")]
    UnknownUpload,
    /// The message does not exist, was deleted, or has another author.
    #[error("no such message")]
    UnknownMessage,
    /// The conversation is too young, not in the right status, or held; or nobody asked for the
    /// erasure.
    #[error("it is not due")]
    NotDue,
    /// The event of the booking was handled before, or does not exist.
    #[error("the event was handled before")]
    AlreadyHandled,
    /// Another event of the booking was handled since the decision.
    #[error("the booking has changed since")]
    BookingChanged,
}

/// Decides a command at the time `now`, and moves the head accordingly.
///
/// # Errors
/// [`Refusal`]. The head is unchanged then.
pub fn decide(
    head: &mut Head,
    command: &Command,
    facts: &Facts,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut decision = Decision { head, now, changes: Changes::default() };
    match command {
        Command::Open(open) => decision.open(open, facts)?,
        Command::Post(post) => decision.post(post, facts)?,
        Command::MarkRead { reader, target } => decision.mark_read(reader, *target, facts)?,
        Command::DeleteMessage { message, by } => decision.delete_message(message, by, facts)?,
        Command::Edit { by, subject, status } => {
            decision.edit(by, subject.as_ref(), *status, facts)?;
        }
        Command::DeleteConversation { by } => decision.delete_conversation(by, facts)?,
        Command::PostNotice(notice) => decision.post_notice(notice, facts)?,
        Command::ArchiveForAge { message, quiet_since } => {
            decision.archive_for_age(message, *quiet_since, facts)?;
        }
        Command::Purge { bounds, .. } => decision.purge(bounds, facts)?,
        Command::Erase { person, .. } => decision.erase(person, facts)?,
    }
    Ok(decision.changes)
}

/// A message that takes the next position.
struct NextMessage<'a> {
    id: &'a MessageId,
    author: &'a Participant,
    /// `None` for the platform's own messages.
    side: Option<Side>,
    kind: MessageKind,
    content: &'a Content,
    notice: Option<&'a Notice>,
    attachments: Vec<Attachment>,
    key: Option<&'a ClientMessageId>,
    uploads: Vec<AttachmentId>,
    read_on_arrival: bool,
}

/// A decision in progress. Each command first finds every reason to refuse, then changes the head.
struct Decision<'a> {
    head: &'a mut Head,
    now: Timestamp,
    changes: Changes,
}

impl Decision<'_> {
    fn open(&mut self, open: &Open, facts: &Facts) -> Result<(), Refusal> {
        facts.allows(open.handles.as_ref())?;
        let Parties { salon, client } = &self.head.conversation.parties;
        let author = facts.person(salon)?;
        facts.person(client)?;
        facts.nobody_is_forgotten()?;
        if let Some(known) = &facts.conversation_of_booking {
            return Err(Refusal::AlreadyOpen(known.clone()));
        }
        if self.head.conversation.last_seq > Seq::ZERO {
            return Err(Refusal::AlreadyOpen(self.head.conversation.id.clone()));
        }
        let Conversation { subject, status, created_at, updated_at, last_message_at, .. } =
            &mut self.head.conversation;
        (*subject, *status) = (open.subject.clone(), open.status);
        (*created_at, *updated_at, *last_message_at) = (self.now, self.now, self.now);
        let (subject, status) = (open.subject.clone(), open.status);
        self.append(&author.id, EventKind::ConversationOpened { subject, status });
        if let Some(message) = &open.message {
            self.add_system_message(message, author, facts.is_watched);
        }
        self.changes.handled = open.handles.as_ref().map(|handled| handled.event.clone());
        Ok(())
    }

    fn post(&mut self, post: &Post, facts: &Facts) -> Result<(), Refusal> {
        let side = self.side_of_actor(&post.author, facts)?;
        if let Some(known) = post.draft.key().and(facts.keyed.as_ref()) {
            return Err(Refusal::KeyKnown(known.clone()));
        }
        let attachments = files(post, &facts.uploads)?;
        let author = facts.person(&post.author)?;
        self.reopen(&post.author);
        self.add_message(NextMessage {
            id: &post.id,
            author,
            side: Some(side),
            kind: post.draft.kind(),
            content: post.draft.content(),
            notice: None,
            attachments,
            key: post.draft.key(),
            uploads: post.draft.uploads().cloned().collect(),
            read_on_arrival: facts.is_watched && !facts.is_other_erased,
        });
        let reader = self.head.conversation.parties.on(side.other());
        let is_mailed = !facts.is_watched && !facts.is_other_erased;
        self.changes.mail_to = is_mailed.then(|| reader.clone());
        Ok(())
    }

    fn mark_read(
        &mut self,
        reader: &UserId,
        target: ReadTarget,
        facts: &Facts,
    ) -> Result<(), Refusal> {
        let side = self.side_of_actor(reader, facts)?;
        let newest = self.head.conversation.last_seq;
        match target {
            ReadTarget::UpTo(seq) if seq < newest => self.read(side, seq, facts.unread_beyond),
            ReadTarget::UpTo(_) | ReadTarget::Everything => self.read(side, newest, 0),
        }
        Ok(())
    }

    fn delete_message(
        &mut self,
        message: &MessageId,
        by: &UserId,
        facts: &Facts,
    ) -> Result<(), Refusal> {
        let side = self.side_of_actor(by, facts)?;
        let is_own = |place: &&MessagePlace| place.id == *message && place.author == Some(side);
        let place = facts.messages.iter().find(is_own).ok_or(Refusal::UnknownMessage)?;
        self.remove(by, &[place], &facts.remaining);
        Ok(())
    }

    fn edit(
        &mut self,
        by: &UserId,
        subject: Option<&Option<Subject>>,
        status: Option<StatusEdit>,
        facts: &Facts,
    ) -> Result<(), Refusal> {
        self.side_of_actor(by, facts)?;
        let current = &self.head.conversation;
        let subject = subject.unwrap_or(&current.subject).clone();
        let status = match status {
            None => current.status,
            Some(StatusEdit::Set(status)) => status,
            Some(StatusEdit::Toggle) => current.status.toggled(),
        };
        if self.update(by, subject, status) {
            self.head.conversation.updated_at = self.now;
        }
        Ok(())
    }

    fn delete_conversation(&mut self, by: &UserId, facts: &Facts) -> Result<(), Refusal> {
        self.side_of_actor(by, facts)?;
        self.head.conversation.subject = None;
        self.head.newest = PerSide::default();
        self.head.message_count = 0;
        self.head.unread = PerSide::default();
        self.head.is_deleted = true;
        self.changes.deleted = Deleted::Everything;
        self.append(by, EventKind::ConversationDeleted);
        Ok(())
    }

    fn post_notice(&mut self, notice: &PostNotice, facts: &Facts) -> Result<(), Refusal> {
        let salon = self.head.salon()?;
        facts.allows(notice.handles.as_ref())?;
        let author = facts.person(&salon)?;
        facts.nobody_is_forgotten()?;
        let current = &self.head.conversation.subject;
        let subject = match &notice.subject {
            Some((old, new)) if current.as_ref() == Some(old) => Some(new.clone()),
            _ => current.clone(),
        };
        self.update(&salon, subject, notice.status);
        self.add_system_message(&notice.message, author, facts.is_watched);
        self.changes.handled = notice.handles.as_ref().map(|handled| handled.event.clone());
        Ok(())
    }

    fn archive_for_age(
        &mut self,
        message: &SystemMessage,
        quiet_since: Timestamp,
        facts: &Facts,
    ) -> Result<(), Refusal> {
        let salon = self.head.salon()?;
        let Conversation { status, last_message_at, .. } = self.head.conversation;
        if status != Status::Active || last_message_at > quiet_since || facts.is_held {
            return Err(Refusal::NotDue);
        }
        let author = facts.person(&salon)?;
        self.update(&salon, self.head.conversation.subject.clone(), Status::Archived);
        self.add_system_message(message, author, false);
        Ok(())
    }

    fn purge(&mut self, bounds: &PurgeBounds, facts: &Facts) -> Result<(), Refusal> {
        let salon = self.head.salon()?;
        let Conversation { status, last_message_at, updated_at, .. } = self.head.conversation;
        let is_old = bounds.allow_times(last_message_at, updated_at);
        if status != Status::Archived || !is_old || facts.is_held {
            return Err(Refusal::NotDue);
        }
        let written = facts.messages.iter().filter(|place| place.author.is_some());
        self.remove(&salon, &written.collect::<Vec<_>>(), &facts.remaining);
        Ok(())
    }

    fn erase(&mut self, person: &UserId, facts: &Facts) -> Result<(), Refusal> {
        let side = self.head.side_of(person)?;
        if !facts.is_erased {
            return Err(Refusal::NotDue);
        }
        let own = facts.messages.iter().filter(|place| place.author == Some(side));
        self.remove(person, &own.collect::<Vec<_>>(), &facts.remaining);
        self.changes.removes_names = side == Side::Client;
        if self.update(person, None, Status::Archived) {
            self.head.conversation.updated_at = self.now;
        }
        Ok(())
    }

    // What the commands have in common.

    /// The side of the participant who acts. To somebody who asked to be forgotten the conversation is
    /// unknown.
    fn side_of_actor(&self, person: &UserId, facts: &Facts) -> Result<Side, Refusal> {
        let side = self.head.side_of(person)?;
        if facts.is_erased { Err(Refusal::UnknownConversation) } else { Ok(side) }
    }

    /// Adds an entry at the next position.
    fn append(&mut self, actor: &UserId, kind: EventKind) {
        let conversation = &mut self.head.conversation;
        conversation.last_seq = conversation.last_seq.next();
        self.changes.events.push(Event {
            conversation: conversation.id.clone(),
            parties: conversation.parties.clone(),
            seq: conversation.last_seq,
            at: self.now,
            actor: actor.clone(),
            kind,
        });
    }

    /// Sets subject and status. Returns whether one of them changed.
    fn update(&mut self, actor: &UserId, subject: Option<Subject>, status: Status) -> bool {
        let conversation = &mut self.head.conversation;
        if (&subject, status) == (&conversation.subject, conversation.status) {
            return false;
        }
        (conversation.subject, conversation.status) = (subject.clone(), status);
        self.append(actor, EventKind::ConversationUpdated { subject, status });
        true
    }

    /// Makes an archived conversation active, as a message of a participant does.
    fn reopen(&mut self, author: &UserId) {
        self.update(author, self.head.conversation.subject.clone(), Status::Active);
    }

    fn add_system_message(
        &mut self,
        message: &SystemMessage,
        salon: &Participant,
        read_on_arrival: bool,
    ) {
        let is_platform = message.notice.as_ref().is_some_and(Notice::is_platform_message);
        self.add_message(NextMessage {
            id: &message.id,
            author: salon,
            side: (!is_platform).then_some(Side::Salon),
            kind: MessageKind::System,
            content: &message.content,
            notice: message.notice.as_ref(),
            attachments: vec![],
            key: None,
            uploads: vec![],
            read_on_arrival,
        });
    }

    /// Posts a message at the next position. One of neither side is never unread and does not move
    /// the conversation in lists.
    fn add_message(&mut self, next: NextMessage<'_>) {
        let seq = self.head.conversation.last_seq.next();
        let author = next.author.id.clone();
        let reader = next.side.map(Side::other).filter(|_| next.read_on_arrival);
        self.head.message_count += 1;
        self.head.conversation.updated_at = self.now;
        if let Some(side) = next.side {
            self.head.conversation.last_message_at = self.now;
            *self.head.newest.of_mut(side) = seq;
            *self.head.unread.of_mut(side.other()) += 1;
        }
        let message = Arc::new(Message {
            id: next.id.clone(),
            conversation: self.head.conversation.id.clone(),
            seq,
            author: next.author.clone(),
            kind: next.kind,
            content: next.content.clone(),
            notice: next.notice.cloned(),
            attachments: next.attachments,
            created_at: self.now,
            is_read: next.side.is_none() || reader.is_some(),
            read_at: reader.map(|_| self.now),
        });
        self.changes.message = Some(NewMessage {
            message: Arc::clone(&message),
            author: next.side,
            key: next.key.cloned(),
            uploads: next.uploads,
        });
        self.append(&author, EventKind::MessagePosted(message));
        if let Some(reader) = reader {
            self.read(reader, seq, 0);
        }
    }

    /// Moves the horizon of `side` to `up_to`, unless no message becomes read by it. `remaining`:
    /// how many stay unread.
    fn read(&mut self, side: Side, up_to: Seq, remaining: u64) {
        let after = self.head.conversation.horizons.of(side);
        let read = self.head.unread.of(side).saturating_sub(remaining);
        if read == 0 || !self.head.conversation.horizons.advance(side, up_to) {
            return;
        }
        *self.head.unread.of_mut(side) = remaining;
        let author = side.other();
        self.changes.read = Some(NewlyRead { author, after, up_to, at: self.now });
        let reader = self.head.conversation.parties.on(side).clone();
        let receipt =
            ReadReceipt { reader: reader.clone(), up_to, several: read > 1, unread: remaining };
        self.append(&reader, EventKind::MessagesRead(receipt));
    }

    /// Deletes messages; the list order falls back to the newest that remains.
    fn remove(&mut self, actor: &UserId, places: &[&MessagePlace], remaining: &Remaining) {
        for place in places {
            self.head.message_count = self.head.message_count.saturating_sub(1);
            self.forget_unread(place);
            self.append(actor, EventKind::MessageDeleted(place.id.clone()));
        }
        if places.is_empty() {
            return;
        }
        self.head.newest = remaining.newest;
        let conversation = &mut self.head.conversation;
        conversation.last_message_at = remaining.newest_at.unwrap_or(conversation.created_at);
        let ids = places.iter().map(|place| place.id.clone());
        self.changes.deleted = Deleted::Messages(ids.collect());
    }

    /// A message that is deleted before it was read is unread no more.
    fn forget_unread(&mut self, place: &MessagePlace) {
        let Some(author) = place.author else { return };
        if !self.head.conversation.horizons.has_read(author, place.seq) {
            let unread = self.head.unread.of_mut(author.other());
            *unread = unread.saturating_sub(1);
        }
    }
}

/// What it means that the key of a draft was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownKey {
    /// The draft was posted before: this is its message, and the event of that time, which may never
    /// have been published.
    Replayed(Arc<Message>, Event),
    /// The key belongs to another message.
    Reused,
    /// The message was deleted since.
    Withdrawn,
}

/// The answer to a draft whose key was [used before](Refusal::KeyKnown) in a conversation between
/// `parties`. `message`: the message with that key in its current state; `None` when it was deleted.
pub fn answer_to_known_key(draft: &Draft, parties: Parties, message: Option<Message>) -> KnownKey {
    let Some(message) = message else { return KnownKey::Withdrawn };
    if !draft.has_same_content_as(&message) {
        return KnownKey::Reused;
    }
    let message = Arc::new(message);
    let event = Event {
        conversation: message.conversation.clone(),
        parties,
        seq: message.seq,
        at: message.created_at,
        actor: message.author.id.clone(),
        kind: EventKind::MessagePosted(Arc::clone(&message)),
    };
    KnownKey::Replayed(message, event)
}

/// The files of a new message, in the sender's order.
fn files(post: &Post, uploads: &[Attachment]) -> Result<Vec<Attachment>, Refusal> {
    let named = post.attachments.iter().zip(post.draft.files());
    let file = |(id, file): (&AttachmentId, &DraftFile)| match file {
        DraftFile::Hosted(file) => Ok(Attachment { id: id.clone(), file: file.clone() }),
        DraftFile::Uploaded(id) => {
            uploads.iter().find(|upload| upload.id == *id).cloned().ok_or(Refusal::UnknownUpload)
        }
    };
    named.map(file).collect()
}
