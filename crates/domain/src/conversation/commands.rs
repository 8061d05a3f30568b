//! The commands of conversations: open, change, send, mark as read, delete.

use std::sync::Arc;

use super::{
    Action, ConversationView, Parties, Status,
    ledger::{
        Command, KnownKey, Open, Post, ReadTarget, Refusal, StatusEdit, SystemMessage,
        answer_to_known_key,
    },
    message::{Draft, Message},
    queries::FindError,
    store::{Committed, impossible, unless_unknown},
};
use crate::{
    ids::{AppointmentId, ConversationId, MessageId, UserId},
    messaging::Messaging,
    participant::Caller,
    ports::{MarkedMessage, StoreError},
    text::{Content, Subject},
};

/// A conversation to be opened.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// The client.
    pub client: UserId,
    /// The booking it is about, if any.
    pub appointment: Option<AppointmentId>,
    /// Its subject.
    pub subject: Option<Subject>,
    /// The platform's first message, in the salon's name.
    pub first_message: Option<Content>,
}

/// Why a conversation was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenConversationError {
    /// The caller's role does not take the salon side (D4).
    #[error("only the salon side opens conversations")]
    NotASalon,
    /// The directory does not know the client, or the client was forgotten.
    #[error("no such client")]
    UnknownClient,
    /// The person given as client has another role.
    #[error("this person is not a client")]
    NotAClient,
    /// The directory does not know the caller.
    #[error("no such salon")]
    UnknownSalon,
    /// The store failed.
    #[error("the conversation could not be opened")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Opens a conversation with a client, or returns the existing one unchanged when the caller's
    /// salon already has one for that booking.
    ///
    /// # Errors
    /// See [`OpenConversationError`]; nothing is opened then.
    pub async fn open_conversation(
        &self,
        caller: &Caller,
        new: NewConversation,
    ) -> Result<ConversationView, OpenConversationError> {
        let parties = self.parties_of_new(caller, new.client).await?;
        let salon = parties.salon.clone();
        let id = ConversationId::from(self.ids.next());
        let message = new.first_message.map(|content| SystemMessage {
            id: self.ids.next().into(),
            content,
            notice: None,
        });
        let command = Command::Open(Open {
            parties,
            appointment: new.appointment,
            subject: new.subject,
            status: Status::Active,
            message,
            handles: None,
        });
        let id = match self.commit(&id, command).await? {
            Ok(_) => id,
            Err(Refusal::AlreadyOpen(known)) => known,
            // Forgotten since we looked.
            Err(Refusal::UnknownPerson) => return Err(OpenConversationError::UnknownClient),
            Err(
                refusal @ (Refusal::UnknownConversation
                | Refusal::KeyKnown(_)
                | Refusal::UnknownUpload
                | Refusal::UnknownMessage
                | Refusal::NotDue
                | Refusal::AlreadyHandled
                | Refusal::BookingChanged),
            ) => return Err(impossible(refusal).into()),
        };
        let view = self.conversations.conversation(&id, &salon).await?;
        view.ok_or_else(|| OpenConversationError::Store(deleted_meanwhile()))
    }

    /// Commits a command now, and publishes its events.
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        let (at, fanout) = (self.clock.now(), self.fanout.clone());
        self.commits.commit(conversation, command, at, fanout).await
    }

    async fn parties_of_new(
        &self,
        caller: &Caller,
        client: UserId,
    ) -> Result<Parties, OpenConversationError> {
        if !caller.role.takes_salon_side() {
            return Err(OpenConversationError::NotASalon);
        }
        let person = self.people.person(&client).await?;
        if !person.ok_or(OpenConversationError::UnknownClient)?.role.takes_client_side() {
            return Err(OpenConversationError::NotAClient);
        }
        // Nothing new is written about a forgotten person.
        if self.people.is_forgotten(&client).await? {
            return Err(OpenConversationError::UnknownClient);
        }
        let salon = self.people.person(&caller.user).await?;
        let salon = salon.ok_or(OpenConversationError::UnknownSalon)?.id;
        Ok(Parties { salon, client })
    }
}

/// The conversation was deleted between opening it and reading it back. Reported as a busy store,
/// so that the caller retries.
fn deleted_meanwhile() -> StoreError {
    StoreError::Busy("the conversation was deleted at the same moment".into())
}

