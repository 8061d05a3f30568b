//! What mail asks of a store, and of what sends it.

use async_trait::async_trait;

use super::{
    Email, MailDecision, NewMail, PendingNotifications, QueuedMail, ReplyToken,
    preferences::{PreferenceChange, Preferences},
};
use crate::{
    ids::{ConversationId, MailId, UserId},
    jobs::Cause,
    ports::StoreError,
    time::Timestamp,
};

/// A question for people about whose mail must be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueMail {
    /// The present moment: what was to wait until then is due.
    pub now: Timestamp,
    /// What waits since then or longer, and was not told to wait for anything else, is due.
    pub since: Timestamp,
    /// How many people (1 to 1,000).
    pub limit: u32,
}

/// Whom an answer by mail comes from, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTarget {
    /// Who was written to.
    pub person: UserId,
    /// What about.
    pub conversation: ConversationId,
}

/// Mail that waits, is on its way, or left (D15).
///
/// What waits is noted by the change that causes it, in its transaction:
/// [`post_message`](crate::conversation::store::MessageStore::post_message) notes it for the other side, once for each
/// conversation, unless the message is read on arrival. What the platform says is not noted.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MailStore: Send + Sync {
    /// People about whose mail must be decided, the longest waiting first.
    async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError>;

    /// What the decision about a person's mail rests on, in one view, at most
    /// [`WAITING_MAX`](super::WAITING_MAX) conversations: what was put off beyond `now` comes
    /// behind all else, so that it keeps nothing from being looked at; of both what waits longest
    /// comes first. `None` when nothing waits for them.
    async fn mail_case(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError>;

    /// Carries out a verdict about `case`: forgets, lets wait, and, when something is told, notes the
    /// mail together with the job [`SendMail`](crate::jobs::Task::SendMail). `false`, and nothing is
    /// changed, when somebody else settled this person's mail since.
    ///
    /// Where a message was noted since ([`noted`](super::PendingConversation::noted) is another one by now)
    /// nothing is forgotten: what was not told waits, since the moment of the mail. What is told is
    /// told up to the position in the verdict, in this mail and no later one.
    async fn settle_mail(
        &self,
        case: &PendingNotifications,
        verdict: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError>;

    /// A mail that did not leave yet, with what is still unread of what it was decided to tell: what
    /// was read, deleted or taken away meanwhile is left out, and so is a conversation in which
    /// nothing is left. `None` when it was closed, or when there is none.
    async fn open_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError>;

    /// A mail left, or never will. A closed mail need not be kept for longer than it counts among its
    /// recipient's [recent ones](super::PendingNotifications::recent_mails).
    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError>;

    /// Whom a reply token stands for; `None` when nobody was given it. It goes on to be known when
    /// its conversation was taken away.
    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError>;

    /// No more mail to this address, whosever it is, because it came back or its owner complained.
    /// Addresses are compared [as mail servers do](super::is_same_address). Returns how many
    /// people have it; an address that nobody has is not noted.
    async fn suppress_address(&self, address: &str, at: Timestamp) -> Result<u64, StoreError>;

    /// Mail to the address that a person has now, again, whoever else has it too. `false`, and nothing
    /// is changed, when it was not suppressed, or when they have none.
    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError>;
}

/// What came of muting a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muting {
    /// It is muted, now or since before.
    Muted,
    /// There is no such conversation, or the person takes no part in it. Nothing was changed.
    UnknownConversation,
    /// The person has muted [`MUTED_MAX`](super::preferences::MUTED_MAX) others. Nothing was changed.
    TooMany,
}

/// What people want to hear of by mail. A conversation that was taken away is not muted any more.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait PreferenceStore: Send + Sync {
    /// What `user` wants; [the usual](Preferences::usual) when they never said anything, noted from
    /// now on. `None` when the directory does not know them.
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Changes what `user` wants; `None` when the directory does not know them. Two changes of
    /// different things at the same moment are both made.
    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Mutes a conversation for `user`. Two calls at the same moment lose nothing.
    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError>;

    /// Takes the muting back; that there is none is fine.
    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It may leave later: the mail server is away, busy, or said so (4yz).
    #[error("the mail server does not take the mail now")]
    Later(#[source] Cause),
    /// It will never leave like this (5yz).
    #[error("the mail server refuses the mail")]
    Refused(#[source] Cause),
    /// There is no such mailbox, and no mail will ever reach it (5yz in answer to the recipient, or
    /// an address that is none).
    #[error("there is no such mailbox")]
    NoSuchMailbox(#[source] Cause),
}

/// Delivers mail.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MailSender: Send + Sync {
    /// Writes a letter out and hands it to a mail server. When this returns, the server has taken it.
    ///
    /// # Errors
    /// [`DeliveryError`]; the mail may have been taken all the same when the connection broke. Sent again,
    /// it bears the same Message-ID. Nothing of the letter is repeated in the error.
    async fn deliver(&self, letter: &Email) -> Result<(), DeliveryError>;
}
