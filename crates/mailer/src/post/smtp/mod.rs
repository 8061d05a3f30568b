//! Mail over SMTP (RFC 5321), on connections that are kept for the next mail.

mod dialogue;
mod reason;
mod server;
mod stage;

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::{self, Instant};

pub(crate) use reason::Reason;
pub(crate) use stage::SmtpStep;

use super::Fault;
use crate::{
    compose::Composed,
    settings::{Settings, SettingsError, Smtp},
};
use server::Server;

/// How long a connection is kept. Servers close what says nothing for long (RFC 5321, 4.5.3.2).
const IDLE_MAX: Duration = Duration::from_mins(1);

pub(crate) struct SmtpPost {
    server: Server,
    connect_timeout: Duration,
    /// Ready for a mail, the latest used last. No more than mails leave at once.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl SmtpPost {
    pub(crate) fn new(smtp: &Smtp, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            server: Server::new(smtp)?,
            connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
            idle: Mutex::default(),
        })
    }

    /// A connection on which anything went wrong, or on which nobody waited for the end, is not used
    /// again: what it would say next belongs to this mail.
    pub(crate) async fn hand_over(&self, mail: &Composed) -> Result<(), Fault> {
        let ready = time::timeout(self.connect_timeout, self.connection());
        let mut connection = ready.await.unwrap_or(Err(Fault::TooSlow))?;
        dialogue::hand_over(&mut connection, mail).await?;
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

impl fmt::Debug for SmtpPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpPost").field("server", &self.server).finish_non_exhaustive()
    }
}