/// A change requested by a participant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// `Some` sets the subject, `Some(None)` removes it. Both sides may.
    pub subject: Option<Option<Subject>>,
    /// `Some` sets the status. Only the salon may.
    pub status: Option<Status>,
}

/// Why a conversation was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    /// It does not exist, or the caller is no participant.
    #[error("no such conversation")]
    Unknown,
    /// The caller is a participant, but only the other side may do this.
    #[error("only the salon may do this")]
    NotForThisSide(Action),
    /// The store failed.
    #[error("the conversation could not be changed")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Changes subject and status, both or neither.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is changed then.
    pub async fn change_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        change: ConversationChange,
    ) -> Result<ConversationView, ChangeConversationError> {
        let action = change.status.map(|_| Action::ChangeStatus);
        self.authorise(id, by, action).await?;
        let status = change.status.map(StatusEdit::Set);
        self.change(id, Command::Edit { by: by.clone(), subject: change.subject, status }).await?;
        let view = self.conversations.conversation(id, by).await?;
        view.ok_or(ChangeConversationError::Unknown)
    }

    /// Archives an active conversation, and unarchives an archived one.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is changed then.
    pub async fn toggle_archived(
        &self,
        id: &ConversationId,
        by: &UserId,
    ) -> Result<(), ChangeConversationError> {
        self.authorise(id, by, Some(Action::Archive)).await?;
        let status = Some(StatusEdit::Toggle);
        self.change(id, Command::Edit { by: by.clone(), subject: None, status }).await
    }

    /// Deletes a conversation for both sides, with all its messages.
    ///
    /// # Errors
    /// See [`ChangeConversationError`]; nothing is deleted then.
    pub async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
    ) -> Result<(), ChangeConversationError> {
        self.authorise(id, by, Some(Action::Delete)).await?;
        self.change(id, Command::DeleteConversation { by: by.clone() }).await
    }

    /// Commits a change of the conversation itself.
    async fn change(
        &self,
        id: &ConversationId,
        command: Command,
    ) -> Result<(), ChangeConversationError> {
        let changed = unless_unknown(self.commit(id, command).await?)?;
        changed.map(drop).ok_or(ChangeConversationError::Unknown)
    }

    /// Participants never change, so checking before the change is safe; the change itself checks
    /// membership again.
    async fn authorise(
        &self,
        id: &ConversationId,
        by: &UserId,
        action: Option<Action>,
    ) -> Result<(), ChangeConversationError> {
        let parties = self.conversations.parties(id, by).await?;
        let side = parties.and_then(|parties| parties.side_of(by));
        let side = side.ok_or(ChangeConversationError::Unknown)?;
        match action.filter(|action| !side.may(*action)) {
            Some(action) => Err(ChangeConversationError::NotForThisSide(action)),
            None => Ok(()),
        }
    }
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub message: Arc<Message>,
    /// Whether it was stored before: this was a retry with the same key.
    pub replayed: bool,
}

/// Why a message was not posted.
#[derive(Debug, thiserror::Error)]
pub enum SendMessageError {
    /// The conversation does not exist, or the author is no participant.
    #[error("no such conversation")]
    UnknownConversation,
    /// The author's key belongs to another message.
    #[error("this key names another message")]
    KeyReused,
    /// The author's key belongs to a message that was deleted.
    #[error("the message was deleted")]
    Withdrawn,
    /// An upload does not exist, belongs to somebody else, is unfinished or was sent before. It is
    /// not said which, so that nobody can probe for the uploads of others.
    #[error("no such upload")]
    UnknownUpload,
    /// The store failed. After [`StoreError::Unavailable`] the message may have been stored or not:
    /// send it again with the same key.
    #[error("the message could not be stored")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Posts a message: when this returns, it is stored durably, once. An archived conversation is
    /// unarchived. If the other side is watching when it is stored, the message is read at once (D8).
    ///
    /// # Errors
    /// See [`SendMessageError`]; nothing is posted then, except as said at
    /// [`Store`](SendMessageError::Store).
    pub async fn send_message(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        draft: Draft,
    ) -> Result<Sent, SendMessageError> {
        // Checked first, so that strangers do not queue.
        let Some(parties) = self.conversations.parties(conversation, author).await? else {
            return Err(SendMessageError::UnknownConversation);
        };
        let command = Command::Post(Post {
            id: self.ids.next().into(),
            author: author.clone(),
            attachments: draft.attachment_ids(|| self.ids.next().into()),
            draft: draft.clone(),
        });
        match self.commit(conversation, command).await? {
            Ok(committed) => posted(committed),
            Err(Refusal::KeyKnown(id)) => self.answer_to_retry(&id, author, &draft, parties).await,
            Err(Refusal::UnknownConversation) => Err(SendMessageError::UnknownConversation),
            Err(Refusal::UnknownUpload) => Err(SendMessageError::UnknownUpload),
            Err(
                refusal @ (Refusal::UnknownPerson
                | Refusal::AlreadyOpen(_)
                | Refusal::UnknownMessage
                | Refusal::NotDue
                | Refusal::AlreadyHandled
                | Refusal::BookingChanged),
            ) => Err(impossible(refusal).into()),
        }
    }

