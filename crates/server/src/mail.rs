//! Mail about messages that wait, put together.

mod kept;
pub(crate) mod verb;

use std::sync::Arc;

use api::mail::UnsubscribeLinks;
use domain::{
    ids::UserId,
    mail::{MailPolicy, service::Mailing, store::MailSender},
    ports::{Clock, Ids},
    store::Store,
};
use mailer::{Mailer, TransportSettings, Unsubscribe};

use crate::{config::Mail, error::RunError};

/// The service for mail; `None` where none leaves.
///
/// # Errors
/// When mail cannot leave as configured.
pub(crate) fn mailing(
    mail: &Mail,
    terms: MailPolicy,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
) -> Result<Option<Mailing>, RunError> {
    let Some(settings) = &mail.post else { return Ok(None) };
    let ways_out = Arc::new(UnsubscribeUrls(mail.unsubscribe.clone()));
    let post_office: Arc<dyn MailSender> = Arc::new(Mailer::new(settings, ways_out)?);
    Ok(Some(Mailing::new(store, post_office, clock, ids, terms)))
}

/// The mails of a folder, for developers to look at; `None` where mail is sent.
pub(crate) fn dev_mail(mail: &Mail) -> Option<Arc<dyn api::mail::KeptMails>> {
    match &mail.post.as_ref()?.transport {
        TransportSettings::Folder(folder) => Some(Arc::new(kept::KeptInFolder::new(&folder.path))),
        TransportSettings::Smtp(_) | TransportSettings::Mailgun(_) => None,
    }
}

/// The interface signs the links that it takes back.
struct UnsubscribeUrls(UnsubscribeLinks);

impl Unsubscribe for UnsubscribeUrls {
    fn url(&self, recipient: &UserId) -> String {
        self.0.to(recipient)
    }
}
