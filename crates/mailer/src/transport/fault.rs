//! Why a delivery failed: the step, the reply, and whether it is final.

use std::{error::Error as _, fmt, io};

use domain::mail::store::DeliveryError;
use lettre::transport::smtp::Error;
use reqwest::StatusCode;

/// Why a mail was not accepted. Without the text of the server, which often contains addresses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the mail server answered {code} to {step}")]
    Answer { step: SmtpStep, code: u16, status: Option<EnhancedStatus> },
    #[error("the mail server's answer to {step} cannot be read")]
    Unreadable { step: SmtpStep },
    #[error("the connection to the mail server broke at {step}")]
    Broken {
        step: SmtpStep,
        #[source]
        source: io::Error,
    },
    #[error("TLS with the mail server failed")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server supports no TLS, or no login mechanism that we support")]
    Unable,
    #[error("the mail server does not accept addresses beyond ASCII")]
    AddressBeyondAscii,
    #[error("the mail service answered {0}")]
    Status(StatusCode),
    #[error("the mail service could not be called")]
    Call(#[source] reqwest::Error),
    #[error("the mail could not be stored")]
    Folder(#[source] io::Error),
    #[error("it took too long")]
    TooSlow,
    #[error("the mailer is shut down")]
    Closed,
}

impl Fault {
    /// Whether it concerns this mail, so that it will never be accepted.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Answer { step, code, .. } => step.is_about_the_mail(*code) && *code >= 500,
            Self::AddressBeyondAscii => true,
            Self::Status(status) => {
                matches!(*status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE)
            }
            _ => false,
        }
    }

    /// Whether the mailbox does not exist. A policy rejection (5.7.x) does not mean that, and without an enhanced status code
    /// only three reply codes do (RFC 5321, 4.2.3).
    fn names_no_mailbox(&self) -> bool {
        let Self::Answer { step: SmtpStep::Recipient, code, status } = self else { return false };
        match status {
            Some(
                EnhancedStatus { class: 5, subject: 1, .. }
                | EnhancedStatus { class: 5, subject: 2, detail: 1 },
            ) => true,
            Some(_) => false,
            None => matches!(code, 550 | 551 | 553),
        }
    }

    /// Whether no mail can be sent until the settings or the account are corrected.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            Self::Answer { step, code, .. } => !step.is_about_the_mail(*code) && *code >= 500,
            Self::Tls(_) | Self::Unable => true,
            Self::Status(status) => {
                let is_temporary =
                    matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
                !self.is_final() && !is_temporary && !status.is_server_error()
            }
            _ => false,
        }
    }
}

impl From<Fault> for DeliveryError {
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

// SMTP.

/// An enhanced status code (RFC 3463), at the beginning of the text of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnhancedStatus {
    pub(crate) class: u16,
    pub(crate) subject: u16,
    pub(crate) detail: u16,
}

impl EnhancedStatus {
    /// `None` if the text does not begin with one.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.split('.').map(str::parse);
        let mut number = || numbers.next()?.ok();
        let status = Self { class: number()?, subject: number()?, detail: number()? };
        numbers.next().is_none().then_some(status)
    }
}

/// The steps of a delivery over SMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SmtpStep {
    /// Connecting, greeting, STARTTLS.
    Connect,
    /// Logging in.
    Auth,
    /// `MAIL`.
    Sender,
    /// `RCPT`.
    Recipient,
    /// `DATA`.
    Data,
    /// The mail itself. The server may have it when the connection breaks.
    Text,
}

impl SmtpStep {
    /// Whether a reply concerns the mail and not our access: never before the login, and some servers ask for a login only
    /// when mail is sent (RFC 4954, section 6).
    pub(crate) fn is_about_the_mail(self, code: u16) -> bool {
        let login_wanted = matches!(code, 530 | 534 | 535 | 538);
        !matches!(self, Self::Connect | Self::Auth) && !login_wanted
    }

    /// The fault at this step, without the text of the server.
    pub(crate) fn fault(self, error: Error) -> Fault {
        if let Some(code) = error.status() {
            let status = error.source().and_then(|text| EnhancedStatus::parse(&text.to_string()));
            return Fault::Answer { step: self, code: code.into(), status };
        }
        if error.is_tls() {
            return Fault::Tls(error.into());
        }
        if error.is_client() {
            return Fault::Unable;
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause {
            // How rustls reports an untrusted certificate.
            Some(cause) if cause.kind() == io::ErrorKind::InvalidData => Fault::Tls(error.into()),
            Some(cause) => Fault::Broken { step: self, source: cause.kind().into() },
            None => Fault::Unreadable { step: self },
        }
    }
}

impl fmt::Display for SmtpStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "our greeting",
            Self::Auth => "our login",
            Self::Sender => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Text => "the mail",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_enhanced_status_code_is_parsed() {
        let read = |text| EnhancedStatus::parse(text).map(|it| (it.class, it.subject, it.detail));
        assert_eq!(read("5.1.1 no such user"), Some((5, 1, 1)));
        assert_eq!(read("5.7.26"), Some((5, 7, 26)));
        for none in ["", "no", "5.1 x", "127.0.0.1 is blocked", "5.1.x", "5.1.99999999"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
