//! Unsubscribe links, Mailgun's webhooks, and, for developers, access to mails written to a folder.

mod dev_mail;
mod replay_guard;
mod unsubscribe;
mod webhook;

pub use dev_mail::{DevMail, DevMails, OpenedMail};
pub(crate) use replay_guard::WebhookPermit;
pub use unsubscribe::{UnsubscribeKey, UnsubscribeLinks};
pub use webhook::WebhookKey;
pub(crate) use webhook::{BadStamp, Stamp, Webhooks};

/// Unsubscribe links and inbound webhooks.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Unsubscribe links, shared with the mailer.
    pub unsubscribe: UnsubscribeLinks,
    /// The key with which Mailgun signs its webhooks. Without it there are no webhook routes.
    pub webhook_key: Option<WebhookKey>,
}
