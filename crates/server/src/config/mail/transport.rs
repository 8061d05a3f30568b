use std::{fs, path::PathBuf};

use clap::Args;
use mailer::{Folder, MAILGUN_EU_URL, Mailgun, Smtp, TransportSettings};
use secrecy::SecretString;

use crate::config::{
    fault::{Fault, Faults},
    value::{Switch, whole},
};

const SMTP_URL: &str = "mail-smtp-url";
const SMTP_ROOT_FILE: &str = "mail-smtp-root-file";
const MAILGUN_KEY: &str = "mail-mailgun-api-key";
const MAILGUN_DOMAIN: &str = "mail-mailgun-domain";
const FOLDER: &str = "mail-dev-folder";

/// How mail leaves: at most one of a mail server, Mailgun and a folder.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct MailTransportSettings {
    /// Mail server, as `smtps://user:password@host:port`, or `smtp://…` for STARTTLS
    #[arg(id = SMTP_URL, long, env = "MAIL_SMTP_URL", value_name = "URL", hide_env_values = true)]
    smtp_url: Option<SecretString>,

    /// Whether the mail server's address may say `?tls=none` where that is another machine
    #[arg(
        id = "mail-smtp-plaintext-allowed",
        long,
        env = "MAIL_SMTP_PLAINTEXT_ALLOWED",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    smtp_plaintext_allowed: Switch,

    /// Certificate (PEM) that the mail server may show besides those that the machine trusts
    #[arg(id = SMTP_ROOT_FILE, long, env = "MAIL_SMTP_ROOT_FILE", value_name = "FILE")]
    smtp_root_file: Option<PathBuf>,

    /// Key of a Mailgun account
    #[arg(id = MAILGUN_KEY, long, env = "MAILGUN_API_KEY", value_name = "KEY", hide_env_values = true)]
    mailgun_api_key: Option<SecretString>,

    /// The same under its other name
    #[arg(
        id = "mail-sending-key",
        long,
        env = "SENDING_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    sending_key: Option<SecretString>,

    /// Domain that Mailgun sends from
    #[arg(id = MAILGUN_DOMAIN, long, env = "MAILGUN_DOMAIN", value_name = "NAME")]
    mailgun_domain: Option<String>,

    /// Where Mailgun is
    #[arg(id = "mail-mailgun-base-url", long, env = "MAILGUN_BASE_URL", value_name = "URL",
        default_value = MAILGUN_EU_URL)]
    mailgun_base_url: String,

    /// Folder that keeps mails instead of sending them, shown by `/dev/mails`; not for production
    #[arg(id = FOLDER, long, env = "MAIL_DEV_FOLDER", value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Mails that the folder keeps; the oldest go first
    #[arg(id = "mail-dev-folder-mails-max", long, env = "MAIL_DEV_FOLDER_MAILS_MAX",
        value_name = "1..10000", default_value = "200", value_parser = whole::<usize>(1, 10_000))]
    folder_mails_max: usize,
}

impl MailTransportSettings {
    /// How mail leaves, if it does; nothing at all when that is not clear.
    #[expect(clippy::option_option, reason = "no transport is fine, a broken one is a fault")]
    pub(super) fn check(
        &self,
        in_production: bool,
        faults: &mut Faults,
    ) -> Option<Option<TransportSettings>> {
        let smtp = self.smtp_url.as_ref().map(|url| self.smtp(url, faults));
        let mailgun = self.names_mailgun().then(|| self.mailgun(faults));
        let folder = self.folder.as_ref().map(|path| self.kept(path, in_production, faults));
        let mut ways = [smtp, mailgun, folder].into_iter().flatten();
        let way = ways.next();
        if ways.next().is_some() {
            let text = "is one of two ways for mail to leave; there may be one";
            let id = if self.folder.is_some() { FOLDER } else { SMTP_URL };
            faults.note(Fault::new(id, text));
            return None;
        }
        // Inside: whether it is whole. Outside: whether there is one.
        way.map_or(Some(None), |whole| whole.map(Some))
    }

    /// The address that mail comes from if nobody says so.
    pub(super) fn noreply(&self) -> Option<String> {
        self.mailgun_domain.as_ref().map(|domain| format!("noreply@{domain}"))
    }

    fn names_mailgun(&self) -> bool {
        self.key().is_some() || self.mailgun_domain.is_some()
    }

    fn key(&self) -> Option<&SecretString> {
        self.mailgun_api_key.as_ref().or(self.sending_key.as_ref())
    }

    fn smtp(&self, url: &SecretString, faults: &mut Faults) -> Option<TransportSettings> {
        let root_pem = match self.smtp_root_file.as_ref().map(fs::read).transpose() {
            Ok(root_pem) => root_pem,
            Err(cause) => {
                let text = format!("cannot be read: {}", cause.kind());
                faults.note(Fault::new(SMTP_ROOT_FILE, text));
                return None;
            }
        };
        let plaintext_allowed = self.smtp_plaintext_allowed.is_on();
        Some(TransportSettings::Smtp(Smtp { url: url.clone(), plaintext_allowed, root_pem }))
    }

    fn mailgun(&self, faults: &mut Faults) -> Option<TransportSettings> {
        if self.key().is_none() {
            faults.note(Fault::new(MAILGUN_KEY, "is missing"));
        }
        if self.mailgun_domain.is_none() {
            faults.note(Fault::new(MAILGUN_DOMAIN, "is missing"));
        }
        Some(TransportSettings::Mailgun(Mailgun {
            domain: self.mailgun_domain.clone()?,
            api_key: self.key()?.clone(),
            base_url: self.mailgun_base_url.clone(),
        }))
    }

    fn kept(
        &self,
        path: &std::path::Path,
        in_production: bool,
        faults: &mut Faults,
    ) -> Option<TransportSettings> {
        if in_production {
            faults.note(Fault::new(FOLDER, "is not for production: nobody would get mail"));
            return None;
        }
        let mails_max = self.folder_mails_max;
        Some(TransportSettings::Folder(Folder { path: path.to_owned(), mails_max }))
    }
}
