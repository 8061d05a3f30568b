//! The mail transports.

pub(crate) mod fault;
pub(crate) mod folder;
mod smtp;
mod smtp_client;

use std::{fmt, time::Duration};

use fault::Fault;
use folder::FolderTransport;
use reqwest::{
    Client, Url,
    header::HeaderValue,
    multipart::{Form, Part},
    redirect::Policy,
};
use secrecy::{ExposeSecret as _, SecretString};
use smtp::SmtpTransport;

use crate::{
    addresses::is_safe,
    compose::Composed,
    settings::{Mailgun, Settings, SettingsError, TransportSettings},
};

#[derive(Debug)]
pub(crate) enum Transport {
    Smtp(SmtpTransport),
    Mailgun(MailgunTransport),
    Folder(FolderTransport),
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(match &settings.transport {
            TransportSettings::Smtp(smtp) => Self::Smtp(SmtpTransport::new(smtp, settings)?),
            TransportSettings::Mailgun(mailgun) => {
                Self::Mailgun(MailgunTransport::new(mailgun, settings)?)
            }
            TransportSettings::Folder(folder) => Self::Folder(FolderTransport::new(folder)?),
        })
    }

    /// When this returns, the mail was accepted.
    pub(crate) async fn deliver(&self, mail: &Composed) -> Result<(), Fault> {
        match self {
            Self::Smtp(smtp) => smtp.deliver(mail).await,
            Self::Mailgun(mailgun) => mailgun.deliver(mail).await,
            Self::Folder(folder) => folder.deliver(mail).await.map_err(Fault::Folder),
        }
    }
}

// Mailgun: the same bytes that an SMTP server would get, over its HTTP API.

pub(crate) struct MailgunTransport {
    client: Client,
    url: Url,
    api_key: SecretString,
}

impl MailgunTransport {
    pub(crate) fn new(mailgun: &Mailgun, settings: &Settings) -> Result<Self, SettingsError> {
        let client = Client::builder()
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(Duration::from_millis(settings.delivery_timeout_ms))
            .pool_max_idle_per_host(settings.mails_at_once_max)
            // The key must not be sent to another host.
            .redirect(Policy::none())
            .build()
            .map_err(|error| SettingsError::Client(error.into()))?;
        let key = mailgun.api_key.expose_secret();
        if key.is_empty() || HeaderValue::from_str(key).is_err() {
            return Err(SettingsError::MailgunKey);
        }
        Ok(Self { client, url: url(mailgun)?, api_key: mailgun.api_key.clone() })
    }

    pub(crate) async fn deliver(&self, mail: &Composed) -> Result<(), Fault> {
        let recipients = mail.envelope.to().iter().map(ToString::to_string);
        let part = Part::bytes(mail.bytes.clone()).file_name("mail.eml");
        let form = recipients.fold(Form::new(), |form, recipient| form.text("to", recipient));
        let answer = self
            .client
            .post(self.url.clone())
            .basic_auth("api", Some(self.api_key.expose_secret()))
            // No rewritten links, and no tracking of who opens a mail.
            .multipart(form.text("o:tracking", "no").part("message", part))
            .send()
            .await
            .map_err(|error| Fault::Call(error.without_url()))?;
        if answer.status().is_success() { Ok(()) } else { Err(Fault::Status(answer.status())) }
    }
}

fn url(mailgun: &Mailgun) -> Result<Url, SettingsError> {
    let base = Url::parse(mailgun.base_url.trim()).ok().filter(is_safe);
    let base = base.ok_or(SettingsError::MailgunUrl)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let domain = mailgun.domain.trim();
    if !domain.bytes().all(allowed) || domain.trim_matches('.').is_empty() {
        return Err(SettingsError::MailgunDomain);
    }
    base.join(&format!("/v3/{domain}/messages.mime")).map_err(|_| SettingsError::MailgunUrl)
}

impl fmt::Debug for MailgunTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailgunTransport").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}
