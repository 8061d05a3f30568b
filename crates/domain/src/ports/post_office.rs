use async_trait::async_trait;

use crate::{job::Cause, mail::Email};

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
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
#[async_trait]
pub trait MailSender: Send + Sync {
    /// Writes a letter out and hands it to a mail server. When this returns, the server has taken it.
    ///
    /// # Errors
    /// [`PostError`]; the mail may have been taken all the same when the connection broke. Sent again,
    /// it bears the same Message-ID. Nothing of the letter is repeated in the error.
    async fn deliver(&self, letter: &Email) -> Result<(), PostError>;
}
