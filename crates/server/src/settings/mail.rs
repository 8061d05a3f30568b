//! Notification mail: its sender, its transport and its schedule.

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
/// The URL of the front end on a developer's machine.
const LOCAL_SITE: &str = "http://localhost:3000";

/// Notification mail. None is sent without a transport.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct MailSettings {
    #[command(flatten)]
    transport: MailTransportSettings,
    #[command(flatten)]
    pace: PaceSettings,

    /// Sender name of mail, after the name of the author of the message
    #[arg(
        id = "mail-sender-name",
        long,
        env = "MAIL_SENDER_NAME",
        value_name = "NAME",
        default_value = "Messagerie"
    )]
    sender_name: String,

    /// Sender address of mail; `noreply@` and the Mailgun domain if not set
    #[arg(id = FROM, long, env = "MAIL_FROM", value_name = "ADDRESS")]
    from: Option<String>,

    /// Mailbox that receives replies by mail, at addresses such as `word+token@domain`; if not set, replies are not accepted
    #[arg(id = "mail-reply-to", long, env = "MAIL_REPLY_TO", value_name = "ADDRESS")]
    reply_to: Option<String>,

    /// URL of the front end, the base of links in mails; if not set, the first origin of `FRONTEND_URL`, `WEB_URL` and `FRONT_URL`, in production the first that is not local
    #[arg(id = SITE_URL, long, env = "MAIL_SITE_URL", value_name = "URL")]
    site_url: Option<String>,

    /// Secret that signs unsubscribe links, the same on every node; `JWT_SECRET` if not set
    #[arg(id = SIGNING_SECRET, long, env = "MAIL_LINK_SIGNING_SECRET",
        value_name = "SECRET", hide_env_values = true, value_parser = secret)]
    link_signing_secret: Option<SecretString>,

    /// Key with which Mailgun signs its webhooks; if not set, they are refused: neither replies nor bounces are processed
    #[arg(
        id = WEBHOOK_KEY,
        long,
        env = "MAILGUN_WEBHOOK_SIGNING_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    webhook_signing_key: Option<SecretString>,

    /// How long a reply to a mail is accepted after the newest message of its conversation
    #[arg(id = "mail-reply-age-max-days", long, env = "MAIL_REPLY_AGE_MAX_DAYS",
        value_name = "1..3650", default_value = "90", value_parser = whole::<u64>(1, 3_650))]
    reply_age_max_days: u64,

    /// Mails that are sent at the same time; as many connections are kept
    #[arg(id = "mail-at-once-max", long, env = "MAIL_AT_ONCE_MAX", value_name = "1..64",
        default_value = "4", value_parser = whole::<usize>(1, 64))]
    at_once_max: usize,

    /// How long connecting to a mail server may take, TLS and login included
    #[arg(id = "mail-connect-timeout-ms", long, env = "MAIL_CONNECT_TIMEOUT_MS",
        value_name = "10..60000", default_value = "10000",
        value_parser = whole::<u64>(10, 60_000))]
    connect_timeout_ms: u64,

    /// How long the delivery of one mail may take; must be shorter than that of a job
    #[arg(id = "mail-delivery-timeout-ms", long, env = "MAIL_DELIVERY_TIMEOUT_MS",
        value_name = "10..600000", default_value = "30000",
        value_parser = whole::<u64>(10, 600_000))]
    delivery_timeout_ms: u64,
}

/// The configuration of mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// The sender and the transport; `None` if no mail is sent.
    pub(crate) mailer: Option<mailer::Settings>,
    /// When mail is sent.
    pub(crate) policy: MailPolicy,
    /// The unsubscribe links.
    pub(crate) unsubscribe: UnsubscribeLinks,
}

/// The settings of other sections that mail depends on.
pub(super) struct MailContext<'a> {
    pub(super) in_production: bool,
    /// The URL of the front end, from the origins that may call.
    pub(super) site: Option<String>,
    /// The public URL of this service.
    pub(super) public_url: String,
    /// Signs unsubscribe links if they have no secret.
    pub(super) secret: Option<&'a SecretString>,
    pub(super) zone: Zone,
    pub(super) job_time_max_ms: u64,
}

impl MailSettings {
    /// The configuration of mail; `None`, and a fault, if it is invalid.
    pub(super) fn check(&self, context: &MailContext<'_>, faults: &mut Faults) -> Option<Mail> {
        let transport = self.transport.check(context.in_production, faults)?;
        let mailer = match transport {
            Some(transport) => Some(self.mailer(transport, context, faults)?),
            None => None,
        };
        if mailer.is_some() && self.reply_to.is_some() && self.webhook_signing_key.is_none() {
            let text =
                "is missing: replies to the addresses of MAIL_REPLY_TO would not be accepted";
            faults.note(Fault::new(WEBHOOK_KEY, text));
        }
        let unsubscribe = self.unsubscribe(context);
        if mailer.is_some() && unsubscribe.is_none() {
            faults.note(Fault::new(SIGNING_SECRET, "is missing, and so is JWT_SECRET"));
        }
        let unsubscribe = unsubscribe.unwrap_or_default();
        Some(Mail { mailer, policy: self.pace.policy(context.zone.clone()), unsubscribe })
    }

