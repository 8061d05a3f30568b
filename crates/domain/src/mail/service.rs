//! Sending, preferences and replies of mail.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::{
    Email, MailPolicy, NewMail, ReplyToken, SendDecision, SkipReason, decide_send, is_same_address,
    preferences::{Frequency, PreferenceChange, Preferences},
    schedule::decide,
    store::{DeliveryError, DueMail, MailSender, MailStore, Muting, PreferenceStore, ReplyTarget},
};
use crate::{
    conversation::{
        commands::{SendMessageError, Sent},
        message::{Draft, MessageKind},
    },
    ids::{ClientMessageId, ConversationId, MailId, UserId},
    jobs::JobFailure,
    messaging::Messaging,
    ports::{Clock, Ids, StoreError},
    text::{CONTENT_MAX_CHARS, Content, TextError, beginning, tidied},
    time::Timestamp,
};

/// Mail notifications (D15): decided when due, composed when sent. Cheap to clone.
#[derive(Clone)]
pub struct Mailing {
    store: Arc<dyn MailStore>,
    mail_sender: Arc<dyn MailSender>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    policy: MailPolicy,
}

/// The counts of a batch of decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueMailCounts {
    /// People with due mail. If it equals the limit, there may be more.
    pub people: u32,
    /// Mails queued.
    pub mails: u32,
    /// Conversations dropped because their messages are too old
    /// ([`MailPolicy::notice_age_max_ms`]).
    pub too_old: u32,
}

impl Mailing {
    /// Creates the service.
    pub fn new(
        store: Arc<dyn MailStore>,
        mail_sender: Arc<dyn MailSender>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        policy: MailPolicy,
    ) -> Self {
        Self { store, mail_sender, clock, ids, policy }
    }

