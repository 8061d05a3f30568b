//! A folder on this machine.
//!
//! A file is renamed when it is completely on the disk, so that a power failure leaves no partial objects. Until then its
//! name is that of the object with random letters and `.part`, which no object can have: concurrent writers of an object
//! never write to the same file, and the last to finish wins. Parts that a crash left are removed when the object is
//! deleted, or when it is written again later. A writer whose object is deleted meanwhile fails.

use std::{
    fs::{self, DirBuilder, DirEntry, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    conversation::attachment::ObjectKey,
    ports::{Chunks, Interrupted, KeepError, ObjectBytes},
};
use tempfile::{NamedTempFile, TempPath};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task,
};

use crate::settings::SettingsError;

/// Accessible to the user of the service only, as are the files.
const FOLDER_MODE: u32 = 0o700;
const PIECE_BYTES: usize = 64 * 1024;
/// The suffix of incomplete files.
const PART: &str = ".part";
/// A part that was not written to for this long is abandoned.
const ABANDONED_AFTER: Duration = Duration::from_hours(1);
/// The number of random letters in the name of a part.
const ATTEMPT_CHARS: usize = 12;

#[derive(Debug)]
pub(crate) struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    pub(crate) fn new(root: &Path) -> Result<Self, SettingsError> {
        let usable = || make_folder(root).and_then(|()| begin(&root.join("trial"))?.close());
        usable().map_err(SettingsError::Folder)?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) async fn put(&self, key: &ObjectKey, bytes: Bytes) -> io::Result<()> {
        let (path, root) = (self.path(key), self.root.clone());
        blocking(move || {
            let mut part = begin(&path)?;
            part.write_all(&bytes)?;
            part.as_file().sync_all()?;
            finish(part.into_temp_path(), &path, &root)
        })
        .await
    }

    pub(crate) async fn write(
        &self,
        key: &ObjectKey,
        bytes: &mut dyn Chunks,
    ) -> Result<u64, KeepError> {
        let (path, root) = (self.path(key), self.root.clone());
        let target = path.clone();
        let begun = blocking(move || {
            let part = begin(&target)?;
            let now = part.as_file().metadata()?.modified()?;
            remove_parts(&target, |written_at| {
                now.duration_since(written_at).is_ok_and(|idle| idle > ABANDONED_AFTER)
            })?;
            Ok(part)
        })
        .await;
        // The part is removed when it is dropped, unless it was renamed.
        let (file, part) = begun.map_err(failed)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut size_bytes = 0;
        while let Some(piece) = bytes.next().await? {
            file.write_all(&piece).await.map_err(failed)?;
            size_bytes += piece.len() as u64;
        }
        file.sync_all().await.map_err(failed)?;
        blocking(move || finish(part, &path, &root)).await.map_err(failed)?;
        Ok(size_bytes)
    }

    pub(crate) async fn read(&self, key: &ObjectKey) -> io::Result<Option<ObjectBytes>> {
        let file = match tokio::fs::File::open(self.path(key)).await {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let size_bytes = file.metadata().await?.len();
        Ok(Some(ObjectBytes { size_bytes, chunks: Box::new(Pieces(file)) }))
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> io::Result<()> {
        let path = self.path(key);
        blocking(move || remove(&path).and(remove_parts(&path, |_| true))).await
    }

    /// A key has neither dots nor a slash at its start, so it stays below the folder.
    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

fn failed(error: io::Error) -> KeepError {
    KeepError::Failed(error.into())
}

/// Creates a part of the object at `path`, accessible to its owner only.
fn begin(path: &Path) -> io::Result<NamedTempFile> {
    make_folder(folder_of(path))?;
    tempfile::Builder::new()
        .prefix(&parts_of(path))
        .suffix(PART)
        .rand_bytes(ATTEMPT_CHARS)
        .tempfile_in(folder_of(path))
}

/// Renames a complete part. Fails if it was removed.
fn finish(part: TempPath, path: &Path, root: &Path) -> io::Result<()> {
    part.persist(path)?;
    sync_up_to(folder_of(path), root)
}

/// Removes those parts of the object at `path` whose time of the last write is `is_abandoned`.
fn remove_parts(path: &Path, is_abandoned: impl Fn(SystemTime) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(folder_of(path)) {
        Err(error) if is_absent(&error) => return Ok(()),
        entries => entries?,
    };
    let beginning = parts_of(path);
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_part =
            name.to_str().is_some_and(|name| name.starts_with(&beginning) && name.ends_with(PART));
        if is_part && was_written(&entry)?.is_some_and(&is_abandoned) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The time of the last write; `None` if the file was removed.
fn was_written(entry: &DirEntry) -> io::Result<Option<SystemTime>> {
    match entry.metadata().and_then(|metadata| metadata.modified()) {
        Err(error) if is_absent(&error) => Ok(None),
        at => at.map(Some),
    }
}

/// The prefix of the names of its parts.
fn parts_of(path: &Path) -> String {
    format!("{}.", path.file_name().unwrap_or_default().display())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Syncs the folder and those above it up to `root`, so that the new name is on the disk.
fn sync_up_to(folder: &Path, root: &Path) -> io::Result<()> {
    let below = folder.ancestors().take_while(|folder| folder.starts_with(root));
    below.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}

struct Pieces(tokio::fs::File);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match self.0.read_buf(&mut piece).await {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(piece)),
            Err(error) => {
                tracing::warn!(error = %error, "a stored file could not be read to its end");
                Err(Interrupted)
            }
        }
    }
}
