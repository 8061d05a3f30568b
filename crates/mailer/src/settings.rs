use std::{fmt, io, path::PathBuf};

use secrecy::SecretString;

/// Mailgun's servers in the European Union.
pub const MAILGUN_EU_URL: &str = "https://api.eu.mailgun.net";

/// Who writes, and how mail leaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name that mail comes from, beside the name of who wrote.
    pub sender_name: String,
    /// The address that mail comes from. Its domain ends every Message-ID.
    pub from: String,
    /// The mailbox that takes answers by mail, at addresses of the form `word+token@domain`; `None` when
    /// nobody reads them.
    pub reply_to: Option<String>,
    /// Below which address the pages of the front end are.
    pub site_url: String,
    /// How mail leaves.
    pub transport: TransportSettings,
    /// How many mails leave at once; the others wait. So many connections are kept at the most.
    pub mails_at_once_max: usize,
    /// How long a mail server may take until it is ready to take a mail, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long the delivery of one mail may take, all waits included, in milliseconds.
    pub delivery_timeout_ms: u64,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum TransportSettings {
    /// A mail server.
    Smtp(Smtp),
    /// Mailgun, over HTTP.
    Mailgun(Mailgun),
    /// It does not: a folder of this machine keeps it, for development.
    Folder(Folder),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// `smtps://user:password@host:port`, with TLS from the first byte (port 465 if none is named), or
    /// `smtp://…`, with TLS by STARTTLS (port 587). Of a loopback address `smtp://` means no TLS.
    /// `?tls=none` and `?tls=starttls` say otherwise.
    pub url: SecretString,
    /// Whether `?tls=none` may name another machine.
    pub plaintext_allowed: bool,
    /// A certificate (PEM) that is trusted besides the machine's own.
    pub root_pem: Option<Vec<u8>>,
}

/// An account at Mailgun.
#[derive(Clone)]
pub struct Mailgun {
    /// The domain that mail is sent from, as the account calls it.
    pub domain: String,
    /// The key.
    pub api_key: SecretString,
    /// The service's address. Only this machine may be addressed without TLS.
    pub base_url: String,
}

/// A folder of this machine.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Which. It is made when it is not there, for this user alone.
    pub path: PathBuf,
    /// How many mails it keeps; the oldest go first.
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

/// Why there is no [`Mailer`](crate::Mailer).
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The sender has no name.
    #[error("mail needs the name of its sender")]
    SenderName,
    /// The address that mail comes from is none.
    #[error("the address that mail comes from is none")]
    From,
    /// The mailbox for answers is none, or its first part is longer than 15 plain characters.
    #[error("the mailbox for answers is none, or too long")]
    ReplyTo,
    /// The front end's address is none, or more than that.
    #[error("the address of the front end is not an http or https address")]
    Site,
    /// A bound is zero or above what it may be.
    #[error("{0} is not within its bounds")]
    Bound(&'static str),
    /// The mail server's address cannot be read.
    #[error("the mail server's address is not smtp://host or smtps://host")]
    SmtpUrl,
    /// The mail server is another machine, and TLS is switched off.
    #[error("the mail server is another machine and would be spoken to without TLS")]
    SmtpPlaintext,
    /// TLS cannot be set up; the certificate may be none.
    #[error("TLS for the mail server cannot be set up")]
    SmtpTls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Mailgun's domain is none.
    #[error("the Mailgun domain is none")]
    MailgunDomain,
    /// Mailgun's key cannot stand in a header.
    #[error("the Mailgun key is none")]
    MailgunKey,
    /// Mailgun's address is none, or has no TLS and is not of this machine.
    #[error("the Mailgun address is not an https address")]
    MailgunUrl,
    /// There is no client for HTTP.
    #[error("the HTTP client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder is not there and cannot be made, or cannot be written to.
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
