use std::io;

use domain::mail::store::PostError;
use reqwest::StatusCode;

use super::smtp::{Reason, SmtpStep};

/// Why a mail was not taken. What a server said is left out: it tends to name people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the mail server answered {code} to {stage}")]
    Answer { stage: SmtpStep, code: u16, reason: Option<Reason> },
    #[error("the mail server's answer to {stage} cannot be read")]
    Unreadable { stage: SmtpStep },
    #[error("the connection to the mail server broke at {stage}")]
    Broken {
        stage: SmtpStep,
        #[source]
        source: io::Error,
    },
    #[error("TLS with the mail server failed")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server has no TLS, or no way to log in that we know")]
    Unable,
    #[error("the mail server does not take addresses beyond ASCII")]
    AddressBeyondAscii,
    #[error("the mail service answered {0}")]
    Status(StatusCode),
    #[error("the mail service could not be asked")]
    Call(#[source] reqwest::Error),
    #[error("the mail could not be kept")]
    Folder(#[source] io::Error),
    #[error("it took too long")]
    TooSlow,
    #[error("no more mail leaves")]
    Closed,
}

impl Fault {
    /// Whether it is about this mail, so that it will never be taken like this.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Answer { stage, code, .. } => stage.is_about_the_mail(*code) && *code >= 500,
            Self::AddressBeyondAscii => true,
            Self::Status(status) => {
                matches!(*status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE)
            }
            _ => false,
        }
    }

    /// Whether it is about the person: there is no such mailbox. That our mail is not wanted (5.7.x)
    /// says nothing about the mailbox, and without a reason only three codes do (RFC 5321, 4.2.3).
    fn names_no_mailbox(&self) -> bool {
        let Self::Answer { stage: SmtpStep::Recipient, code, reason } = self else { return false };
        match reason {
            Some(
                Reason { class: 5, subject: 1, .. } | Reason { class: 5, subject: 2, detail: 1 },
            ) => true,
            Some(_) => false,
            None => matches!(code, 550 | 551 | 553),
        }
    }

    /// Whether no mail leaves until somebody looks at the settings or the account.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            Self::Answer { stage, code, .. } => !stage.is_about_the_mail(*code) && *code >= 500,
            Self::Tls(_) | Self::Unable => true,
            Self::Status(status) => {
                let passing =
                    matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
                !self.is_final() && !passing && !status.is_server_error()
            }
            _ => false,
        }
    }
}

impl From<Fault> for PostError {
    fn from(fault: Fault) -> Self {
        if fault.names_no_mailbox() {
            Self::NoSuchMailbox(fault.into())
        } else if fault.is_final() {
            Self::Refused(fault.into())
        } else {
            Self::Later(fault.into())
        }
    }
}
