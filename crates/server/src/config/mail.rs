//! Mail about messages that wait: who writes, how it leaves, and when.

mod pace;
mod transport;

use api::mail::{Settings as Doors, UnsubscribeKey, UnsubscribeLinks, WebhookKey};
use clap::Args;
use domain::{mail::MailPolicy, time::Zone};
use mailer::TransportSettings;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    fault::{Fault, Faults},
    value::{secret, whole},
};

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
    transport: transport::MailTransportSettings,
    #[command(flatten)]
    pace: pace::PaceSettings,

    /// Name of the house, as people know it
    #[arg(
        id = "mail-house",
        long,
        env = "MAIL_HOUSE",
        value_name = "NAME",
        default_value = "Messagerie"
    )]
    house: String,

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
    pub(super) fn check(&self, around: &MailContext<'_>, faults: &mut Faults) -> Option<Mail> {
        let transport = self.transport.check(around.in_production, faults)?;
        let post = match transport {
            Some(transport) => Some(self.post(transport, around, faults)?),
            None => None,
        };
        if post.is_some() && self.reply_to.is_some() && self.webhook_signing_key.is_none() {
            let text = "is missing: nobody would take the answers that MAIL_REPLY_TO asks for";
            faults.note(Fault::new(WEBHOOK_KEY, text));
        }
        let unsubscribe = self.unsubscribe(around);
        if post.is_some() && unsubscribe.is_none() {
            faults.note(Fault::new(SIGNING_SECRET, "is missing, and so is JWT_SECRET"));
        }
        let unsubscribe = unsubscribe.unwrap_or_default();
        Some(Mail { post, terms: self.pace.terms(around.zone.clone()), unsubscribe })
    }

    /// Links that outlive this process, if there is a secret for them.
    fn unsubscribe(&self, around: &MailContext<'_>) -> Option<UnsubscribeLinks> {
        let secret = self.link_signing_secret.as_ref().or(around.secret)?;
        let key = UnsubscribeKey::derived_from(secret.expose_secret().as_bytes());
        Some(UnsubscribeLinks::new(key, &around.public_url))
    }

    /// The doors through which mail comes back to us.
    pub(super) fn doors(&self, mail: &Mail) -> Doors {
        let key = self.webhook_signing_key.as_ref();
        Doors {
            unsubscribe: mail.unsubscribe.clone(),
            webhook_key: key.map(|key| WebhookKey::new(key.expose_secret().as_bytes())),
        }
    }

    fn post(
        &self,
        transport: TransportSettings,
        around: &MailContext<'_>,
        faults: &mut Faults,
    ) -> Option<mailer::Settings> {
        let from = self.from.clone().or_else(|| self.transport.noreply());
        if from.is_none() {
            faults.note(Fault::new(FROM, "is missing"));
        }
        let local = (!around.in_production).then(|| LOCAL_SITE.to_owned());
        let site_url = self.site_url.clone().or_else(|| around.site.clone()).or(local);
        if site_url.is_none() {
            faults.note(Fault::new(SITE_URL, "is missing"));
        }
        if self.delivery_timeout_ms >= around.job_lease_ms {
            let text = "must be shorter than JOBS_LEASE_MS, or mails leave twice";
            faults.note(Fault::new("mail-delivery-timeout-ms", text));
        }
        Some(mailer::Settings {
            house: self.house.clone(),
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
