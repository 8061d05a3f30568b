//! A person's data as an archive, the `Exporter` port of `domain`: a zip with `data.json` for programs, `index.html` for
//! people, and their pictures under `files/`.
//!
//! An archive is streamed, a page of messages and a piece of a picture at a time, so that memory does not depend on its
//! size; only the ids of conversations and of missing files are held. Messages sent after the request are left out, so
//! that its parts agree.
//!
//! Begin at [`Archiver`]; `archive` reads a person's conversations page by page, `data` and `page` write
//! the two forms, `zip` streams them.
#![deny(missing_docs)]
mod archive;
mod data;
mod page;
mod zip;

use std::sync::Arc;

use archive::Contents;
use async_trait::async_trait;
use domain::{
    jobs::JobFailure,
    ports::{Files, KeepError},
    privacy::{export::Export, store::Exporter},
    store::Store,
};
use zip::{Sink, Zip};

/// Writes archives of the data in a store and in file storage.
#[derive(Clone)]
pub struct Archiver {
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
}

impl Archiver {
    /// An archiver that reads from `store` and `files`, and writes to `files`.
    pub fn new(store: Arc<dyn Store>, files: Arc<dyn Files>) -> Self {
        Self { store, files }
    }

    async fn compose(&self, export: &Export, sink: Sink) -> Result<(), JobFailure> {
        let mut contents = Contents::gather(&*self.store, export).await?;
        let mut zip = Zip::new(sink);
        // First, because the other two parts say which pictures are missing.
        contents.missing = archive::write(&contents, &*self.files, &mut zip).await?;
        zip.begin("data.json", None).await?;
        data::write(&contents, &mut zip).await?;
        zip.begin("index.html", None).await?;
        page::write(&contents, &mut zip).await?;
        zip.finish().await
    }
}

#[async_trait]
impl Exporter for Archiver {
    async fn write(&self, export: &Export) -> Result<u64, JobFailure> {
        let (sink, mut source) = zip::open();
        let compose = async {
            let composed = self.compose(export, sink.clone()).await;
            if composed.is_err() {
                sink.interrupt().await;
            }
            drop(sink);
            composed
        };
        let (composed, written) = tokio::join!(compose, async {
            let written = self.files.write(&export.key, &mut source).await;
            // The composer must not wait for a receiver that has stopped.
            drop(source);
            written
        });
        match (composed, written) {
            (Ok(()), Ok(size_bytes)) => Ok(size_bytes),
            (Err(failure), Ok(_) | Err(KeepError::Interrupted(_))) => Err(failure),
            (_, Err(error)) => {
                Err(JobFailure::Retry { reason: "files_failed", cause: Some(error.into()) })
            }
        }
    }
}

impl std::fmt::Debug for Archiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archiver").finish_non_exhaustive()
    }
}