    /// Unsubscribe links, if there is a secret for them.
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
            reply_age_ms_max: self.reply_age_max_days * DAY_MS,
        }
    }

    fn mailer(
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
        if self.delivery_timeout_ms >= context.job_time_max_ms {
            let text = "must be shorter than JOBS_TIME_MAX_MS, after which a job is stopped";
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

/// When mail is sent.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct PaceSettings {
    /// How long a message may stay unread before it is mailed
    #[arg(id = "mail-delay-ms", long, env = "MAIL_DELAY_MS", value_name = "0..86400000",
        default_value = "300000", value_parser = whole::<u64>(0, 86_400_000))]
    delay_ms: u64,

    /// Minimum time between two mails about one conversation
    #[arg(id = "mail-pause-ms", long, env = "MAIL_PAUSE_MS", value_name = "0..86400000",
        default_value = "3600000", value_parser = whole::<u64>(0, 86_400_000))]
    pause_ms: u64,

    /// Maximum number of mails to one person per minute
    #[arg(id = "mail-per-minute-max", long, env = "MAIL_PER_MINUTE_MAX", value_name = "1..1000",
        default_value = "10", value_parser = whole::<u32>(1, 1_000))]
    per_minute_max: u32,

    /// The hour at which daily mail is sent, in the time zone of its recipient
    #[arg(id = "mail-daily-hour", long, env = "MAIL_DAILY_HOUR", value_name = "0..23",
        default_value = "9", value_parser = whole::<u8>(0, 23))]
    daily_hour: u8,

    /// Maximum age of a message that is mailed, for when mail could not be sent for long; older ones are skipped
    #[arg(id = "mail-notice-age-max-days", long, env = "MAIL_NOTICE_AGE_MAX_DAYS", value_name = "4..3650",
        default_value = "7", value_parser = whole::<u64>(NOTICE_AGE_MIN_DAYS, 3_650))]
    notice_age_max_days: u64,
}

/// The delay, the pause, daily mail and quiet hours may add up, each to at most a day.
const NOTICE_AGE_MIN_DAYS: u64 = 4;
const DAY_MS: u64 = 86_400_000;

impl PaceSettings {
    /// The policy; `zone` is the time zone of people without one.
    fn policy(&self, zone: Zone) -> MailPolicy {
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

/// The mail transport: at most one of a mail server, Mailgun and a folder.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct MailTransportSettings {
    /// URL of the mail server: `smtps://user:password@host:port`, or `smtp://…` for STARTTLS
    #[arg(id = SMTP_URL, long, env = "MAIL_SMTP_URL", value_name = "URL", hide_env_values = true)]
    smtp_url: Option<SecretString>,

    /// Whether `?tls=none` is allowed for a mail server that is not on this machine
    #[arg(
        id = "mail-smtp-plaintext-allowed",
        long,
        env = "MAIL_SMTP_PLAINTEXT_ALLOWED",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    smtp_plaintext_allowed: Switch,

    /// Root certificate (PEM) that is trusted for the mail server in addition to those of the system
    #[arg(id = SMTP_ROOT_FILE, long, env = "MAIL_SMTP_ROOT_FILE", value_name = "FILE")]
    smtp_root_file: Option<PathBuf>,

    /// API key of Mailgun
    #[arg(id = MAILGUN_KEY, long, env = "MAILGUN_API_KEY", value_name = "KEY", hide_env_values = true)]
    mailgun_api_key: Option<SecretString>,

    /// The same under another name
    #[arg(
        id = "mail-sending-key",
        long,
        env = "SENDING_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    sending_key: Option<SecretString>,

    /// Domain from which Mailgun sends
    #[arg(id = MAILGUN_DOMAIN, long, env = "MAILGUN_DOMAIN", value_name = "NAME")]
    mailgun_domain: Option<String>,

    /// URL of the API of Mailgun
    #[arg(id = "mail-mailgun-base-url", long, env = "MAILGUN_BASE_URL", value_name = "URL",
        default_value = MAILGUN_EU_URL)]
    mailgun_base_url: String,

    /// Folder that stores mails instead of sending them, shown under `/dev/mails`; not in production
    #[arg(id = FOLDER, long, env = "MAIL_DEV_FOLDER", value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Maximum number of mails in the folder; the oldest are deleted
    #[arg(id = "mail-dev-folder-mails-max", long, env = "MAIL_DEV_FOLDER_MAILS_MAX",
        value_name = "1..10000", default_value = "200", value_parser = whole::<usize>(1, 10_000))]
    folder_mails_max: usize,
}

impl MailTransportSettings {
    /// The transport, if one is configured; the outer `None` is a fault.
    #[expect(clippy::option_option, reason = "no transport is fine, a broken one is a fault")]
    fn check(&self, in_production: bool, faults: &mut Faults) -> Option<Option<TransportSettings>> {
        let smtp = self.smtp_url.as_ref().map(|url| self.smtp(url, faults));
        let mailgun = self.names_mailgun().then(|| self.mailgun(faults));
        let folder = self.folder.as_ref().map(|path| self.folder(path, in_production, faults));
        let mut transports = [smtp, mailgun, folder].into_iter().flatten();
        let transport = transports.next();
        if transports.next().is_some() {
            let text = "is one of two mail transports; only one may be configured";
            let id = if self.folder.is_some() { FOLDER } else { SMTP_URL };
            faults.note(Fault::new(id, text));
            return None;
        }
        transport.map_or(Some(None), |valid| valid.map(Some))
    }

    /// The sender address if none is set.
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

    fn folder(
        &self,
        path: &std::path::Path,
        in_production: bool,
        faults: &mut Faults,
    ) -> Option<TransportSettings> {
        if in_production {
            faults.note(Fault::new(
                FOLDER,
                "is for developers, with NODE_ENV=development: no mail would be sent",
            ));
            return None;
        }
        let mails_max = self.folder_mails_max;
        Some(TransportSettings::Folder(Folder { path: path.to_owned(), mails_max }))
    }
}
