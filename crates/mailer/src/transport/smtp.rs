//! Mail over SMTP (RFC 5321), on pooled connections.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Rcpt},
    extension::{Extension, MailParameter},
};
use tokio::time::{self, Instant};

use super::{
    fault::{Fault, SmtpStep},
    smtp_client::Server,
};
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