    /// Decides about the mail of at most `limit` people (1 to 1,000) for whom it is due, longest
    /// waiting first. Several nodes may do so at the same time: each person is decided about once.
    ///
    /// # Errors
    /// [`StoreError`]; the remaining people are decided about next time. A person whose mail state
    /// cannot be read does not block the others.
    pub async fn decide_due(&self, limit: u32) -> Result<DueMailCounts, StoreError> {
        let now = self.clock.now();
        let delay_ms = i64::try_from(self.policy.delay_ms).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(delay_ms));
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let people = self.store.due_for_mail(&DueMail { now, since, limit }).await?;
        let mut decided = DueMailCounts::default();
        let mut read_error = None;
        for person in &people {
            decided.people += 1;
            match self.decide_about(person).await {
                Ok(counts) => {
                    decided.mails += counts.mails;
                    decided.too_old += counts.too_old;
                }
                Err(error @ StoreError::Internal(_)) => read_error = Some(error),
                Err(error) => return Err(error),
            }
        }
        read_error.map_or(Ok(decided), Err)
    }

    /// The counts of one person's decision; zero when another node was faster.
    async fn decide_about(&self, recipient: &UserId) -> Result<DueMailCounts, StoreError> {
        let now = self.clock.now();
        let nothing = DueMailCounts::default();
        let Some(notifications) = self.store.pending_notifications(recipient, now).await? else {
            return Ok(nothing);
        };
        let decision = decide(&notifications, &self.policy, now);
        let mail = NewMail { id: self.ids.next().into(), recipient: recipient.clone(), at: now };
        if !self.store.apply_mail_decision(&notifications, &decision, &mail).await? {
            return Ok(nothing);
        }
        let too_old = u32::try_from(decision.dropped(SkipReason::TooOld)).unwrap_or(u32::MAX);
        Ok(DueMailCounts { people: 1, mails: u32::from(!decision.send.is_empty()), too_old })
    }

    /// Composes a queued mail and hands it to the mail server, if it still has something to say:
    /// the body of its job. Repeated, it sends a mail with the same id, and none that was sent
    /// before, unless that could not be recorded.
    ///
    /// # Errors
    /// [`JobFailure`]. A refused mail stays queued: an operator may retry it.
    pub async fn send(&self, mail: &MailId) -> Result<(), JobFailure> {
        let Some(queued) = self.store.queued_mail(mail).await? else { return Ok(()) };
        match decide_send(queued, &self.policy, self.clock.now()) {
            SendDecision::Now(email) => self.deliver(&email).await?,
            SendDecision::NotBefore(until) => {
                return Err(JobFailure::Postponed { reason: "quiet_hours", until });
            }
            SendDecision::Never => {}
        }
        Ok(self.store.close_mail(mail).await?)
    }

    async fn deliver(&self, email: &Email) -> Result<(), JobFailure> {
        match self.mail_sender.deliver(email).await {
            Ok(()) => Ok(()),
            Err(error @ DeliveryError::Later(_)) => {
                Err(JobFailure::Retry { reason: "mail_server_failed", cause: Some(error.into()) })
            }
            Err(DeliveryError::Refused(_)) => Err(JobFailure::dead("mail_refused")),
            Err(DeliveryError::NoSuchMailbox(_)) => {
                let address = email.recipient.profile.email.as_deref().unwrap_or_default();
                self.store.suppress_address(address, self.clock.now()).await?;
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Mailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailing").field("terms", &self.policy).finish_non_exhaustive()
    }
}

/// Why preferences are not available.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// The directory does not know the person.
    #[error("no such person")]
    UnknownPerson,
    /// The store failed.
    #[error("the preferences could not be read or changed")]
    Store(#[from] StoreError),
}

/// Why a conversation was not muted.
#[derive(Debug, thiserror::Error)]
pub enum MuteError {
    /// It does not exist, or the caller is no participant.
    #[error("no such conversation")]
    UnknownConversation,
    /// The person muted [`MUTED_MAX`](super::preferences::MUTED_MAX) others.
    #[error("too many conversations are muted")]
    TooMany,
    /// The store failed.
    #[error("the conversation could not be muted")]
    Store(#[from] StoreError),
}

/// People's mail preferences. Cheap to clone.
#[derive(Clone)]
pub struct MailPreferences {
    store: Arc<dyn PreferenceStore>,
    mail: Arc<dyn MailStore>,
    clock: Arc<dyn Clock>,
}

crate::opaque_debug!(MailPreferences);

impl MailPreferences {
    /// Creates the service.
    pub fn new(
        store: Arc<dyn PreferenceStore>,
        mail: Arc<dyn MailStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, mail, clock }
    }

    /// A person's mail preferences.
    ///
    /// # Errors
    /// See [`PreferencesError`].
    pub async fn preferences(&self, user: &UserId) -> Result<Preferences, PreferencesError> {
        let found = self.store.preferences(user, self.clock.now()).await?;
        found.ok_or(PreferencesError::UnknownPerson)
    }

    /// Changes a person's mail preferences.
    ///
    /// # Errors
    /// See [`PreferencesError`]; nothing is changed then.
    pub async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
    ) -> Result<Preferences, PreferencesError> {
        let changed = self.store.change_preferences(user, change, self.clock.now()).await?;
        changed.ok_or(PreferencesError::UnknownPerson)
    }

    /// Stops mail to a person who followed the unsubscribe link; the link was verified before.
    /// Idempotent; succeeds for unknown people too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsubscribe(&self, user: &UserId) -> Result<(), StoreError> {
        let never = PreferenceChange { frequency: Some(Frequency::Never), ..Default::default() };
        self.store.change_preferences(user, &never, self.clock.now()).await?;
        Ok(())
    }

    /// Suppresses an address: mail to it bounced or was reported as spam. Returns how many people
    /// have it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppress_address(&self, address: &str) -> Result<u64, StoreError> {
        self.mail.suppress_address(address, self.clock.now()).await
    }

    /// Mutes a conversation for a person.
    ///
    /// # Errors
    /// See [`MuteError`]; nothing is changed then.
    pub async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<(), MuteError> {
        match self.store.mute(user, conversation, self.clock.now()).await? {
            Muting::Muted => Ok(()),
            Muting::UnknownConversation => Err(MuteError::UnknownConversation),
            Muting::TooMany => Err(MuteError::TooMany),
        }
    }

    /// Unmutes a conversation, if it is muted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<(), StoreError> {
        self.store.unmute(user, conversation, self.clock.now()).await
    }
}

/// The UUID namespace of Message-IDs.
const MESSAGE_ID_NAMESPACE: Uuid = Uuid::from_u128(0x6d61_696c_5f72_6570_6c79_5f62_795f_6964);

/// A reply by mail. Its `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct MailReply<'a> {
    /// The token in the address it was sent to.
    pub token: &'a ReplyToken,
    /// The sender's bare address.
    pub sender: &'a str,
    /// Its Message-ID header (RFC 5322, 3.6.4), so that it is posted once.
    pub message_id: &'a str,
    /// The text without the quoted mail. Truncated to [`CONTENT_MAX_CHARS`].
    pub text: &'a str,
}

