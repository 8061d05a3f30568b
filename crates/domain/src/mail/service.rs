//! Deciding, writing and receiving mail.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::{
    Email, MailPolicy, NewMail, ReplyToken, SendDecision, SkipReason, decide_send, is_same_address,
    preferences::{Frequency, PreferenceChange, Preferences},
    schedule::decide,
    store::{DeliveryError, DueMail, MailSender, MailStore, Muting, PreferenceStore},
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

/// Mail about messages that wait (D15): decided when it is due, written when it leaves. Cheap to
/// clone.
#[derive(Clone)]
pub struct Mailing {
    store: Arc<dyn MailStore>,
    post_office: Arc<dyn MailSender>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    terms: MailPolicy,
}

/// What was decided on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// People whose mail was due. As many as were allowed: there may be more.
    pub people: u32,
    /// Mails that are on their way now.
    pub mails: u32,
    /// Conversations of which no mail tells because what waits there is too old
    /// ([`MailPolicy::notice_age_max_ms`]).
    pub too_old: u32,
}

impl Mailing {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn MailStore>,
        post_office: Arc<dyn MailSender>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        terms: MailPolicy,
    ) -> Self {
        Self { store, post_office, clock, ids, terms }
    }

    /// Decides about the mail of at most `limit` people (1 to 1,000) for whom it is due, the longest
    /// waiting first. Several nodes may do so at the same moment: each person's mail is decided once.
    ///
    /// # Errors
    /// The store's; whoever is left is decided about the next time. Somebody whose case it cannot read
    /// holds up nobody behind them.
    pub async fn decide_due(&self, limit: u32) -> Result<Decided, StoreError> {
        let now = self.clock.now();
        let delay_ms = i64::try_from(self.terms.delay_ms).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(delay_ms));
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let people = self.store.due_for_mail(&DueMail { now, since, limit }).await?;
        let mut decided = Decided::default();
        let mut unreadable = None;
        for person in &people {
            decided.people += 1;
            match self.decide_about(person).await {
                Ok(settled) => {
                    decided.mails += settled.mails;
                    decided.too_old += settled.too_old;
                }
                Err(error @ StoreError::Internal(_)) => unreadable = Some(error),
                Err(error) => return Err(error),
            }
        }
        unreadable.map_or(Ok(decided), Err)
    }

    /// What was decided about one person's mail; nothing when somebody else was faster.
    async fn decide_about(&self, recipient: &UserId) -> Result<Decided, StoreError> {
        let now = self.clock.now();
        let nothing = Decided::default();
        let Some(case) = self.store.mail_case(recipient, now).await? else { return Ok(nothing) };
        let verdict = decide(&case, &self.terms, now);
        let mail = NewMail { id: self.ids.next().into(), recipient: recipient.clone(), at: now };
        if !self.store.settle_mail(&case, &verdict, &mail).await? {
            return Ok(nothing);
        }
        let too_old = u32::try_from(verdict.forgotten(SkipReason::TooOld)).unwrap_or(u32::MAX);
        Ok(Decided { people: 1, mails: u32::from(!verdict.tell.is_empty()), too_old })
    }

    /// Writes a mail that was decided on and hands it over, if it still has something to say: the
    /// body of its job. Repeated, it hands over a mail with the same id, and none that was handed
    /// over before, unless that could not be noted.
    ///
    /// # Errors
    /// [`JobFailure`]. A mail that is refused stays as it is: an operator may have it tried again.
    pub async fn send(&self, mail: &MailId) -> Result<(), JobFailure> {
        let Some(open) = self.store.open_mail(mail).await? else { return Ok(()) };
        match decide_send(open, &self.terms, self.clock.now()) {
            SendDecision::Now(letter) => self.hand_over(&letter).await?,
            SendDecision::NotBefore(until) => {
                return Err(JobFailure::Postponed { reason: "quiet_hours", until });
            }
            SendDecision::Never => {}
        }
        Ok(self.store.close_mail(mail).await?)
    }

    async fn hand_over(&self, letter: &Email) -> Result<(), JobFailure> {
        match self.post_office.deliver(letter).await {
            Ok(()) => Ok(()),
            Err(error @ DeliveryError::Later(_)) => {
                Err(JobFailure::Retry { reason: "mail_server_failed", cause: Some(error.into()) })
            }
            Err(DeliveryError::Refused(_)) => Err(JobFailure::dead("mail_refused")),
            Err(DeliveryError::NoSuchMailbox(_)) => {
                let address = letter.recipient.profile.email.as_deref().unwrap_or_default();
                self.store.suppress_address(address, self.clock.now()).await?;
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Mailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailing").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// Why there are no preferences.
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
    /// It is not there, or the caller may not know that it is.
    #[error("no such conversation")]
    UnknownConversation,
    /// The person muted [`MUTED_MAX`](super::preferences::MUTED_MAX) others.
    #[error("too many conversations are muted")]
    TooMany,
    /// The store failed.
    #[error("the conversation could not be muted")]
    Store(#[from] StoreError),
}

/// What people wish of mail. Cheap to clone.
#[derive(Clone)]
pub struct MailPreferences {
    store: Arc<dyn PreferenceStore>,
    mail: Arc<dyn MailStore>,
    clock: Arc<dyn Clock>,
}

crate::opaque_debug!(MailPreferences);

impl MailPreferences {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn PreferenceStore>,
        mail: Arc<dyn MailStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, mail, clock }
    }

    /// What a person wants to hear of by mail.
    ///
    /// # Errors
    /// See [`PreferencesError`].
    pub async fn preferences(&self, user: &UserId) -> Result<Preferences, PreferencesError> {
        let found = self.store.preferences(user, self.clock.now()).await?;
        found.ok_or(PreferencesError::UnknownPerson)
    }

    /// Changes what a person wants to hear of by mail.
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

    /// No more mail to a person, by the link in one. Whose link it is, is checked before. Repeated, or
    /// for somebody nobody knows any more, it is done as well.
    ///
    /// # Errors
    /// The store's.
    pub async fn unsubscribe(&self, user: &UserId) -> Result<(), StoreError> {
        let never = PreferenceChange { frequency: Some(Frequency::Never), ..Default::default() };
        self.store.change_preferences(user, &never, self.clock.now()).await?;
        Ok(())
    }

    /// No more mail to an address, because mail to it came back or its owner complained. Returns how
    /// many people have it.
    ///
    /// # Errors
    /// The store's.
    pub async fn suppress_address(&self, address: &str) -> Result<u64, StoreError> {
        self.mail.suppress_address(address, self.clock.now()).await
    }

    /// No more mail to a person about this conversation.
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

    /// Takes a muting back, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<(), StoreError> {
        self.store.unmute(user, conversation, self.clock.now()).await
    }
}

