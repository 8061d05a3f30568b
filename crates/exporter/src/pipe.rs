//! From whoever makes bytes to whoever keeps them.

use async_trait::async_trait;
use domain::{
    jobs::JobFailure,
    ports::{Chunks, Interrupted},
};
use tokio::sync::mpsc;

/// How many pieces are on their way at once.
const PIECES_MAX: usize = 4;

/// Where bytes go in. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<Vec<u8>, Interrupted>>);

/// Where they come out; at the end, when every sink is gone.
pub(crate) struct Source(mpsc::Receiver<Result<Vec<u8>, Interrupted>>);

pub(crate) fn open() -> (Sink, Source) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (Sink(sender), Source(receiver))
}

impl Sink {
    /// Sends a piece, when there is room for it.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> Result<(), JobFailure> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| JobFailure::retry("files_failed"))
    }

    /// Says that the rest does not come, to whoever still listens.
    pub(crate) async fn interrupt(&self) {
        let _nobody_listens = self.0.send(Err(Interrupted)).await;
    }
}

#[async_trait]
impl Chunks for Source {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.recv().await.transpose()
    }
}
