use std::{fmt, io};

use async_trait::async_trait;

/// Mails that were kept in a folder instead of being sent, for developers.
#[async_trait]
pub trait DevMails: Send + Sync {
    /// All of them, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn list(&self) -> io::Result<Vec<DevMail>>;

    /// One of them; `None` when there is none of that name, whatever the name looks like.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn open(&self, name: &str) -> io::Result<Option<OpenedMail>>;
}

/// A mail in a list. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct DevMail {
    /// By which it is opened.
    pub name: String,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// What it says it is about.
    pub subject: String,
    /// When it was written.
    pub date: String,
}

/// A mail as a person sees it. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedMail {
    /// What the list shows of it.
    pub summary: DevMail,
    /// The header, line by line.
    pub header: Vec<(String, String)>,
    /// Its plain form.
    pub text: String,
    /// Its HTML form. Nothing of it is trusted.
    pub html: String,
}

impl fmt::Debug for DevMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevMail").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedMail").field("name", &self.summary.name).finish_non_exhaustive()
    }
}
