//! Mail over SMTP (RFC 5321), on pooled connections.

use std::{
    error::Error as _,
    fmt, io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::{
    Error,
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Rcpt},
    extension::{Extension, MailParameter},
};
use tokio::time::{self, Instant};

use super::{Fault, smtp_client::Server};
use crate::{
    compose::Composed,
    settings::{Settings, SettingsError, Smtp},
};

/// How long an idle connection is kept. Servers close idle ones (RFC 5321, 4.5.3.2).
const IDLE_MAX: Duration = Duration::from_mins(1);

pub(crate) struct SmtpTransport {
    server: Server,
    connect_timeout: Duration,
    /// Idle connections, the most recently used last. No more than mails are sent at once.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl SmtpTransport {
    pub(crate) fn new(smtp: &Smtp, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            server: Server::new(smtp)?,
            connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
            idle: Mutex::default(),
        })
    }

    /// A connection on which an error occurred, or on which the delivery was cancelled, is not reused: its next reply would
    /// belong to this mail.
    pub(crate) async fn deliver(&self, mail: &Composed) -> Result<(), Fault> {
        let ready = time::timeout(self.connect_timeout, self.connection());
        let mut connection = ready.await.unwrap_or(Err(Fault::TooSlow))?;
        deliver(&mut connection, mail).await?;
        self.keep(connection);
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Fault> {
        while let Some(mut connection) = self.take() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.server.connect(self.connect_timeout).await
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE_MAX);
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connection, since: Instant::now() });
    }
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpTransport").field("server", &self.server).finish_non_exhaustive()
    }
}

// One mail on a connection.

/// Waits for every reply: the mail is accepted only after the last one.
async fn deliver(connection: &mut AsyncSmtpConnection, mail: &Composed) -> Result<(), Fault> {
    let parameters = parameters(connection, mail)?;
    let sender = Mail::new(mail.envelope.from().cloned(), parameters);
    connection.command(sender).await.map_err(|error| SmtpStep::Sender.fault(error))?;
    for recipient in mail.envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await.map_err(|error| SmtpStep::Recipient.fault(error))?;
    }
    connection.command(Data).await.map_err(|error| SmtpStep::Data.fault(error))?;
    connection.message(&mail.bytes).await.map_err(|error| SmtpStep::Text.fault(error))?;
    Ok(())
}

/// The mail itself is ASCII throughout; an address need not be (RFC 6531).
fn parameters(
    connection: &AsyncSmtpConnection,
    mail: &Composed,
) -> Result<Vec<MailParameter>, Fault> {
    let mut addresses = mail.envelope.from().into_iter().chain(mail.envelope.to());
    if addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        return Ok(Vec::new());
    }
    if connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        Ok(vec![MailParameter::SmtpUtfEight])
    } else {
        Err(Fault::AddressBeyondAscii)
    }
}

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
