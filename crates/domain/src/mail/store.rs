//! The store and sender ports of mail.

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

/// A query for people with due mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueMail {
    /// The current time: what was deferred until then is due.
    pub now: Timestamp,
    /// What has been pending since then or longer, and was not deferred, is due.
    pub since: Timestamp,
    /// The most people (1 to 1,000).
    pub limit: u32,
}

/// The author and conversation of a reply by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTarget {
    /// The recipient of the original mail.
    pub person: UserId,
    /// The conversation.
    pub conversation: ConversationId,
    /// When the newest message of the conversation was posted, or the person was last mailed about it.
    pub last_message_at: Timestamp,
}

/// What becomes of the token of a webhook call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// The caller may execute the call.
    Taken,
    /// Another call with this token is being executed, or was interrupted a moment ago.
    InProgress,
    /// A call with this token was executed.
    Executed,
}

/// A token of a webhook call is not taken again for so long, in milliseconds, after a call that came to
/// no outcome.
pub const WEBHOOK_CALL_MS_MAX: u64 = 60_000;

/// Pending, queued and sent mail (D15).
///
/// A pending notification is recorded by the change that causes it, in its transaction:
/// [`commit`](crate::conversation::store::ConversationLog::commit) of a message records it for the
/// other side, once per conversation, unless the message is read on arrival. Platform messages are
/// not recorded.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MailStore: Send + Sync {
    /// People with due mail, longest waiting first.
    async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError>;

    /// The input of the decision about a person's mail, read consistently, with at most
    /// [`PENDING_CONVERSATIONS_MAX`](super::PENDING_CONVERSATIONS_MAX) conversations: those
    /// deferred beyond `now` come last, so that they keep nothing else out; otherwise longest
    /// waiting first. `None` when nothing is pending.
    async fn pending_notifications(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError>;

    /// Applies a decision about `notifications`: drops, defers, and, if something is sent, queues
    /// the mail together with the job [`SendMail`](crate::jobs::Task::SendMail). `false`, without a
    /// change, when another decision about this person's mail was applied since.
    ///
    /// Where a message was noted since ([`noted`](super::PendingConversation::noted) has changed)
    /// nothing is dropped: what is not in this mail stays pending, as of the time of the mail. What
    /// is sent is sent up to the position in the decision, in this mail and no later one.
    async fn apply_mail_decision(
        &self,
        notifications: &PendingNotifications,
        decision: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError>;

    /// A queued mail that was not sent yet, with the messages it was queued for that are still
    /// unread: read or deleted messages are left out, and so are conversations without any left.
    /// `None` when it was closed or does not exist.
    async fn queued_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError>;

    /// Closes a mail that was sent, or never will be. It need not be kept for longer than it counts
    /// among its recipient's [recent mails](super::PendingNotifications::recent_mails).
    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError>;

    /// The person and conversation of a reply token; `None` for an unknown token. It stays known
    /// after its conversation was deleted.
    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError>;

    /// Takes the token of a webhook call, so that no call is executed twice, on whichever node. A
    /// call that came to no outcome may be executed again after [`WEBHOOK_CALL_MS_MAX`]. Tokens that
    /// were taken before `forget_before` may be forgotten.
    async fn take_webhook_token(
        &self,
        token: &str,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<TokenUse, StoreError>;

    /// Records the outcome of a call whose token was taken: executed, or to be executed again.
    async fn settle_webhook_token(&self, token: &str, is_executed: bool) -> Result<(), StoreError>;

    /// Suppresses an address, for everybody who has it: mail to it bounced or was reported as spam.
    /// Addresses are compared [as mail servers do](super::is_same_address). Returns how many people
    /// have it; an address that nobody has is not stored.
    async fn suppress_address(&self, address: &str, at: Timestamp) -> Result<u64, StoreError>;

    /// Allows mail to a person's current address again, for everybody who has it. `false`, without
    /// a change, when it was not suppressed or the person has none.
    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError>;
}

/// The outcome of muting a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muting {
    /// It is muted, now or since before.
    Muted,
    /// The conversation does not exist, or the person is no participant, or asked to be forgotten.
    /// Nothing was changed.
    UnknownConversation,
    /// The person has muted [`MUTED_MAX`](super::preferences::MUTED_MAX) others. Nothing was
    /// changed.
    TooMany,
}

/// Mail preferences. Deleting a conversation removes its muting.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait PreferenceStore: Send + Sync {
    /// The preferences of `user`; [the defaults](Preferences::usual) when they never set any,
    /// stored from now on. `None` when the directory does not know them, or they asked to be forgotten.
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Changes the preferences of `user`; `None` when the directory does not know them, or they asked
    /// to be forgotten. Concurrent changes of different values are both applied.
    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Mutes a conversation for `user`. Concurrent calls are all applied.
    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError>;

    /// Removes a muting; succeeds when there is none.
    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Retry later: the mail server is unreachable, busy, or said so (4yz).
    #[error("the mail server does not take the mail now")]
    Later(#[source] Cause),
    /// The server refuses this mail permanently (5yz).
    #[error("the mail server refuses the mail")]
    Refused(#[source] Cause),
    /// The mailbox does not exist and never accepts mail (5yz in response to the recipient, or an
    /// invalid address).
    #[error("there is no such mailbox")]
    NoSuchMailbox(#[source] Cause),
}

/// Delivers mail.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MailSender: Send + Sync {
    /// Composes a mail and hands it to a mail server. When this returns, the server has accepted
    /// it.
    ///
    /// # Errors
    /// [`DeliveryError`]; if the connection broke, the mail may have been accepted. Sent again, it
    /// has the same Message-ID. The error repeats nothing of the mail.
    async fn deliver(&self, email: &Email) -> Result<(), DeliveryError>;
}
