//! The ways in which mail leaves.

mod fault;
pub(crate) mod folder;
mod mailgun;
mod smtp;

pub(crate) use fault::Fault;

use crate::{
    compose::Composed,
    settings::{Settings, SettingsError, TransportSettings},
};
use folder::FolderPost;
use mailgun::MailgunPost;
use smtp::SmtpPost;

#[derive(Debug)]
pub(crate) enum Transport {
    Smtp(SmtpPost),
    Mailgun(MailgunPost),
    Folder(FolderPost),
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(match &settings.transport {
            TransportSettings::Smtp(smtp) => Self::Smtp(SmtpPost::new(smtp, settings)?),
            TransportSettings::Mailgun(mailgun) => {
                Self::Mailgun(MailgunPost::new(mailgun, settings)?)
            }
            TransportSettings::Folder(folder) => Self::Folder(FolderPost::new(folder)?),
        })
    }

    /// When this returns, the mail is somebody else's.
    pub(crate) async fn hand_over(&self, mail: &Composed) -> Result<(), Fault> {
        match self {
            Self::Smtp(smtp) => smtp.hand_over(mail).await,
            Self::Mailgun(mailgun) => mailgun.hand_over(mail).await,
            Self::Folder(folder) => folder.hand_over(mail).await.map_err(Fault::Folder),
        }
    }
}
