//! Mail about messages that wait, put together.

use std::{io, path::Path, sync::Arc};

use api::mail::{KeptMail, KeptMails, OpenedMail, UnsubscribeLinks};
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
pub(crate) fn dev_mail(mail: &Mail) -> Option<Arc<dyn KeptMails>> {
    match &mail.post.as_ref()?.transport {
        TransportSettings::Folder(folder) => Some(Arc::new(KeptInFolder::new(&folder.path))),
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

/// The e-mails in a folder. The disk is read on a thread for blocking work.
struct KeptInFolder(mailer::KeptMails);

impl KeptInFolder {
    fn new(path: &Path) -> Self {
        Self(mailer::KeptMails::new(path))
    }
}

#[async_trait]
impl KeptMails for KeptInFolder {
    async fn list(&self) -> io::Result<Vec<KeptMail>> {
        let mails = self.0.clone();
        let listed =
            task::spawn_blocking(move || mails.list()).await.map_err(io::Error::other)??;
        Ok(listed.into_iter().map(shown).collect())
    }

    async fn open(&self, name: &str) -> io::Result<Option<OpenedMail>> {
        let (mails, name) = (self.0.clone(), name.to_owned());
        let opened = task::spawn_blocking(move || mails.open(&name)).await;
        let opened = opened.map_err(io::Error::other)??;
        Ok(opened.map(|mail| {
            let mailer::OpenedMail { kept, header, text, html } = mail;
            OpenedMail { kept: shown(kept), header, text, html }
        }))
    }
}

fn shown(mail: mailer::KeptMail) -> KeptMail {
    let mailer::KeptMail { name, from, to, subject, date } = mail;
    KeptMail { name, from, to, subject, date }
}
