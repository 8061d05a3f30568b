//! A folder of this machine.
//!
//! A file gets its name when all of it is on the disk, so there are no half ones, whenever the power
//! fails. Until then it is called like the object with `.part` behind, which no object can be called;
//! deleting the object deletes that too, so what a crash left is found by whoever wanted it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    object::ObjectKey,
    ports::{Chunks, Interrupted, ObjectBytes},
};
use tokio::{io::AsyncReadExt, task};

use crate::settings::SettingsError;

/// Only the user that the service runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    pub(crate) fn new(root: &Path) -> Result<Self, SettingsError> {
        let usable = || {
            make_folder(root)?;
            let trial = root.join(".trial");
            write(&trial, b"")?;
            // Another server that starts beside us may have removed it.
            remove(&trial)
        };
        usable().map_err(SettingsError::Folder)?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) async fn put(&self, key: &ObjectKey, bytes: Bytes) -> io::Result<()> {
        let (path, part) = self.paths(key);
        let root = self.root.clone();
        blocking(move || {
            let folder = path.parent().unwrap_or(&root);
            make_folder(folder)?;
            let kept = write(&part, &bytes).and_then(|()| fs::rename(&part, &path));
            if let Err(error) = kept {
                remove(&part)?;
                return Err(error);
            }
            sync_up_to(folder, &root)
        })
        .await
    }

    pub(crate) async fn read(&self, key: &ObjectKey) -> io::Result<Option<ObjectBytes>> {
        let file = match tokio::fs::File::open(self.paths(key).0).await {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let size_bytes = file.metadata().await?.len();
        Ok(Some(ObjectBytes { size_bytes, chunks: Box::new(Pieces(file)) }))
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> io::Result<()> {
        let (path, part) = self.paths(key);
        blocking(move || remove(&path).and(remove(&part))).await
    }

    /// Where the object is, and where it is before all of it is there. A key has neither dots nor
    /// a slash at its start, so it stays below the folder.
    fn paths(&self, key: &ObjectKey) -> (PathBuf, PathBuf) {
        let path = self.root.join(key.as_str());
        let part = path.with_added_extension("part");
        (path, part)
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
