//! Mail about messages that wait: who writes, how it leaves, and when.

use std::{fs, path::PathBuf};

use api::mail::{Settings as InboundSettings, UnsubscribeKey, UnsubscribeLinks, WebhookKey};
use clap::Args;
use domain::{mail::MailPolicy, time::Zone};
use mailer::{Folder, MAILGUN_EU_URL, Mailgun, Smtp, TransportSettings};
use secrecy::{ExposeSecret as _, SecretString};

use super::value::{Fault, Faults, Switch, secret, whole};

const FROM: &str = "mail-from";
const SITE_URL: &str = "mail-site-url";
const WEBHOOK_KEY: &str = "mail-webhook-signing-key";
const SIGNING_SECRET: &str = "mail-link-signing-secret";
/// Where the front end is on a developer's machine.
const LOCAL_SITE: &str = "http://localhost:3000";

/// Mail about messages that wait. Without a way to leave there is none.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct MailSettings {
    #[command(flatten)]
    transport: MailTransportSettings,
    #[command(flatten)]
    pace: PaceSettings,

    /// Name that mail comes from, beside the name of who wrote
    #[arg(
        id = "mail-sender-name",
        long,
        env = "MAIL_SENDER_NAME",
        value_name = "NAME",
        default_value = "Messagerie"
    )]
    sender_name: String,

    /// Address that mail comes from; without it `noreply@` and the Mailgun domain
    #[arg(id = FROM, long, env = "MAIL_FROM", value_name = "ADDRESS")]
    from: Option<String>,

    /// Mailbox that takes answers by mail, at addresses such as `word+token@domain`; without it nobody reads them
    #[arg(id = "mail-reply-to", long, env = "MAIL_REPLY_TO", value_name = "ADDRESS")]
    reply_to: Option<String>,

    /// Where the front end is; without it the first address of `FRONTEND_URL`, `WEB_URL` and `FRONT_URL`, in production the first that is not of this machine
    #[arg(id = SITE_URL, long, env = "MAIL_SITE_URL", value_name = "URL")]
    site_url: Option<String>,

    /// Secret that signs links that end all mail, the same on every node; without it `JWT_SECRET` serves
    #[arg(id = SIGNING_SECRET, long, env = "MAIL_LINK_SIGNING_SECRET",
        value_name = "SECRET", hide_env_values = true, value_parser = secret)]
    link_signing_secret: Option<SecretString>,

    /// Key with which Mailgun signs what it reports; without it nothing is taken from there: neither answers nor addresses that are none
    #[arg(
        id = WEBHOOK_KEY,
        long,
        env = "MAILGUN_WEBHOOK_SIGNING_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    webhook_signing_key: Option<SecretString>,

    /// Mails that leave at the same time; as many connections are kept
    #[arg(id = "mail-at-once-max", long, env = "MAIL_AT_ONCE_MAX", value_name = "1..64",
        default_value = "4", value_parser = whole::<usize>(1, 64))]
    at_once_max: usize,

    /// How long a mail server may take until it is ready to take a mail
    #[arg(id = "mail-connect-timeout-ms", long, env = "MAIL_CONNECT_TIMEOUT_MS",
        value_name = "10..60000", default_value = "10000",
        value_parser = whole::<u64>(10, 60_000))]
    connect_timeout_ms: u64,

    /// How long the delivery of one mail may take; shorter than a job's lease
    #[arg(id = "mail-delivery-timeout-ms", long, env = "MAIL_DELIVERY_TIMEOUT_MS",
        value_name = "10..600000", default_value = "30000",
        value_parser = whole::<u64>(10, 600_000))]
    delivery_timeout_ms: u64,
}

/// What the program works with.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Who writes, and how mail leaves; `None` when none does.
    pub(crate) post: Option<mailer::Settings>,
    /// How it is spread over time.
    pub(crate) terms: MailPolicy,
    /// The ways out of all mail.
    pub(crate) unsubscribe: UnsubscribeLinks,
}

/// What other sections say that matters here.
pub(super) struct MailContext<'a> {
    pub(super) in_production: bool,
    /// The front end's address, as the list of pages that may call has it.
    pub(super) site: Option<String>,
    /// Where people reach this service.
    pub(super) public_url: String,
    /// Signs when nothing else does.
    pub(super) secret: Option<&'a SecretString>,
    pub(super) zone: Zone,
    pub(super) job_lease_ms: u64,
}

impl MailSettings {
    /// Mail as a part of the program; `None`, and a fault, when it could not leave as configured.
    pub(super) fn check(&self, context: &MailContext<'_>, faults: &mut Faults) -> Option<Mail> {
        let transport = self.transport.check(context.in_production, faults)?;
        let post = match transport {
            Some(transport) => Some(self.post(transport, context, faults)?),
            None => None,
        };
        if post.is_some() && self.reply_to.is_some() && self.webhook_signing_key.is_none() {
            let text = "is missing: nobody would take the answers that MAIL_REPLY_TO asks for";
            faults.note(Fault::new(WEBHOOK_KEY, text));
        }
        let unsubscribe = self.unsubscribe(context);
        if post.is_some() && unsubscribe.is_none() {
            faults.note(Fault::new(SIGNING_SECRET, "is missing, and so is JWT_SECRET"));
        }
        let unsubscribe = unsubscribe.unwrap_or_default();
        Some(Mail { post, terms: self.pace.terms(context.zone.clone()), unsubscribe })
    }

