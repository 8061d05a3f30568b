//! What mail needs besides a transport: unsubscribe links, Mailgun's webhooks, and, for developers, the mails
//! in a folder.

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
    /// The links by which people end all mail to themselves. The mailer has a clone.
    pub unsubscribe: UnsubscribeLinks,
    /// The key with which Mailgun signs its webhooks. Without it there are no webhook routes.
    pub webhook_key: Option<WebhookKey>,
}
