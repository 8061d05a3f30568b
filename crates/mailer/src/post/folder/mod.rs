//! Mail that does not leave: a folder of `.eml` files, for those who develop.
//!
//! A file gets its name when all of it is there. Names begin with the time, so they sort by it, and a
//! mail that is delivered twice is there once.

mod reader;

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tokio::task;

pub use reader::{KeptMail, KeptMails, OpenedMail};

use crate::{
    compose::Composed,
    settings::{Folder, SettingsError},
};

/// How a kept mail's name ends.
const SUFFIX: &str = ".eml";
/// The most mails that a folder may be told to keep.
const MAILS_MAX: usize = 10_000;
/// Only the user that the service runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

#[derive(Debug)]
pub(crate) struct FolderPost {
    path: PathBuf,
    mails_max: usize,
}

impl FolderPost {
    pub(crate) fn new(folder: &Folder) -> Result<Self, SettingsError> {
        if !(1..=MAILS_MAX).contains(&folder.mails_max) {
            return Err(SettingsError::Bound("mails_max"));
        }
        let trial = folder.path.join(".trial");
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder.path);
        made.and_then(|()| write(&trial, b""))
            .and_then(|()| fs::remove_file(trial))
            .map_err(SettingsError::Folder)?;
        Ok(Self { path: folder.path.clone(), mails_max: folder.mails_max })
    }

    pub(crate) async fn hand_over(&self, mail: &Composed) -> io::Result<()> {
        let (path, mails_max) = (self.path.clone(), self.mails_max);
        let (name, bytes) = (mail.name.clone(), mail.bytes.clone());
        let work = move || {
            let part = path.join(format!("{name}.part"));
            write(&part, &bytes)?;
            fs::rename(part, path.join(format!("{name}{SUFFIX}")))?;
            forget_the_oldest(&path, mails_max)
        };
        task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)
}

/// The names of the mails, the oldest first.
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

fn forget_the_oldest(folder: &Path, mails_max: usize) -> io::Result<()> {
    let names = names(folder)?;
    let too_many = names.len().saturating_sub(mails_max);
    for name in &names[..too_many] {
        match fs::remove_file(folder.join(name)) {
            // Somebody else kept a mail at the same moment, and forgot this one.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}
