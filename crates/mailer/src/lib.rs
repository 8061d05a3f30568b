//! E-mails about unread messages: the `MailSender` port of `domain`.
//!
//! An [`Email`] is rendered as text and as HTML, in the recipient's language and time zone, and sent over
//! SMTP or Mailgun, or stored in a folder for developers.
//!
//! Texts of people are not trusted: a name is cut to one visible line before it is put into a header, messages are
//! quoted, and the HTML escapes all values. The same [`Email`] gives the same
//! bytes, so a repeated delivery can be recognised.
//!
//! Begin at the port's implementation below; `page` decides what an e-mail says, `compose` makes its
//! headers and both forms, `transport` sends it.
#![deny(missing_docs)]
mod addresses;
mod compose;
mod page;
mod settings;
mod transport;
mod words;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use compose::{Composed, Composer};
use domain::mail::{
    Email,
    store::{DeliveryError, MailSender},
};
use tokio::{sync::Semaphore, time};
use transport::{Transport, fault::Fault};

pub use addresses::Unsubscribe;
pub use settings::{
    Folder, MAILGUN_EU_URL, Mailgun, Settings, SettingsError, Smtp, TransportSettings,
};
pub use transport::folder::{DevMail, DevMails, OpenedMail};

/// Composes emails and delivers them.
pub struct Mailer {
    composer: Composer,
    unsubscribe: Arc<dyn Unsubscribe>,
    transport: Transport,
    permits: Semaphore,
    delivery_timeout: Duration,
}

impl Mailer {
    /// Checks the settings, and creates the folder of a folder transport. Does not use the network.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(
        settings: &Settings,
        unsubscribe: Arc<dyn Unsubscribe>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            composer: Composer::new(settings)?,
            unsubscribe,
            transport: Transport::new(settings)?,
            permits: Semaphore::new(settings.mails_at_once_max),
            delivery_timeout: Duration::from_millis(settings.delivery_timeout_ms),
        })
    }

    async fn send(&self, mail: &Composed) -> Result<(), Fault> {
        let _permit = self.permits.acquire().await.map_err(|_| Fault::Closed)?;
        self.transport.deliver(mail).await
    }
}

#[async_trait]
impl MailSender for Mailer {
    async fn deliver(&self, email: &Email) -> Result<(), DeliveryError> {
        let mail = self.composer.compose(email, self.unsubscribe.as_ref())?;
        let delivered = time::timeout(self.delivery_timeout, self.send(&mail)).await;
        delivered.unwrap_or(Err(Fault::TooSlow)).map_err(|fault| {
            if fault.is_ours() {
                tracing::error!(error = %fault, "mail cannot be sent: check its settings and the account at the mail service");
            }
            fault.into()
        })
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("transport", &self.transport).finish_non_exhaustive()
    }
}