/// Sets the names that are made of Message-IDs apart from all others.
const MESSAGE_IDS: Uuid = Uuid::from_u128(0x6d61_696c_5f72_6570_6c79_5f62_795f_6964);

/// An answer that came by mail. Its `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct MailReply<'a> {
    /// What the address that it was sent to says of person and conversation.
    pub token: &'a ReplyToken,
    /// The bare address of its sender.
    pub sender: &'a str,
    /// What its Message-ID header says (RFC 5322, 3.6.4), so that it is posted once.
    pub message_id: &'a str,
    /// What it says, without what it quotes. Beyond [`CONTENT_MAX_CHARS`] it is cut.
    pub text: &'a str,
}

crate::opaque_debug!(MailReply<'_>);

/// Why an answer by mail was not posted.
#[derive(Debug, thiserror::Error)]
pub enum ReplyByMailError {
    /// Nobody was ever given this address to answer to.
    #[error("no such address to answer to")]
    UnknownAddress,
    /// It comes from another address than the person's own.
    #[error("somebody else answered")]
    OtherSender,
    /// It has no Message-ID, so that it cannot be told from another.
    #[error("the answer has no id")]
    NoMessageId,
    /// It says nothing.
    #[error("the answer is empty")]
    Empty,
    /// It was posted before, in other words.
    #[error("another answer was posted under this id")]
    Contradicted,
    /// The conversation was taken away, or the answer was posted before and deleted since.
    #[error("the conversation or the answer is gone")]
    Gone,
    /// The store failed. Delivered again, the answer is posted once all the same.
    #[error("the answer could not be posted")]
    Store(#[from] StoreError),
}

/// Answers that come by mail. Cheap to clone.
#[derive(Clone)]
pub struct MailReplies {
    store: Arc<dyn MailStore>,
    messaging: Messaging,
}

crate::opaque_debug!(MailReplies);

impl MailReplies {
    /// Puts the service together; answers are posted through `messaging`.
    pub fn new(store: Arc<dyn MailStore>, messaging: Messaging) -> Self {
        Self { store, messaging }
    }

    /// Posts what somebody answered to a mail, as if they had written it in the conversation: once,
    /// however often it is delivered.
    ///
    /// # Errors
    /// See [`ReplyByMailError`]; nothing is posted then.
    pub async fn reply_by_mail(&self, reply: &MailReply<'_>) -> Result<Sent, ReplyByMailError> {
        let target = self.store.reply_target(reply.token).await?;
        let target = target.ok_or(ReplyByMailError::UnknownAddress)?;
        let person = self.messaging.people.person(&target.person).await?;
        let address = person.and_then(|person| person.profile.email);
        if !address.is_some_and(|address| is_same_address(&address, reply.sender)) {
            return Err(ReplyByMailError::OtherSender);
        }
        let draft = draft(reply)?;
        let sent = self.messaging.send_message(&target.conversation, &target.person, draft).await;
        sent.map_err(refusal)
    }
}

fn draft(reply: &MailReply<'_>) -> Result<Draft, ReplyByMailError> {
    let id = reply.message_id.trim();
    if id.is_empty() {
        return Err(ReplyByMailError::NoMessageId);
    }
    // Mail programs leave blank lines around what somebody wrote.
    let content = Content::parse(shortened(tidied(reply.text).trim()))
        .map_err(|_: TextError| ReplyByMailError::Empty)?;
    Draft::new(MessageKind::Text, content, vec![], key(id)).map_err(|_| ReplyByMailError::Empty)
}

/// What stands in the place of what was cut off.
const CUT: &str = "\n[…]";

/// A text that is too long for a message loses its end: mostly a quote that nobody recognised as one, and
/// nobody could tell the sender that a mail was refused.
fn shortened(text: &str) -> String {
    if text.chars().count() <= CONTENT_MAX_CHARS {
        return text.to_owned();
    }
    let kept = beginning(text, CONTENT_MAX_CHARS - CUT.chars().count());
    format!("{}{CUT}", kept.trim_end())
}

/// The sender's own key for the message with this Message-ID.
fn key(message_id: &str) -> Option<ClientMessageId> {
    let name = Uuid::new_v5(&MESSAGE_IDS, message_id.as_bytes());
    ClientMessageId::parse(&format!("mail-{}", name.simple())).ok()
}

fn refusal(error: SendMessageError) -> ReplyByMailError {
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
