//! Unsubscribe links, Mailgun's webhooks, and, for developers, access to mails written to a folder.

mod dev_mail;
mod unsubscribe;
mod webhook;

use domain::mail::service::REPLY_AGE_MS_MAX;

pub use dev_mail::{DevMail, DevMails, OpenedMail};
pub use unsubscribe::{UnsubscribeKey, UnsubscribeLinks};
pub use webhook::WebhookKey;
pub(crate) use webhook::{BadStamp, Stamp, WebhookPermit, Webhooks};

/// Unsubscribe links and inbound webhooks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Unsubscribe links, shared with the mailer.
    pub unsubscribe: UnsubscribeLinks,
    /// The key with which Mailgun signs its webhooks. Without it there are no webhook routes.
    pub webhook_key: Option<WebhookKey>,
    /// How long a reply address is valid after the newest message of its conversation, in milliseconds.
    pub reply_age_ms_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unsubscribe: UnsubscribeLinks::default(),
            webhook_key: None,
            reply_age_ms_max: REPLY_AGE_MS_MAX,
        }
    }
}
