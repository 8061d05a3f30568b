//! Streams a zip file without compression.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{
    jobs::JobFailure,
    ports::{Chunks, Interrupted},
};
use tokio::sync::mpsc;
use zip::{
    CompressionMethod::Stored,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter, ZipWriter},
};

/// How many bytes are buffered before they are sent.
const PIECE_BYTES: usize = 64 * 1024;
/// From this size on a file needs ZIP64, which not every old program reads.
const LARGE_BYTES: u64 = 0xffff_ffff;

pub(crate) struct Zip {
    writer: ZipWriter<StreamWriter<Buffer>>,
    buffer: Buffer,
    sink: Sink,
}

impl Zip {
    pub(crate) fn new(sink: Sink) -> Self {
        let buffer = Buffer::default();
        Self { writer: ZipWriter::new_stream(buffer.clone()), buffer, sink }
    }

    /// Begins a file, and ends the one before. Without `size_bytes` it is ZIP64.
    pub(crate) async fn begin(
        &mut self,
        name: &str,
        size_bytes: Option<u64>,
    ) -> Result<(), JobFailure> {
        let is_large = size_bytes.is_none_or(|size_bytes| size_bytes >= LARGE_BYTES);
        let options = SimpleFileOptions::default().compression_method(Stored).large_file(is_large);
        self.writer.start_file(name, options).map_err(not_written)?;
        self.send_from(PIECE_BYTES).await
    }

    /// Appends to the current file.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), JobFailure> {
        self.writer.write_all(bytes).map_err(|error| not_written(error.into()))?;
        self.send_from(PIECE_BYTES).await
    }

    /// Ends the last file, and writes the directory.
    pub(crate) async fn finish(self) -> Result<(), JobFailure> {
        self.writer.finish().map_err(not_written)?;
        self.sink.send(self.buffer.take()).await
    }

    /// Sends the buffer if it has at least `piece_bytes`.
    async fn send_from(&self, piece_bytes: usize) -> Result<(), JobFailure> {
        if self.buffer.len() < piece_bytes {
            return Ok(());
        }
        self.sink.send(self.buffer.take()).await
    }
}

/// What the library, which is synchronous, has written and is not sent yet.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn len(&self) -> usize {
        self.lock().len()
    }

    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// The channel from the archive to file storage.

/// How many pieces are buffered.
const PIECES_MAX: usize = 4;

/// The sending end. Clones send to the same channel.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<Vec<u8>, Interrupted>>);

/// The receiving end; it ends when every sink is dropped.
pub(crate) struct Source(mpsc::Receiver<Result<Vec<u8>, Interrupted>>);

pub(crate) fn open() -> (Sink, Source) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (Sink(sender), Source(receiver))
}

impl Sink {
    /// Sends a piece, once there is room for it.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> Result<(), JobFailure> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| JobFailure::retry("files_failed"))
    }

    /// Tells the receiver that the archive is incomplete.
    pub(crate) async fn interrupt(&self) {
        let _receiver_is_gone = self.0.send(Err(Interrupted)).await;
    }
}

#[async_trait]
impl Chunks for Source {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.recv().await.transpose()
    }
}

fn not_written(error: ZipError) -> JobFailure {
    JobFailure::Retry { reason: "archive_not_written", cause: Some(error.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use zip::ZipArchive;

    use super::*;

    /// More files than a zip file may have without ZIP64.
    const FILES: usize = 70_000;

    #[tokio::test]
    async fn an_archive_may_have_more_files_than_a_zip_file_without_zip64() {
        let (sink, mut source) = open();
        let write = async move {
            let mut zip = Zip::new(sink);
            for number in 0..FILES {
                let name = format!("files/{number}");
                let size_bytes = (number > 0).then_some(1);
                zip.begin(&name, size_bytes).await.expect("somebody reads");
                zip.write(&[7]).await.expect("somebody reads");
            }
            zip.finish().await.expect("somebody reads");
        };
        let read = async {
            let mut all = vec![];
            while let Some(piece) = source.next().await.expect("nobody interrupts") {
                all.extend(piece);
            }
            all
        };
        let ((), all) = tokio::join!(write, read);
        let mut archive = ZipArchive::new(Cursor::new(all)).expect("a good archive");
        assert_eq!(archive.len(), FILES);
        for number in [0, 1, FILES - 1] {
            let mut bytes = vec![];
            let mut file = archive.by_name(&format!("files/{number}")).expect("it is there");
            file.read_to_end(&mut bytes).expect("it is whole");
            assert_eq!(bytes, [7]);
        }
    }
}
