//! Mail for development: a folder of `.eml` files. Nothing is sent.
//!
//! A file is renamed when it is complete. Names begin with the time, by which they sort, and a mail that is delivered
//! twice is stored once.

use std::{
    fmt,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use mail_parser::{Address, HeaderValue, Message, MessageParser};
use tokio::task;

use crate::{
    compose::Composed,
    settings::{Folder, SettingsError},
};

/// The suffix of file names.
const SUFFIX: &str = ".eml";
/// The maximum of `mails_max`.
const MAILS_MAX: usize = 10_000;
/// Accessible to the user of the service only.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

#[derive(Debug)]
pub(crate) struct FolderTransport {
    path: PathBuf,
    mails_max: usize,
}

impl FolderTransport {
    pub(crate) fn new(folder: &Folder) -> Result<Self, SettingsError> {
        if !(1..=MAILS_MAX).contains(&folder.mails_max) {
            return Err(SettingsError::Bound("mails_max"));
        }
        let trial = folder.path.join(".trial");
        let created = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder.path);
        created
            .and_then(|()| write(&trial, b""))
            .and_then(|()| fs::remove_file(trial))
            .map_err(SettingsError::Folder)?;
        Ok(Self { path: folder.path.clone(), mails_max: folder.mails_max })
    }

    pub(crate) async fn deliver(&self, mail: &Composed) -> io::Result<()> {
        let (path, mails_max) = (self.path.clone(), self.mails_max);
        let (name, bytes) = (mail.name.clone(), mail.bytes.clone());
        let work = move || {
            let part = path.join(format!("{name}.part"));
            write(&part, &bytes)?;
            fs::rename(part, path.join(format!("{name}{SUFFIX}")))?;
            delete_oldest(&path, mails_max)
        };
        task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)
}

/// The file names of the mails, oldest first.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(SUFFIX)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn delete_oldest(folder: &Path, mails_max: usize) -> io::Result<()> {
    let names = names(folder)?;
    let excess = names.len().saturating_sub(mails_max);
    for name in &names[..excess] {
        match fs::remove_file(folder.join(name)) {
            // Another delivery removed it at the same moment.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// The mails in a folder, for a page that shows them. Reading blocks.
#[derive(Clone, Debug)]
pub struct DevMails {
    path: PathBuf,
}

/// A mail in a list. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct DevMail {
    /// Its file name.
    pub name: String,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The date (RFC 3339).
    pub date: String,
}

/// A mail with its contents. Its `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedMail {
    /// The entry of the list.
    pub summary: DevMail,
    /// The decoded header lines.
    pub header: Vec<(String, String)>,
    /// Its plain text.
    pub text: String,
    /// Its HTML, to be shown where scripts cannot run.
    pub html: String,
}

impl DevMails {
    /// The mails that [`TransportSettings::Folder`](crate::TransportSettings::Folder) stores there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// All mails, newest first; none if the folder does not exist.
    ///
    /// # Errors
    /// When the folder or a mail cannot be read.
    pub fn list(&self) -> io::Result<Vec<DevMail>> {
        let names = match names(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        let mails = names.iter().rev().map(|name| self.open(name));
        mails.filter_map(Result::transpose).map(|mail| mail.map(|mail| mail.summary)).collect()
    }

    /// The mail with this name, if it exists.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&self, name: &str) -> io::Result<Option<OpenedMail>> {
        if !is_name(name) {
            return Ok(None);
        }
        let bytes = match fs::read(self.path.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let message = MessageParser::default().parse(&bytes);
        message.map(|message| Some(opened(name, &message))).ok_or(ErrorKind::InvalidData.into())
    }
}

/// Whether `name` is a file name that cannot lead out of the folder.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.strip_suffix(SUFFIX).is_some_and(|stem| !stem.is_empty() && stem.bytes().all(allowed))
}

fn opened(name: &str, message: &Message<'_>) -> OpenedMail {
    let summary = DevMail {
        name: name.to_owned(),
        from: message.from().map(mailboxes).unwrap_or_default(),
        to: message.to().map(mailboxes).unwrap_or_default(),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
    };
    let header = message.headers().iter();
    OpenedMail {
        summary,
        header: header.map(|line| (line.name().to_owned(), value(&line.value))).collect(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: message.body_html(0).unwrap_or_default().into_owned(),
    }
}

fn value(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Address(address) => mailboxes(address),
        HeaderValue::Text(text) => text.to_string(),
        HeaderValue::TextList(texts) => texts.join(", "),
        HeaderValue::DateTime(time) => time.to_rfc822(),
        HeaderValue::ContentType(kind) => match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        },
        HeaderValue::Received(_) | HeaderValue::Empty => String::new(),
    }
}

fn mailboxes(address: &Address<'_>) -> String {
    let one = |mailbox: &mail_parser::Addr<'_>| {
        let address = mailbox.address().unwrap_or_default();
        mailbox.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>"))
    };
    address.iter().map(one).collect::<Vec<_>>().join(", ")
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
