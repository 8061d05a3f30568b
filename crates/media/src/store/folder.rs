//! A folder of this machine.
//!
//! A file gets its name when all of it is on the disk, so there are no half ones, whenever the power
//! fails. Until then it is called like the object with some letters and `.part` behind, which no object
//! can be called. The letters are others each time: two who write the same object never write into the
//! same file, and the last to finish has it. What a crash left goes when the object is deleted, or when it
//! is written again later on. Who still writes when it is deleted fails.

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

/// Only the user that the service runs as, as with the files.
const FOLDER_MODE: u32 = 0o700;
const PIECE_BYTES: usize = 64 * 1024;
/// How the name of a file ends that is not all there.
const PART: &str = ".part";
/// A writer that has written nothing for this long is gone.
const SILENCE_MAX: Duration = Duration::from_hours(1);
/// How many letters distinguish one attempt from another.
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
        let place = path.clone();
        let begun = blocking(move || {
            let part = begin(&place)?;
            let now = part.as_file().metadata()?.modified()?;
            sweep(&place, |written_at| {
                now.duration_since(written_at).is_ok_and(|silence| silence > SILENCE_MAX)
            })?;
            Ok(part)
        })
        .await;
        // The part goes with its name, whichever way this ends.
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
        blocking(move || remove(&path).and(sweep(&path, |_| true))).await
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

/// A file of an attempt's own, readable for its owner only, for what is to be at `path`.
fn begin(path: &Path) -> io::Result<NamedTempFile> {
    make_folder(folder_of(path))?;
    tempfile::Builder::new()
        .prefix(&parts_of(path))
        .suffix(PART)
        .rand_bytes(ATTEMPT_CHARS)
        .tempfile_in(folder_of(path))
}

/// Renames a part that is on the disk. Fails when the part is gone.
fn finish(part: TempPath, path: &Path, root: &Path) -> io::Result<()> {
    part.persist(path)?;
    sync_up_to(folder_of(path), root)
}

/// Takes away the parts of what is to be at `path`, of those that were last written to at such a time.
fn sweep(path: &Path, is_over: impl Fn(SystemTime) -> bool) -> io::Result<()> {
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
        if is_part && was_written(&entry)?.is_some_and(&is_over) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// When it was last written to; `None` when it is gone.
fn was_written(entry: &DirEntry) -> io::Result<Option<SystemTime>> {
    match entry.metadata().and_then(|metadata| metadata.modified()) {
        Err(error) if is_absent(&error) => Ok(None),
        at => at.map(Some),
    }
}

/// How the names of all its parts begin.
fn parts_of(path: &Path) -> String {
    format!("{}.", path.file_name().unwrap_or_default().display())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A new name is on the disk when its folder is, and that one's folder, up to the root.
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
                tracing::warn!(error = %error, "a kept file could not be read to its end");
                Err(Interrupted)
            }
        }
    }
}