    /// Links that outlive this process, if there is a secret for them.
    fn unsubscribe(&self, context: &MailContext<'_>) -> Option<UnsubscribeLinks> {
        let secret = self.link_signing_secret.as_ref().or(context.secret)?;
        let key = UnsubscribeKey::derived_from(secret.expose_secret().as_bytes());
        Some(UnsubscribeLinks::new(key, &context.public_url))
    }

    /// Unsubscribe links and inbound webhooks.
    pub(super) fn inbound(&self, mail: &Mail) -> InboundSettings {
        let key = self.webhook_signing_key.as_ref();
        InboundSettings {
            unsubscribe: mail.unsubscribe.clone(),
            webhook_key: key.map(|key| WebhookKey::of_mailgun(key.expose_secret().as_bytes())),
        }
    }

    fn post(
        &self,
        transport: TransportSettings,
        context: &MailContext<'_>,
        faults: &mut Faults,
    ) -> Option<mailer::Settings> {
        let from = self.from.clone().or_else(|| self.transport.noreply());
        if from.is_none() {
            faults.note(Fault::new(FROM, "is missing"));
        }
        let local = (!context.in_production).then(|| LOCAL_SITE.to_owned());
        let site_url = self.site_url.clone().or_else(|| context.site.clone()).or(local);
        if site_url.is_none() {
            faults.note(Fault::new(SITE_URL, "is missing"));
        }
        if self.delivery_timeout_ms >= context.job_lease_ms {
            let text = "must be shorter than JOBS_LEASE_MS, or mails leave twice";
            faults.note(Fault::new("mail-delivery-timeout-ms", text));
        }
        Some(mailer::Settings {
            sender_name: self.sender_name.clone(),
            from: from?,
            reply_to: self.reply_to.clone(),
            site_url: site_url?,
            transport,
            mails_at_once_max: self.at_once_max,
            connect_timeout_ms: self.connect_timeout_ms,
            delivery_timeout_ms: self.delivery_timeout_ms,
        })
    }
}

/// When mail leaves.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct PaceSettings {
    /// How long a message waits to be read before a mail tells of it
    #[arg(id = "mail-delay-ms", long, env = "MAIL_DELAY_MS", value_name = "0..86400000",
        default_value = "300000", value_parser = whole::<u64>(0, 86_400_000))]
    delay_ms: u64,

    /// The shortest time between two mails about one conversation
    #[arg(id = "mail-pause-ms", long, env = "MAIL_PAUSE_MS", value_name = "0..86400000",
        default_value = "3600000", value_parser = whole::<u64>(0, 86_400_000))]
    pause_ms: u64,

    /// The most mails that one person gets within a minute
    #[arg(id = "mail-per-minute-max", long, env = "MAIL_PER_MINUTE_MAX", value_name = "1..1000",
        default_value = "10", value_parser = whole::<u32>(1, 1_000))]
    per_minute_max: u32,

    /// The hour at which the daily mail leaves, by the clock of whoever gets it
    #[arg(id = "mail-daily-hour", long, env = "MAIL_DAILY_HOUR", value_name = "0..23",
        default_value = "9", value_parser = whole::<u8>(0, 23))]
    daily_hour: u8,

    /// How old a message gets of which no mail told yet, when none could leave for long; of older ones there is no mail
    #[arg(id = "mail-notice-age-max-days", long, env = "MAIL_NOTICE_AGE_MAX_DAYS", value_name = "4..3650",
        default_value = "7", value_parser = whole::<u64>(NOTICE_AGE_MIN_DAYS, 3_650))]
    notice_age_max_days: u64,
}

/// A delay, a pause, a daily mail and quiet hours, a day each at the most, may all come together.
const NOTICE_AGE_MIN_DAYS: u64 = 4;
const DAY_MS: u64 = 86_400_000;

impl PaceSettings {
    /// The terms, by the clock of `zone` for people who have none.
    fn terms(&self, zone: Zone) -> MailPolicy {
        MailPolicy {
            delay_ms: self.delay_ms,
            conversation_pause_ms: self.pause_ms,
            per_minute_max: self.per_minute_max,
            daily_hour: self.daily_hour,
            zone,
            notice_age_max_ms: self.notice_age_max_days * DAY_MS,
        }
    }
}

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
    fn check(&self, in_production: bool, faults: &mut Faults) -> Option<Option<TransportSettings>> {
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
    fn noreply(&self) -> Option<String> {
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
