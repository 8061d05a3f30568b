//! What mail needs of the world besides a mail server: the way out of it, what Mailgun tells us, and,
//! for those who develop, the mails that were kept.

mod kept;
mod tickets;
mod unsubscribe;
mod webhook;

pub use kept::{KeptMail, KeptMails, OpenedMail};
pub(crate) use tickets::WebhookPermit;
pub use unsubscribe::{UnsubscribeKey, UnsubscribeLinks};
pub use webhook::WebhookKey;
pub(crate) use webhook::{BadStamp, Stamp, Webhooks};

/// How the world may answer to mail.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The links by which people end all mail to themselves. Whoever writes mails has a clone.
    pub unsubscribe: UnsubscribeLinks,
    /// The key with which Mailgun signs what it tells. Without it nobody may tell anything.
    pub webhook_key: Option<WebhookKey>,
}
