use std::{io, path::Path};

use api::mail::{KeptMail, KeptMails, OpenedMail};
use async_trait::async_trait;
use tokio::task;

/// The mails that a folder keeps. Whoever waits for the disk does so on a thread for that.
pub(super) struct KeptInFolder(mailer::KeptMails);

impl KeptInFolder {
    pub(super) fn new(path: &Path) -> Self {
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