crate::opaque_debug!(MailReply<'_>);

/// Why a reply by mail was not posted.
#[derive(Debug, thiserror::Error)]
pub enum ReplyByMailError {
    /// The reply address is unknown.
    #[error("no such address to answer to")]
    UnknownAddress,
    /// The reply address is no longer valid: nothing was written in the conversation for too long.
    #[error("the address to answer to has ended")]
    Expired,
    /// It comes from another address than the person's.
    #[error("somebody else answered")]
    OtherSender,
    /// It has no Message-ID, so a repeated delivery could not be recognised.
    #[error("the answer has no id")]
    NoMessageId,
    /// It has no text.
    #[error("the answer is empty")]
    Empty,
    /// A reply with the same Message-ID and another text was posted before.
    #[error("another answer was posted under this id")]
    Contradicted,
    /// The conversation was deleted, or the reply was posted before and deleted since.
    #[error("the conversation or the answer is gone")]
    Gone,
    /// The store failed. Delivered again, the reply is still posted once.
    #[error("the answer could not be posted")]
    Store(#[from] StoreError),
}

/// How long a reply address is valid after the newest message of its conversation, in milliseconds,
/// unless [set otherwise](MailReplies::with_age_max_ms): 90 days.
pub const REPLY_AGE_MS_MAX: u64 = 90 * 86_400_000;

/// Replies by mail. Cheap to clone.
#[derive(Clone)]
pub struct MailReplies {
    store: Arc<dyn MailStore>,
    messaging: Messaging,
    age_max_ms: u64,
}

/// A reply that is its sender's and may be [posted](MailReplies::post).
pub struct CheckedReply {
    target: ReplyTarget,
    draft: Draft,
}

impl CheckedReply {
    /// The person who answers.
    pub fn author(&self) -> &UserId {
        &self.target.person
    }
}

crate::opaque_debug!(CheckedReply);

crate::opaque_debug!(MailReplies);

impl MailReplies {
    /// Creates the service; replies are posted through `messaging`.
    pub fn new(store: Arc<dyn MailStore>, messaging: Messaging) -> Self {
        Self { store, messaging, age_max_ms: REPLY_AGE_MS_MAX }
    }

    /// Sets how long a reply address is valid after the newest message of its conversation.
    #[must_use]
    pub fn with_age_max_ms(self, age_max_ms: u64) -> Self {
        Self { age_max_ms, ..self }
    }

    /// Checks a reply: its address, its sender and its text.
    ///
    /// # Errors
    /// See [`ReplyByMailError`].
    pub async fn check(&self, reply: &MailReply<'_>) -> Result<CheckedReply, ReplyByMailError> {
        let target = self.store.reply_target(reply.token).await?;
        let target = target.ok_or(ReplyByMailError::UnknownAddress)?;
        let ends_at = target.last_message_at.as_millis().saturating_add_unsigned(self.age_max_ms);
        if ends_at <= self.messaging.clock.now().as_millis() {
            return Err(ReplyByMailError::Expired);
        }
        let person = self.messaging.people.person(&target.person).await?;
        let address = person.and_then(|person| person.profile.email);
        if !address.is_some_and(|address| is_same_address(&address, reply.sender)) {
            return Err(ReplyByMailError::OtherSender);
        }
        Ok(CheckedReply { draft: draft(reply)?, target })
    }

    /// Posts a reply as if its sender had written it in the conversation: once, however often it is
    /// delivered.
    ///
    /// # Errors
    /// See [`ReplyByMailError`]; nothing is posted then.
    pub async fn post(&self, reply: CheckedReply) -> Result<Sent, ReplyByMailError> {
        let CheckedReply { target, draft } = reply;
        let sent = self.messaging.send_message(&target.conversation, &target.person, draft).await;
        sent.map_err(reply_error)
    }
}

fn draft(reply: &MailReply<'_>) -> Result<Draft, ReplyByMailError> {
    let id = reply.message_id.trim();
    if id.is_empty() {
        return Err(ReplyByMailError::NoMessageId);
    }
    // Mail programs leave blank lines around the text.
    let content = Content::parse(truncated(tidied(reply.text).trim()))
        .map_err(|_: TextError| ReplyByMailError::Empty)?;
    Draft::new(MessageKind::Text, content, vec![], key(id)).map_err(|_| ReplyByMailError::Empty)
}

/// Replaces what was cut off.
const CUT: &str = "\n[…]";

/// Truncates a text that is too long for a message: the rest is mostly an unrecognised quote, and
/// the sender cannot be told that a mail was refused.
fn truncated(text: &str) -> String {
    if text.chars().count() <= CONTENT_MAX_CHARS {
        return text.to_owned();
    }
    let kept = beginning(text, CONTENT_MAX_CHARS - CUT.chars().count());
    format!("{}{CUT}", kept.trim_end())
}

/// The idempotency key of the reply with this Message-ID.
fn key(message_id: &str) -> Option<ClientMessageId> {
    let name = Uuid::new_v5(&MESSAGE_ID_NAMESPACE, message_id.as_bytes());
    ClientMessageId::parse(&format!("mail-{}", name.simple())).ok()
}

fn reply_error(error: SendMessageError) -> ReplyByMailError {
    match error {
        SendMessageError::UnknownConversation
        | SendMessageError::Withdrawn
        | SendMessageError::UnknownUpload => ReplyByMailError::Gone,
        SendMessageError::KeyReused => ReplyByMailError::Contradicted,
        SendMessageError::Store(error) => ReplyByMailError::Store(error),
    }
}

#[cfg(test)]
mod tests;