    /// The answer to a draft whose key belongs to the message `id`.
    async fn answer_to_retry(
        &self,
        id: &MessageId,
        author: &UserId,
        draft: &Draft,
        parties: Parties,
    ) -> Result<Sent, SendMessageError> {
        let message = self.messages.message(id, author).await?;
        match answer_to_known_key(draft, parties, message) {
            KnownKey::Replayed(message, event) => {
                // The first attempt may have been committed without being published.
                self.fanout.publish(&[event]);
                Ok(Sent { message, replayed: true })
            }
            KnownKey::Reused => Err(SendMessageError::KeyReused),
            KnownKey::Withdrawn => Err(SendMessageError::Withdrawn),
        }
    }
}

fn posted(committed: Committed) -> Result<Sent, SendMessageError> {
    let new = committed.changes.message;
    let new = new.ok_or_else(|| StoreError::Internal("a post without a message".into()))?;
    Ok(Sent { message: new.message, replayed: false })
}

/// The result of marking as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The reader's unread messages in that conversation.
    pub unread: u64,
    /// Whether any message became read.
    pub changed: bool,
}

impl Messaging {
    /// Marks a conversation as read, entirely or up to a position.
    ///
    /// # Errors
    /// [`FindError`]; `Unknown` also for anybody who is no participant.
    pub async fn mark_conversation_read(
        &self,
        conversation: &ConversationId,
        reader: &UserId,
        target: ReadTarget,
    ) -> Result<Marked, FindError> {
        // Checked first, so that strangers neither queue nor lock the conversation.
        let parties = self.conversations.parties(conversation, reader).await?;
        parties.ok_or(FindError::Unknown)?;
        self.mark(conversation, reader, target, None).await
    }

    /// Moves the reader's horizon. `named` is the single message that the reader marked, if any;
    /// its author is notified if anything became read.
    async fn mark(
        &self,
        conversation: &ConversationId,
        reader: &UserId,
        target: ReadTarget,
        named: Option<&MessageId>,
    ) -> Result<Marked, FindError> {
        let command = Command::MarkRead { reader: reader.clone(), target };
        let marked = unless_unknown(self.commit(conversation, command).await?)?;
        let Committed { parties, unread, changes, .. } = marked.ok_or(FindError::Unknown)?;
        let side = parties.side_of(reader).ok_or(FindError::Unknown)?;
        if let (Some(read), Some(message)) = (&changes.read, named) {
            self.fanout.message_read(&MarkedMessage {
                message: message.clone(),
                author: parties.on(side.other()).clone(),
                read_at: read.at,
            });
        }
        Ok(Marked { unread: unread.of(side), changed: changes.read.is_some() })
    }

    /// Marks a message as read, and with it everything the other side posted before; the author is
    /// notified of this message only (D9). An own message, or one that is read already, stays
    /// unchanged. Returns the message after the change.
    ///
    /// # Errors
    /// [`FindError`]; `Unknown` also for anybody who is no participant.
    pub async fn mark_message_read(
        &self,
        id: &MessageId,
        reader: &UserId,
    ) -> Result<Message, FindError> {
        let message = self.messages.message(id, reader).await?.ok_or(FindError::Unknown)?;
        if message.is_read || message.author.id == *reader {
            return Ok(message);
        }
        let target = ReadTarget::UpTo(message.seq);
        self.mark(&message.conversation, reader, target, Some(id)).await?;
        self.messages.message(id, reader).await?.ok_or(FindError::Unknown)
    }
}

