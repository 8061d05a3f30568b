//! A person's data as an archive, the `Exporter` port of `domain`: a zip with `data.json` for programs, `index.html` for
//! people, and their pictures under `files/`.
//!
//! An archive is written as it is read, a page of messages and a piece of a picture at a time, so
//! that its size costs no memory; only the names of conversations and files are held. What was said
//! after it was asked for is left out, so that its parts agree.
//!
//! Begin at [`Archiver`]; `archive` reads a person's conversations page by page, `data` and `page` write
//! the two forms, `zip` streams them.
#![deny(missing_docs)]
mod archive;
mod data;
mod page;
mod zip;

use std::sync::Arc;

use archive::{Contents, Sink};
use async_trait::async_trait;
use domain::{
    jobs::JobFailure,
    ports::{Files, KeepError},
    privacy::{export::Export, store::Exporter},
    store::Store,
};
use zip::Zip;

/// Makes archives of what a store and its files hold.
#[derive(Clone)]
pub struct Archiver {
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
}

impl Archiver {
    /// One that reads from `store` and `files`, and writes to `files`.
    pub fn new(store: Arc<dyn Store>, files: Arc<dyn Files>) -> Self {
        Self { store, files }
    }

    async fn compose(&self, export: &Export, sink: Sink) -> Result<(), JobFailure> {
        let mut contents = Contents::gather(&*self.store, export).await?;
        let mut zip = Zip::new(sink);
        // First, for the other two to say which are missing.
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
        let (sink, mut source) = archive::open();
        let compose = async {
            let made = self.compose(export, sink.clone()).await;
            if made.is_err() {
                sink.interrupt().await;
            }
            drop(sink);
            made
        };
        let (made, written) = tokio::join!(compose, async {
            let written = self.files.write(&export.key, &mut source).await;
            // The reader has stopped: the writer must not wait for it.
            drop(source);
            written
        });
        match (made, written) {
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
