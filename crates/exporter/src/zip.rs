//! Streams a zip file without compression.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::jobs::JobFailure;
use zip::{
    CompressionMethod::Stored,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter, ZipWriter},
};

use crate::archive::Sink;

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

fn not_written(error: ZipError) -> JobFailure {
    JobFailure::Retry { reason: "archive_not_written", cause: Some(error.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use domain::ports::Chunks;
    use zip::ZipArchive;

    use super::*;
    use crate::archive;

    /// More files than a zip file may have without ZIP64.
    const FILES: usize = 70_000;

    #[tokio::test]
    async fn an_archive_may_have_more_files_than_a_zip_file_without_zip64() {
        let (sink, mut source) = archive::open();
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