/// Why a message was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteMessageError {
    /// It does not exist, or the caller is no participant.
    #[error("no such message")]
    Unknown,
    /// The caller is a participant, but not the author.
    #[error("only its author deletes a message")]
    NotTheAuthor,
    /// The store failed.
    #[error("the message could not be deleted")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Deletes an own message, for both sides.
    ///
    /// # Errors
    /// See [`DeleteMessageError`]; nothing is deleted then.
    pub async fn delete_message(
        &self,
        id: &MessageId,
        by: &UserId,
    ) -> Result<(), DeleteMessageError> {
        let message = self.messages.message(id, by).await?.ok_or(DeleteMessageError::Unknown)?;
        if message.author.id != *by {
            return Err(DeleteMessageError::NotTheAuthor);
        }
        let command = Command::DeleteMessage { message: id.clone(), by: by.clone() };
        match self.commit(&message.conversation, command).await? {
            Ok(_) => Ok(()),
            Err(Refusal::UnknownMessage | Refusal::UnknownConversation) => {
                Err(DeleteMessageError::Unknown)
            }
            Err(
                refusal @ (Refusal::UnknownPerson
                | Refusal::AlreadyOpen(_)
                | Refusal::KeyKnown(_)
                | Refusal::UnknownUpload
                | Refusal::NotDue
                | Refusal::AlreadyHandled
                | Refusal::BookingChanged),
            ) => Err(impossible(refusal).into()),
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod mark_read_tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        ports::StoreError,
        testing::{
            MemoryStore, MessagingMocks,
            fixture::{Service, conversation_parties, text, unread_message, user},
        },
    };

    #[tokio::test]
    async fn one_s_own_message_is_answered_as_it_is_and_no_horizon_is_asked_to_move() {
        let message = unread_message("c1", "hello");
        assert_untouched(message, "c1").await;
    }

    #[tokio::test]
    async fn a_message_read_before_is_answered_as_it_is_and_no_horizon_is_asked_to_move() {
        let mut message = unread_message("c1", "hello");
        message.is_read = true;
        assert_untouched(message, "s1").await;
    }

    async fn assert_untouched(message: Message, reader: &str) {
        let mut mocks = MessagingMocks::new();
        let stored = message.clone();
        mocks.messages.expect_message().return_once(move |_, _| Ok(Some(stored)));
        mocks.commits.expect_commit().never();
        let (messaging, fanout) = mocks.service();
        let marked = messaging.mark_message_read(&message.id, &user(reader)).await;
        assert_eq!(marked.expect("the reader takes part"), message);
        assert_eq!(fanout.published(), []);
        assert_eq!(fanout.take_marked(), []);
    }

    #[tokio::test]
    async fn a_mark_that_failed_or_was_not_the_reader_s_is_not_published() {
        let (id, parties) = conversation_parties("conversation", "s1", "c1");
        let unknown = Ok(Err(Refusal::UnknownConversation));
        for answer in [unknown, Err(StoreError::Busy("a test".into()))] {
            let mut mocks = MessagingMocks::new();
            let parties = parties.clone();
            mocks.conversations.expect_parties().return_once(|_, _| Ok(Some(parties)));
            mocks.commits.expect_commit().return_once(move |_, _, _, _| answer);
            let (messaging, fanout) = mocks.service();
            let everything = ReadTarget::Everything;
            let marked = messaging.mark_conversation_read(&id, &user("s1"), everything).await;
            assert!(marked.is_err());
            assert_eq!(fanout.published(), []);
        }
    }

    #[tokio::test]
    async fn a_mark_of_a_stranger_never_comes_to_the_conversation() {
        let mut mocks = MessagingMocks::new();
        mocks.conversations.expect_parties().return_once(|_, _| Ok(None));
        mocks.commits.expect_commit().never();
        let (messaging, _) = mocks.service();
        let (id, _) = conversation_parties("conversation", "s1", "c1");
        let everything = ReadTarget::Everything;
        let marked = messaging.mark_conversation_read(&id, &user("stranger"), everything).await;
        assert!(matches!(marked, Err(FindError::Unknown)), "{marked:?}");
    }

    #[tokio::test]
    async fn marking_a_message_reads_it_and_what_came_before_and_is_published_once() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let (messaging, fanout) = (&service.messaging, &service.fanout);
        let id = service.open("s1", "c1").await;
        let mut sent = vec![];
        for number in ["1", "2", "3"] {
            let message = messaging.send_message(&id, &user("c1"), text(number)).await;
            sent.push(message.expect("the client takes part").message);
        }
        fanout.take();

        for notifications in [1, 0] {
            let marked = messaging.mark_message_read(&sent[1].id, &user("s1")).await;
            let marked = marked.expect("the salon takes part");
            assert!(marked.is_read);
            assert_eq!(fanout.take().len(), notifications);
            // Its author is notified of this message, once, and not of the one before it.
            let named = fanout.take_marked();
            assert_eq!(named.len(), notifications);
            for named in named {
                assert_eq!((named.message, named.author), (sent[1].id.clone(), user("c1")));
                assert_eq!(Some(named.read_at), marked.read_at);
            }
        }
        for (target, unread, changed) in
            [(ReadTarget::UpTo(sent[0].seq), 1, false), (ReadTarget::Everything, 0, true)]
        {
            let marked = messaging.mark_conversation_read(&id, &user("s1"), target).await;
            let marked = marked.expect("the salon takes part");
            assert_eq!(marked, Marked { unread, changed });
            assert_eq!(fanout.take_marked(), []);
        }
    }
}

