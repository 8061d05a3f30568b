use std::sync::Arc;

use domain::ports::KeepError;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task,
};

use crate::{
    fault::Fault,
    kind::Kind,
    picture::{Prepared, prepare},
    settings::{Bounds, Settings, SettingsError},
};

/// Who looks at pictures: so many at once, on threads that may be kept busy.
#[derive(Debug)]
pub(crate) struct Workers {
    uploads: Semaphore,
    decoders: Arc<Semaphore>,
    bounds: Bounds,
}

impl Workers {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        settings.bounds.check()?;
        let (uploads, pictures) = (settings.uploads_at_once_max, settings.pictures_at_once_max);
        if !(1..=1_024).contains(&uploads) {
            return Err(SettingsError::Bound("uploads_at_once_max"));
        }
        if !(1..=64).contains(&pictures) {
            return Err(SettingsError::Bound("pictures_at_once_max"));
        }
        Ok(Self {
            uploads: Semaphore::new(uploads),
            decoders: Arc::new(Semaphore::new(pictures)),
            bounds: settings.bounds,
        })
    }

    /// A place for one upload, from its first byte until it is kept.
    pub(crate) fn place(&self) -> Result<SemaphorePermit<'_>, KeepError> {
        self.uploads.try_acquire().map_err(|_| KeepError::Busy)
    }

    /// Looks at a file, after those before it.
    pub(crate) async fn look(
        &self,
        bytes: Vec<u8>,
        declared: Option<Kind>,
    ) -> Result<Prepared, KeepError> {
        let permit = self.decoders.clone().acquire_owned().await.map_err(|_| KeepError::Busy)?;
        let bounds = self.bounds;
        let looked = task::spawn_blocking(move || {
            // Decoding goes on when nobody waits for it any more, and counts until its end.
            let _permit = permit;
            prepare(bytes, declared, &bounds)
        });
        match looked.await {
            Ok(prepared) => Ok(prepared?),
            // A decoder that stumbled has shown that the file is not one to pass on.
            Err(stumbled) if stumbled.is_panic() => {
                tracing::warn!("a picture decoder panicked");
                Err(Fault::Unreadable.into())
            }
            Err(stopped) => Err(KeepError::Failed(stopped.into())),
        }
    }
}
