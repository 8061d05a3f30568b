//! The mail transports.

pub(crate) mod folder;
mod smtp;
mod smtp_client;

use std::{fmt, io, time::Duration};

use domain::mail::store::DeliveryError;
use folder::FolderTransport;
use reqwest::{
    Client, StatusCode, Url,
    header::HeaderValue,
    multipart::{Form, Part},
    redirect::Policy,
};
use secrecy::{ExposeSecret as _, SecretString};
use smtp::{EnhancedStatus, SmtpStep, SmtpTransport};

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