#[cfg(test)]
mod delete_message_tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        conversation::event::EventKind,
        testing::{
            MemoryStore, MessagingMocks,
            fixture::{Service, text, unread_message, user},
        },
    };

    #[tokio::test]
    async fn nobody_deletes_another_s_message_and_the_store_is_not_asked_to() {
        let message = unread_message("c1", "hello");
        let id = message.id.clone();
        let mut mocks = MessagingMocks::new();
        mocks.messages.expect_message().return_once(move |_, _| Ok(Some(message)));
        mocks.commits.expect_commit().never();
        let (messaging, fanout) = mocks.service();
        let deleted = messaging.delete_message(&id, &user("s1")).await;
        assert!(matches!(deleted, Err(DeleteMessageError::NotTheAuthor)));
        assert_eq!(fanout.published(), []);
    }

    #[tokio::test]
    async fn a_stranger_learns_nothing_of_a_message() {
        let mut mocks = MessagingMocks::new();
        mocks.messages.expect_message().return_once(|_, _| Ok(None));
        mocks.commits.expect_commit().never();
        let (messaging, _) = mocks.service();
        let id = unread_message("c1", "hello").id;
        let deleted = messaging.delete_message(&id, &user("x")).await;
        assert!(matches!(deleted, Err(DeleteMessageError::Unknown)));
    }

    #[tokio::test]
    async fn a_deletion_that_failed_or_came_late_is_not_published() {
        let late = [Refusal::UnknownMessage, Refusal::UnknownConversation];
        let late = late.into_iter().map(|refusal| Ok(Err(refusal)));
        for answer in late.chain([Err(StoreError::Busy("a test".into()))]) {
            let message = unread_message("c1", "hello");
            let id = message.id.clone();
            let mut mocks = MessagingMocks::new();
            mocks.messages.expect_message().return_once(move |_, _| Ok(Some(message)));
            mocks.commits.expect_commit().return_once(move |_, _, _, _| answer);
            let (messaging, fanout) = mocks.service();
            let deleted = messaging.delete_message(&id, &user("c1")).await;
            assert!(deleted.is_err());
            assert_eq!(fanout.published(), []);
        }
    }

    #[tokio::test]
    async fn a_deletion_is_published() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let id = service.open("s1", "c1").await;
        let (messaging, author) = (&service.messaging, user("c1"));
        let sent = messaging.send_message(&id, &author, text("hello")).await;
        let message = sent.expect("the client takes part").message;
        service.fanout.take();
        let deleted = messaging.delete_message(&message.id, &author).await;
        deleted.expect("its author may");
        let events = service.fanout.take();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, EventKind::MessageDeleted(message.id.clone()));
    }
}
