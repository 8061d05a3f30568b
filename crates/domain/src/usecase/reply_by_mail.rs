use uuid::Uuid;

use super::{Messaging, SendMessageError, Sent};
use crate::{
    id::ClientMessageId,
    mail::{ReplyToken, is_same_address},
    message::{Draft, MessageKind},
    ports::StoreError,
    text::{CONTENT_MAX_CHARS, Content, TextError, beginning, tidied},
};

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

impl std::fmt::Debug for MailReply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailReply").finish_non_exhaustive()
    }
}

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

impl Messaging {
    /// Posts what somebody answered to a mail, as if they had written it in the conversation: once,
    /// however often it is delivered.
    ///
    /// # Errors
    /// See [`ReplyByMailError`]; nothing is posted then.
    pub async fn reply_by_mail(&self, reply: &MailReply<'_>) -> Result<Sent, ReplyByMailError> {
        let target = self.store.reply_target(reply.token).await?;
        let target = target.ok_or(ReplyByMailError::UnknownAddress)?;
        let person = self.store.participant(&target.person).await?;
        let address = person.and_then(|person| person.profile.email);
        if !address.is_some_and(|address| is_same_address(&address, reply.sender)) {
            return Err(ReplyByMailError::OtherSender);
        }
        let draft = draft(reply)?;
        let sent = self.send_message(&target.conversation, &target.person, draft).await;
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
