use std::{fmt, io, path::PathBuf};

use secrecy::SecretString;

/// Mailgun's servers in the European Union.
pub const MAILGUN_EU_URL: &str = "https://api.eu.mailgun.net";

/// The sender and the transport of mail.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sender name, after the name of the author of the message.
    pub sender_name: String,
    /// The sender address. Its domain is that of every Message-ID.
    pub from: String,
    /// The mailbox that receives replies, at addresses of the form `word+token@domain`; `None` if replies are not accepted.
    pub reply_to: Option<String>,
    /// The URL of the front end.
    pub site_url: String,
    /// The transport.
    pub transport: TransportSettings,
    /// How many mails are sent at once; the others wait. Also the maximum number of idle connections.
    pub mails_at_once_max: usize,
    /// How long connecting to a mail server may take, TLS and login included, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long the delivery of one mail may take, all waits included, in milliseconds.
    pub delivery_timeout_ms: u64,
}

/// The mail transport.
#[derive(Clone, Debug)]
pub enum TransportSettings {
    /// A mail server.
    Smtp(Smtp),
    /// Mailgun, over HTTP.
    Mailgun(Mailgun),
    /// A folder on this machine, for development: nothing is sent.
    Folder(Folder),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// `smtps://user:password@host:port`, with TLS from the first byte (port 465 if none is named), or
    /// `smtp://…`, with TLS by STARTTLS (port 587). Of a loopback address `smtp://` means no TLS.
    /// `?tls=none` and `?tls=starttls` say otherwise.
    pub url: SecretString,
    /// Whether `?tls=none` is allowed for another machine.
    pub plaintext_allowed: bool,
    /// A root certificate (PEM) that is trusted in addition to those of the system.
    pub root_pem: Option<Vec<u8>>,
}

/// A Mailgun account.
#[derive(Clone)]
pub struct Mailgun {
    /// The sending domain.
    pub domain: String,
    /// The API key.
    pub api_key: SecretString,
    /// The URL of the API. Only that of localhost may be without TLS.
    pub base_url: String,
}

/// A folder on this machine.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its path. Created if absent, accessible to this user only.
    pub path: PathBuf,
    /// The maximum number of mails; the oldest are deleted.
    pub mails_max: usize,
}

impl fmt::Debug for Mailgun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailgun")
            .field("domain", &self.domain)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Why a [`Mailer`](crate::Mailer) cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The sender has no name.
    #[error("mail needs the name of its sender")]
    SenderName,
    /// The sender address is invalid.
    #[error("the sender address is invalid")]
    From,
    /// The reply mailbox is invalid, or its local part is longer than 15 plain characters.
    #[error("the reply mailbox is invalid or too long")]
    ReplyTo,
    /// The URL of the front end is invalid, or has a query or a fragment.
    #[error("the address of the front end is not an http or https address")]
    Site,
    /// A bound is out of range.
    #[error("{0} is out of range")]
    Bound(&'static str),
    /// The URL of the mail server is invalid.
    #[error("the mail server's address is not smtp://host or smtps://host")]
    SmtpUrl,
    /// The mail server is another machine, and TLS is switched off.
    #[error("the mail server is another machine and would be used without TLS")]
    SmtpPlaintext,
    /// TLS cannot be set up; the certificate may be invalid.
    #[error("TLS for the mail server cannot be set up")]
    SmtpTls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The Mailgun domain is invalid.
    #[error("the Mailgun domain is invalid")]
    MailgunDomain,
    /// The Mailgun key is empty or not valid in a header.
    #[error("the Mailgun key is invalid")]
    MailgunKey,
    /// The Mailgun URL is invalid, or has no TLS and is not that of localhost.
    #[error("the Mailgun address is not an https address")]
    MailgunUrl,
    /// The HTTP client cannot be created.
    #[error("the HTTP client cannot be created")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder cannot be created or written to.
    #[error("the folder for mails cannot be used")]
    Folder(#[source] io::Error),
}

impl Settings {
    /// Checks the bounds.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let within = [
            ("mails_at_once_max", (1..=1_000).contains(&self.mails_at_once_max)),
            ("connect_timeout_ms", (10..=600_000).contains(&self.connect_timeout_ms)),
            ("delivery_timeout_ms", (10..=600_000).contains(&self.delivery_timeout_ms)),
        ];
        let broken = within.iter().find(|(_, is)| !is);
        broken.map_or(Ok(()), |(name, _)| Err(SettingsError::Bound(name)))
    }
}
