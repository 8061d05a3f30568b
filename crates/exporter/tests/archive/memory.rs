//! How much of an archive is in memory at once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use async_trait::async_trait;
use domain::{
    conversation::attachment::{ObjectKey, Picture, PictureKeys},
    ids::UserId,
    ports::{Chunks, Clock, Files, FilesError, Interrupted, KeepError, ObjectBytes},
    privacy::{export::Export, store::Exporter},
    testing::fixture::user,
};
use exporter::Archiver;

const PICTURES: u64 = 8;
const PICTURE_BYTES: u64 = 10 * 1024 * 1024;
const PIECE_BYTES: u64 = 64 * 1024;
/// The pieces on their way, and those that are gathered and read.
const IN_MEMORY_BYTES_MAX: u64 = 1024 * 1024;

/// Whatever is asked for is a large picture; counts what was read and not yet written.
#[derive(Clone, Default)]
struct LargeStore(Arc<Count>);

#[derive(Default)]
struct Count {
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    between_bytes_max: AtomicU64,
}

struct Large {
    count: Arc<Count>,
    left_bytes: u64,
}

#[async_trait]
impl Chunks for Large {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        if self.left_bytes == 0 {
            return Ok(None);
        }
        self.left_bytes -= PIECE_BYTES;
        let read = self.count.read_bytes.fetch_add(PIECE_BYTES, SeqCst) + PIECE_BYTES;
        let between = read.saturating_sub(self.count.written_bytes.load(SeqCst));
        self.count.between_bytes_max.fetch_max(between, SeqCst);
        Ok(Some(vec![7; 64 * 1024]))
    }
}

#[async_trait]
impl Files for LargeStore {
    async fn keep(
        &self,
        _: &UserId,
        _: &PictureKeys,
        _: Option<&str>,
        _: &mut dyn Chunks,
    ) -> Result<Picture, KeepError> {
        Err(KeepError::Busy)
    }

    async fn write(&self, _: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError> {
        while let Some(piece) = bytes.next().await? {
            self.0.written_bytes.fetch_add(piece.len() as u64, SeqCst);
            // Slower than the reader.
            tokio::task::yield_now().await;
        }
        Ok(self.0.written_bytes.load(SeqCst))
    }

    async fn read(&self, _: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError> {
        let chunks = Box::new(Large { count: self.0.clone(), left_bytes: PICTURE_BYTES });
        Ok(Some(ObjectBytes { size_bytes: PICTURE_BYTES, chunks }))
    }

    async fn delete(&self, _: &ObjectKey) -> Result<(), FilesError> {
        Ok(())
    }

    async fn delete_hosted(&self, _: &str) -> Result<(), FilesError> {
        Ok(())
    }
}

#[tokio::test]
async fn an_archive_is_never_in_memory_as_a_whole() {
    let fixture = super::fixture();
    let id = fixture.service.open("s1", "c1").await;
    for _ in 0..PICTURES {
        fixture.send_picture(&id, &user("c1"), "").await;
    }
    let vast = LargeStore::default();
    let archiver = Archiver::new(fixture.service.store.clone(), Arc::new(vast.clone()));
    let export = Export {
        person: user("c1"),
        key: ObjectKey::parse("the/archive").expect("good"),
        requested_at: fixture.service.clock.now(),
        ready: None,
    };
    let size_bytes = archiver.write(&export).await.expect("everything works");
    assert!(size_bytes > PICTURES * PICTURE_BYTES, "{size_bytes}");
    let most = vast.0.between_bytes_max.load(SeqCst);
    assert!(most <= IN_MEMORY_BYTES_MAX, "{most} of {size_bytes} bytes");
}
