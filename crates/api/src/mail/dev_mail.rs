use std::{fmt, io};

use async_trait::async_trait;

/// Mails written to a folder instead of being sent, for developers.
#[async_trait]
pub trait DevMails: Send + Sync {
    /// Lists all mails, newest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    async fn list(&self) -> io::Result<Vec<DevMail>>;

    /// Opens a mail; `None` if there is none of that name. `name` is untrusted.
    ///
    /// # Errors
    /// The mail cannot be read.
    async fn open(&self, name: &str) -> io::Result<Option<OpenedMail>>;
}

/// A mail in a list. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct DevMail {
    /// File name, by which it is opened.
    pub name: String,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Date of writing.
    pub date: String,
}

/// A whole mail. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedMail {
    /// The entry in the list.
    pub summary: DevMail,
    /// Header fields as name and value.
    pub header: Vec<(String, String)>,
    /// Plain text body.
    pub text: String,
    /// HTML body, untrusted.
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
