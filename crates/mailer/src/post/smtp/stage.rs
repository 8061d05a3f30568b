use std::{error::Error as _, fmt, io};

use lettre::transport::smtp::Error;

use super::Reason;
use crate::post::Fault;

/// How far the talk with a mail server came.
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
    /// Whether this answer is about the mail, and not about us: until we are let in it never is, and
    /// some servers ask for a login only when mail is sent (RFC 4954, section 6).
    pub(crate) fn is_about_the_mail(self, code: u16) -> bool {
        let login_wanted = matches!(code, 530 | 534 | 535 | 538);
        !matches!(self, Self::Connect | Self::Auth) && !login_wanted
    }

    /// What went wrong here, without the server's words.
    pub(crate) fn fault(self, error: Error) -> Fault {
        if let Some(code) = error.status() {
            let reason = error.source().and_then(|words| Reason::read(&words.to_string()));
            return Fault::Answer { stage: self, code: code.into(), reason };
        }
        if error.is_tls() {
            return Fault::Tls(error.into());
        }
        if error.is_client() {
            return Fault::Unable;
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause {
            // Rustls tells of a certificate that it does not trust like this.
            Some(cause) if cause.kind() == io::ErrorKind::InvalidData => Fault::Tls(error.into()),
            Some(cause) => Fault::Broken { stage: self, source: cause.kind().into() },
            None => Fault::Unreadable { stage: self },
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
