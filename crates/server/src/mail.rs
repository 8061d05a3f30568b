//! Notification mail: connects the domain, the mailer and the REST interface.

use std::{io, path::Path, sync::Arc};

use api::mail::{DevMail, DevMails, OpenedMail, UnsubscribeLinks};
use async_trait::async_trait;
use domain::{
    ids::UserId,
    mail::{MailPolicy, service::Mailing, store::MailSender},
    ports::{Clock, Ids},
    store::Store,
};
use mailer::{Mailer, TransportSettings, Unsubscribe};
use tokio::task;

use crate::{error::RunError, settings::Mail};

/// The mail service; `None` if no transport is configured.
///
/// # Errors
/// When the settings of mail are invalid.
pub(crate) fn mailing(
    mail: &Mail,
    policy: MailPolicy,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
) -> Result<Option<Mailing>, RunError> {
    let Some(settings) = &mail.mailer else { return Ok(None) };
    let unsubscribe = Arc::new(UnsubscribeUrls(mail.unsubscribe.clone()));
    let sender: Arc<dyn MailSender> = Arc::new(Mailer::new(settings, unsubscribe)?);
    Ok(Some(Mailing::new(store, sender, clock, ids, policy)))
}

/// The mails in the development folder; `None` with another transport.
pub(crate) fn dev_mail(mail: &Mail) -> Option<Arc<dyn DevMails>> {
    match &mail.mailer.as_ref()?.transport {
        TransportSettings::Folder(folder) => Some(Arc::new(MailFolder::new(&folder.path))),
        TransportSettings::Smtp(_) | TransportSettings::Mailgun(_) => None,
    }
}

/// The unsubscribe links that the REST interface accepts.
struct UnsubscribeUrls(UnsubscribeLinks);

impl Unsubscribe for UnsubscribeUrls {
    fn url(&self, recipient: &UserId) -> String {
        self.0.to(recipient)
    }
}

/// The mails in the development folder, read on blocking threads.
struct MailFolder(mailer::DevMails);

impl MailFolder {
    fn new(path: &Path) -> Self {
        Self(mailer::DevMails::new(path))
    }
}

#[async_trait]
impl DevMails for MailFolder {
    async fn list(&self) -> io::Result<Vec<DevMail>> {
        let mails = self.0.clone();
        let listed =
            task::spawn_blocking(move || mails.list()).await.map_err(io::Error::other)??;
        Ok(listed.into_iter().map(summary_of).collect())
    }

    async fn open(&self, name: &str) -> io::Result<Option<OpenedMail>> {
        let (mails, name) = (self.0.clone(), name.to_owned());
        let opened = task::spawn_blocking(move || mails.open(&name)).await;
        let opened = opened.map_err(io::Error::other)??;
        Ok(opened.map(|mail| {
            let mailer::OpenedMail { summary, header, text, html } = mail;
            OpenedMail { summary: summary_of(summary), header, text, html }
        }))
    }
}

fn summary_of(mail: mailer::DevMail) -> DevMail {
    let mailer::DevMail { name, from, to, subject, date } = mail;
    DevMail { name, from, to, subject, date }
}
